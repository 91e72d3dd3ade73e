"""Collecting: which values of a document are names worth knowing from the first word on.

The scanner that masks looks at the items of ``sources``: what it would mask and learn forward in a conversation is a
name here too. Then comes what a conversation has no use for: names that only the structure of a document tells.
Whether a value is a common word is asked of the same word list as everywhere.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from aws_masker.context import fields, joined
from aws_masker.errors import TooLarge
from aws_masker.finding import Finding
from aws_masker.joints import END
from aws_masker.learn.sources import Item
from aws_masker.names import Names
from aws_masker.parts import by_text, token_spans
from aws_masker.re2c import Pattern
from aws_masker.rules import learns
from aws_masker.scan import Scanner
from aws_masker.tokens import Tokens

# What is looked through at a time: bounds memory, and is enough for the engine to run at full speed.
BATCH_BYTES: Final = 1 << 18
# A name as short as three characters stands in too much that is none.
SHORTEST: Final = 4
LONGEST: Final = 512
LEFT_OUT: Final[Mapping[str, str]] = {
    "common": "common words, numbers, versions and regions",
    "short": f"shorter than {SHORTEST} characters",
    "long": f"longer than {LONGEST} characters, or of several lines",
    "own form": "recognised by their own form anyway",
    "aws": "AWS's own",
    "client": "Claude Code's own words",
    "secret": "secrets, of which none is kept",
    "token": "tokens",
    "forgotten": "forgotten before",
}
# Tools, kinds of subagents and names that stand in every prompt of Claude Code: to mask them would garble it.
_CLIENTS: Final = frozenset(
    (
        *(b"anthropic", b"claude", b"claude-code", b"general-purpose", b"statusline-setup", b"output-style-setup"),
        *(b"askuserquestion", b"bashoutput", b"enterplanmode", b"exitplanmode", b"killshell", b"multiedit"),
        *(b"notebookedit", b"skill", b"slashcommand", b"taskoutput", b"taskstop", b"todowrite", b"toolsearch"),
        *(b"webfetch", b"websearch", b"claude.md", b"agents.md"),
    )
)
_WHOSE_NAME: Final = "name"
# Of two families the more telling one: what a structure says is less than what an ARN says, and that less than a key.
_VAGUE: Final = (_WHOSE_NAME, "arn")
_ONE_LINE: Final = Pattern(r"[^\x00-\x1f\x7f]+")
_RESOURCE_END: Final = re.compile(rb"[:/]")
_ARN_PARTS: Final = 6


@dataclass(frozen=True, slots=True)
class Learned:
    """Names with the family of each, and how many different values were left out for what reason."""

    names: Mapping[str, str] = field(repr=False)
    left_out: Mapping[str, int]


class Collector:
    """Collects the names in items, at most so many."""

    def __init__(self, scanner: Scanner, names: Names, tokens: Tokens, most: int) -> None:
        """Use a compiled catalogue; ``tokens`` tell what is masked already."""
        self._scanner = scanner
        self._names = names
        self._tokens = tokens
        self._most = most
        self._learns = tuple(learns(family) for family in scanner.families)
        self._found: dict[bytes, str] = {}
        self._left: dict[bytes, str] = {}
        self._awss: set[bytes] = set()

    def add(self, items: Iterable[Item], shortest: int = SHORTEST) -> None:
        """Take in what ``items`` hold; names have at least ``shortest`` characters.

        Raises TooLarge for more names than ``most``.
        """
        for batch in _batches(items):
            self._scan(batch, shortest)
            for item, data in batch:
                if item.named:
                    for low, high in fields(data, 0, len(data)):
                        self._offer(data[low:high].strip(), _WHOSE_NAME, shortest)
            if len(self._found) > self._most:
                message = (
                    f"there are more than {self._most} names: learn from less, or raise limits.inventory, here and "
                    "wherever the inventory is used; nothing was learned"
                )
                raise TooLarge(message)

    def learned(self, forgotten: Collection[str] = ()) -> Learned:
        """Return the names found so far, but for those that were ``forgotten`` and those that need not be known."""
        left = Counter(self._left.values())
        names = {}
        recognised = self._recognised()
        for value, family in self._found.items():
            name = value.decode("utf-8", "surrogatepass")
            if value in self._awss:
                left["aws"] += 1
            elif value in recognised:
                left["own form"] += 1
            elif name in forgotten:
                left["forgotten"] += 1
            else:
                names[name] = family
        return Learned(names, {reason: left[reason] for reason in LEFT_OUT if left[reason]})

    def _scan(self, batch: list[tuple[Item, bytes]], shortest: int) -> None:
        """Look through the items of a batch as a request is looked through."""
        pieces, places, length = [], [], 0
        for item, data in batch:
            piece, head = joined(item.key.encode("utf-8", "surrogatepass"), data)
            pieces.append(piece)
            places.append((length + head, length + head + len(data)))
            length += len(piece)
            self._note_awss(data)
        whole = b"".join([*pieces, END])
        for findings in by_text(self._scanner.find(whole), places).values():
            for finding in findings:
                self._take(whole, finding, shortest)

    def _take(self, text: bytes, finding: Finding, shortest: int) -> None:
        family = self._scanner.families[finding.family]
        if not self._learns[finding.family]:
            return
        for low, high in finding.parts:
            value = text[low:high]
            if family.kind == "secret":
                self._left[value] = "secret"
            else:
                self._offer(value, family.name, shortest)

    def _offer(self, value: bytes, family: str, shortest: int) -> None:
        """Keep ``value`` with its family, or note why not."""
        known = self._found.get(value)
        if known is not None:
            if _telling(family) > _telling(known):
                self._found[value] = family
        elif value and value not in self._left:
            reason = self._reason_against(value, shortest)
            if reason:
                self._left[value] = reason
            else:
                self._found[value] = family

    def _reason_against(self, value: bytes, shortest: int) -> str:
        """Return why ``value`` is no name worth knowing, as a key of LEFT_OUT; empty when it is one."""
        if self._names.is_common(value):
            return "common"
        if value.lower() in _CLIENTS:
            return "client"
        if len(value) < shortest:
            return "short"
        if len(value) > LONGEST or not _ONE_LINE.fits(value):
            return "long"
        return "token" if any(token_spans(value, self._tokens)) else ""

    def _note_awss(self, data: bytes) -> None:
        """Note the name in an ARN whose account is AWS: it may stand alone beside it."""
        if data.startswith(b"arn:"):
            parts = data.split(b":", _ARN_PARTS - 1)
            if len(parts) == _ARN_PARTS and parts[-2] == b"aws":
                self._awss.add(_RESOURCE_END.split(parts[-1])[-1])

    def _recognised(self) -> set[bytes]:
        """Return the values that are found wherever they stand, by nothing but their form."""
        values = list(self._found)
        places, at = [], 0
        for value in values:
            places.append((at, at + len(value)))
            at += len(value) + len(END)
        findings = by_text(self._scanner.find(END.join(values)), places)
        return {
            value
            for index, (value, place) in enumerate(zip(values, places, strict=True))
            if any((one.parts[0][0], one.parts[-1][1]) == place for one in findings.get(index, ()) if one.parts)
        }


def merged(known: Mapping[str, str], learned: Mapping[str, str]) -> dict[str, str]:
    """Return all names, each with the family that says most."""
    names = dict(known)
    for name, family in learned.items():
        if name not in names or _telling(family) > _telling(names[name]):
            names[name] = family
    return names


def _batches(items: Iterable[Item]) -> Iterator[list[tuple[Item, bytes]]]:
    batch: list[tuple[Item, bytes]] = []
    size = 0
    for item in items:
        data = item.text.encode("utf-8", "surrogatepass")
        batch.append((item, data))
        size += len(data) + len(item.key)
        if size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _telling(family: str) -> int:
    return _VAGUE.index(family) if family in _VAGUE else len(_VAGUE)
