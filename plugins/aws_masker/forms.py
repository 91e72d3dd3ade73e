"""Forms: identifiers that their own form tells, and the parts of them that are masked.

What the one search for many forms matches is looked at again, alone, to tell the family and the parts. Some matches
are only beginnings, which code extends by hand, as those of an ARN.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from aws_masker import addresses, arn
from aws_masker.boundaries import ALNUM, after_boundary, after_escape, begins_seldom
from aws_masker.catalogue import Family
from aws_masker.family_patterns import alternation, groups, has_groups, loosened, starts_in_word
from aws_masker.finding import Finding
from aws_masker.re2c import FullMatchSet, Pattern, Span

_PATH_GOES_ON: Final = ALNUM | frozenset(b".-")
_PERCENT, _DASH, _COLON = b"%-:"
_OCTETS: Final = len("00:00:00:00:00:00")
# One octet more.
_OCTET_BEFORE: Final = Pattern("(?s:.*)(?:^|[^0-9A-Za-z])[0-9A-Fa-f]{2}:")
_OCTET_BEHIND: Final = Pattern(":[0-9A-Fa-f]{2}(?:[^0-9A-Za-z]|$)")
# What a KMS alias begins with is the name of a directory in the middle of a path.
_DIRECTORY: Final = b"alias/"
# What is longer may hold other words; and so far beyond it one of these may go on.
_LONGEST_WORD: Final = 24
_BEYOND: Final = 512
_BACKSLASH: Final = ord("\\")
_SLASH_BYTE: Final = ord("/")
# No address is shorter than that.
_SHORTEST: Final = len("1.1.1.1")
_BASE64: Final = bytes(ALNUM) + b"+/"
_OF_BASE64: Final = b"+/"
# What stands before a checksum, and so much of one.
_CHECKSUMS: Final = (b"h1:", b"sha1-", b"sha256-", b"sha384-", b"sha512-")
_LONGEST_CHECKSUM: Final = 100

Split = Callable[[bytes, int, int], tuple[int, tuple[Span, ...]] | None]


def _of_address(split: Callable[[bytes, int, int], tuple[Span, ...] | None]) -> Split:
    """Give a split of a match whose extent stays the common form."""

    def with_end(text: bytes, start: int, end: int) -> tuple[int, tuple[Span, ...]] | None:
        parts = split(text, start, end)
        return None if parts is None else (end, parts)

    return with_end


SPLITS: Final[dict[str, Split]] = {
    "arn": lambda text, start, _end: arn.split(text, start),
    "private-ipv4": _of_address(lambda text, start, end: addresses.ipv4(text, start, end, private=True)),
    "public-ipv4": _of_address(lambda text, start, end: addresses.ipv4(text, start, end, private=False)),
    "dashed-ipv4": _of_address(addresses.dashed_ipv4),
    "ipv6": _of_address(addresses.ipv6),
}


class Forms:
    """Families found by their own form in one pass."""

    def __init__(self, families: list[tuple[int, Family]]) -> None:
        """Compile ``families``, each with its place in the catalogue."""
        self._families = families
        patterns = [family.pattern for _, family in families]
        bounded = [starts_in_word(family) for _, family in families]
        self.search = Pattern(alternation([loosened(pattern) for pattern in patterns], bounded))
        self._exact = Pattern(alternation(patterns, bounded))
        self._whole = FullMatchSet(patterns)
        self._captures = {
            index: Pattern(family.pattern, captures=True)
            for index, family in families
            if not family.split and has_groups(family.pattern)
        }
        # By the place of a family here: all there is to say of it, where that is the same for every word.
        self._ready = [
            None if index in self._captures else [_Form(index, family.split, None)] for index, family in families
        ]

    def find(self, text: bytes) -> Iterator[Finding]:
        """Yield what stands in ``text``, in ascending order."""
        resolved: dict[bytes, list[_Form]] = {}
        for finding in self._find(text, (0, len(text)), self.search, resolved):
            yield finding
            # What stands before the first part may be something by its own form, too: the address of a server.
            if finding.family in self._captures and finding.parts[0][0] - finding.start > _SHORTEST:
                yield from self._find(text, (finding.start + 1, finding.parts[0][0]), self.search, resolved)

    def _find(
        self, text: bytes, extent: Span, pattern: Pattern, resolved: "dict[bytes, list[_Form]]"
    ) -> Iterator[Finding]:
        """Yield what stands in ``extent``, by the loosened ``pattern`` or the exact one.

        ``resolved`` keeps what words may be.
        """
        position, limit = extent
        search = pattern.search
        while (span := search(text, position, limit)) is not None:
            begin, position = span
            first = text[begin]
            if (first == _SLASH_BYTE and begin and not _may_precede_path(text, begin)) or (
                text.startswith(_DIRECTORY, begin) and text[begin - 1] == _SLASH_BYTE
            ):
                position = begin + 1
                continue
            if first in ALNUM:
                # Most are words without a boundary around them.
                start, end, known = begin, position, self._known(text[begin:position], resolved)
                if not known:
                    end, known = self._shorter(text, begin, start, end)
                # The first letter may end an escape, as in "\\nRestart RDS": then it begins no name.
                if text[begin - 1] == _BACKSLASH and any(one.begins for one in known) and _ends_escape(text, begin):
                    position = begin + 1
                    continue
            else:
                start, end, known = self._resolved(text, begin, position, resolved)
            for one in known:
                finding = one.at(text, start, end)
                if finding is not None and not _is_in_digest(text, finding.start, finding.end):
                    yield finding
                    # What is found by its surroundings may be something else by its own form: a profile, an address.
                    # And what follows the last part may be the beginning of something else.
                    inside = finding.parts[0][0] if finding.parts and not one.split else finding.end
                    position = inside if inside > begin else finding.end
                    break
            else:
                # A match that only lacks an upper bound may go on over others.
                if pattern is not self._exact and end - begin > _LONGEST_WORD:
                    around = begin + 1, min(limit, end + _BEYOND)
                    for finding in self._find(text, around, self._exact, resolved):
                        if finding.start >= end:
                            break
                        yield finding
                # The boundary that was taken along may be that of the next.
                position = max(begin + 1, end - 1) if text[end - 1] not in ALNUM else end

    def _resolved(
        self, text: bytes, begin: int, stop: int, resolved: "dict[bytes, list[_Form]]"
    ) -> "tuple[int, int, list[_Form]]":
        """Return where the identifier in the match ``begin:stop`` begins and ends, and what it may be.

        What looks like an escape before it may be its beginning after all: the bracket of a section, an address in
        ``host=127.0.0.1``.
        """
        after = after_boundary(text, begin, stop)
        plain = begin + 1 if begin + 1 < after and begins_seldom(text, begin) else begin
        for start in (plain, after, begin) if plain > begin else (after, begin):
            known = self._known(text[start:stop], resolved)
            if known:
                return start, stop, known
            end, known = self._shorter(text, start if start == plain else begin, start, stop)
            if known:
                return start, end, known
        return after, stop, []

    def _known(self, word: bytes, resolved: "dict[bytes, list[_Form]]") -> "list[_Form]":
        """Return what a whole match may be, which ``resolved`` keeps."""
        known = resolved.get(word)
        if known is None:
            known = resolved[word] = self._resolve(word)
        return known

    def _shorter(self, text: bytes, begin: int, start: int, end: int) -> "tuple[int, list[_Form]]":
        """Return where a match really ends, and what it may be.

        The boundary after an identifier may have taken one character along, and a loosened pattern more.
        """
        exact = self._exact.match(text, begin, end)
        for shorter in (end - 1, exact, exact - 1):
            if start < shorter and text[shorter] not in ALNUM and (known := self._resolve(text[start:shorter])):
                return shorter, known
        return end, []

    def _resolve(self, word: bytes) -> "list[_Form]":
        """Return what a whole match may be; several only where code has to decide."""
        known: list[_Form] = []
        for place in self._whole.matches(word):
            ready = self._ready[place]
            if ready is None:
                index, _ = self._families[place]
                ready = [_Form(index, "", groups(self._captures[index].parts(word)))]
            known = [*known, *ready] if known else ready
            if not ready[0].split:
                break
        return known


class _Form(NamedTuple):
    """What a word may be by its own form: a family, and its parts relative to the word; None for the whole word."""

    family: int
    split: str
    parts: tuple[Span, ...] | None

    @property
    def begins(self) -> bool:
        """Whether the word begins with a part of itself alone."""
        return self.parts is not None and self.parts[0][0] == 0

    def at(self, text: bytes, start: int, end: int) -> Finding | None:
        """Return the finding when the word stands at ``start:end``, None where it is no identifier after all."""
        if self.split:
            result = SPLITS[self.split](text, start, end)
            if result is None:
                return None
            extent, parts = result
            end = parts[-1][1] if parts else extent
            return Finding(start, end, self.family, parts, self.split != "arn")
        if self.parts is None:
            return Finding(start, end, self.family, ((start, end),), True)  # noqa: FBT003 - half as long as by name
        parts = tuple([(start + low, start + high) for low, high in self.parts])
        return Finding(start, parts[-1][1] if parts else end, self.family, parts, whole=False)


def _may_precede_path(text: bytes, start: int) -> bool:
    """Tell whether a path begins at ``start``, rather than going on from something before it."""
    before = text[start - 1]
    return before not in _PATH_GOES_ON or after_escape(text, start - 1, start) == start


def _ends_escape(text: bytes, at: int) -> bool:
    """Tell whether the letter at ``at`` is the end of an escape, for what is met in texts: a line break, a tab."""
    return text[at] in b"nrt" and after_escape(text, at, at + 1) > at


def _is_in_digest(text: bytes, start: int, end: int) -> bool:
    """Tell whether what stands at ``start:end`` is a piece of something longer that only looks so."""
    before = text[start - 1]
    if before in _OF_BASE64:
        return _is_in_checksum(text, start)
    # Behind what is put in later: %s-00105A989226.
    if before == _PERCENT and text[start + 1] == _DASH:
        return True
    # An address of octets, in a row of more.
    if end - start != _OCTETS or text[start + 2] != _COLON:
        return False
    return _OCTET_BEHIND.match(text, end) >= 0 or _OCTET_BEFORE.fits(text[max(0, start - 4) : start])


def _is_in_checksum(text: bytes, start: int) -> bool:
    """Tell whether what begins at ``start`` is a piece of a checksum in base64, as files of locked versions have it."""
    before = text[max(0, start - _LONGEST_CHECKSUM) : start]
    run = before.rstrip(_BASE64)
    return run.endswith(_CHECKSUMS)
