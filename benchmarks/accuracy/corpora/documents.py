"""Whole documents that others wrote: tests, templates, playbooks, events, with made-up names where theirs stood.

Nothing here knows the catalogue. A value has to be found when it stands as a literal beside a name of which AWS's own
service models say that it names a resource, however the document spells it: ``TableName="x"`` in a call of boto3,
``TableName: x`` in a template, ``table_name: x`` in a playbook. Wherever else it stands alone in the document, the
same made-up name stands, and it has to be gone everywhere. What identifies itself (ids with a prefix, ARNs, hosts)
stays as the document has it, and has to be gone too.
"""

import ast
import random
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from benchmarks.accuracy import models, values
from benchmarks.accuracy.facts import Sample

MAX_BYTES: Final = 60_000
# So many documents of each source, drawn by chance.
COUNT: Final = 150
# What somebody wrote down as a name: no variable, no sentence, none of AWS's own.
_LITERAL: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{2,62}")
_OF_AWS: Final = re.compile(r"(?i)aws.*|amazon.*|.*amazonaws.*|default.*|true|false|null|none|string")
_PREFIXED: Final = (
    r"(?<![A-Za-z0-9_/.-])()((?:i|vpc|subnet|sg|eni|vol|snap|ami|rtb|acl|igw|nat|eipalloc|tgw|vpce|pcx|lt|fs)"
    r"-(?:[0-9a-f]{17}|(?=[0-9a-f]*[0-9])[0-9a-f]{8}))(?![A-Za-z0-9_-])"
)
# Forms of which the second group is what identifies somebody; the first tells a number of one digit only.
_OWN_FORMS: Final = tuple(
    map(
        re.compile,
        (
            r"(?<![A-Za-z0-9])arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(?!(\d)\1{11})(\d{12}):",
            _PREFIXED,
            r"(?<![A-Za-z0-9])()((?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16,17})(?![A-Za-z0-9])",
            r"(?<![A-Za-z0-9])()(\d{12})\.dkr\.ecr\.",
            r"amazonaws\.com(?:\.cn)?/()(\d{12})/",
            r"(?<![A-Za-z0-9])()([a-z]{2}-[a-z]+-\d_(?=[A-Za-z]*\d)[A-Za-z0-9]{9})(?![A-Za-z0-9])",
        ),
    )
)


class Literal(NamedTuple):
    """A key as a document spells it, and what stands beside it."""

    key: str
    value: str


def _of_python(text: str) -> Iterator[Literal]:
    """Yield the keyword arguments and members of dictionaries that are strings."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            pairs = [(one.arg, one.value) for one in node.keywords]
        elif isinstance(node, ast.Dict):
            keys = (one.value if isinstance(one, ast.Constant) else None for one in node.keys)
            pairs = [(key, value) for key, value in zip(keys, node.values, strict=True) if isinstance(key, str)]
        else:
            continue
        for key, value in pairs:
            if key and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield Literal(key, value.value)


def _of_yaml(text: str) -> Iterator[Literal]:
    """Yield the members that are plain strings, of YAML or JSON."""
    waiting = [one for one in yaml.compose_all(text) if one is not None]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                waiting.append(value)
                if isinstance(value, yaml.ScalarNode) and value.tag == "tag:yaml.org,2002:str":
                    yield Literal(str(key.value), value.value)


def _examples(text: str) -> str:
    """Return the examples of a module of Ansible: a string of its own, in YAML."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES":
            return str(ast.literal_eval(node.value))
    return ""


class Source(NamedTuple):
    """Where documents come from: files of a package, the document in each, and the literals of that."""

    form: str
    pattern: str
    document: Callable[[str], str]
    literals: Callable[[str], Iterator[Literal]]


def _all(text: str) -> str:
    return text


SOURCES: Final[Mapping[str, tuple[Source, ...]]] = {
    "moto": (Source("moto's tests", "*/tests/test_*/test_*.py", _all, _of_python),),
    "cfn_lint": (
        Source("templates of cfn-lint", "*/test/fixtures/templates/**/*.yaml", _all, _of_yaml),
        Source("templates of cfn-lint, JSON", "*/test/fixtures/templates/**/*.json", _all, _of_yaml),
    ),
    "ansible": (Source("playbooks", "ansible_collections/*/aws/plugins/modules/*.py", _examples, _of_yaml),),
    "aws-sam-cli": (Source("events", "samcli/lib/generated_sample_events/events/**/*.json", _all, _of_yaml),),
}


def names_of(botocore: Path) -> frozenset[str]:
    """Return the members of AWS's APIs that name a resource which somebody named, in lower case and without joints."""
    return frozenset(_normal(member.name) for member in models.members(botocore) if not member.id)


def _normal(key: str) -> str:
    return re.sub("[-_ ]", "", key).lower()


def samples(folders: Mapping[str, Path], chance: random.Random, count: int = COUNT) -> Iterator[Sample]:
    """Yield ``count`` documents of each source that is among ``folders``, drawn by chance."""
    names = names_of(folders["botocore"])
    for package, sources in SOURCES.items():
        for source in sources if package in folders else ():
            files = sorted(folders[package].glob(source.pattern))
            chance.shuffle(files)
            made = (sample for file in files for sample in _of_file(file, source, package, names, chance))
            yield from (sample for sample, _ in zip(made, range(count), strict=False))


def _of_file(
    file: Path, source: Source, package: str, names: frozenset[str], chance: random.Random
) -> Iterator[Sample]:
    """Yield the document in a file, unless it is none, or holds nothing to be found."""
    if file.stat().st_size > MAX_BYTES:
        return
    try:
        text = source.document(file.read_text("utf-8"))
        literals = list(source.literals(text))
    except (UnicodeDecodeError, SyntaxError, ValueError, yaml.YAMLError):
        return
    yield from document(text, literals, names, chance, form=source.form, package=package)


def document(
    text: str, literals: list[Literal], names: frozenset[str], chance: random.Random, *, form: str, package: str
) -> Iterator[Sample]:
    """Yield ``text`` with made-up names for those of its ``literals`` that name a resource, and what identifies itself.

    ``names`` are the keys that say so, as ``names_of`` returns them.
    """
    theirs = {
        literal.value
        for literal in literals
        if _normal(literal.key) in names
        and _normal(literal.value) not in names
        and _LITERAL.fullmatch(literal.value)
        and not _OF_AWS.fullmatch(literal.value)
    }
    gone = []
    if theirs:
        made = {value: values.name(chance) for value in sorted(theirs)}
        longest = "|".join(re.escape(value) for value in sorted(theirs, key=len, reverse=True))
        text = re.sub(rf"(?<![A-Za-z0-9])(?:{longest})(?![A-Za-z0-9])", lambda found: made[found[0]], text)
        gone = sorted(set(made.values()))
        yield Sample(text, tuple(gone), form, f"{package} name", package)
    own = {found[2] for one in _OWN_FORMS for found in one.finditer(text)} - set(gone)
    if own:
        yield Sample(text, tuple(sorted(own)), f"{form}: ids", f"{package} id", package, own_form=True)
