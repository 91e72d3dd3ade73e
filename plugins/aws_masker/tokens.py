"""Tokens: the pseudonyms that stand for identifiers.

A token is ``<label>-x<body><check>``: 13 characters of body and 3 of check, five bits each.

* The body is 65 bits of HMAC-SHA-256(key of the tenant, value), five of each of its first 13 bytes. Nothing else enters
  it: no counter, clock or store. So the same value has the same token after a restart, in another replica, and with an
  empty vault.
* The check is 15 bits of HMAC-SHA-256(check key of the tenant, label and body). It lets a token be recognised as one
  of this tenant's without a look-up: an accidental or forged one passes once in 32,768 tries (for each key).
* While keys are being changed, tokens of other keys than the current one are recognised too. They are never made.
* ``x`` is no hexadecimal digit, so no identifier that AWS issues has the shape of a token, nor the reverse.

The alphabet leaves out i, l, o and u, which are easily misread. This module knows bytes and labels, not their meaning.
"""

import hmac
import re
from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from aws_masker.keys import derive

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
BODY_LENGTH: Final = 13
CHECK_LENGTH: Final = 3
TAIL_LENGTH: Final = BODY_LENGTH + CHECK_LENGTH
MAX_LABEL_LENGTH: Final = 24
LABEL_PATTERN: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
# RE2 syntax; what stands to the left of it may be a label.
TAIL_PATTERN: Final = f"-x[{ALPHABET}]{{{TAIL_LENGTH}}}"

# A byte gives the character of its five low bits: 256 is a multiple of 32, so all are equally likely.
_CHARACTERS: Final = (ALPHABET * 8).encode()


class Tokens:
    """Makes the tokens of one tenant under one key, and recognises those of that key and of further ones."""

    def __init__(self, master: bytes, tenant: str, labels: Iterable[str], accepted: Iterable[bytes] = ()) -> None:
        """Derive this tenant's keys from ``master`` (32 bytes); ``labels`` are all that its tokens may carry.

        ``accepted`` are the master keys of tokens that are recognised, but not made.
        """
        name = tenant.encode("utf-8", "surrogatepass")
        # Keyed once: a copy costs half of what a keyed digest from the start does, and here half of what it does in the
        # standard library.
        self._body = _keyed(derive(master, "token body"), name)
        self._check, *self._further = (_keyed(derive(one, "token check"), name) for one in (master, *accepted))
        self._labels = frozenset(label.encode() for label in labels)

    def __repr__(self) -> str:
        """Show no key."""
        return f"<Tokens with {len(self._labels)} labels>"

    def make(self, label: bytes, value: bytes) -> bytes:
        """Return the token for ``value`` (its canonical form) under ``label``, which must be one of the labels."""
        if label not in self._labels:
            message = f"{label!r} is not a label of the catalogue"
            raise ValueError(message)
        head = b"%b-x%b" % (label, _characters(self._body, value, BODY_LENGTH))
        return head + _characters(self._check, head, CHECK_LENGTH)

    def start_of(self, text: bytes, tail: int) -> int | None:
        """Return where the token starts whose ``-x`` stands at ``tail``, or None when it is no token of ours.

        The caller has matched TAIL_PATTERN at ``tail``. Of several labels that would verify, the longest wins.
        """
        body_end = tail + len(b"-x") + BODY_LENGTH
        check = text[body_end : body_end + CHECK_LENGTH]
        for start in range(max(0, tail - MAX_LABEL_LENGTH), tail):
            if text[start:tail] in self._labels and self._verifies(text[start:body_end], check):
                return start
        return None

    def _verifies(self, head: bytes, check: bytes) -> bool:
        """Tell whether the check of a label and body is that of the current key or of a further one."""
        return any(
            hmac.compare_digest(_characters(key, head, CHECK_LENGTH), check) for key in (self._check, *self._further)
        )


def _keyed(key: bytes, name: bytes) -> HMAC:
    """Return the HMAC under the key of the tenant called ``name``."""
    return HMAC(hmac.digest(key, name, "sha256"), SHA256())


def _characters(key: HMAC, text: bytes, count: int) -> bytes:
    """Return five bits of each of the first ``count`` bytes of the HMAC of ``text``."""
    keyed = key.copy()
    keyed.update(text)
    return keyed.finalize()[:count].translate(_CHARACTERS)
