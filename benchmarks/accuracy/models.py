"""Which members of AWS's APIs name a resource, by AWS's own service models.

A member names a resource when its name, or that of its shape, is a noun that the service creates, deletes or
registers, followed by Name, Id or Identifier: ``CreateQueue`` makes ``QueueName`` one. No list of ours decides.
"""

import functools
import gzip
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.accuracy import values
from benchmarks.accuracy.facts import Fact, pascal

_MAKES: Final = re.compile(r"(?:Create|Delete|Register|Deregister|Import|Put|Add|Remove|Start|Allocate)([A-Z].*)")
_NAMES: Final = re.compile(r"(.+?)(Name|Id|ID|Identifier)s?")
# Made for one request, or a version: nothing that anybody named or would know again.
_NO_RESOURCES: Final = frozenset(
    ("tag", "tags", "version", "client", "request", "type", "event", "metric", "attribute", "region")
)


@dataclass(frozen=True, slots=True)
class Member:
    """A member that names a ``noun``; ``id`` where AWS makes its value up, by ``pattern`` if the model has one."""

    service: str
    operation: str
    name: str
    noun: str
    pattern: str
    id: bool
    listed: bool


@functools.cache
def load(botocore: Path) -> dict[str, dict[str, Any]]:
    """Return the newest model of every service, by the name that the AWS CLI has for it."""
    found = {}
    for folder in sorted((botocore / "botocore" / "data").iterdir()):
        versions = sorted(path for path in folder.glob("2*") if path.is_dir())
        for file in versions[-1].glob("service-2.json*") if versions else ():
            found[folder.name] = json.loads(
                gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_text()
            )
    return found


def nouns(model: dict[str, Any]) -> frozenset[str]:
    """Return, in lower case, what the operations of a service make and take away."""
    made = {found[1].lower() for name in model["operations"] if (found := _MAKES.fullmatch(name))}
    return frozenset(made | {one.removesuffix("s") for one in made}) - _NO_RESOURCES


def noun_of(name: str, among: frozenset[str]) -> str:
    """Return the noun that a member or shape ``name`` names, if it is ``among`` those of its service, else ""."""
    found = _NAMES.fullmatch(name)
    return found[1] if found and found[1].lower() in among else ""


def members(botocore: Path) -> Iterator[Member]:
    """Yield each member that names a resource, once a service."""
    for service, model in load(botocore).items():
        shapes, among = model["shapes"], nouns(model)
        seen: set[str] = set()
        for operation, body in model["operations"].items():
            for shape_name in _structures(model, body):
                for member, reference in shapes[shape_name].get("members", {}).items():
                    if member in seen:
                        continue
                    made = named(shapes, member, reference["shape"], among)
                    if made:
                        seen.add(member)
                        noun, pattern, listed = made
                        yield Member(
                            service, operation, member, pascal(noun), pattern, not re.search("Names?$", member), listed
                        )


def named(shapes: dict[str, Any], member: str, shape_name: str, among: frozenset[str]) -> tuple[str, str, bool] | None:
    """Return the noun, the pattern and whether it is a list, of a member that names a resource; else None."""
    shape = shapes[shape_name]
    listed = shape["type"] == "list"
    if listed:
        shape_name = shape["member"]["shape"]
        shape = shapes[shape_name]
    if shape["type"] != "string" or "enum" in shape:
        return None
    noun = noun_of(member, among)
    if not noun:
        # A member without such an ending may be named for the noun itself: Bucket, of the shape BucketName.
        noun = noun_of(shape_name, among)
        noun = noun if noun and member.lower().endswith(noun.lower()) else ""
    return (noun, shape.get("pattern", ""), listed) if noun else None


def _structures(model: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    """Return the structures that an operation's input and output are made of."""
    shapes = model["shapes"]
    waiting = [operation[side]["shape"] for side in ("input", "output") if side in operation]
    seen: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name in seen or name not in shapes:
            continue
        seen[name] = None
        shape = shapes[name]
        waiting += [one["shape"] for one in shape.get("members", {}).values()]
        waiting += [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]
    return [name for name in seen if shapes[name]["type"] == "structure"]


def facts(botocore: Path, chance: random.Random) -> Iterator[Fact]:
    """Yield a fact for each member that names a resource, with a value as its pattern wants it."""
    for member in members(botocore):
        value = _value(member, chance)
        if value:
            yield Fact(member.service, member.operation, member.name, member.noun, value, member.listed)


def _value(member: Member, chance: random.Random) -> str:
    if not member.id:
        return values.name(chance, member.pattern)
    if not member.pattern or _says_nothing(member.pattern):
        return chance.choice((values.uuid(chance), values.letters(chance, chance.choice((8, 10, 13, 20)))))
    for _ in range(20):
        made = values.from_pattern(member.pattern, chance)
        if len(made) > 5 and "arn:" not in made and re.search("[A-Za-z].*[0-9]|[0-9].*[A-Za-z]", made):
            return made
    return ""


def _says_nothing(pattern: str) -> bool:
    """Tell whether a pattern allows any name, so that ids are made some other way."""
    return any(_matches(pattern, text) for text in ("my-name", "my_name", "MyName"))


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return True
