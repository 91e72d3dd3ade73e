"""Facts to be written down: a member of an AWS API that names a resource, with a made-up value; and what came of it."""

import re
from dataclasses import dataclass
from typing import Final

_FIRST: Final = re.compile(r"(.)([A-Z][a-z]+)")
_LAST: Final = re.compile(r"([a-z0-9])([A-Z])")
_PLURAL: Final = re.compile(r"([A-Z]{2,})s(?=[A-Z]|$)")


@dataclass(frozen=True, slots=True)
class Fact:
    """``member`` of ``service``'s ``operation`` holds ``value``, which identifies a ``noun``.

    Spelled as service models do: ``rds``, ``DescribeDBInstances``, ``DBInstanceIdentifier``, ``DBInstance``.
    ``listed``: the member is a list of such values.
    """

    service: str
    operation: str
    member: str
    noun: str
    value: str
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A text, and what must not stand in it alone once it is masked.

    ``source`` says where the truth comes from, ``form`` how it is written down, ``family`` what it is
    (``rds DBInstanceIdentifier``). ``own_form``: the value identifies itself, without anything beside it.
    """

    text: str
    gone: tuple[str, ...]
    form: str
    family: str
    source: str
    own_form: bool = False


def snake(member: str) -> str:
    """Return an API name as Python and Terraform spell it: ``db_instance_identifier``."""
    spelled = _FIRST.sub(r"\1_\2", _PLURAL.sub(lambda found: f"{found[1].title()}s", member))
    return _LAST.sub(r"\1_\2", spelled).lower()


def kebab(member: str) -> str:
    """Return an API name as the AWS CLI spells it: ``db-instance-identifier``."""
    return snake(member).replace("_", "-")


def pascal(member: str) -> str:
    """Return an API name as JSON of most services spells it: ``DBInstanceIdentifier``."""
    return member[:1].upper() + member[1:]


def camel(member: str) -> str:
    """Return an API name as Java, CDK and CloudTrail spell it: ``dBInstanceIdentifier``."""
    return member[:1].lower() + member[1:]


def java(member: str) -> str:
    """Return an API name as methods of Java are spelled: ``dbInstanceIdentifier``."""
    head, *rest = snake(member).split("_")
    return head + "".join(word.title() for word in rest)
