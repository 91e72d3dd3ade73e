"""The first pass: what a text, looked at alone, has to be masked in, and with which tokens.

It depends on the text, the key that it stands under and the rules, and on nothing that came before.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Final, TypeVar

from aws_masker.alone import Hit, Spans, standing_alone
from aws_masker.boundaries import uncoloured
from aws_masker.context import head, unmarked
from aws_masker.errors import Blocked
from aws_masker.finding import Finding
from aws_masker.found import Found, FoundCache, Part, Text
from aws_masker.joints import END
from aws_masker.names import PUBLIC_PARAMETERS
from aws_masker.numbered import without_numbers
from aws_masker.re2c import Pattern, Span
from aws_masker.rules import OPERATORS, Rules, Stays
from aws_masker.scan import Scanner
from aws_masker.settings import Policy
from aws_masker.tokens import TAIL_PATTERN, Tokens

# Shorter texts are looked up so many at a time: one alone is scanned in less time than that takes.
KEPT_FROM: Final = 512
GROUP: Final = 32
# And fewer of them than this are not kept.
KEPT_TOGETHER: Final = 4
_SLASH: Final = 0x2F
_AMPERSAND: Final = 0x26
# Words with slashes between them; where files are, kinds of media, what AWS and registries keep for all.
_PATH: Final = Pattern(r"[A-Za-z][A-Za-z0-9_.]*(?:/[A-Za-z0-9][A-Za-z0-9_.]*)+")
_DIRECTORIES: Final = (
    *(b"application/", b"aws/", b"bin/", b"dev/", b"etc/", b"home/", b"image/", b"lib/", b"library/", b"mnt/", b"opt/"),
    *(b"proc/", b"root/", b"srv/", b"sys/", b"text/", b"tmp/", b"usr/", b"var/", b"AWS/"),
)
_NOTHING: Final = Found((), {})
_TAIL: Final = Pattern(TAIL_PATTERN)
# What may stand between a name and what goes before it.
_JOINTS: Final = b"-._/:@"

_Placed = TypeVar("_Placed", Finding, Hit)


class _Made(dict[bytes, tuple[bytes, bytes] | None]):
    """The tokens of values and their labels, None where a value stays; made where one is asked for the first time."""

    def __init__(self, make: Callable[[bytes], tuple[bytes, bytes] | None]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: bytes) -> tuple[bytes, bytes] | None:
        made = self[value] = self._make(value)
        return made


class Finder:
    """Finds the parts of texts by one set of rules."""

    def __init__(self, scanner: Scanner, rules: Rules, cache_key: bytes) -> None:
        """Combine a compiled catalogue with ``rules``; ``cache_key`` keys the digests of the cache."""
        self._scanner = scanner
        self._rules = rules
        # Tokens and policies of the given names that were met.
        self._given: dict[int, tuple[bytes, Policy]] = {}
        self.cache = FoundCache(cache_key, rules.limits.cached_texts)

    def find(self, texts: Sequence[Text]) -> list[Found]:
        """Return what each text holds. Raises Blocked for an identifier whose policy says so."""
        found: list[Found] = []
        new: list[tuple[range, bytes | None]] = []
        for group in _groups(texts):
            digest = known = None
            if len(group) >= KEPT_TOGETHER or len(texts[group.start].data) >= KEPT_FROM:
                digest = self.cache.digest(texts[group.start : group.stop])
                known = self.cache.get(digest, len(group))
            if known is None:
                new.append((group, digest))
            found += known or [_NOTHING] * len(group)
        looked_at = iter(self._look([texts[index] for group, _ in new for index in group]))
        for group, digest in new:
            here = list(islice(looked_at, len(group)))
            found[group.start : group.stop] = here
            if digest is not None:
                self.cache.put(digest, here)
        return found

    def _look(self, texts: Sequence[Text]) -> list[Found]:
        """Return what each of ``texts`` holds, none of which is known."""
        if not texts:
            return []
        whole, spans = _together(texts)
        findings = by_text(without_numbers(uncoloured(whole), self._scanner.find), spans)
        given = by_text(self._rules.given.automaton.hits(whole, self._rules.limits.overlaps), spans)
        tokens = list(token_spans(whole, self._rules.tokens))
        made = self._made()
        looked_at = [Found((), {}) for _ in texts]
        # Most texts hold nothing.
        for index in range(len(texts)) if tokens else sorted({*findings, *given}):
            data, (start, end) = texts[index].data, spans[index]
            there = _inside(tokens, start, end)
            here = findings.get(index, [])
            kept = self._not_beside(there, here, start) if there else here
            one = self._found(data, kept, start, there, made) if kept else Found((), {}, (), there)
            if names := given.get(index):
                one = self._with_given(data, one, [Hit(which, low - start, high - start) for which, low, high in names])
            looked_at[index] = one
        return looked_at

    def _made(self) -> tuple[_Made, ...]:
        """Return where the tokens of one request's values are made, by what stays among the values."""
        names = self._rules.names
        return (
            _Made(self.made),
            _Made(lambda value: None if names.is_word(value) else self.made(value)),
            _Made(lambda value: None if names.is_common(value) else self.made(value)),
        )

    def _found(
        self, data: bytes, findings: list[Finding], offset: int, tokens: Sequence[Span], made: tuple[_Made, ...]
    ) -> Found:
        """Return the parts of a text that are to be replaced, given its findings, which are ``offset`` too far on.

        ``tokens`` are those that stand in it.
        """
        rules = self._rules
        policies, special, learns, stays = rules.policies, rules.part_policies, rules.learns, rules.stays
        masked_whole = made[Stays.NOTHING]
        parts: list[Part] = []
        counts: dict[int, int] = {}
        # Where the last of the parts so far ends; and those from the second on may lie upon what comes next.
        reach = near = 0
        for start, end, family, spans, as_it_is in findings:
            whole = data[start - offset : end - offset]
            if len(spans) > 1 and not as_it_is and self._identifies_nobody(whole, spans[0][0] - start):
                continue
            known = masked_whole if as_it_is else made[stays[family]]
            before = len(parts)
            for one, two in (
                self._paths(data, spans, offset, known, owned=rules.registries[family])
                if len(spans) > 1 and rules.paths[family]
                else spans
            ):
                low, high = one - offset, two - offset
                # A token, or something put together from one, stays as it is.
                if tokens and _meets(tokens, low, high):
                    continue
                if (token := known[data[low:high]]) is None:
                    continue
                policy = special.get(token[1], policies[family]) if special else policies[family]
                if policy != "mask":
                    if policy == "block":
                        raise Blocked(_blocked(rules.families[family]))
                    continue
                # What lies in something that is masked is masked with it; beside what stays there, it counts.
                if low < reach:
                    # Findings ascend: what ends before this one is in nobody's way any more.
                    while parts[near][1] <= start - offset:
                        near += 1
                    low = _room(data, parts, near, (low, high), secret=stays[family] is Stays.WORDS)
                    if low == high or (token := known[data[low:high]]) is None:
                        continue
                    before = min(before, len(parts))
                parts.append((low, high, token[0], family, learns[family]))
                reach = max(reach, high)
            if len(parts) > before:
                counts[family] = counts.get(family, 0) + 1
        parts.sort()
        return Found(parts, counts, [part for part in parts if part[4]], tokens)

    def _not_beside(self, tokens: Sequence[Span], findings: list[Finding], offset: int) -> list[Finding]:
        """Return ``findings``, ``offset`` too far on, but for what only its surroundings tell and that holds tokens.

        What is left beside a token in a value was looked at when that token was made. The value looked different then,
        and what it looks like is all that tells it.
        """
        surrounded = self._rules.surrounded
        return [
            one
            for one in findings
            if not (surrounded[one.family] and _meets(tokens, one.start - offset, one.end - offset))
        ]

    def _paths(
        self, data: bytes, spans: Sequence[Span], offset: int, known: Mapping[bytes, object], *, owned: bool
    ) -> Sequence[Span]:
        """Return ``spans``, ``offset`` too far on, with one for each path of which all fields are ``known`` as common.

        ``basket/db/password`` names something, though each of its words is one that stays; ``/prod/database``, of words
        of programs alone, does not unless it is in somebody's registry.
        """
        joined: list[Span] = []
        run: list[Span] = []
        for span in (*spans, None):
            if span and (not run or (span[0] == run[-1][1] + 1 and data[run[-1][1] - offset] == _SLASH)):
                run.append(span)
                continue
            whole = data[run[0][0] - offset : run[-1][1] - offset]
            if len(run) > 1 and _PATH.fits(whole) and not whole.startswith(_DIRECTORIES):
                fields = [data[low - offset : high - offset] for low, high in run]
                common = all(known[field] is None for field in fields)
                if common and (owned or not all(map(self._rules.names.is_of_programs, fields))):
                    run = [(run[0][0], run[-1][1])]
            joined += run
            run = [span] if span else []
        return joined

    def _identifies_nobody(self, word: bytes, first: int) -> bool:
        """Tell whether what has several parts, of which one begins at ``first``, is AWS's own or a common word."""
        return word.startswith(PUBLIC_PARAMETERS, first) or self._rules.names.is_common(word)

    def _with_given(self, data: bytes, found: Found, hits: list[Hit]) -> Found:
        """Return what a text holds together with the given names in it. Raises Blocked."""
        rules = self._rules
        made = {which: self._of_given(which) for which in {hit.which for hit in hits}}
        looked_for = (hit for hit in hits if made[hit.which][1] != "allow")
        spans = [part[:2] for part in found.parts]
        names: list[Part] = []
        counts = dict(found.counts)
        for which, start, end in standing_alone(looked_for, data, spans, found.tokens):
            token, policy = made[which]
            family = rules.given.families[which]
            if policy == "block":
                raise Blocked(_blocked(rules.families[family]))
            names.append((start, end, token, family, False))
            counts[family] = counts.get(family, 0) + 1
        parts, covered = laid_over(found.parts, names)
        return Found(parts, counts, [part for part in sorted([*parts, *covered]) if part[4]], found.tokens)

    def _of_given(self, which: int) -> tuple[bytes, Policy]:
        """Return the token of a given name and its policy."""
        known = self._given.get(which)
        if known is None:
            rules = self._rules
            family = rules.given.families[which]
            token, label = self.made(rules.given.names[which])
            policy = rules.policies[family]
            if family != OPERATORS:
                policy = rules.part_policies.get(label, policy)
            known = self._given[which] = (token, policy)
        return known

    def made(self, value: bytes) -> tuple[bytes, bytes]:
        """Return the token for ``value`` and its label, which is what the value's own form makes of it."""
        names = self._rules.names
        label = names.label(value)
        return self._rules.tokens.make(label, names.canonical(label, value)), label


def _groups(texts: Sequence[Text]) -> Iterator[range]:
    """Yield the places of texts that are looked up together: each long one alone, and short ones in a row."""
    begin = 0
    for index, text in enumerate(texts):
        if len(text.data) >= KEPT_FROM:
            if begin < index:
                yield range(begin, index)
            yield range(index, index + 1)
            begin = index + 1
        elif index + 1 - begin == GROUP:
            yield range(begin, index + 1)
            begin = index + 1
    if begin < len(texts):
        yield range(begin, len(texts))


def _meets(spans: Sequence[Span], low: int, high: int) -> bool:
    """Tell whether one of ``spans``, which ascend and do not overlap, has something in common with ``low:high``."""
    at = bisect_right(spans, low, key=itemgetter(1))
    return at < len(spans) and spans[at][0] < high


def _room(data: bytes, parts: list[Part], near: int, span: Span, *, secret: bool) -> int:
    """Return from where on ``span`` lies upon none of ``parts`` from ``near`` on; its end for nowhere.

    A secret is masked as far as any rule takes it, but for the rest of a query: it takes the place of what only begins
    it. What begins in something else and goes on behind it is masked there, too: it may be all that identifies.
    """
    low, high = span
    over = [part for part in parts[near:] if part[0] < high and low < part[1]]
    if not over:
        return low
    first, last = over[0][:2]
    if len(over) > 1 or last >= high:
        return high
    if first == low and secret and data[last] != _AMPERSAND:
        parts.remove(over[0])
        return low
    return high - len(data[last:high].lstrip(_JOINTS)) if first < low else high


def _inside(spans: Sequence[Span], low: int, high: int) -> Sequence[Span]:
    """Return those of ``spans``, which ascend, that begin in ``low:high``, relative to it."""
    if not spans:
        return ()
    here = spans[bisect_left(spans, (low, low)) : bisect_left(spans, (high, high))]
    return tuple([(start - low, end - low) for start, end in here])


def laid_over(parts: Sequence[Part], names: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Return ``parts`` with ``names`` in place of those that they cover, and those; all ascend."""
    places = Spans([name[:2] for name in names])
    kept: list[Part] = []
    covered: list[Part] = []
    for part in parts:
        (covered if places.over(part[0], part[1]) else kept).append(part)
    return sorted([*kept, *names]), covered


def _together(texts: Sequence[Text]) -> tuple[bytes, list[Span]]:
    """Return ``texts`` put together, each behind what stands before it, and where they are there."""
    pieces: list[bytes] = []
    spans: list[Span] = []
    length = 0
    heads: dict[bytes | None, bytes] = {}
    for data, key, _ in texts:
        before = heads.get(key)
        if before is None:
            before = heads[key] = head(key)
        start = length + len(before)
        length = start + len(data)
        spans.append((start, length))
        pieces += (before, unmarked(data))
    pieces.append(END)
    return b"".join(pieces), spans


def by_text(found: Iterable[_Placed], places: Sequence[Span]) -> dict[int, list[_Placed]]:
    """Return what was found in several texts put together by the number of the text in which it lies.

    ``places`` are the texts'; both ascend.
    """
    sorted_out: dict[int, list[_Placed]] = {}
    at, last = -1, len(places) - 1
    for one in found:
        while at < last and places[at + 1][0] <= one.start:
            at += 1
        # What stands in a head is a key: a text of its own, and here only looked at.
        if at >= 0 and one.end <= places[at][1]:
            sorted_out.setdefault(at, []).append(one)
    return sorted_out


def token_spans(text: bytes, tokens: Tokens) -> Iterator[Span]:
    """Yield where the tokens in ``text`` stand."""
    at = free_from = 0
    while (tail := _TAIL.search(text, max(at, free_from))) is not None:
        start = tokens.start_of(text, tail[0])
        if start is not None and start >= free_from:
            free_from = tail[1]
            yield start, free_from
        at = tail[0] + 1


def _blocked(family: str) -> str:
    return (
        f"the request holds an identifier of the family {family}, whose policy is block: "
        "take it out, or change the policy"
    )
