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
        self._body_key = hmac.digest(derive(master, "token body"), name, "sha256")
        self._check_key, *self._further = (
            hmac.digest(derive(one, "token check"), name, "sha256") for one in (master, *accepted)
        )
        self._labels = frozenset(label.encode() for label in labels)

    def __repr__(self) -> str:
        """Show no key."""
        return f"<Tokens with {len(self._labels)} labels>"

    def make(self, label: bytes, value: bytes) -> bytes:
        """Return the token for ``value`` (its canonical form) under ``label``, which must be one of the labels."""
        if label not in self._labels:
            message = f"{label!r} is not a label of the catalogue"
            raise ValueError(message)
        body = hmac.digest(self._body_key, value, "sha256")[:BODY_LENGTH].translate(_CHARACTERS)
        return b"%b-x%b%b" % (label, body, _check(self._check_key, label, body))

    def start_of(self, text: bytes, tail: int) -> int | None:
        """Return where the token starts whose ``-x`` stands at ``tail``, or None when it is no token of ours.

        The caller has matched TAIL_PATTERN at ``tail``. Of several labels that would verify, the longest wins.
        """
        body = text[tail + 2 : tail + 2 + BODY_LENGTH]
        check = text[tail + 2 + BODY_LENGTH : tail + 2 + TAIL_LENGTH]
        for start in range(max(0, tail - MAX_LABEL_LENGTH), tail):
            label = text[start:tail]
            if label in self._labels and self._verifies(label, body, check):
                return start
        return None

    def _verifies(self, label: bytes, body: bytes, check: bytes) -> bool:
        """Tell whether the check is that of the current key or of a further one."""
        if hmac.compare_digest(_check(self._check_key, label, body), check):
            return True
        return any(hmac.compare_digest(_check(key, label, body), check) for key in self._further)


def _check(key: bytes, label: bytes, body: bytes) -> bytes:
    return hmac.digest(key, b"%b-x%b" % (label, body), "sha256")[:CHECK_LENGTH].translate(_CHARACTERS)
