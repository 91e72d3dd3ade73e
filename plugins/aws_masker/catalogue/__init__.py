"""The catalogue: every family of identifiers, as data.

A family is a row in one of the ``*.toml`` files beside this module. To add one is to add a row, and nothing else. A row
says how the family is found (exactly one of):

``pattern``
    RE2 syntax, bounded by non-alphanumeric characters on both sides (the engine sees to that).
``host``
    RE2 syntax for a host name, with a path if it needs one, from its first character on.
``keys``
    API names (``DBInstanceIdentifier``) beside which a value of the form ``value`` is an identifier. Those of a row
    that is ``general`` (``Name``) count in a text that speaks of AWS alone, see ``general``.
``opener``
    RE2 syntax for the beginning of a section in which keys too general to count elsewhere (``members``) have values
    that are identifiers; ``extent`` says how far it goes: ``block``, ``items``, ``line``, ``indented``, ``table``,
    ``message``, ``row``, ``output``, ``values``, ``words``, ``spoken``, ``cells``, see
    ``sections``.
``split``
    The name of a structure that code takes apart (``arn``, ``ipv4``, …); ``pattern`` then only says where one begins.

In ``pattern`` and ``host``, capture groups mark the parts to be masked; without groups the whole match is. ``match``
and ``reject`` are its evidence: texts with what must be masked between « and », and texts that must stay as they are. A
row without both is refused.

``<hex>``, ``<hex8>``, ``<hex17>``, ``<uuid>``, ``<region>``, ``<acct>``, ``<aws>`` and ``<on>`` (the domains of
endpoints, and of what runs behind them), ``<given>`` (a name that somebody gave), ``<break>`` and ``<quote>`` (as such
or escaped) are macros.
``<mixed [0-9a-z]{13}>`` is a text of such characters and such a length with a digit and a letter in it: neither a word
nor a number.
"""

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from aws_masker.errors import CatalogueError
from aws_masker.tokens import LABEL_PATTERN, MAX_LABEL_LENGTH

KINDS: Final = ("account", "identifier", "network", "name", "secret", "pii")
ANY_VALUE: Final = "<any>"
# Common words, what AWS's APIs call their states and types, keys that mean something else elsewhere, and keys that only
# end like one; see names and shared.
WORDS: Final = "words.txt"
ENUMS: Final = "enums.txt"
# Of such words programs make the names of their own things; see shared.
VOCABULARY: Final = "vocabulary.txt"
SHARED_KEYS: Final = "shared_keys.txt"
OTHER_KEYS: Final = "other_keys.txt"
MACROS: Final[Mapping[str, str]] = {
    "<hex>": "(?:[0-9a-f]{17}|[0-9a-f]{8})",
    "<hex8>": "[0-9a-f]{8}",
    "<hex17>": "[0-9a-f]{17}",
    "<uuid>": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "<region>": "(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]{4,9}-[0-9]",
    "<acct>": "[0-9]{12}",
    "<given>": "[A-Za-z0-9_](?:[A-Za-z0-9_.+=@-]*[A-Za-z0-9_])?",
    "<break>": r"(?:\s|\\+[nrt])",
    "<slash>": r"(?:\\{0,4}/|%(?:25)?2F)",
    "<quote>": r"\\*[\"'`]",
    "<aws>": r"(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.amazonwebservices\.(?:com\.cn|eu)|c2s\.ic\.gov|"
    r"sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov|api\.cloud-aws\.adc-e\.uk|"
    r"api\.aws(?:\.ic\.gov|\.scloud|\.hci\.ic\.gov)?)",
    "<on>": r"on\.(?:aws|amazonwebservices\.com\.cn|amazonwebservices\.eu)",
}
_MIXED: Final = re.compile(r"<mixed \[([0-9]-[0-9])([A-Za-z-]+)\]\{([0-9]+)(?:,([0-9]+))?\}>")
# What they were written out to, and the same without the demand for both sorts of characters.
_WRITTEN: Final[dict[str, str]] = {}
_NEGATED: Final = re.compile(r"(?<!\\)\[\^")
_FIELDS: Final = frozenset(
    (
        *("name", "service", "title", "kind", "label", "match", "reject"),
        *("pattern", "host", "keys", "value", "split", "opener", "members", "extent", "general"),
    )
)
_WAYS: Final = ("pattern", "host", "keys", "opener")
EXTENTS: Final = (
    "block",
    "items",
    "line",
    "indented",
    "table",
    "message",
    "row",
    "output",
    "values",
    "words",
    "spoken",
    "cells",
)


@dataclass(frozen=True, slots=True)
class Family:
    """One family of identifiers. ``pattern``, ``host`` and ``value`` have their macros expanded."""

    name: str
    service: str
    title: str
    kind: str
    label: str
    match: tuple[str, ...]
    reject: tuple[str, ...]
    pattern: str = ""
    host: str = ""
    keys: tuple[str, ...] = ()
    value: str = ""
    split: str = ""
    opener: str = ""
    members: tuple[str, ...] = ()
    extent: str = ""
    general: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All families, in the order in which they are tried, and the word lists that belong to them."""

    families: tuple[Family, ...]
    suffixes: tuple[str, ...]
    words: frozenset[str]
    vocabulary: frozenset[str] = frozenset()
    shared_keys: frozenset[str] = frozenset()
    other_keys: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """The names of all families."""
        return frozenset(family.name for family in self.families)

    @property
    def labels(self) -> frozenset[str]:
        """The labels that families give to their tokens."""
        return frozenset(family.label for family in self.families)


def expand(pattern: str) -> str:
    """Return ``pattern`` with its macros written out."""
    for macro, meaning in MACROS.items():
        pattern = pattern.replace(macro, meaning)
    pattern = _MIXED.sub(_mixed, pattern)
    # Nothing is ever found across the marks that stand around separate texts; see context.
    return _NEGATED.sub(r"[^\\x00\\x01", pattern)


def _mixed(macro: re.Match[str]) -> str:
    """Write out a text with both digits and letters, by where the first of the other kind stands.

    RE2 has no lookahead that would say it shorter.
    """
    digits, letters, least, most = macro.groups()
    low, high = int(least), int(most or least)
    ways = []
    for before in range(1, high):
        rest = f"[{digits}{letters}]{{{max(0, low - 1 - before)},{high - 1 - before}}}"
        ways += [f"[{letters}]{{{before}}}[{digits}]{rest}", f"[{digits}]{{{before}}}[{letters}]{rest}"]
    written = f"(?:{'|'.join(ways)})"
    _WRITTEN[written] = f"[{digits}{letters}]{{{least}{f',{most}' if most else ''}}}"
    return written


def without_mixes(pattern: str) -> str:
    """Return an expanded pattern in which a ``<mixed …>`` is any text of such characters and such a length."""
    for written, plain in _WRITTEN.items():
        pattern = pattern.replace(written, plain)
    return pattern


def family(row: Mapping[str, Any]) -> Family:
    """Build a family from a row of a TOML file.

    Raises CatalogueError naming the row and what it lacks.
    """
    name = row.get("name", "(a row without a name)")
    for key in ("name", "service", "title"):
        if not isinstance(row.get(key), str) or not row[key]:
            message = f"family {name}: {key} is missing"
            raise CatalogueError(message)
    unknown = set(row) - _FIELDS
    if unknown:
        message = f"family {name}: unknown fields {', '.join(sorted(unknown))}; known are {', '.join(sorted(_FIELDS))}"
        raise CatalogueError(message)
    if sum(way in row for way in _WAYS) != 1:
        message = f"family {name}: needs exactly one of {', '.join(_WAYS)}"
        raise CatalogueError(message)
    for evidence in ("match", "reject"):
        if not row.get(evidence):
            message = f"family {name}: has no {evidence} examples, and no family may exist without"
            raise CatalogueError(message)
    for example in row["match"]:
        if "«" not in example or example.count("«") != example.count("»"):
            message = f"family {name}: a match example does not mark what is masked with « and »"
            raise CatalogueError(message)
    if row.get("kind") not in KINDS:
        message = f"family {name}: kind must be one of {', '.join(KINDS)}"
        raise CatalogueError(message)
    if "opener" in row and (not row.get("members") or row.get("extent") not in EXTENTS):
        message = f"family {name}: an opener needs members, and an extent of {', '.join(EXTENTS)}"
        raise CatalogueError(message)
    label = row.get("label", "name")
    if not LABEL_PATTERN.fullmatch(label) or len(label) > MAX_LABEL_LENGTH:
        message = f"family {name}: label {label!r} is not lower-case words of at most {MAX_LABEL_LENGTH} characters"
        raise CatalogueError(message)
    return Family(
        name=row["name"],
        service=row["service"],
        title=row["title"],
        kind=row["kind"],
        label=label,
        match=tuple(row["match"]),
        reject=tuple(row["reject"]),
        pattern=expand(row.get("pattern", "")),
        host=expand(row.get("host", "")),
        keys=tuple(row.get("keys", ())),
        value=row["value"] if row.get("value") == ANY_VALUE else expand(row.get("value", "")),
        split=row.get("split", ""),
        opener=expand(row.get("opener", "")),
        members=tuple(row.get("members", ())),
        extent=row.get("extent", ""),
        general=row.get("general", False),
    )


def words(lines: Iterable[str]) -> frozenset[str]:
    """Return the words of a word list: one a line, ``#`` starts a comment."""
    return frozenset(word for line in lines if (word := line.partition("#")[0].strip().lower()))


def _lines(file: str) -> Iterator[str]:
    for line in resources.files(__name__).joinpath(file).read_text("utf-8").splitlines():
        if entry := line.partition("#")[0].strip():
            yield entry


@functools.cache
def load() -> Catalogue:
    """Read the whole catalogue.

    Raises CatalogueError when a file or a row is wrong, or when two rows share a name.
    """
    families: list[Family] = []
    suffixes: list[str] = []
    for file in sorted(resources.files(__name__).iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".toml"):
            continue
        try:
            table = tomllib.loads(file.read_text("utf-8"))
        except tomllib.TOMLDecodeError as error:
            message = f"catalogue file {file.name}: {error}"
            raise CatalogueError(message) from error
        suffixes += table.get("suffixes", ())
        families += map(family, table.get("family", ()))
    seen: set[str] = set()
    for one in families:
        if one.name in seen:
            message = f"family {one.name}: stands twice in the catalogue"
            raise CatalogueError(message)
        seen.add(one.name)
    shared, other = (frozenset(_lines(file)) for file in (SHARED_KEYS, OTHER_KEYS))
    common = words([*_lines(WORDS), *_lines(ENUMS)])
    vocabulary = words(_lines(VOCABULARY))
    return Catalogue(tuple(families), tuple(dict.fromkeys(suffixes)), common, vocabulary, shared, other)
