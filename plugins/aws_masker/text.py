"""Masking a sequence of texts: names found once are masked from there on, wherever they stand alone.

The texts are given in the order in which the model reads them. What is masked in one depends on it and on those before
it, never on those after: a conversation that grows at its end grows at its end in masked form too.

``parts`` has looked at each text alone. Here, one automaton over the names that were learned there finds them in all
texts put together, and every hit behind the place where its name was learned counts.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from aws_masker.context import END
from aws_masker.errors import TooLarge
from aws_masker.parts import OPERATORS, Finder, Found, FoundCache, Part, Rules, Stays, Text, token_spans
from aws_masker.re2c import Span
from aws_masker.scan import Scanner, bounded

TERMS_FAMILY: Final = "operator-term"
WINDOW: Final = 4096


@dataclass(slots=True)
class Result:
    """What masking a sequence of texts gave: what is replaced by text, ascending, and what the tokens stand for.

    ``seen`` are the tokens that stood in the texts already.
    """

    parts: list[list[Part]]
    dictionary: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    counts: Counter[str] = field(default_factory=Counter)
    seen: set[bytes] = field(default_factory=set)


class TextMasker:
    """Masks texts by one set of rules."""

    def __init__(self, scanner: Scanner, rules: Rules, cache_key: bytes) -> None:
        """Combine a compiled catalogue with ``rules``; ``cache_key`` keys the digests of the cache."""
        self._rules = rules
        self._finder = Finder(scanner, rules, cache_key)

    @property
    def cache(self) -> FoundCache:
        """What texts hold, by their digests."""
        return self._finder.cache

    def mask(self, texts: Sequence[Text]) -> Result:
        """Mask ``texts``, given in the order in which the model reads them.

        Raises Blocked for an identifier whose policy says so, TooLarge past the limits.
        """
        found = self._finder.find(texts)
        result = Result([one.parts for one in found])
        for one in found:
            for family, count in one.counts.items():
                result.counts[self._rules.families[family]] += count
        whole = END.join(text.data for text in texts)
        starts = _starts(texts)
        tokens = list(token_spans(whole, self._rules.tokens))
        result.seen = {whole[low:high] for low, high in tokens}
        names = self._names_elsewhere(whole, starts, found, tokens)
        self._insert(names, starts, result)
        dictionary = result.dictionary
        for offset, parts in zip(starts, result.parts, strict=True):
            for part in parts:
                dictionary[part.token] = whole[offset + part.start : offset + part.end]
        if len(dictionary) > self._rules.limits.identifiers:
            raise TooLarge(_too_many("distinct identifiers", "identifiers", self._rules.limits.identifiers))
        return result

    def _names_elsewhere(self, whole: bytes, starts: list[int], found: list[Found], tokens: list[Span]) -> list[Part]:
        """Return where known names stand alone, behind where they were learned; places are in ``whole``.

        A name that covers parts takes their place: a value is masked the same way wherever it stands. One that only
        overlaps a part, or touches a token, is left to it.
        """
        known: dict[bytes, tuple[int, int]] = {}
        taken: list[Span] = []
        for offset, one in zip(starts, found, strict=True):
            for start, end, _, _, family, learns in one.parts:
                place = (offset + start, offset + end)
                taken.append(place)
                if learns:
                    known.setdefault(whole[place[0] : place[1]], (place[1], family))
        if len(known) > self._rules.limits.names:
            raise TooLarge(_too_many("names", "names", self._rules.limits.names))
        # Terms are known from the start.
        known |= dict.fromkeys(self._rules.terms, (-1, OPERATORS))
        if not known:
            return []
        values = list(known)
        of_tokens, of_parts = _Spans(tokens), _Spans(taken)
        made: dict[int, tuple[bytes, bytes] | None] = {}
        names: list[Part] = []
        free_from = 0
        for which, start, end in _hits(values, whole):
            learned, family = known[values[which]]
            if start < learned or start < free_from or of_tokens.over(start, end):
                continue
            if any(low < start or high > end or (low, high) == (start, end) for low, high in of_parts.over(start, end)):
                continue
            if not bounded(whole, start, end):
                continue
            if which not in made:
                made[which] = self._finder.token(values[which], Stays.NOTHING)
            token = made[which]
            if token is not None:
                names.append(Part(start, end, *token, family, learns=False))
                free_from = end
        return names

    def _insert(self, names: list[Part], starts: list[int], result: Result) -> None:
        """Put names into the parts of their texts, in place of the parts that they cover."""
        by_text: dict[int, list[Part]] = {}
        for name in names:
            index = bisect_right(starts, name.start) - 1
            offset = starts[index]
            by_text.setdefault(index, []).append(name._replace(start=name.start - offset, end=name.end - offset))
            result.counts[TERMS_FAMILY if name.family == OPERATORS else self._rules.families[name.family]] += 1
        for index, here in by_text.items():
            covered = _Spans([(name.start, name.end) for name in here])
            kept = [part for part in result.parts[index] if not covered.over(part.start, part.end)]
            result.parts[index] = sorted(kept + here)


class _Spans:
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


def _hits(values: list[bytes], text: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield where each of ``values`` stands, with its place among them: ascending, the longest first.

    A window at a time, for names can be made so that very many overlap.
    """
    automaton = BytesAhoCorasick(values, matchkind=MatchKind.Standard)
    longest = max(map(len, values))
    for base in range(0, len(text), WINDOW):
        window = text[base : base + WINDOW + longest]
        hits = automaton.find_matches_as_indexes(window, overlapping=True)
        hits.sort(key=lambda hit: (hit[1], -hit[2]))
        for which, start, end in hits:
            if start >= WINDOW:
                break
            yield which, base + start, base + end


def _starts(texts: Sequence[Text]) -> list[int]:
    """Return where each text begins in all of them put together with END between."""
    starts = []
    at = 0
    for text in texts:
        starts.append(at)
        at += len(text.data) + len(END)
    return starts


def _too_many(what: str, limit: str, most: int) -> str:
    return f"the request holds more than {most} {what}: send less, or raise the limit for {limit}"
