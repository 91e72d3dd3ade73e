"""The first pass: what a text, looked at alone, has to be masked in, and with which tokens.

It depends on the text, the key that it stands under and the rules, and on nothing that came before. So what was found
is kept by a keyed digest of the text, and a history that is sent again is not scanned again. What is kept are places
and tokens, never a value.
"""

import hashlib
import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple, TypeVar

from aws_masker.alone import Automaton, Hit, Spans, standing_alone
from aws_masker.boundaries import uncoloured
from aws_masker.catalogue import Catalogue, Family
from aws_masker.context import joined
from aws_masker.errors import Blocked
from aws_masker.finding import Finding
from aws_masker.joints import END
from aws_masker.names import NAME, Names
from aws_masker.re2c import Pattern, Span
from aws_masker.scan import Scanner, has_groups
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
    """A text to be masked, the key that it stands under in a structured document, and how it is spelled there."""

    data: bytes
    key: bytes | None = None
    spelling: bytes | None = None


class Part(NamedTuple):
    """``start:end`` of a text, in bytes, and the token that takes its place.

    ``label`` is the token's. With ``learns``, the value is a name to look for elsewhere. ``family`` is the place of
    its family among those of the rules.
    """

    start: int
    end: int
    token: bytes
    label: bytes
    family: int
    learns: bool


# The last of the families of the rules, which no catalogue has: names that were given, and how.
GIVEN_FAMILIES: Final = ("inventory-name", "operator-term")
INVENTORY: Final = -2
OPERATORS: Final = -1


@dataclass(slots=True)
class Found:
    """What one text holds: the parts to be masked, ascending, and how many identifiers of each family.

    ``learned`` are those among the parts that are names to look for elsewhere, and such as a given name has taken the
    place of. ``settled`` is what the second pass last made of all this.
    """

    parts: list[Part]
    counts: Mapping[int, int]
    learned: Sequence[Part] = ()
    settled: "Settled | None" = None


@dataclass(slots=True)
class Settled:
    """What is replaced in a text, given the names learned before it, of which ``before`` is the digest.

    ``counts`` is how many of these names by family. ``offsets`` are the beginnings and ends of the parts in the text's
    spelling, kept by who looked for them.
    """

    before: bytes
    parts: list[Part]
    counts: Mapping[int, int]
    offsets: "array[int] | None" = None


class Given:
    """The names that are known before the first text: the operator's terms and those of an inventory."""

    def __init__(self, families: Mapping[bytes, int]) -> None:
        """Build the automaton of names, given with the place of each one's family among those of the rules."""
        self.names = tuple(sorted(families))
        self.families = tuple(families[name] for name in self.names)
        self.automaton = Automaton(self.names)

    def __repr__(self) -> str:
        """Show no name."""
        return f"<Given: {len(self.names)} names>"


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides how a finding is masked, for one tenant under one policy."""

    names: Names
    tokens: Tokens
    # Those of the catalogue, and then GIVEN_FAMILIES.
    families: tuple[str, ...]
    policies: tuple[Policy, ...]
    # What was said of a family or kind holds for its identifiers as parts of others too: an account in an ARN.
    part_policies: Mapping[bytes, Policy]
    # Whether what a family masks is a name to look for elsewhere: not what is found by its own form, nor a part of
    # an address.
    learns: tuple[bool, ...]
    stays: tuple[Stays, ...]
    given: Given
    limits: Limits


def rules(
    catalogue: Catalogue, names: Names, tokens: Tokens, settings: Settings, inventory: Mapping[str, str] | None = None
) -> Rules:
    """Return the rules that ``settings`` make of a catalogue: policy by family, else by kind, else mask.

    ``inventory`` are the names known beside the terms, and the family or kind of each.
    """
    policy = settings.policy
    return Rules(
        names=names,
        tokens=tokens,
        families=(*(family.name for family in catalogue.families), *GIVEN_FAMILIES),
        # A name of which nothing else is known is of the kind name; a term is masked whatever the policy.
        policies=(
            *(policy.get(family.name, policy.get(family.kind, "mask")) for family in catalogue.families),
            policy.get("name", "mask"),
            "mask",
        ),
        part_policies={
            family.label.encode(): policy.get(family.name, policy.get(family.kind, "mask"))
            for family in catalogue.families
            if family.label != NAME.decode() and (family.name in policy or family.kind in policy)
        },
        learns=tuple(learns(family) for family in catalogue.families),
        stays=tuple(Stays.WORDS if family.kind == "secret" else Stays.COMMON for family in catalogue.families),
        given=_given(catalogue, settings.terms, inventory or {}),
        limits=settings.limits,
    )


def _given(catalogue: Catalogue, terms: Sequence[str], inventory: Mapping[str, str]) -> Given:
    places = {family.name: place for place, family in enumerate(catalogue.families)}
    families = {_bytes(name): places.get(family, INVENTORY) for name, family in inventory.items()}
    return Given(families | {_bytes(term): OPERATORS for term in terms})


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def learns(family: Family) -> bool:
    """Tell whether what a family masks is a name to look for elsewhere too."""
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

    def digest(self, text: Text) -> bytes:
        """Return the digest under which what ``text`` holds is kept: of how it is spelled, if it is spelled."""
        data, key, spelling = text
        head = (b"text" if spelling is None else b"spelling") + (b":" if key is None else b"%d:%b" % (len(key), key))
        keyed = hashlib.blake2b(head, digest_size=16, key=self._key)
        keyed.update(data if spelling is None else spelling)
        return keyed.digest()

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


# The tokens of values and their labels, None where a value stays, for as long as one request is masked.
_Known = dict[tuple[bytes, Stays], tuple[bytes, bytes] | None]
_Placed = TypeVar("_Placed", Finding, Hit)


class Finder:
    """Finds the parts of texts by one set of rules."""

    def __init__(self, scanner: Scanner, rules: Rules, cache_key: bytes) -> None:
        """Combine a compiled catalogue with ``rules``; ``cache_key`` keys the digests of the cache."""
        self._scanner = scanner
        self._rules = rules
        # Tokens, labels and policies of the given names that were met.
        self._given: dict[int, tuple[bytes, bytes, Policy]] = {}
        self.cache = FoundCache(cache_key)

    def find(self, texts: Sequence[Text]) -> list[Found]:
        """Return what each text holds. Raises Blocked for an identifier whose policy says so."""
        found: list[Found | None] = [None] * len(texts)
        pieces: list[bytes] = []
        places: list[tuple[int, int, bytes | None]] = []
        length = 0
        for index, text in enumerate(texts):
            digest = None
            if len(text.data) >= KEPT_FROM:
                digest = self.cache.digest(text)
                found[index] = self.cache.get(digest)
                if found[index] is not None:
                    continue
            piece, head = joined(text.key, text.data)
            pieces.append(piece)
            places.append((length + head, index, digest))
            length += len(piece)
        if not pieces:
            return [one for one in found if one is not None]
        whole = b"".join([*pieces, END])
        spans = [(start, start + len(texts[index].data)) for start, index, _ in places]
        findings = by_text(self._scanner.find(uncoloured(whole)), spans)
        given = by_text(self._rules.given.automaton.hits(whole, self._rules.limits.overlaps), spans)
        known: _Known = {}
        for (start, index, digest), here, names in zip(places, findings, given, strict=True):
            data = texts[index].data
            one = self._found(data, here, start, known)
            if names:
                one = self._with_given(data, one, [Hit(which, low - start, high - start) for which, low, high in names])
            found[index] = one
            if digest is not None:
                self.cache.put(digest, one)
        return [one for one in found if one is not None]

    def _found(self, data: bytes, findings: list[Finding], offset: int, known: _Known) -> Found:
        """Return the parts of a text that are to be replaced, given its findings, which are ``offset`` too far on.

        What is made of values goes into ``known``.
        """
        rules = self._rules
        parts: list[Part] = []
        counts: dict[int, int] = {}
        tokens = list(token_spans(data, rules.tokens))
        # Those of the parts from here on may lie upon what comes next.
        near = 0
        for start, end, family, spans, as_it_is in findings:
            # Findings ascend: what ends before this one is in nobody's way any more.
            while near < len(parts) and parts[near].end <= start - offset:
                near += 1
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
                if any(part.start < high and low < part.end for part in parts[near:]):
                    continue
                parts.append(Part(low, high, *made, family, rules.learns[family]))
            if len(parts) > before:
                counts[family] = counts.get(family, 0) + 1
        parts.sort()
        return Found(parts, counts, [part for part in parts if part.learns])

    def _with_given(self, data: bytes, found: Found, hits: list[Hit]) -> Found:
        """Return what a text holds together with the given names in it. Raises Blocked."""
        rules = self._rules
        made = {which: self._of_given(which) for which in {hit.which for hit in hits}}
        looked_for = (hit for hit in hits if made[hit.which][2] != "allow")
        spans = [(part.start, part.end) for part in found.parts]
        names = []
        counts = dict(found.counts)
        for which, start, end in standing_alone(looked_for, data, spans, list(token_spans(data, rules.tokens))):
            token, label, policy = made[which]
            family = rules.given.families[which]
            if policy == "block":
                raise Blocked(_blocked(rules.families[family]))
            names.append(Part(start, end, token, label, family, learns=False))
            counts[family] = counts.get(family, 0) + 1
        parts, covered = laid_over(found.parts, names)
        return Found(parts, counts, [part for part in sorted([*parts, *covered]) if part.learns])

    def _of_given(self, which: int) -> tuple[bytes, bytes, Policy]:
        """Return the token of a given name, its label and its policy."""
        known = self._given.get(which)
        if known is None:
            rules = self._rules
            family = rules.given.families[which]
            token, label = self.made(rules.given.names[which])
            policy = rules.policies[family]
            if family != OPERATORS:
                policy = rules.part_policies.get(label, policy)
            known = self._given[which] = (token, label, policy)
        return known

    def token(self, value: bytes, stays: Stays) -> tuple[bytes, bytes] | None:
        """Return the token for ``value`` and its label, or None where it identifies nobody."""
        names = self._rules.names
        if (stays is Stays.COMMON and names.is_common(value)) or (stays is Stays.WORDS and names.is_word(value)):
            return None
        return self.made(value)

    def made(self, value: bytes) -> tuple[bytes, bytes]:
        """Return the token for ``value`` and its label, which is what the value's own form makes of it."""
        names = self._rules.names
        label = names.label(value)
        return self._rules.tokens.make(label, names.canonical(label, value)), label


def laid_over(parts: list[Part], names: list[Part]) -> tuple[list[Part], list[Part]]:
    """Return ``parts`` with ``names`` in place of those that they cover, and those; all ascend."""
    places = Spans([(name.start, name.end) for name in names])
    kept: list[Part] = []
    covered: list[Part] = []
    for part in parts:
        (covered if places.over(part.start, part.end) else kept).append(part)
    return sorted([*kept, *names]), covered


def by_text(found: Iterable[_Placed], places: Sequence[Span]) -> list[list[_Placed]]:
    """Return what was found in several texts put together by the text in which it lies; ``places`` are the texts'."""
    sorted_out: list[list[_Placed]] = [[] for _ in places]
    starts = [start for start, _ in places]
    for one in found:
        at = bisect_right(starts, one.start) - 1
        # What stands in a head is a key: a text of its own, and here only looked at.
        if at >= 0 and one.end <= places[at][1]:
            sorted_out[at].append(one)
    return sorted_out


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
