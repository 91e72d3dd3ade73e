"""Where names stand alone: one automaton over all names, however many there are, and which of its hits count.

What a name costs is paid once, when the automaton is built; a text costs the same with one name and with a hundred
thousand.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from aws_masker.boundaries import bounded
from aws_masker.re2c import Span

WINDOW: Final = 4096


class Hit(NamedTuple):
    """``start:end`` of a text is the name with the number ``which``."""

    which: int
    start: int
    end: int


class Automaton:
    """Finds names, all in one pass."""

    def __init__(self, names: Sequence[bytes]) -> None:
        """Build the automaton of ``names``, none of them empty."""
        self._automaton = BytesAhoCorasick(names, matchkind=MatchKind.Standard)
        self._longest = max(map(len, names), default=0)

    def hits(self, text: bytes) -> Iterator[Hit]:
        """Yield where names stand in ``text``, alone or not: ascending, the longest first.

        A window at a time, for names can be made so that very many overlap.
        """
        if not self._longest:
            return
        for base in range(0, len(text), WINDOW):
            window = text[base : base + WINDOW + self._longest]
            hits = self._automaton.find_matches_as_indexes(window, overlapping=True)
            hits.sort(key=lambda hit: (hit[1], -hit[2]))
            for which, start, end in hits:
                if start >= WINDOW:
                    break
                yield Hit(which, base + start, base + end)


def standing_alone(hits: Iterable[Hit], text: bytes, parts: list[Span], tokens: list[Span]) -> Iterator[Hit]:
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

    def __init__(self, spans: list[Span]) -> None:
        self._spans = spans
        self._at = 0

    def over(self, start: int, end: int) -> list[Span]:
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
