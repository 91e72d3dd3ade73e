"""The first pass: what a text, looked at alone, has to be masked in, and with which tokens.

It depends on the text, the key that it stands under and the rules, and on nothing that came before. So what was found
is kept by a keyed digest of the text, and a history that is sent again is not scanned again. What is kept are places
and tokens, never a value.
"""

import hashlib
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from aws_masker.catalogue import Catalogue, Family
from aws_masker.context import END, joined
from aws_masker.errors import Blocked
from aws_masker.names import NAME, Names
from aws_masker.re2c import Pattern, Span
from aws_masker.scan import Finding, Scanner, has_groups
from aws_masker.settings import Limits, Policy, Settings
from aws_masker.tokens import TAIL_LENGTH, TAIL_PATTERN, Tokens

# Shorter texts are scanned in less time than it takes to look them up.
KEPT_FROM: Final = 512
KEPT_TEXTS: Final = 20_000
KEPT_PARTS: Final = 500_000
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


class Part(NamedTuple):
    """``start:end`` of a text, in bytes, and the token that takes its place.

    ``label`` is the token's. With ``learns``, the value is a name to look for elsewhere. ``family`` is the place of
    its family in the catalogue, OPERATORS for a term that was given.
    """

    start: int
    end: int
    token: bytes
    label: bytes
    family: int
    learns: bool


OPERATORS: Final = -1


@dataclass(frozen=True, slots=True)
class Found:
    """What one text holds: the parts to be masked, ascending, and how many identifiers of each family."""

    parts: list[Part]
    counts: Mapping[int, int]


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


class FoundCache:
    """What texts hold by the keyed digests of the texts, the latest used; bounded by texts and by parts."""

    def __init__(self, key: bytes, texts: int = KEPT_TEXTS, parts: int = KEPT_PARTS) -> None:
        """Keep at most so many texts and parts. ``key`` (at most 64 bytes) makes the digests say nothing."""
        self._key = key
        self._most = (texts, parts)
        self._kept: OrderedDict[bytes, Found] = OrderedDict()
        self._parts = 0
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        """Return how many texts are kept."""
        return len(self._kept)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._parts = 0

    def digest(self, text: bytes) -> bytes:
        """Return the digest under which what ``text`` holds is kept."""
        return hashlib.blake2b(text, digest_size=16, key=self._key).digest()

    def get(self, digest: bytes) -> Found | None:
        """Return what is kept under ``digest``, if anything."""
        with self._lock:
            found = self._kept.get(digest)
            if found is None:
                self.misses += 1
                return None
            self.hits += 1
            self._kept.move_to_end(digest)
            return found

    def put(self, digest: bytes, found: Found) -> None:
        """Keep ``found`` under ``digest``, and let go of what was not used for longest."""
        with self._lock:
            before = self._kept.pop(digest, None)
            self._parts += len(found.parts) - (len(before.parts) if before else 0)
            self._kept[digest] = found
            texts, parts = self._most
            while self._kept and (len(self._kept) > texts or self._parts > parts):
                self._parts -= len(self._kept.popitem(last=False)[1].parts)


class Finder:
    """Finds the parts of texts by one set of rules."""

    def __init__(self, scanner: Scanner, rules: Rules, cache_key: bytes) -> None:
        """Combine a compiled catalogue with ``rules``; ``cache_key`` keys the digests of the cache."""
        self._scanner = scanner
        self._rules = rules
        self.cache = FoundCache(cache_key)

    def find(self, texts: Sequence[Text]) -> list[Found]:
        """Return what each text holds. Raises Blocked for an identifier whose policy says so."""
        found: list[Found | None] = [None] * len(texts)
        pieces: list[bytes] = []
        places: list[tuple[int, int, bytes | None]] = []
        length = 0
        for index, text in enumerate(texts):
            piece, head = joined(text.key, text.data)
            digest = None
            if len(piece) >= KEPT_FROM:
                digest = self.cache.digest(piece)
                found[index] = self.cache.get(digest)
                if found[index] is not None:
                    continue
            pieces.append(piece)
            places.append((length + head, index, digest))
            length += len(piece)
        for (start, index, digest), findings in zip(places, self._findings(pieces, places, texts), strict=True):
            one = self._found(texts[index].data, findings, start)
            found[index] = one
            if digest is not None:
                self.cache.put(digest, one)
        return [one for one in found if one is not None]

    def _findings(
        self, pieces: list[bytes], places: list[tuple[int, int, bytes | None]], texts: Sequence[Text]
    ) -> list[list[Finding]]:
        """Scan all pieces put together, and return the findings of each."""
        findings: list[list[Finding]] = [[] for _ in places]
        if not pieces:
            return findings
        starts = [start for start, _, _ in places]
        for finding in self._scanner.find(b"".join([*pieces, END])):
            at = bisect_right(starts, finding.start) - 1
            # What stands in a head is a key: a text of its own, and here only looked at.
            if at >= 0 and finding.end <= starts[at] + len(texts[places[at][1]].data):
                findings[at].append(finding)
        return findings

    def _found(self, data: bytes, findings: list[Finding], offset: int) -> Found:
        """Return the parts of a text that are to be replaced, given its findings, which are ``offset`` too far on."""
        rules = self._rules
        parts: list[Part] = []
        counts: dict[int, int] = {}
        tokens = list(token_spans(data, rules.tokens))
        known: dict[tuple[bytes, Stays], tuple[bytes, bytes] | None] = {}
        # The last finding that nothing covers: where it ends, and where its parts begin among all parts.
        free_from, outer = -1, 0
        for start, end, family, spans, as_it_is in findings:
            nested = start < free_from
            stays = Stays.NOTHING if as_it_is else rules.stays[family]
            if len(spans) > 1 and not as_it_is and rules.names.is_common(data[start - offset : end - offset]):
                continue
            before = len(parts)
            for one, two in spans:
                low, high = one - offset, two - offset
                # A token, or something put together from one, stays as it is.
                if tokens and any(begin < high and low < stop for begin, stop in tokens):
                    continue
                key = (data[low:high], stays)
                if key not in known:
                    known[key] = self.token(*key)
                if (made := known[key]) is None:
                    continue
                policy = rules.part_policies.get(made[1], rules.policies[family])
                if policy == "allow":
                    continue
                if policy == "block":
                    raise Blocked(_blocked(rules.families[family]))
                # What lies in something that is masked is masked with it; beside what stays there, it counts.
                if nested and any(part.start < high and low < part.end for part in parts[outer:]):
                    continue
                parts.append(Part(low, high, *made, family, rules.learns[family]))
            if len(parts) > before:
                counts[family] = counts.get(family, 0) + 1
                if not nested:
                    free_from, outer = end, before
        parts.sort()
        return Found(parts, counts)

    def token(self, value: bytes, stays: Stays) -> tuple[bytes, bytes] | None:
        """Return the token for ``value`` and its label, or None where it identifies nobody."""
        names = self._rules.names
        if (stays is Stays.COMMON and names.is_common(value)) or (stays is Stays.WORDS and names.is_word(value)):
            return None
        label = names.label(value)
        return self._rules.tokens.make(label, names.canonical(label, value)), label


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


def _blocked(family: str) -> str:
    return (
        f"the request holds an identifier of the family {family}, whose policy is block: "
        "take it out, or change the policy"
    )
