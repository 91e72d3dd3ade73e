"""Where names stand alone: one automaton over all names, however many there are, and which of its hits count.

What a name costs is paid once, when the automaton is built; a text costs the same with one name and with a hundred
thousand.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from aws_masker.boundaries import bounded
from aws_masker.errors import TooLarge
from aws_masker.re2c import Span

WINDOW: Final = 1024
# So many places in one text are no sign of anything, however short it is.
FREE_HITS: Final = 50_000
# Of longer names (secrets) only the longest is looked for where several begin or overlap.
MAX_OVERLAPPING: Final = 256


class Hit(NamedTuple):
    """``start:end`` of a text is the name with the number ``which``."""

    which: int
    start: int
    end: int


class Automaton:
    """Finds names, all in one pass."""

    def __init__(self, names: Sequence[bytes]) -> None:
        """Build the automaton of ``names``, none of them empty."""
        self._short = [which for which, name in enumerate(names) if len(name) <= MAX_OVERLAPPING]
        self._long = [which for which, name in enumerate(names) if len(name) > MAX_OVERLAPPING]
        self._longest = max((len(names[which]) for which in self._short), default=0)
        self._of_short = _built([names[which] for which in self._short], MatchKind.Standard)
        self._of_long = _built([names[which] for which in self._long], MatchKind.LeftmostLongest)

    def hits(self, text: bytes, overlaps: int) -> Iterator[Hit]:
        """Yield where names stand in ``text``, alone or not: ascending, the longest first.

        Raises TooLarge where there are more than ``overlaps`` for each byte: names can be made to lie upon each other
        so that this takes the time of a text hundreds of times as long.
        """
        if not self._long:
            return self._overlapping(text, overlaps)
        return heapq.merge(self._overlapping(text, overlaps), self._longer(text), key=_place)

    def _longer(self, text: bytes) -> Iterator[Hit]:
        for which, start, end in self._of_long.find_matches_as_indexes(text):
            yield Hit(self._long[which], start, end)

    def _overlapping(self, text: bytes, overlaps: int) -> Iterator[Hit]:
        """Look at a window at a time, so that what is found of it is bounded too."""
        if not self._short:
            return
        left = FREE_HITS + overlaps * len(text)
        for base in range(0, len(text), WINDOW):
            window = text[base : base + WINDOW + self._longest]
            hits = self._of_short.find_matches_as_indexes(window, overlapping=True)
            left -= len(hits)
            if left < 0:
                message = "the request is made of names that overlap: send it without, or raise limits.overlaps"
                raise TooLarge(message)
            hits.sort(key=lambda hit: (hit[1], -hit[2]))
            for which, start, end in hits:
                if start >= WINDOW:
                    break
                yield Hit(self._short[which], base + start, base + end)


def _built(names: list[bytes], kind: MatchKind) -> BytesAhoCorasick:
    # What the library takes for few names, a DFA, is built in quadratic time where a name repeats itself.
    return BytesAhoCorasick(names, matchkind=kind, implementation=Implementation.ContiguousNFA)


def _place(hit: Hit) -> tuple[int, int]:
    return hit.start, -hit.end


def standing_alone(hits: Iterable[Hit], text: bytes, parts: Sequence[Span], tokens: Sequence[Span]) -> Iterator[Hit]:
    """Yield those of ``hits`` (ascending) that are names of their own in ``text``; none overlaps another.

    ``parts`` are already masked, ``tokens`` were there before; both ascend. A name that covers parts takes their place:
    a value is masked the same way wherever it stands. One that only overlaps a part, or touches a token, is left to it.
    """
    of_tokens, of_parts = Spans(tokens), Spans(parts)
    free_from = 0
    for hit in hits:
        _, start, end = hit
        if start < free_from or of_tokens.over(start, end):
            continue
        if any(low < start or high > end or (low, high) == (start, end) for low, high in of_parts.over(start, end)):
            continue
        if bounded(text, start, end):
            free_from = end
            yield hit


class Spans:
    """Ascending spans without overlaps, asked about places that come in ascending order too."""

    __slots__ = ("_at", "_spans")

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._at = 0

    def over(self, start: int, end: int) -> Sequence[Span]:
        """Return the spans that have something in common with ``start:end``; ``start`` never goes back."""
        spans, at = self._spans, self._at
        count = len(spans)
        while at < count and spans[at][1] <= start:
            at += 1
        self._at = at
        if at == count or spans[at][0] >= end:
            return []
        last = at
        while last < count and spans[last][0] < end:
            last += 1
        return spans[at:last]
