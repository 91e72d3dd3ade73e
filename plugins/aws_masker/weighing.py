"""Weighing: whether what was found beside a key counts, by the key, by what it looks like, and by what its text is.

A key of AWS's own in a text that speaks of AWS says enough. Elsewhere any program has such keys: what stands beside
them has to look like somebody's own.
"""

from collections.abc import Sequence
from typing import Final

from aws_masker.catalogue import MACROS, Family
from aws_masker.context import Met
from aws_masker.finding import Finding
from aws_masker.general import names_something
from aws_masker.joints import Kind
from aws_masker.re2c import Pattern, Span
from aws_masker.shared import (
    Vocabulary,
    counts,
    ends_alike,
    is_api,
    is_dashed_name,
    is_given,
    is_given_id,
    is_other,
    is_own,
    repeats,
)
from aws_masker.standing import stands_so
from aws_masker.subject import Subject, Writing

# What manifests of Kubernetes and Prometheus have of their own, besides a name.
_OF_MANIFESTS: Final = (b"namespace", b"job_name")
# Kinds of which the value says enough.
_SAYS_ITSELF: Final = ("account", "pii", "secret")
_UUID: Final = MACROS["<uuid>"]
# Words of any language.
_LETTERS: Final = Pattern(r"[A-Za-z\x80-\xff]+(?: [A-Za-z\x80-\xff]+)*")
# What a field is labelled with: few secrets begin with the only capital they have.
_LABELLED: Final = Pattern(r"[A-Z\x80-\xff][a-z\x80-\xff]*(?: [A-Za-z\x80-\xff]+)*")
# What a key may be spelled with.
_SPELLED: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
# So far before a key its beginning is looked for.
_LOOK_BACK: Final = 60


class Weighing:
    """Weighs what is found by the keys of one catalogue."""

    def __init__(self, families: Sequence[Family], vocabulary: Vocabulary) -> None:
        """Take the families that a finding may be of, and the words of programs."""
        self._families = families
        self._vocabulary = vocabulary

    def counts(self, text: bytes, one: Finding, key: int, joint: Span, met: Met, subject: Subject) -> bool:
        """Tell whether what was found beside a key counts.

        What is found without AWS, beside a shared key or in a text of another cloud, has to look so.
        """
        is_aws, family = subject.is_aws(key), self._families[one.family]
        if family.general:
            return names_something(text, (key, joint[0]), (one.start, one.end), met.joint, subject, self._vocabulary)
        weighed = (met.shared and met.joint.kind is not Kind.COLUMN and not is_aws) or subject.is_elsewhere(key)
        joined, word = text[slice(*joint)], text[one.start : one.end]
        words = _LABELLED if family.kind == "secret" else _LETTERS
        if (text[key : joint[0]] in _OF_MANIFESTS and subject.names_its_own(key)) or (
            words.fits(word) and subject.is_said(key)
        ):
            return False
        if is_aws and joined != b">" and not ends_alike(text[key : joint[0]], word):
            return True
        low = key
        while low > max(0, key - _LOOK_BACK) and text[low - 1] in _SPELLED:
            low -= 1
        if text.startswith(b"--", low - 2, low):
            low -= 2
        shared = text[low : joint[0]]
        if not (is_aws or family.kind in _SAYS_ITSELF or stands_so(text, key, (low, joint[0]), one, met)):
            return False
        if is_other(shared, joined) or repeats(shared, joined, word, is_aws=is_aws, secret=family.kind == "secret"):
            return False
        if is_aws and not weighed:
            return True
        writing = subject.writing(key)
        # Any program has buckets and clusters of its own.
        if not weighed and (writing is not Writing.PROGRAM or (is_api(shared) and not self._vocabulary.holds(word))):
            return self._is_somebodys(family, shared, joined, word, writing)
        return self._looks_so(text, one, shared, joined, subject)

    def _is_somebodys(self, family: Family, shared: bytes, joined: bytes, word: bytes, writing: Writing) -> bool:
        """Tell whether ``word``, beside a key that is not shared, is more than its text's own."""
        if family.kind == "secret":
            return True
        return not is_own(shared, joined, word, self._vocabulary, writing)

    def _looks_so(self, text: bytes, one: Finding, shared: bytes, joined: bytes, subject: Subject) -> bool:
        """Tell whether what was found beside ``shared``, joined to it by ``joined``, looks like what the key says."""
        family, word = self._families[one.family], text[one.start : one.end]
        if b"{" in word:
            # What is put in later says nothing of a name, but for what stands around it.
            word = b"-".join(text[low:high] for low, high in one.parts)
        # A form of its own that the value has to have says enough; that of a UUID is everybody's. That of a name is no
        # more than words with dashes between them.
        own = family.value not in ("", _UUID) and family.kind not in ("secret", "pii")
        elsewhere = family.kind not in ("account", "secret") and subject.is_elsewhere(one.start)
        if elsewhere and (subject.writing(one.start) is Writing.PROGRAM or not is_given(shared, word)):
            return False
        # A placeholder rather than an element: <ProjectID>/jobs/<JobID>.
        if joined == b">" and text[one.end : one.end + 2] != b"</":
            return False
        # Any program has phone numbers; mail addresses are told by their key.
        if family.kind == "pii" and b"@" not in word:
            return False
        writing = subject.writing(one.start)
        if own and (
            is_dashed_name(shared, joined, word, self._vocabulary, writing)
            if family.kind == "name"
            else is_given_id(shared, word, writing)
        ):
            return True
        return counts(shared, joined, word, self._vocabulary, writing, secret=family.kind == "secret")
