"""The catalogue: every family of identifiers, as data.

A family is a row in one of the ``*.toml`` files beside this module. To add one is to add a row, and nothing else. A row
says how the family is found (exactly one of):

``pattern``
    RE2 syntax, bounded by non-alphanumeric characters on both sides (the engine sees to that). What a row finds that
    is ``general`` counts in a text that speaks of AWS alone, and no single word of a program there.
``host``
    RE2 syntax for a host name, with a path if it needs one, from its first character on. Where it is a ``registry``,
    any words in the path are a name, those of programs too.
``keys``
    API names (``DBInstanceIdentifier``) beside which a value of the form ``value`` is an identifier. Those of a row
    that is ``general`` (``Name``) count in a text that speaks of AWS alone, see ``general``.
``opener``
    RE2 syntax for the beginning of a section in which keys too general to count elsewhere (``members``) have values
    that are identifiers; ``extent`` says how far it goes: ``block``, ``items``, ``line``, ``indented``, ``table``,
    ``message``, ``row``, ``output``, ``values``, ``constants``, ``next``, ``words``, ``spoken``, ``before``,
    ``quoted``, ``akin``, ``cells``, see ``sections``.
``split``
    The name of a structure that code takes apart (``arn``, ``ipv4``, …); ``pattern`` then only says where one begins.

In ``pattern`` and ``host``, capture groups mark the parts to be masked; without groups the whole match is. ``match``
and ``reject`` are its evidence: texts with what must be masked between « and », and texts that must stay as they are. A
row without both is refused.

``<hex>``, ``<hex8>``, ``<hex17>``, ``<uuid>``, ``<region>``, ``<acct>``, ``<aws>`` and ``<on>`` (the domains of
endpoints, and of what runs behind them), ``<given>`` (a name that somebody gave), ``<shaped>`` (one with a joint or a
hump), ``<break>`` and ``<quote>`` (as such
or escaped), and for sentences ``<noun>`` (what has a name on AWS), ``<says>`` (how a name follows its noun, up to what
tells it from other words), ``<said>`` (how something is said to be called) and ``<joint>`` (the end of a name that may
stand before its noun) are macros.
``<mixed [0-9a-z]{13}>`` is a text of such characters and such a length with a digit and a letter in it: neither a word
nor a number.
"""

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
# Words of sentences; see spoken.
SPOKEN: Final = "spoken.toml"
# In the singular, as resources are called in sentences: the last words of CloudFormation's types, and short forms.
_NOUNS: Final = (
    r"access (?:grant|point|policy)|accelerator|alarm|alb|alias|analyzer|api(?: (?:gateway|key))?|app(?: client)?"
    r"|application|archive|asg|auto[- ]?scaling group|backup (?:plan|selection|vault)|bucket|bus|canary"
    r"|capacity provider|certificate|change ?set|channel|cluster|collection|compute environment"
    r"|config(?:uration)? (?:profile|rule|set)|connection|connector|crawler|dashboard|data ?(?:base|catalog|lake"
    r"|set|source|store|stream)|delivery stream"
    r"|deployment group|detector|distribution|dlq|dead[- ]letter queue|domain|endpoint(?: config(?:uration)?)?"
    r"|environment|(?:event|message) ?bus|experiment|feature group|file ?system|firehose|firewall|fleet|flow(?: log)?"
    r"|function|gateway|global (?:cluster|table)|graph|health check|iam group|identity pool|image (?:pipeline|recipe)"
    r"|instance(?: profile)?|ip set|job(?: (?:definition|queue))?|key ?(?:alias|pair|space)|knowledge base"
    r"|lambda(?: layer)?|launch (?:configuration|template)|layer|ledger|listener|log ?(?:group|stream)"
    r"|managed policy|mesh|metric filter"
    r"|model(?: package)?|nlb|node ?group|notebook|(?:option|parameter) group|organi[sz]ational unit|ou|parameter"
    r"|permissions? (?:boundary|set)|pipe|pipeline|placement group|policy|portfolio|profile|project|prox(?:y|ie)|queue"
    r"|registry|replica|replication (?:group|instance|task)|repo|repository|resolver rule|resource (?:group|share)"
    r"|rest api|role|rule(?: ?(?:group|set))?|schedule(?: group)?|schema|secret|(?:security|subnet|target|user) group"
    r"|service|snapshot|stack ?(?:set)?|state machine|step function|stream|table|target|task(?: definition| family)?"
    r"|thing(?: (?:group|type))?|topic|trail|training job|trigger|trust store|user(?: pool)?|vault|volume"
    r"|vpc(?: endpoint)?"
    r"|web ?acl|work(?:flow|space)|work ?group|(?:load )?balancer|sg"
    r"|aurora|beanstalk|code(?:build|commit|deploy|pipeline)|dynamodb|ec2|ecr|ecs|efs|eks|elasticache|eventbridge|glue"
    r"|kinesis|kms|msk(?: connect)?|opensearch|rds|redshift|s3|sagemaker|sns|sqs"
)
# A service with a dash before a noun of another language, and what says of something named before how it is called.
_COMPOUNDED: Final = (
    r"(?:Aurora|CloudFormation|CloudWatch|DynamoDB|EC2|ECR|ECS|EKS|EventBridge|Glue|IAM|KMS|Kinesis|Lambda|RDS"
    r"|Redshift|S3"
    r"|SNS|SQS)-[A-Z][a-z\x80-\xff]{2,20}"
)
_SAID_SO: Final = (
    r"(?i:(?:call|name|rename|named|renamed) (?:it|them)|(?:it|be|is|was|are|were) (?:called|named)|it.s"
    r"|hei(?:ss|\xc3\x9f)t)"
)
# A line of a list, a heading above it, a dash.
_SAYS: Final = (
    r"(?:\*\*)?(?:(?:.s)? (?:name|alias))?(?:[:,]| (?:[-=]?>|=|-|\xe2\x80[\x92-\x95]|\xe2\x86\x92|:))?(?:\*\*)?"
    r"(?:<break>{1,2}|(?:\n|\\n){1,2}[ ]{0,4}[-*] )"
    r"(?:(?:(?:that|which|you|we|it|they)<break>(?:[a-z]+<break>){1,3})?"
    r"(?:is|are|was|were|will be|shall be|should be|must be|from|to|like|on|under|below)<break>)?(?:now<break>)?"
    r"(?:(?:(?:with|by)(?: the)? name(?: of)?|with(?: the)? id|named|called|renamed from)<break>)?"
    r"(?:[\[(]|\*{1,2}|<quote>){0,2}"
    # What tells a name from other words: a joint, a hump, a digit.
    r"/?[A-Za-z0-9]*(?:[A-Za-z0-9][-_./][A-Za-z0-9]|[a-z][A-Z]|[a-z][0-9]|[0-9][a-z])"
)
# What a shell ends its prompt with, and a prompt behind the name of a host or a folder. A # alone begins a comment.
# And what one that traces its commands begins a line with.
_SIGNS: Final = "$%>#"
_ALONE: Final = r"(?:[$%>]|\+{1,4})"
_BEHIND: Final = rf"[A-Za-z0-9~/\\\]\)][ ]?[{_SIGNS}][ ]?"
# A command of the AWS CLI behind a prompt, up to the end of its line: as a tool was given it, in a text, in a string.
_COMMAND: Final = (
    r"(?:\x00\$ [^\x00\x01]*\x01"
    rf"|[\n\x00\x01]{_ALONE} aws (?:[^\n\x00\x01\\]|\\[^\x00\x01])*\n"
    rf"|(?:{_BEHIND}|[\n\x00\x01 ]\xe2\x9d\xaf )aws (?:[^\n\x00\x01\\]|\\[^n\x00\x01])*\n"
    rf"|(?:(?:\"|\\+n){_ALONE} |{_BEHIND})aws (?:[^\"\n\x00\x01\\]|\\+[^n\\\x00\x01])*\\+n)"
)
MACROS: Final[Mapping[str, str]] = {
    "<command>": _COMMAND,
    "<prompt>": rf"(?:[{_SIGNS}][ ]?|\+{{1,4}} |\xe2\x9d\xaf )",
    "<sign>": rf"(?:[{_SIGNS}]|\+{{1,4}}) ",
    "<noun>": f"(?:(?i:{_NOUNS})s?|{_COMPOUNDED})",
    "<said>": _SAID_SO,
    "<says>": _SAYS,
    "<joint>": r"(?:[-_./][A-Za-z0-9]+|[a-z][A-Z][A-Za-z0-9]+)(?:\*\*|<quote>){0,2}\)?(?: |\n|\\+n)",
    "<hex>": "(?:[0-9a-f]{17}|[0-9a-f]{8})",
    "<hex8>": "[0-9a-f]{8}",
    "<hex17>": "[0-9a-f]{17}",
    "<uuid>": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "<region>": "(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]{4,9}-[0-9]",
    "<acct>": "[0-9]{12}",
    "<given>": "[A-Za-z0-9_](?:[A-Za-z0-9_.+=@-]*[A-Za-z0-9_])?",
    "<shaped>": "[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)+|[A-Za-z]?[a-z0-9]+(?:[A-Z][a-z0-9]+)+",
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
        *("pattern", "host", "keys", "value", "split", "opener", "members", "extent", "general", "registry"),
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
    "constants",
    "next",
    "words",
    "spoken",
    "before",
    "quoted",
    "akin",
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
    registry: bool = False


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
    def naming(self) -> frozenset[int]:
        """The places of the families that tell somebody's names: by a key of AWS's, in an ARN or in a host's name."""
        return frozenset(
            place
            for place, family in enumerate(self.families)
            if (family.kind == "name" and not family.general) or family.split == "arn" or family.host
        )

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
        registry=row.get("registry", False),
    )


def words(lines: Iterable[str]) -> frozenset[str]:
    """Return the words of a word list: one a line, ``#`` starts a comment."""
    return frozenset(word for line in lines if (word := line.partition("#")[0].strip().lower()))


def _lines(file: str) -> Iterator[str]:
    for line in resources.files(__name__).joinpath(file).read_text("utf-8").splitlines():
        if entry := line.partition("#")[0].strip():
            yield entry


def spoken_words() -> Mapping[str, Sequence[str]]:
    """Return the lists of words that tell what a sentence speaks of, by name."""
    found: Mapping[str, Sequence[str]] = _table(SPOKEN)["words"]
    return found


def _table(file: str) -> Mapping[str, Any]:
    return tomllib.loads(resources.files(__name__).joinpath(file).read_text("utf-8"))


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
