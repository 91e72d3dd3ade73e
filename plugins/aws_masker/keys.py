"""The master key: how it is read, and the keys for single purposes that are derived from it.

Nothing uses the master key itself. Each purpose (tokens, their check, sealing in the vault, …) has a key of its own,
derived by HKDF with SHA-256 (RFC 5869) under a distinct info string, so that no purpose learns anything of another's.
"""

import base64
import re
from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from aws_masker.errors import SettingsError

KEY_BYTES = 32
MIN_DISTINCT_BYTES = 16
"""Fewer different values among 32 bytes mean a made-up key: chance gives fewer than once in 10^15 keys."""

MAX_ACCEPTED = 4
"""Further keys at once: each costs a little for every token that comes in, and lets one forgery in 32,768 pass."""

_HEX = re.compile(r"[0-9A-Fa-f]{64}")
_HALF_HEX = re.compile(r"[0-9A-Fa-f]{32}")
_BASE64 = re.compile(r"[0-9A-Za-z+/_-]{43}=?")
_URL_SAFE = str.maketrans("+/", "-_")
_INFO = b"aws-masker:v1:"
_IS_TEXT = "is 32 characters of text, needs 64 hexadecimal digits or the base64 of 32 bytes"
_REMEDY = "make one with `aws-masker key`"


def master_key(key: str | bytes) -> bytes:
    """Return the 32 bytes of the master key.

    ``key`` is 64 hexadecimal digits or the base64 of 32 bytes (either alphabet, padding optional), as str or as ASCII
    bytes, white space around it ignored (files end in a newline); or exactly 32 raw bytes.

    Raises SettingsError, which never quotes the key, if it is anything else or cannot have come from a random source.
    """
    if isinstance(key, bytes) and len(key) == KEY_BYTES:
        raw = key
        if raw.isascii() and raw.decode().isprintable():  # a random key is all text once in 10^13 times
            raise _refusal(_IS_TEXT)
    else:
        raw = _decode(key)
    if len(set(raw)) < MIN_DISTINCT_BYTES:
        problem = f"is too regular to be random ({len(set(raw))} different values among its 32 bytes)"
        raise _refusal(problem)
    return raw


def accepted_master_keys(accepted: Sequence[str]) -> list[bytes]:
    """Return the master keys of which tokens are recognised, but not made.

    Raises SettingsError as ``master_key`` does, with the place of the key in the list, or when they are too many.
    """
    if len(accepted) > MAX_ACCEPTED:
        message = f"AWS_MASKER_ACCEPTED_KEYS: expected {MAX_ACCEPTED} keys at most, got {len(accepted)}: take some out"
        raise SettingsError(message)
    masters = []
    for place, key in enumerate(accepted, 1):
        try:
            masters.append(master_key(key))
        except SettingsError as error:
            problem = str(error).removeprefix("AWS_MASKER_KEY")
            message = f"AWS_MASKER_ACCEPTED_KEYS: key {place} of {len(accepted)}{problem}"
            raise SettingsError(message) from None
    return masters


def master_keys(key: str | bytes, accepted: Sequence[str] = ()) -> tuple[bytes, ...]:
    """Return the master keys, each once: the one in use first, then those that are only accepted.

    Raises SettingsError.
    """
    return tuple(dict.fromkeys((master_key(key), *accepted_master_keys(accepted))))


def fingerprint(key: str | bytes) -> str:
    """Return what tells keys apart and says nothing of them: 12 hexadecimal digits. Raises SettingsError."""
    return derive(master_key(key), "fingerprint", 6).hex()


def derive(master: bytes, purpose: str, length: int = 32) -> bytes:
    """Return ``length`` bytes that only ``master`` and ``purpose`` determine.

    ``purpose`` is a fixed text of the calling module, such as ``"vault seal"``; ``length`` is at most 8160.
    """
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=_INFO + purpose.encode()).derive(master)


def _decode(key: str | bytes) -> bytes:
    text = key.strip() if isinstance(key, str) else key.decode("latin-1").strip()
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if _BASE64.fullmatch(text):
        return base64.urlsafe_b64decode(text.translate(_URL_SAFE).rstrip("=") + "=")
    if _HALF_HEX.fullmatch(text):
        problem = f"is 16 bytes, needs {KEY_BYTES}"
        raise _refusal(problem)
    size = len(text.encode("utf-8", "surrogatepass"))
    raise _refusal(_IS_TEXT if size == KEY_BYTES else f"is {size} bytes, needs {KEY_BYTES}")


def _refusal(problem: str) -> SettingsError:
    return SettingsError(f"AWS_MASKER_KEY {problem}: {_REMEDY}")
