"""Masking a sequence of texts: names found once are masked from there on, wherever they stand alone.

The texts are given in the order in which the model reads them. What is masked in one depends on it and on those before
it, never on those after: a conversation that grows at its end grows at its end in masked form too.

``parts`` has looked at each text alone. Here, one automaton over the names that were learned there finds them in all
texts put together, and every hit behind the place where its name was learned counts.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from aws_masker.alone import Automaton, standing_alone
from aws_masker.errors import TooLarge
from aws_masker.joints import END
from aws_masker.parts import Finder, Found, FoundCache, Part, Rules, Text, laid_over, token_spans
from aws_masker.re2c import Span
from aws_masker.scan import Scanner


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
        """Return where learned names stand alone, behind where they were learned; places are in ``whole``."""
        learned: dict[bytes, tuple[int, int]] = {}
        taken: list[Span] = []
        for offset, one in zip(starts, found, strict=True):
            taken += [(offset + part.start, offset + part.end) for part in one.parts]
            for part in sorted((*one.parts, *one.covered)) if one.covered else one.parts:
                if part.learns:
                    value = whole[offset + part.start : offset + part.end]
                    learned.setdefault(value, (offset + part.end, part.family))
        if len(learned) > self._rules.limits.names:
            raise TooLarge(_too_many("names", "names", self._rules.limits.names))
        if not learned:
            return []
        values = list(learned)
        since = [end for end, _ in learned.values()]
        hits = (hit for hit in Automaton(values).hits(whole) if hit.start >= since[hit.which])
        made: dict[int, tuple[bytes, bytes]] = {}
        names: list[Part] = []
        for which, start, end in standing_alone(hits, whole, taken, tokens):
            if which not in made:
                made[which] = self._finder.made(values[which])
            names.append(Part(start, end, *made[which], learned[values[which]][1], learns=False))
        return names

    def _insert(self, names: list[Part], starts: list[int], result: Result) -> None:
        """Put names into the parts of their texts, in place of the parts that they cover."""
        by_text: dict[int, list[Part]] = {}
        for name in names:
            index = bisect_right(starts, name.start) - 1
            offset = starts[index]
            by_text.setdefault(index, []).append(name._replace(start=name.start - offset, end=name.end - offset))
            result.counts[self._rules.families[name.family]] += 1
        for index, here in by_text.items():
            result.parts[index], _ = laid_over(result.parts[index], here)


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
