"""Masking a sequence of texts: from findings to replacements, and from names found once to names masked from there on.

The texts are given in the order in which the model reads them. What is masked in one depends on it and on those before
it, never on those after: a conversation that grows at its end grows at its end in masked form too.

Two passes. The first looks at each text alone (``scan``), and its findings are kept by a keyed digest of the text, so
that a history that is sent again is not scanned again. The second looks for the names that the first one found: one
automaton over all of them, every hit behind the place where its name was learned.
"""

import hashlib
import threading
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from aws_masker.catalogue import Catalogue, Family
from aws_masker.context import END, joined
from aws_masker.errors import Blocked, TooLarge
from aws_masker.names import NAME, Names
from aws_masker.re2c import Pattern, Span
from aws_masker.scan import Finding, Scanner, bounded, has_groups, moved
from aws_masker.settings import Limits, Policy, Settings
from aws_masker.tokens import TAIL_LENGTH, TAIL_PATTERN, Tokens

# Shorter texts are scanned in less time than it takes to look them up.
KEPT_FROM: Final = 512
KEPT_TEXTS: Final = 20_000
KEPT_FINDINGS: Final = 500_000
TERMS_FAMILY: Final = "operator-term"
_TAIL: Final = Pattern(TAIL_PATTERN)


class Stays(IntEnum):
    """What stays as it is although it stands where an identifier is expected."""

    NOTHING = 0
    WORDS = 1
    COMMON = 2


class Text(NamedTuple):
    """A text to be masked, and the key that it stands under in a structured document."""

    data: bytes
    key: bytes | None = None


class Replacement(NamedTuple):
    """``start:end`` of a text, in bytes, and the token that takes its place."""

    start: int
    end: int
    token: bytes
    label: bytes


class _Place(NamedTuple):
    """Something to be replaced, in all texts put together."""

    start: int
    end: int
    finding: int
    family: int | None
    token: bytes
    label: bytes


@dataclass(slots=True)
class Result:
    """What masking a sequence of texts gave: replacements by text, ascending, and what they stand for."""

    replacements: list[list[Replacement]]
    dictionary: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    counts: Counter[str] = field(default_factory=Counter)
    seen: set[bytes] = field(default_factory=set)


class FindingsCache:
    """Findings by the keyed digest of a text, the latest used; bounded by texts and by findings. Holds no text."""

    def __init__(self, key: bytes, texts: int = KEPT_TEXTS, findings: int = KEPT_FINDINGS) -> None:
        """Keep at most so many texts and findings. ``key`` (at most 64 bytes) makes the digests say nothing."""
        self._key = key
        self._most = (texts, findings)
        self._kept: OrderedDict[bytes, list[Finding]] = OrderedDict()
        self._findings = 0
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        """Return how many texts' findings are kept."""
        return len(self._kept)

    def clear(self) -> None:
        """Forget all findings."""
        with self._lock:
            self._kept.clear()
            self._findings = 0

    def digest(self, text: bytes) -> bytes:
        """Return the digest under which the findings of ``text`` are kept."""
        return hashlib.blake2b(text, digest_size=16, key=self._key).digest()

    def get(self, digest: bytes) -> list[Finding] | None:
        """Return the findings kept under ``digest``, if any."""
        with self._lock:
            found = self._kept.get(digest)
            if found is None:
                self.misses += 1
                return None
            self.hits += 1
            self._kept.move_to_end(digest)
            return found

    def put(self, digest: bytes, findings: list[Finding]) -> None:
        """Keep ``findings`` under ``digest``, and let go of those not used for longest."""
        with self._lock:
            self._findings += len(findings) - len(self._kept.pop(digest, ()))
            self._kept[digest] = findings
            texts, most = self._most
            while self._kept and (len(self._kept) > texts or self._findings > most):
                self._findings -= len(self._kept.popitem(last=False)[1])


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides how a finding is masked, for one tenant under one policy."""

    names: Names
    tokens: Tokens
    families: tuple[str, ...]
    policies: tuple[Policy, ...]
    # What was said of a family or kind holds for its identifiers as parts of others too: an account in an ARN.
    part_policies: Mapping[bytes, Policy]
    # Whether what a family masks is a name to look for elsewhere: not what is found by its own form, nor a part of
    # an address.
    learns: tuple[bool, ...]
    stays: tuple[Stays, ...]
    terms: tuple[bytes, ...] = field(repr=False)
    limits: Limits


def rules(catalogue: Catalogue, names: Names, tokens: Tokens, settings: Settings) -> Rules:
    """Return the rules that ``settings`` make of a catalogue: policy by family, else by kind, else mask."""
    policy = settings.policy
    return Rules(
        names=names,
        tokens=tokens,
        families=tuple(family.name for family in catalogue.families),
        policies=tuple(policy.get(family.name, policy.get(family.kind, "mask")) for family in catalogue.families),
        part_policies={
            family.label.encode(): policy.get(family.name, policy.get(family.kind, "mask"))
            for family in catalogue.families
            if family.label != NAME.decode() and (family.name in policy or family.kind in policy)
        },
        learns=tuple(_learns(family) for family in catalogue.families),
        stays=tuple(Stays.WORDS if family.kind == "secret" else Stays.COMMON for family in catalogue.families),
        terms=tuple(sorted({term.encode("utf-8", "surrogatepass") for term in settings.terms if term})),
        limits=settings.limits,
    )


def _learns(family: Family) -> bool:
    if family.split:
        return family.split == "arn"
    return not family.pattern or has_groups(family.pattern)


class TextMasker:
    """Masks texts by one set of rules."""

    def __init__(self, scanner: Scanner, rules: Rules, cache_key: bytes) -> None:
        """Combine a compiled catalogue with ``rules``; ``cache_key`` keys the digests of the findings' cache."""
        self._scanner = scanner
        self._rules = rules
        self.cache = FindingsCache(cache_key)

    def mask(self, texts: Sequence[Text]) -> Result:
        """Mask ``texts``, given in the order in which the model reads them.

        Raises Blocked for an identifier whose policy says so, TooLarge past the limits.
        """
        return _Run(self._rules, texts, self.findings(texts)).result()

    def findings(self, texts: Sequence[Text]) -> list[list[Finding]]:
        """Return what each text holds; offsets are into the text."""
        found: list[list[Finding]] = [[] for _ in texts]
        pieces: list[bytes] = []
        places: list[tuple[int, int, int, bytes | None]] = []
        length = 0
        for index, text in enumerate(texts):
            piece, head = joined(text.key, text.data)
            digest = None
            if len(piece) >= KEPT_FROM:
                digest = self.cache.digest(piece)
                kept = self.cache.get(digest)
                if kept is not None:
                    found[index] = kept
                    continue
            pieces.append(piece)
            places.append((length + head, index, len(text.data), digest))
            length += len(piece)
        if not pieces:
            return found
        pieces.append(END)
        starts = [place[0] for place in places]
        for finding in self._scanner.find(b"".join(pieces)):
            at = bisect_right(starts, finding.start) - 1
            if at < 0:
                continue
            start, index, size, _ = places[at]
            # A key of a structured document is a text of its own; as a head it is only looked at.
            if finding.end - start <= size:
                found[index].append(moved(finding, -start))
        for _, index, _, digest in places:
            if digest is not None:
                self.cache.put(digest, found[index])
        return found


class _Run:
    """One masking of a sequence of texts, all of them put together with END between."""

    def __init__(self, rules: Rules, texts: Sequence[Text], findings: list[list[Finding]]) -> None:
        self._rules = rules
        self._findings = findings
        self._whole = END.join(text.data for text in texts)
        self._starts: list[int] = []
        at = 0
        for text in texts:
            self._starts.append(at)
            at += len(text.data) + len(END)
        self._tokens = list(token_spans(self._whole, rules.tokens))
        # Names by value, with the place from which they are known and the family that they came from.
        self._learned: dict[bytes, tuple[int, int]] = {}
        # (value, what of it stays) -> (token, label), or None where it identifies nobody.
        self._known: dict[tuple[bytes, Stays], tuple[bytes, bytes] | None] = {}

    def result(self) -> Result:
        parts = list(self._parts())
        names = self._names_elsewhere(parts)
        result = Result([[] for _ in self._starts])
        result.seen = {self._whole[low:high] for low, high in self._tokens}
        counted: set[int] = set()
        index = 0
        for place in sorted(names + _not_covered(parts, names)) if names else parts:
            while index + 1 < len(self._starts) and self._starts[index + 1] <= place.start:
                index += 1
            offset = self._starts[index]
            replacement = Replacement(place.start - offset, place.end - offset, place.token, place.label)
            result.replacements[index].append(replacement)
            result.dictionary[place.token] = self._whole[place.start : place.end]
            if len(result.dictionary) > self._rules.limits.identifiers:
                raise TooLarge(_too_many("distinct identifiers", "identifiers", self._rules.limits.identifiers))
            if place.finding not in counted:
                counted.add(place.finding)
                result.counts[TERMS_FAMILY if place.family is None else self._rules.families[place.family]] += 1
        return result

    def _parts(self) -> Iterator[_Place]:
        """Yield the parts of the findings that are to be replaced, and learn the names among them."""
        rules, whole = self._rules, self._whole
        tokens = _Spans(self._tokens)
        number = 0
        for offset, findings in zip(self._starts, self._findings, strict=True):
            for finding in findings:
                _, _, family, parts, as_it_is = finding
                number += 1
                stays = Stays.NOTHING if as_it_is else rules.stays[family]
                if len(parts) > 1 and self._common_as_a_whole(finding, offset):
                    continue
                for low, high in parts:
                    start, end = low + offset, high + offset
                    # A token, or something put together from one, stays as it is.
                    if self._tokens and tokens.overlap(start, end):
                        continue
                    value = whole[start:end]
                    token = self._token(value, stays)
                    if token is None:
                        continue
                    policy = rules.part_policies.get(token[1], rules.policies[family])
                    if policy == "allow":
                        continue
                    if policy == "block":
                        raise Blocked(_blocked(rules.families[family]))
                    if rules.learns[family] and value not in self._learned:
                        self._learned[value] = (end, family)
                    yield _Place(start, end, number, family, *token)

    def _names_elsewhere(self, parts: list[_Place]) -> list[_Place]:
        """Return where known names stand alone, behind where they were learned.

        A name that covers parts takes their place: a value is masked the same way wherever it stands. One that only
        overlaps a part, or touches a token, is left to it.
        """
        known: dict[bytes, tuple[int, int | None]] = dict.fromkeys(self._rules.terms, (-1, None))
        for value, learned in self._learned.items():
            known.setdefault(value, learned)
        if len(self._learned) > self._rules.limits.names:
            raise TooLarge(_too_many("names", "names", self._rules.limits.names))
        if not known:
            return []
        values = list(known)
        automaton = BytesAhoCorasick(values, matchkind=MatchKind.Standard)
        hits = automaton.find_matches_as_indexes(self._whole, overlapping=True)
        hits.sort(key=lambda hit: (hit[1], -hit[2]))
        tokens = _Spans(self._tokens)
        taken = _Spans([(part.start, part.end) for part in parts])
        found: list[_Place] = []
        free_from = 0
        for which, start, end in hits:
            place, family = known[values[which]]
            if start < place or start < free_from or tokens.overlap(start, end):
                continue
            if any(low < start or high > end or (low, high) == (start, end) for low, high in taken.over(start, end)):
                continue
            if not bounded(self._whole, start, end):
                continue
            token = self._token(values[which], Stays.NOTHING)
            if token is not None:
                found.append(_Place(start, end, -1 - start, family, *token))
            free_from = end
        return found

    def _common_as_a_whole(self, finding: Finding, offset: int) -> bool:
        """Tell whether a value with several fields identifies nobody, such as default:mysql-8-0."""
        return not finding.whole and self._rules.names.is_common(
            self._whole[finding.start + offset : finding.end + offset]
        )

    def _token(self, value: bytes, stays: Stays) -> tuple[bytes, bytes] | None:
        key = (value, stays)
        if key not in self._known:
            names = self._rules.names
            if (stays is Stays.COMMON and names.is_common(value)) or (stays is Stays.WORDS and names.is_word(value)):
                self._known[key] = None
            else:
                label = names.label(value)
                self._known[key] = (self._rules.tokens.make(label, names.canonical(label, value)), label)
        return self._known[key]


class _Spans:
    """Ascending spans without overlaps, asked about places that come in ascending order too."""

    def __init__(self, spans: list[Span]) -> None:
        self._spans = spans
        self._at = 0

    def over(self, start: int, end: int) -> list[Span]:
        """Return the spans that have something in common with ``start:end``; ``start`` never goes back."""
        spans = self._spans
        while self._at < len(spans) and spans[self._at][1] <= start:
            self._at += 1
        at = self._at
        while at < len(spans) and spans[at][0] < end:
            at += 1
        return spans[self._at : at]

    def overlap(self, start: int, end: int) -> bool:
        """Tell whether a span has something in common with ``start:end``."""
        return bool(self.over(start, end))


def token_spans(text: bytes, tokens: Tokens) -> Iterator[Span]:
    """Yield where the tokens in ``text`` stand."""
    at = text.find(b"-x")
    free_from = 0
    while at >= 0:
        start = tokens.start_of(text, at) if _TAIL.match(text, at) > 0 else None
        if start is not None and start >= free_from:
            free_from = at + len(b"-x") + TAIL_LENGTH
            yield start, free_from
        at = text.find(b"-x", max(at + 1, free_from))


def _not_covered(parts: list[_Place], names: list[_Place]) -> list[_Place]:
    covering = _Spans([(name.start, name.end) for name in names])
    return [part for part in parts if not covering.overlap(part.start, part.end)]


def _blocked(family: str) -> str:
    return (
        f"the request holds an identifier of the family {family}, whose policy is block: "
        "take it out, or change the policy"
    )


def _too_many(what: str, limit: str, most: int) -> str:
    return f"the request holds more than {most} {what}: send less, or raise the limit for {limit}"
