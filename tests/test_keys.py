"""Reading the master key and deriving keys from it."""

import base64
import hashlib
import hmac

import pytest

from aws_masker.errors import SettingsError
from aws_masker.keys import derive, master_key

RAW = hashlib.sha256(b"a made-up master key").digest()


@pytest.mark.parametrize(
    "written",
    [
        RAW.hex(),
        RAW.hex().upper(),
        f" {RAW.hex()}\n",
        base64.b64encode(RAW).decode(),
        base64.b64encode(RAW).decode().rstrip("="),
        base64.urlsafe_b64encode(RAW).decode(),
        RAW.hex().encode() + b"\n",
        base64.b64encode(RAW),
        RAW,
    ],
)
def test_every_spelling_of_a_key_is_the_same_key(written: str | bytes) -> None:
    assert master_key(written) == RAW


def test_both_alphabets_of_base64_are_read() -> None:
    raw = bytes(range(0xE0, 0x100))
    assert "/" in base64.b64encode(raw).decode()
    assert master_key(base64.b64encode(raw)) == master_key(base64.urlsafe_b64encode(raw)) == raw


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "is 0 bytes, needs 32"),
        ("short-secret", "is 12 bytes, needs 32"),
        (b"short-secret", "is 12 bytes, needs 32"),
        (RAW[:16].hex(), "is 16 bytes, needs 32"),
        ("correct horse battery staple 123", "is 32 characters of text, needs 64 hexadecimal digits"),
        (b"correct horse battery staple 123", "is 32 characters of text, needs 64 hexadecimal digits"),
        (RAW.hex() + "0", "is 65 bytes, needs 32"),
        (RAW.hex()[:-1] + "g", "is 64 bytes, needs 32"),
        (base64.b64encode(RAW).decode()[:-2] + "!=", "is 44 bytes, needs 32"),
        ("\udcff", "is 3 bytes, needs 32"),
        ("00" * 32, "is too regular to be random"),
        ("0123456789abcdef" * 4, "is too regular to be random"),
        (base64.b64encode(b"k" * 32), "is too regular to be random"),
        (bytes(32), "is too regular to be random"),
    ],
)
def test_a_key_that_cannot_serve_is_refused_with_the_remedy(written: str | bytes, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        master_key(written)
    assert str(caught.value).startswith(f"AWS_MASKER_KEY {problem}")
    assert str(caught.value).endswith("make one with `aws-masker key`")


def test_an_error_never_quotes_the_key() -> None:
    with pytest.raises(SettingsError) as caught:
        master_key("hunter2-hunter2")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


def test_keys_are_derived_as_rfc_5869_says() -> None:
    pseudo_random_key = hmac.digest(bytes(32), RAW, "sha256")
    first = hmac.digest(pseudo_random_key, b"aws-masker:v1:vault seal\x01", "sha256")
    second = hmac.digest(pseudo_random_key, first + b"aws-masker:v1:vault seal\x02", "sha256")
    assert derive(RAW, "vault seal") == first
    assert derive(RAW, "vault seal", 48) == (first + second)[:48]


def test_each_purpose_and_each_master_key_has_a_key_of_its_own() -> None:
    other = hashlib.sha256(b"another made-up master key").digest()
    assert len({derive(RAW, "tokens"), derive(RAW, "token check"), derive(other, "tokens"), RAW}) == 4
