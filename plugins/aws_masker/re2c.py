"""RE2 as this package uses it: on bytes, with spans as results.

All text is bytes (UTF-8, lone surrogates included) and patterns are ASCII, hence Latin-1: one byte is one character and
offsets are byte offsets. RE2 is linear in the text whatever the pattern, so untrusted text can be given to it.

The library's own ``search`` and ``match`` build two objects for every call, which costs more than most of our searches.
``Pattern`` calls the function beneath them; the lock file pins the version, and a test pins what it returns.
"""

from collections.abc import Iterator
from typing import Final

import re2

from aws_masker.errors import CatalogueError

Span = tuple[int, int]

# The default of 8 MiB makes RE2 throw its automaton away and start again on a large alternation.
AUTOMATON_BYTES: Final = 256 << 20
# Matches nothing; an empty alternative would match everywhere.
NEVER: Final = r"[^\x00-\xff]"

_ANYWHERE: Final = re2._Anchor.UNANCHORED  # noqa: SLF001
_AT_START: Final = re2._Anchor.ANCHOR_START  # noqa: SLF001
_WHOLE: Final = re2._Anchor.ANCHOR_BOTH  # noqa: SLF001


def _options(*, captures: bool) -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = AUTOMATON_BYTES
    options.never_capture = not captures
    options.log_errors = False
    return options


class Pattern:
    """A compiled pattern. Its groups count only when it was compiled for its ``parts``."""

    __slots__ = ("_match", "groups")

    def __init__(self, pattern: str, *, captures: bool = False) -> None:
        """Compile ``pattern``. Raises CatalogueError when it is no RE2 pattern."""
        try:
            compiled = re2.compile(pattern.encode("latin-1"), _options(captures=captures))
        except re2.error as error:
            message = f"this is no RE2 pattern: {pattern}"
            raise CatalogueError(message) from error
        self._match = compiled._regexp.Match  # noqa: SLF001
        self.groups: int = compiled.groups

    def search(self, text: bytes, start: int = 0, end: int | None = None) -> Span | None:
        """Return the first match in ``text[start:end]``; what stands outside counts for boundaries only."""
        span: Span = self._match(_ANYWHERE, text, start, len(text) if end is None else end)[0]
        return None if span[0] < 0 else span

    def match(self, text: bytes, start: int = 0, end: int | None = None) -> int:
        """Return where a match that begins at ``start`` ends, or -1."""
        span: Span = self._match(_AT_START, text, start, len(text) if end is None else end)[0]
        return span[1]

    def fits(self, text: bytes) -> bool:
        """Tell whether all of ``text`` matches."""
        return bool(self._match(_WHOLE, text, 0, len(text))[0][0] == 0)

    def parts(self, text: bytes, start: int = 0, end: int | None = None) -> list[Span] | None:
        """Return the span of a match that begins at ``start`` and then those of its groups, or None."""
        spans: list[Span] = self._match(_AT_START, text, start, len(text) if end is None else end)
        return None if spans[0][0] < 0 else spans

    def each(self, text: bytes, start: int = 0, end: int | None = None) -> Iterator[Span]:
        """Yield all matches in ``text[start:end]``; none of them may be empty."""
        stop = len(text) if end is None else end
        while (span := self.search(text, start, stop)) is not None:
            yield span
            start = span[1]


class FullMatchSet:
    """Tells which of many patterns match a whole text, in one pass."""

    __slots__ = ("_match",)

    def __init__(self, patterns: list[str]) -> None:
        """Compile ``patterns``. Raises CatalogueError when one is no RE2 pattern."""
        made = re2.Set.FullMatchSet(_options(captures=False))
        for pattern in patterns:
            try:
                made.Add(pattern.encode("latin-1"))
            except re2.error as error:
                message = f"this is no RE2 pattern: {pattern}"
                raise CatalogueError(message) from error
        if patterns:
            made.Compile()
        self._match = made._set.Match if patterns else _nothing  # noqa: SLF001

    def matches(self, text: bytes) -> list[int]:
        """Return the indexes of the patterns that match all of ``text``, ascending."""
        found: list[int] = self._match(text)
        return sorted(found) if len(found) > 1 else found


def _nothing(_text: bytes) -> list[int]:
    return []
