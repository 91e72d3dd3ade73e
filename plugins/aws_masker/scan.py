"""Finding identifiers in text: one linear pass, whatever the number of families.

All patterns of the catalogue stand in one RE2 alternation without captures. Where it matches, the match is looked at
again, alone, to tell the family and the parts to be masked. Some matches are only beginnings, which code extends by
hand: an ARN, a host name (found by its ending), the value beside a key. That keeps the alternation's patterns short and
bounded, and a search with it fast.

What is found says where, of which family and which parts; never what. It depends on the text alone, not on names learned
elsewhere, so it may be kept and used again for the same text.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from aws_masker import addresses, arn, context
from aws_masker.addresses import Span
from aws_masker.catalogue import Catalogue, Family
from aws_masker.context import Keys, trimmed, values_at
from aws_masker.re2c import NEVER, FullMatchSet, compiled
from aws_masker.tokens import TAIL_LENGTH, TAIL_PATTERN, Tokens

# What may stand before an identifier: no letter or digit, or a letter that ends an escape (\n, \u001b, %2F, ESC[31m).
BEFORE: Final = (
    r"(?:\b|_|\\[abfnrtv0]|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|%[0-9A-Fa-f]{2}|\[[0-9;]{0,12}m)"
)
AFTER: Final = r"(?:\b|[^0-9A-Za-z]|\z)"
MAX_HOST: Final = 255
MAX_PATH: Final = 1024

_ALNUM: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_HOST_BYTES: Final = _ALNUM | frozenset(b".-_*")
_PATH: Final = compiled(r"[/:?][^\s\"'`<>|\\,;(){}\[\]\x00-\x1f]*")
_ESCAPE: Final = compiled(r"\\[abfnrtv0]|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|%[0-9A-Fa-f]{2}|\[[0-9;]{0,12}m")
_LONGEST_ESCAPE: Final = 14
_TOKEN_TAIL: Final = 2 + TAIL_LENGTH

Split = Callable[[bytes, int, int], tuple[int, tuple[Span, ...]] | None]


def _of_address(split: Callable[[bytes, int, int], tuple[Span, ...] | None]) -> Split:
    """Give a split of a match whose extent stays the common form."""

    def with_end(text: bytes, start: int, end: int) -> tuple[int, tuple[Span, ...]] | None:
        parts = split(text, start, end)
        return None if parts is None else (end, parts)

    return with_end


SPLITS: Final[dict[str, Split]] = {
    "arn": lambda text, start, _end: arn.split(text, start),
    "private-ipv4": _of_address(lambda text, start, end: addresses.ipv4(text, start, end, private=True)),
    "public-ipv4": _of_address(lambda text, start, end: addresses.ipv4(text, start, end, private=False)),
    "dashed-ipv4": _of_address(addresses.dashed_ipv4),
    "ipv6": _of_address(addresses.ipv6),
}


class Finding(NamedTuple):
    """An identifier: its extent, its family's place in the catalogue, and the parts that may have to be masked.

    ``end`` is where the last part ends: what follows it is looked at again, for an object's key may hold identifiers.
    ``family`` is TOKEN where the text already holds a token. ``whole`` says that the one part is masked as it is;
    otherwise common words among the parts stay.
    """

    start: int
    end: int
    family: int
    parts: tuple[Span, ...]
    whole: bool


TOKEN: Final = -1


class Scanner:
    """One catalogue, compiled."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Compile ``catalogue``. Raises CatalogueError's causes from RE2 when a pattern is none."""
        self.families: tuple[Family, ...] = catalogue.families
        numbered = list(enumerate(self.families))
        self._patterns = [(index, family) for index, family in numbered if family.pattern]
        self._hosts = [(index, family) for index, family in numbered if family.host]
        self._keys = Keys(numbered)
        self._whole = FullMatchSet([family.pattern for _, family in self._patterns])
        self._captures: dict[int, Any] = {
            index: compiled(family.pattern, captures=True)
            for index, family in self._patterns
            if not family.split and _has_groups(family.pattern)
        }
        self._host_patterns = {index: compiled(family.host, captures=True) for index, family in self._hosts}
        # A host row is matched with whatever path follows.
        self._host_set = FullMatchSet([f"(?:{family.host})(?s:[^0-9A-Za-z-].*)?" for _, family in self._hosts])
        self._forms = {
            index: compiled(family.value)
            for index, family in numbered
            if family.keys and family.value and family.value != context.ANY_VALUE
        }
        self._suffixes = compiled(_suffixes(catalogue))
        self._search = compiled(self._alternation(catalogue))

    def _alternation(self, catalogue: Catalogue) -> str:
        bounded = [family.pattern for _, family in self._patterns if _starts_in_word(family.pattern)]
        free = [family.pattern for _, family in self._patterns if not _starts_in_word(family.pattern)]
        alternatives = [f"{BEFORE}(?:{'|'.join(bounded)}){AFTER}"] if bounded else []
        alternatives += [f"(?:{'|'.join(free)}){AFTER}"] if free else []
        alternatives += [TAIL_PATTERN, _suffixes(catalogue), self._keys.pattern(BEFORE)]
        return "|".join(alternatives)

    def find(self, text: bytes, tokens: Tokens) -> list[Finding]:
        """Return what ``text`` holds, in ascending order and without overlaps.

        Time and memory are linear in the length of ``text``.
        """
        return list(_outermost(self._found(text, tokens)))

    def _found(self, text: bytes, tokens: Tokens) -> Iterator[Finding]:
        position = 0
        search = self._search.search
        resolved: dict[bytes, tuple[int, tuple[Span, ...], bool] | None] = {}
        while (match := search(text, position)) is not None:
            start, end = match.span()
            position = end
            first = text[start]
            if first == 0x2D and end - start == _TOKEN_TAIL and text[start + 1] == 0x78:  # noqa: PLR2004 - "-x"
                begin = tokens.start_of(text, start)
                if begin is not None:
                    yield Finding(begin, end, TOKEN, (), whole=True)
                else:
                    # Not ours: its characters may be the beginning of something else.
                    position = start + 1
                continue
            if first == 0x2E and (host := self._host(text, start, end)) is not None:  # noqa: PLR2004 - "."
                yield host
                position = max(end, host.end)
                continue
            if first == 0x2F and start and not _may_precede_path(text, start):  # noqa: PLR2004 - "/"
                position = start + 1
                continue
            core = core_end = _after_boundary(text, start, end)
            known = None
            # The boundary after an identifier may have taken one character along.
            for core_end in (end, end - 1) if text[end - 1] not in _ALNUM else (end,):
                word = text[core:core_end]
                if word not in resolved:
                    resolved[word] = self._resolve(word)
                if (known := resolved[word]) is not None:
                    break
            if known is not None:
                family, parts, whole = known
                split = self.families[family].split
                if not split:
                    yield Finding(
                        core, core_end, family, tuple((low + core, high + core) for low, high in parts), whole
                    )
                    position = core_end
                    continue
                finding = self._taken_apart(text, core, core_end, word)
                if finding is not None:
                    yield finding
                    position = max(position, finding.end)
                continue
            for finding in self._in_context(text, core, end):
                yield finding
                position = max(position, finding.end)

    def _resolve(self, word: bytes) -> tuple[int, tuple[Span, ...], bool] | None:
        """Return the family of a whole match, its parts relative to it, and whether it is masked as it is."""
        found = self._whole.matches(word)
        if not found:
            return None
        family = self._patterns[found[0]][0]
        pattern = self._captures.get(family)
        if pattern is None:
            return family, ((0, len(word)),), True
        return family, _groups(pattern.fullmatch(word)), False

    def _taken_apart(self, text: bytes, start: int, end: int, word: bytes) -> Finding | None:
        for place in self._whole.matches(word):
            index, family = self._patterns[place]
            if family.split:
                result = SPLITS[family.split](text, start, end)
                if result is not None:
                    extent, parts = result
                    return Finding(start, parts[-1][1] if parts else extent, index, parts, whole=family.split != "arn")
        return None

    def _host(self, text: bytes, start: int, end: int) -> Finding | None:
        """Return the host whose ending stands at ``start:end``, extended to both sides."""
        low = start
        stop = max(0, start - MAX_HOST)
        while low > stop and text[low - 1] in _HOST_BYTES:
            low -= 1
        low = after_escape(text, low, start)
        path = _PATH.match(text, end, min(len(text), end + MAX_PATH))
        high = path.end() if path else end
        word = text[low:high]
        found = self._host_set.matches(word)
        if not found:
            return None
        index = self._hosts[found[0]][0]
        match = self._host_patterns[index].match(word)
        parts = _groups(match) or ((0, match.end()),)
        return Finding(low, low + parts[-1][1], index, tuple((one + low, two + low) for one, two in parts), whole=False)

    def _in_context(self, text: bytes, start: int, end: int) -> Iterator[Finding]:
        """Yield the values beside the key whose joint ends at ``end``."""
        families = self._keys.families(text, start, end)
        if not families:
            return
        secret = any(self.families[family].value == context.ANY_VALUE for family in families)
        for value in values_at(text, end, secret=secret):
            for index in families:
                family = self.families[index]
                if not context.plausible(family, text, value, self._forms.get(index)):
                    continue
                if family.value == context.ANY_VALUE:
                    yield Finding(value.start, value.end, index, ((value.start, value.end),), whole=True)
                    break
                if self._speaks_for_itself(text[value.start : value.end]):
                    return
                yield Finding(value.start, value.end, index, _fields(text, value.start, value.end), whole=False)
                break
            else:
                return

    def _speaks_for_itself(self, word: bytes) -> bool:
        """Tell whether a value is found by its own form, whatever stands beside it."""
        return (
            b"://" in word
            or word.startswith((b"arn:", b"arn%"))
            or bool(self._whole.matches(word))
            or self._suffixes.search(word) is not None
        )


def after_escape(text: bytes, low: int, high: int) -> int:
    """Return ``low``, or the end of the escape sequence that runs over it (the n of ``\\n``, the 2F of ``%2F``)."""
    for begin in range(max(0, low - _LONGEST_ESCAPE), low):
        if text[begin] in b"\\%[":
            escape = _ESCAPE.match(text, begin, high)
            if escape is not None and escape.end() > low:
                return int(escape.end())
    return low


def bounded(text: bytes, start: int, end: int) -> bool:
    """Tell whether ``start:end`` stands alone: no letter or digit on either side, but for the end of an escape."""
    if end < len(text) and text[end] in _ALNUM:
        return False
    if start == 0 or text[start - 1] not in _ALNUM:
        return True
    return after_escape(text, start - 1, start) == start


def _may_precede_path(text: bytes, start: int) -> bool:
    """Tell whether a path begins at ``start``, rather than going on from something before it."""
    before = text[start - 1]
    return before not in _HOST_BYTES or after_escape(text, start - 1, start) == start


def _after_boundary(text: bytes, start: int, end: int) -> int:
    """Return where the match begins without the boundary that it took along."""
    if text[start] in b"\\%[":
        escape = _ESCAPE.match(text, start, end)
        return int(escape.end()) if escape else start
    return start + 1 if text[start] == 0x5F else start  # noqa: PLR2004 - "_"


def _outermost(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Drop a finding that a later one covers, and one that begins inside an earlier one."""
    waiting: list[Finding] = []
    for finding in findings:
        while waiting and waiting[-1].start >= finding.start:
            waiting.pop()
        if waiting and waiting[-1].end > finding.start:
            continue
        waiting.append(finding)
    yield from waiting


def _fields(text: bytes, start: int, end: int) -> tuple[Span, ...]:
    """Return the fields of a value that is a path or a name with a version: what stands between / and :."""
    spans = []
    low = start
    for at in range(start, end):
        if text[at] in b"/:,":
            spans.append((low, at))
            low = at + 1
    spans.append((low, end))
    return tuple(trimmed(text, spans))


def _groups(match: Any) -> tuple[Span, ...]:  # noqa: ANN401 - the library has no types
    spans = [match.span(group) for group in range(1, match.re.groups + 1)]
    return tuple((low, high) for low, high in spans if low >= 0)


def _has_groups(pattern: str) -> bool:
    return bool(compiled(pattern, captures=True).groups)


def _starts_in_word(pattern: str) -> bool:
    return pattern[0] not in "/-" and not pattern.startswith(("\\$", "\\/"))


def _suffixes(catalogue: Catalogue) -> str:
    endings = sorted(catalogue.suffixes, key=lambda one: (-len(one), one))
    return rf"(?:{'|'.join(one.replace('.', chr(92) + '.') for one in endings)})\b" if endings else NEVER
