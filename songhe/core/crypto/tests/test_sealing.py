"""SM4-GCM and SM3 against the standards' vectors, and what a sealed value does not survive."""

import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from hypothesis import given
from hypothesis import strategies as st

from songhe.core.crypto import keyring, sealing
from songhe.core.journal.sealing import sm3


@pytest.fixture(autouse=True)
def ring(monkeypatch, tmp_path):
    monkeypatch.setattr(keyring, "KEYRING", tmp_path / "keyring.json")
    monkeypatch.setattr(keyring, "_cache", None)
    return tmp_path / "keyring.json"


def test_sm3_gives_the_digests_of_the_standard():
    """GB/T 32905-2016, appendix A."""
    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3(b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


def test_sm4_gcm_gives_the_ciphertext_of_the_standard():
    """RFC 8998, appendix A.1."""
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    encryptor = Cipher(SM4(key), GCM(bytes.fromhex("00001234567800000000abcd"))).encryptor()
    encryptor.authenticate_additional_data(bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
    plain = b"".join(bytes([letter]) * 8 for letter in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    assert encryptor.update(plain) + encryptor.finalize() == bytes.fromhex(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    )
    assert encryptor.tag.hex() == "83de3541e4c2b58177e065a9bf7b62ec"


@given(st.text(), st.text(min_size=1))
def test_what_is_sealed_opens_in_its_place(text, context):
    sealed = sealing.seal(text, context=context)
    assert sealing.unseal(sealed, context=context) == text
    assert sealing.seal(text, context=context) != sealed


def test_an_altered_or_moved_value_does_not_open():
    sealed = sealing.seal("340802194001011234", context="elders:1:id_number")
    for place in range(2, len(sealed)):
        broken = bytearray(sealed)
        broken[place] ^= 1
        with pytest.raises(sealing.NotOpened, match="密文与所在记录不符"):
            sealing.unseal(bytes(broken), context="elders:1:id_number")
    with pytest.raises(sealing.NotOpened):
        sealing.unseal(sealed, context="elders:2:id_number")


def test_a_value_of_a_key_we_do_not_have_says_so():
    sealed = sealing.seal("1", context="a")
    with pytest.raises(sealing.NotOpened, match="没有第 9 号密钥"):
        sealing.unseal(b"\x00\x09" + sealed[2:], context="a")


def test_a_new_key_seals_and_the_old_one_still_opens(ring):
    old = sealing.seal("1", context="a")
    assert keyring.add_key() == 2
    assert keyring.add_key() == 3
    assert sealing.key_number(sealing.seal("1", context="a")) == 3
    assert sealing.unseal(old, context="a") == "1"
    assert ring.stat().st_mode & 0o777 == 0o600
    assert not list(ring.parent.glob(".keyring*"))


def test_two_processes_starting_at_once_agree_on_one_keyring(ring):
    first = keyring.load()
    keyring._create(keyring.Keyring(seal={1: bytes(16)}, current=1, index=bytes(32)))
    assert keyring.load() == first


def test_a_keyring_from_the_environment_is_not_written(monkeypatch, ring):
    text = json.dumps({"seal": {"1": "11" * 16}, "current": 1, "index": "22" * 32})
    monkeypatch.setenv("SONGHE_KEYRING_JSON", text)
    assert sealing.unseal(sealing.seal("1", context="a"), context="a") == "1"
    with pytest.raises(keyring.KeyringElsewhere):
        keyring.add_key()
    assert not ring.exists()


def test_a_number_is_found_however_it_was_typed():
    index = sealing.blind_index("34080219400101123X", purpose="id")
    assert sealing.blind_index(" ３４０８０２-19400101-123x ", purpose="id") == index
    assert sealing.blind_index("34080219400101123X", purpose="phone") != index
    assert len(index) == 32
    assert index != sm3(b"id\x0034080219400101123X")
    assert isinstance(hashes.SM3().digest_size, int)


@pytest.mark.parametrize(
    ("text", "head", "tail", "shown"),
    [
        ("340802194001011234", 4, 4, "3408**********1234"),
        ("13800001111", 3, 4, "138****1111"),
        ("12345", 3, 4, "1****"),
        ("1", 4, 4, "1"),
        ("123456", 2, 0, "12****"),
    ],
)
def test_masks(text, head, tail, shown):
    assert sealing.mask(text, head=head, tail=tail) == shown
