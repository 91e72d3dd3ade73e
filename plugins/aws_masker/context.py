"""Context: a value is an identifier because of the key, flag or column beside it.

A key of the catalogue (``DBInstanceIdentifier``) is met in many spellings (``db_instance_identifier``,
``--db-instance-identifier``, ``DB_INSTANCE_IDENTIFIER``, ``ledgerDbInstanceIdentifier``) and joined to its value in
many ways (``joints``). ``Keys.pattern`` is one alternation that finds a known key with what joins it to a value;
``Keys.read`` then tells the families and the joint.

A structured document gives its keys and values apart: ``joined`` writes them as text that the same pattern finds, with
two control characters, which JSON text cannot hold, as marks.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from aws_masker.boundaries import BEFORE, after_boundary
from aws_masker.catalogue import Family
from aws_masker.commands import PROMPT
from aws_masker.joints import AFTER_FLAG, AFTER_KEY, END, VALUE, Joint, Kind, Series, joint_of
from aws_masker.re2c import NEVER, Pattern, Span

_NO_MARKS: Final = bytes.maketrans(END + VALUE, b"\x02\x02")
_EDGES: Final = b"-_.,:;=+@"
_FIELDS: Final = bytes.maketrans(b":,", b"//")
_FLAG: Final = r"(?:--(?:[a-z0-9]+-)*|[\s\"'`(\[,\x00\x01]-)"

# Joints that may go on in the header of a table.
_TITLES: Final = frozenset((Kind.TITLE, Kind.ROW, Kind.COLUMN, Kind.ARGUMENT))
# Of several that are alike: TABLE_NAME_2, bucket1.
_NUMBER: Final = "(?:_?[0-9]{1,2})?"
_DIGITS: Final = b"0123456789"
_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SPELLED: Final = Pattern(r"[A-Za-z][A-Za-z0-9_-]{0,80}")
_SPELLED_FLAG: Final = Pattern(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}")
_JOINERS: Final = b"-_ "
# Whose account it is stands before them: aws:ResourceAccount.
_OF_ACCOUNTS: Final = ("Account", "AccountId", "AccountNumber")


class Met(NamedTuple):
    """A key with its joint as they were met: the families of the key, its extent in the match, and the joint.

    ``shared`` tells that the key means something else outside AWS, ``general`` that it says nothing there, and
    ``spoken`` that it may as well be the noun of a sentence or a heading. ``may_title`` tells that the joint may go on
    in the header of a table, and ``one_value`` that one value follows and nothing else.
    """

    families: list[int]
    low: int
    high: int
    joint: Joint
    shared: bool
    general: bool
    spoken: bool
    may_title: bool
    one_value: bool


def spelling(key: str, between: str = "[-_ ]?") -> str:
    """Return the RE2 pattern for all spellings of an API name such as ``DBInstanceIdentifier``."""
    return between.join(word.lower() for word in _WORDS.findall(key))


def hump(key: str) -> str:
    """Return the RE2 pattern for an API name as the end of a longer one in camel case: ``sourceBucketName``."""
    return "".join(f"{word[0].upper()}(?i:{word[1:]})" for word in _WORDS.findall(key))


def normal(key: bytes) -> bytes:
    """Return what all spellings of a key have in common."""
    return key.translate(None, _JOINERS).lower()


class Keys:
    """The keys of a catalogue, and the families that each stands for."""

    def __init__(
        self,
        families: Iterable[tuple[int, Family]],
        shared: frozenset[str] = frozenset(),
        other: frozenset[str] = frozenset(),
    ) -> None:
        """Index the ``keys`` rows among ``families``, given with their place in the catalogue.

        ``shared`` keys mean something else outside AWS; ``other`` ones only end like a key of a family.
        """
        self._shared = frozenset(normal(key.encode()) for key in shared)
        # Of families with a key in common, those that ask for a form come first, and general ones last.
        families = sorted(families, key=lambda one: (one[1].general, not one[1].value))
        self._general = frozenset(index for index, family in families if family.general)
        self._families: dict[bytes, list[int]] = {}
        names: dict[str, None] = {}
        # What may be the end of a longer name: an id's key is named in full.
        tails: dict[str, None] = {}
        for index, family in families:
            for key in family.keys:
                self._families.setdefault(normal(key.encode()), []).append(index)
                names[key] = None
                if family.kind in ("name", "secret") or key.endswith(_OF_ACCOUNTS):
                    tails[key] = None
        # The pattern meets these first, and they stand for no family.
        names |= dict.fromkeys(other)
        # The longest first: BucketName before Bucket.
        keys = sorted(names, key=lambda key: (-len(key), key))
        spelled = "|".join(dict.fromkeys(map(spelling, keys))) or NEVER
        flags = "|".join(dict.fromkeys(spelling(key, "[-_]?") for key in keys)) or NEVER
        humps = "|".join(dict.fromkeys(hump(key) for key in keys if key in tails)) or NEVER
        self._key = Pattern(rf"(?i:(?:{spelled})s?){_NUMBER}")
        # Behind a joint, or in the header of a table.
        self.pattern = (
            rf"(?:(?:(?:{BEFORE}|-D)(?i:(?:{spelled})s?)|[a-z0-9](?:{humps})s?){_NUMBER}{AFTER_KEY}"
            rf"|{_FLAG}(?i:(?:{flags})s?){AFTER_FLAG})"
        )

    def is_key(self, word: bytes) -> bool:
        """Tell whether a value is itself the name of a key, as in a list of required members.

        A noun alone that says what something is in a text of AWS may be somebody's name for it as well: ledger.
        """
        families = self._families.get(normal(word), [])
        return bool(families) and not (word.isalpha() and word.islower() and self._general.issuperset(families))

    def is_shared(self, key: bytes) -> bool:
        """Tell whether a key, in whatever spelling, means something else outside AWS."""
        name = normal(key)
        return name in self._shared or name.removesuffix(b"s") in self._shared

    def families(self, key: bytes) -> list[int]:
        """Return the places of the families that a key stands for, in whatever spelling."""
        name = normal(key)
        return self._families.get(name) or self._families.get(name.removesuffix(b"s")) or []

    def read(self, match: bytes) -> Met | None:
        """Return what a match of ``pattern`` holds."""
        flag = match.startswith(b"--") or match[1:2] == b"-"
        if flag:
            low = 2
            high = _SPELLED_FLAG.match(match, low)
            name = self._of_flag(match[low:high])
        else:
            low, high = self._extent(match)
            name = match[low:high]
            if not self.families(name):
                name = name.rstrip(_DIGITS).rstrip(b"_")
        found = self.families(name)
        if not found:
            return None
        key = normal(match[low:high])
        plural = key.endswith(b"s") and not (key in self._families and key.endswith((b"ss", b"alias")))
        joint = joint_of(match[high:], flag=flag, plural=plural)
        one_value = joint.series is Series.ONE and joint.kind is Kind.VALUE
        general = self._general.issuperset(found)
        spoken = joint.kind in (Kind.PROSE, Kind.TITLE) or match.endswith(b"`")
        return Met(found, low, high, joint, self.is_shared(name), general, spoken, joint.kind in _TITLES, one_value)

    def _of_flag(self, spelled: bytes) -> bytes:
        """Return the key in a flag, which may have words before it: --source-db-instance-identifier."""
        words = spelled.split(b"-")
        tails = (b"".join(words[skip:]) for skip in range(min(5, len(words))))
        return next((tail for tail in tails if self.families(tail)), b"")

    def _extent(self, match: bytes) -> Span:
        """Return where the key stands in a match that is no flag's: behind a boundary, or the first of its humps."""
        lead = 2 if match.startswith(b"-D") else 1
        for low in (after_boundary(match, 0, len(match)), lead):
            high = self._key.match(match, low)
            if high > low:
                return low, high
        return 0, 0


def joined(key: bytes | None, value: bytes) -> tuple[bytes, int]:
    """Return a separate text, with the key that it stands under if any, and how many bytes come before it."""
    before = head(key)
    return before + unmarked(value), len(before)


def head(key: bytes | None) -> bytes:
    """Return what stands before a separate text: ``key``, if it can be one of the catalogue, or is a command."""
    if key and key.startswith(PROMPT):
        return b"%b%b%b" % (END, key, VALUE)
    return b'%b"%b": %b' % (END, key, VALUE) if key and _SPELLED.fits(key) else END


def unmarked(value: bytes) -> bytes:
    """Return a text without marks, which it may hold as escapes in JSON: something of the same length for them."""
    return value.translate(_NO_MARKS) if END in value or VALUE in value else value


def trimmed(text: bytes, spans: Iterable[Span]) -> list[Span]:
    """Return the spans without the joining characters at their edges (``payments-`` of ``payments-*``)."""
    kept = []
    for low, high in spans:
        start, end = low, high
        while start < end and text[start] in _EDGES:
            start += 1
        while end > start and text[end - 1] in _EDGES:
            end -= 1
        if start < end:
            kept.append((start, end))
    return kept


def fields(text: bytes, start: int, end: int) -> tuple[Span, ...]:
    """Return the fields of a value that is a path or a name with a version: what stands between / and :."""
    spans = []
    low = start
    for field in text[start:end].translate(_FIELDS).split(b"/"):
        spans.append((low, low + len(field)))
        low += len(field) + 1
    return tuple(trimmed(text, spans))
