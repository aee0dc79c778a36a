"""The keys: kept outside the database, named by number, replaced one at a time.

The keyring is a JSON file (mode 600) or the environment variable SONGHE_KEYRING_JSON:
``{"seal": {"1": hex, "2": hex}, "current": 2, "index": hex}``. A hardware module may stand in by replacing ``load``.
"""

import json
import os
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from songhe.config.paths import KEYRING


@dataclass(frozen=True)
class Keyring:
    """SM4 keys by number, the number in use for sealing, and the key of the blind index."""

    seal: dict[int, bytes]
    current: int
    index: bytes


class KeyringElsewhere(Exception):
    """The keyring is kept where this program cannot write."""


_cache: tuple[tuple[int, int], Keyring] | None = None


def load() -> Keyring:
    """Return the keyring, making one on first use; a running server follows a change of the file."""
    global _cache
    if text := os.environ.get("SONGHE_KEYRING_JSON"):
        return _parse(text)
    # Asked for every number sealed or looked up, so it costs one look at the file.
    try:
        status = KEYRING.stat()
    except FileNotFoundError:
        _create(Keyring(seal={1: secrets.token_bytes(16)}, current=1, index=secrets.token_bytes(32)))
        status = KEYRING.stat()
    # Each new keyring is a new file, so its number tells it apart even within one tick of the clock.
    stamp = (status.st_ino, status.st_mtime_ns)
    if _cache is None or _cache[0] != stamp:
        _cache = (stamp, _parse(KEYRING.read_text()))
    return _cache[1]


def add_key() -> int:
    """Add a new sealing key and make it the one in use; return its number. Old keys stay for reading.

    Raises KeyringElsewhere when the keyring is not a file of ours.
    """
    if os.environ.get("SONGHE_KEYRING_JSON"):
        raise KeyringElsewhere("密钥环由环境变量 SONGHE_KEYRING_JSON 给出，请在那里加入新密钥。")
    ring = load()
    number = max(ring.seal) + 1
    _write(Keyring(seal={**ring.seal, number: secrets.token_bytes(16)}, current=number, index=ring.index))
    return number


@lru_cache(maxsize=2)
def _parse(text: str) -> Keyring:
    data = json.loads(text)
    return Keyring(
        seal={int(number): bytes.fromhex(key) for number, key in data["seal"].items()},
        current=int(data["current"]),
        index=bytes.fromhex(data["index"]),
    )


def _write(ring: Keyring) -> None:
    _private_copy(ring).replace(KEYRING)


def _create(ring: Keyring) -> None:
    """Put a first keyring in place unless another process has just done so: its keys may be in use already."""
    copy = _private_copy(ring)
    try:
        os.link(copy, KEYRING)
    except FileExistsError:
        pass
    finally:
        copy.unlink()


def _private_copy(ring: Keyring) -> Path:
    KEYRING.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(
        {
            "seal": {str(number): key.hex() for number, key in ring.seal.items()},
            "current": ring.current,
            "index": ring.index.hex(),
        },
        indent=1,
    )
    copy = KEYRING.with_name(f".{KEYRING.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return copy
