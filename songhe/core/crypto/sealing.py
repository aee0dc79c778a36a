"""Sealing personal numbers: SM4-GCM (GB/T 32907) with the row as associated data, and an HMAC-SM3 (GB/T 32905) index.

A sealed value is ``key number (2 bytes) | nonce (12) | ciphertext and tag``. It opens only with the context it was
sealed in, so a value moved to another row does not open there.
"""

import os
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

from songhe.core.crypto import keyring

NONCE = 12
TAG = 16


class NotOpened(Exception):
    """A sealed value does not open: its key is missing, or the row or the bytes were altered."""


class Sealer:
    """Seals, opens and indexes under one keyring; whoever has many texts takes one and asks for its keys once."""

    def __init__(self, ring: keyring.Keyring) -> None:
        self.ring = ring
        self._keys = {number: SM4(key) for number, key in ring.seal.items()}
        self._prefix = ring.current.to_bytes(2, "big")
        self._begun: dict[str, hmac.HMAC] = {}

    def seal(self, text: str, *, context: str) -> bytes:
        """Seal a text for one context (``table:row id:column``)."""
        nonce = os.urandom(NONCE)
        encryptor = Cipher(self._keys[self.ring.current], GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(context.encode())
        body = encryptor.update(text.encode()) + encryptor.finalize()
        return self._prefix + nonce + body + encryptor.tag

    def unseal(self, sealed: bytes, *, context: str) -> str:
        """Open a sealed text in its context; NotOpened if it was altered, moved, or its key is not in the keyring."""
        number = int.from_bytes(sealed[:2], "big")
        key = self._keys.get(number)
        if key is None:
            raise NotOpened(f"密钥环里没有第 {number} 号密钥。")
        nonce, body, tag = sealed[2 : 2 + NONCE], sealed[2 + NONCE : -TAG], sealed[-TAG:]
        decryptor = Cipher(key, GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(context.encode())
        try:
            return (decryptor.update(body) + decryptor.finalize()).decode()
        except InvalidTag as error:
            raise NotOpened("密文与所在记录不符：可能被改动或移动过。") from error

    def index(self, text: str, *, purpose: str) -> bytes:
        """Return the keyed digest by which an exact value is found; full-width and case are folded."""
        begun = self._begun.get(purpose)
        if begun is None:
            begun = self._begun[purpose] = hmac.HMAC(self.ring.index, hashes.SM3())
            begun.update(purpose.encode() + b"\0")
        digest = begun.copy()
        digest.update(normal(text).encode())
        return digest.finalize()


_present: Sealer | None = None


def sealer() -> Sealer:
    """Return the sealer of the keyring as it is now."""
    global _present
    ring = keyring.load()
    if _present is None or _present.ring is not ring:
        _present = Sealer(ring)
    return _present


def seal(text: str, *, context: str) -> bytes:
    """Seal one text for one context (``table:row id:column``)."""
    return sealer().seal(text, context=context)


def unseal(sealed: bytes, *, context: str) -> str:
    """Open one sealed text in its context; NotOpened if it was altered, moved, or its key is not in the keyring."""
    return sealer().unseal(sealed, context=context)


def key_number(sealed: bytes) -> int:
    """Return the number of the key a value was sealed with."""
    return int.from_bytes(bytes(sealed[:2]), "big")


def blind_index(text: str, *, purpose: str) -> bytes:
    """Return the keyed digest by which an exact value is found without being stored; full-width and case are folded."""
    return sealer().index(text, purpose=purpose)


def normal(text: str) -> str:
    """Fold what people type differently: full-width digits, spaces, dashes, lower-case x."""
    if text.isalnum() and text.isascii():
        return text.upper()
    return unicodedata.normalize("NFKC", text).replace(" ", "").replace("-", "").upper()


def mask(text: str, *, head: int, tail: int) -> str:
    """Return the text with its middle replaced by stars; short texts keep only their first character."""
    if len(text) <= head + tail:
        return text[:1] + "*" * (len(text) - 1)
    return text[:head] + "*" * (len(text) - head - tail) + (text[-tail:] if tail else "")
