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
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from aws_masker.catalogue import Catalogue
from aws_masker.context import END, joined
from aws_masker.errors import Blocked, TooLarge
from aws_masker.names import Names
from aws_masker.scan import TOKEN, Finding, Scanner, bounded
from aws_masker.settings import Limits, Policy, Settings
from aws_masker.tokens import TAIL_LENGTH, Tokens

# Shorter texts are scanned in less time than it takes to look them up.
KEPT_FROM: Final = 512
KEPT_TEXTS: Final = 20_000
KEPT_FINDINGS: Final = 500_000
TERMS_FAMILY: Final = "operator-term"


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


@dataclass(slots=True)
class Result:
    """What masking a sequence of texts gave: replacements by text, ascending, and what they stand for."""

    replacements: list[list[Replacement]]
    dictionary: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    counts: Counter[str] = field(default_factory=Counter)
    seen: set[bytes] = field(default_factory=set)


class FindingsCache:
    """Findings by the keyed digest of a text, the latest used; bounded by texts and by findings. Holds no text."""

    def __init__(self, key: bytes) -> None:
        """Use ``key`` (at most 64 bytes) for the digests, so that they say nothing about the texts."""
        self._key = key
        self._kept: OrderedDict[bytes, list[Finding]] = OrderedDict()
        self._findings = 0
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

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
            while self._kept and (len(self._kept) > KEPT_TEXTS or self._findings > KEPT_FINDINGS):
                self._findings -= len(self._kept.popitem(last=False)[1])


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides how a finding is masked, for one tenant under one policy."""

    names: Names
    tokens: Tokens
    families: tuple[str, ...]
    policies: tuple[Policy, ...]
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
        terms=tuple(sorted({term.encode("utf-8", "surrogatepass") for term in settings.terms if term})),
        limits=settings.limits,
    )


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
        for finding in self._scanner.find(b"".join(pieces), self._rules.tokens):
            at = bisect_right(starts, finding.start) - 1
            if at < 0:
                continue
            start, index, size, _ = places[at]
            # A key of a structured document is a text of its own; as a head it is only looked at.
            if finding.end - start <= size:
                found[index].append(_moved(finding, -start))
        for _, index, _, digest in places:
            if digest is not None:
                self.cache.put(digest, found[index])
        return found


class _Run:
    """One masking of a sequence of texts."""

    def __init__(self, rules: Rules, texts: Sequence[Text], findings: list[list[Finding]]) -> None:
        self._rules = rules
        self._texts = texts
        self._findings = findings
        self._result = Result([[] for _ in texts])
        # Where each text begins in all of them put together.
        self._starts: list[int] = []
        at = 0
        for text in texts:
            self._starts.append(at)
            at += len(text.data) + len(END)
        # Names by value, with the place from which they are known and the family that they came from.
        self._learned: dict[bytes, tuple[int, int]] = {}
        # What is replaced or is a token already, in the same places.
        self._taken: list[tuple[int, int]] = []
        # (value, whether common words stay) -> (token, label), or None where it identifies nobody.
        self._known: dict[tuple[bytes, bool], tuple[bytes, bytes] | None] = {}

    def result(self) -> Result:
        for index, findings in enumerate(self._findings):
            for finding in findings:
                self._apply(index, finding)
        self._follow_names()
        for replacements in self._result.replacements:
            replacements.sort()
        return self._result

    def _apply(self, index: int, finding: Finding) -> None:
        """Replace the parts of a finding that identify somebody, and learn the names among them."""
        data = self._texts[index].data
        if finding.family == TOKEN:
            self._keep_token(index, finding.start, finding.end)
            return
        policy = self._rules.policies[finding.family]
        if policy == "allow":
            return
        family = self._rules.families[finding.family]
        masked = False
        for start, end in finding.parts:
            if self._holds_token(index, start, end):
                continue
            value = data[start:end]
            known = self._token(value, common_stays=not finding.whole)
            if known is None:
                continue
            if policy == "block":
                message = f"the request holds an identifier of the family {family}, whose policy is block; remove it, or change the policy"
                raise Blocked(message)
            self._replace(index, start, end, *known)
            if value not in self._learned:
                self._learned[value] = (self._starts[index] + end, finding.family)
            masked = True
        if masked:
            self._result.counts[family] += 1

    def _token(self, value: bytes, *, common_stays: bool) -> tuple[bytes, bytes] | None:
        key = (value, common_stays)
        if key not in self._known:
            names = self._rules.names
            if common_stays and names.is_common(value):
                self._known[key] = None
            else:
                label = names.label(value)
                self._known[key] = (self._rules.tokens.make(label, names.canonical(label, value)), label)
        return self._known[key]

    def _replace(self, index: int, start: int, end: int, token: bytes, label: bytes) -> None:
        self._result.replacements[index].append(Replacement(start, end, token, label))
        self._result.dictionary[token] = self._texts[index].data[start:end]
        self._taken.append((self._starts[index] + start, self._starts[index] + end))
        if len(self._result.dictionary) > self._rules.limits.identifiers:
            message = f"the request holds more than {self._rules.limits.identifiers} distinct identifiers; raise limits.identifiers or send less"
            raise TooLarge(message)

    def _keep_token(self, index: int, start: int, end: int) -> None:
        self._result.seen.add(self._texts[index].data[start:end])
        self._taken.append((self._starts[index] + start, self._starts[index] + end))

    def _holds_token(self, index: int, start: int, end: int) -> bool:
        """Tell whether a part is a token, or was put together from one; then it is left as it is."""
        data = self._texts[index].data
        at = data.find(b"-x", start, end)
        found = False
        while at >= 0:
            begin = self._rules.tokens.start_of(data, at)
            if begin is not None and begin >= start:
                self._keep_token(index, begin, at + 2 + TAIL_LENGTH)
                found = True
            at = data.find(b"-x", at + 1, end)
        return found

    def _follow_names(self) -> None:
        """Replace the names wherever they stand alone behind the place where they were learned."""
        known: dict[bytes, tuple[int, int | None]] = {term: (-1, None) for term in self._rules.terms}
        for value, (place, family) in self._learned.items():
            known.setdefault(value, (place, family))
        if len(known) > self._rules.limits.names + len(self._rules.terms):
            message = f"the request holds more than {self._rules.limits.names} names; raise limits.names or send less"
            raise TooLarge(message)
        if not known or not self._texts:
            return
        values = list(known)
        automaton = BytesAhoCorasick(values, matchkind=MatchKind.Standard)
        whole = END.join(text.data for text in self._texts)
        hits = automaton.find_matches_as_indexes(whole, overlapping=True)
        hits.sort(key=lambda hit: (hit[1], -hit[2]))
        taken = sorted(self._taken)
        at = 0
        free_from = 0
        for place, start, end in hits:
            value = values[place]
            learned, family = known[value]
            if start < learned or start < free_from:
                continue
            while at < len(taken) and taken[at][1] <= start:
                at += 1
            if (at < len(taken) and taken[at][0] < end) or not bounded(whole, start, end):
                continue
            token = self._token(value, common_stays=False)
            if token is None:
                continue
            index = bisect_right(self._starts, start) - 1
            offset = self._starts[index]
            self._replace(index, start - offset, end - offset, *token)
            name = TERMS_FAMILY if family is None else self._rules.families[family]
            self._result.counts[name] += 1
            free_from = end


def _moved(finding: Finding, by: int) -> Finding:
    parts = tuple((low + by, high + by) for low, high in finding.parts)
    return Finding(finding.start + by, finding.end + by, finding.family, parts, finding.whole)
