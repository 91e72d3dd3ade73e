"""Masking a sequence of texts: names found once are masked in that text and from there on, wherever they stand alone.

The texts are given in the order in which the model reads them. What is masked in one depends on it and on those before
it, never on those after: a conversation that grows at its end grows at its end in masked form too.

``parts`` has looked at each text alone. Here, one automaton over the names that were learned there finds them in all
texts put together, and every hit counts that stands in the text where its name was learned or in a later one: in a
list of buckets, only the ARNs beside the names may say what they are. What that makes of a text depends
on the text and on the names before it, so it is kept with the text, by a digest of the names: the history that a
conversation sends again is settled already, and only what is new is looked through.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from aws_masker.alone import Automaton, standing_alone
from aws_masker.errors import TooLarge
from aws_masker.found import AnyText, Found, FoundCache, Part, Settled, Text
from aws_masker.joints import END
from aws_masker.parts import Finder, laid_over
from aws_masker.rules import Rules
from aws_masker.scan import Scanner


@dataclass(slots=True)
class Result:
    """What masking a sequence of texts gave: what is replaced in each, and what the tokens stand for.

    ``found`` is what each holds, looked at alone. ``seen`` are the tokens that stood in the texts already; ``quiet`` is
    how many of the first texts hold nothing.
    """

    settled: list[Settled]
    found: list[Found] = field(default_factory=list, repr=False)
    dictionary: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    counts: Counter[str] = field(default_factory=Counter)
    seen: set[bytes] = field(default_factory=set)
    quiet: int = 0


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

    def mask(self, new: Sequence[Text], past: Sequence[tuple[AnyText, Found]] = (), at: int = 0) -> Result:
        """Mask texts, given in the order in which the model reads them.

        ``past`` are those of which it is known what they hold; they come before ``new[at]``. The result is of all.

        Raises Blocked for an identifier whose policy says so, TooLarge past the limits.
        """
        found = self._finder.find(new)
        texts: list[AnyText] = list(new)
        texts[at:at] = [text for text, _ in past]
        found[at:at] = [one for _, one in past]
        result = Result(self._settle(texts, found), found)
        families = self._rules.families
        dictionary = result.dictionary
        loud = len(texts)
        for place, (text, one, settled) in enumerate(zip(texts, found, result.settled, strict=True)):
            if not (settled.parts or one.tokens or one.parts):
                continue
            loud = min(loud, place)
            result.seen.update([text.data[low:high] for low, high in one.tokens])
            if not settled.parts:
                continue
            for counts in (one.counts, settled.counts):
                for family, count in counts.items():
                    result.counts[families[family]] += count
            for which, (_, _, token, _, _) in enumerate(settled.parts):
                if token not in dictionary:
                    dictionary[token] = text.original(settled, which)
        result.quiet = loud
        if len(dictionary) > self._rules.limits.identifiers:
            raise TooLarge(_too_many("distinct identifiers", "identifiers", self._rules.limits.identifiers))
        return result

    def _settle(self, texts: Sequence[AnyText], found: Sequence[Found]) -> list[Settled]:
        """Return what is replaced in each text. What is settled under the same names already is not looked at."""
        learned = _Learned()
        settled: list[Settled] = []
        fresh: list[int] = []
        # What is made of a text in which nothing is replaced depends on the names alone.
        nothing = Settled(learned.digest, (), {})
        for index, one in enumerate(found):
            before, known = learned.digest, one.settled
            if known is None or known.before != before:
                if nothing.before != before:
                    nothing = Settled(before, (), {})
                known = Settled(before, one.parts, {}) if one.parts else nothing
                fresh.append(index)
            settled.append(known)
            if one.learned:
                learned.add(index, one.learned)
        if len(learned.names) > self._rules.limits.names:
            raise TooLarge(_too_many("names", "names", self._rules.limits.names))
        for index, names in self._names_elsewhere(texts, found, fresh, learned):
            parts, _ = laid_over(found[index].parts, names)
            counts = Counter(family for _, _, _, family, _ in names)
            settled[index] = Settled(settled[index].before, parts, counts)
        for index in fresh:
            found[index].settled = settled[index]
        return settled

    def _names_elsewhere(
        self, texts: Sequence[AnyText], found: Sequence[Found], fresh: list[int], learned: "_Learned"
    ) -> Iterator[tuple[int, list[Part]]]:
        """Yield the ``fresh`` texts in which names stand alone that were learned there or before, with these."""
        if not fresh or not learned.names:
            return
        whole = END.join(texts[index].data for index in fresh)
        starts = _starts([texts[index] for index in fresh])
        names, since = [], []
        for index, name in learned.names.values():
            at = bisect_left(fresh, index)
            names.append(name)
            if at < len(fresh):
                since.append(starts[at])
            else:
                since.append(len(whole))
        automaton = Automaton([texts[index].data[name[0] : name[1]] for index, name in learned.names.values()])
        hits = (hit for hit in automaton.hits(whole, self._rules.limits.overlaps) if hit.start >= since[hit.which])
        taken = [
            (offset + start, offset + end)
            for offset, index in zip(starts, fresh, strict=True)
            for start, end, _, _, _ in found[index].parts
        ]
        tokens = [
            (offset + low, offset + high)
            for offset, index in zip(starts, fresh, strict=True)
            for low, high in found[index].tokens
        ]
        by_place: dict[int, list[Part]] = {}
        for which, start, end in standing_alone(hits, whole, taken, tokens):
            at = bisect_right(starts, start) - 1
            _, _, token, family, _ = names[which]
            by_place.setdefault(at, []).append((start - starts[at], end - starts[at], token, family, False))
        for at, here in by_place.items():
            yield fresh[at], here


class _Learned:
    """The names learned so far, by their tokens: each with its text and the part where it was learned."""

    def __init__(self) -> None:
        self.names: dict[bytes, tuple[int, Part]] = {}
        self._hash = hashlib.blake2b(digest_size=16)
        self.digest = self._hash.digest()

    def add(self, index: int, parts: Iterable[Part]) -> None:
        """Learn ``parts`` of the text at ``index``. The digest is that of all names, and of the families they have."""
        before = len(self.names)
        for part in parts:
            _, _, token, family, _ = part
            if token not in self.names:
                self.names[token] = (index, part)
                self._hash.update(b"%b%d " % (token, family))
        if len(self.names) > before:
            self.digest = self._hash.digest()


def _starts(texts: Iterable[AnyText]) -> list[int]:
    """Return where each text begins in all of them put together with END between."""
    starts = []
    at = 0
    for text in texts:
        starts.append(at)
        at += len(text.data) + len(END)
    return starts


def _too_many(what: str, limit: str, most: int) -> str:
    return f"the request holds more than {most} {what}: send less, or raise limits.{limit}"
