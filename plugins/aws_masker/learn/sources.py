"""Where names stand in the documents that AWS's tools write: what is a name there by the document's structure.

Every string and account number of a document is an ``Item``, with the key that it stands under, for the masker's own
scanner. Some are names although their key, ``id`` or ``name``, says nothing: there the structure around it tells.

=============================  ======================================================================================
Terraform state (v3, v4),      ``id``, ``name``, ``bucket`` and the like among the attributes of a resource whose type
``show -json``, plans          begins with ``aws_``; not of data sources, which may show what is AWS's
AWS CLI output                 ``Name`` and ``Id`` in the objects right below the top level; the strings of a list that
                               is all of the output
Config, aggregators, queries,  ``resourceName`` and ``resourceId``, wherever they stand
Resource Explorer, tagging     (ARNs tell; the scanner knows them)
everywhere                     the tag ``Name``, and the tags by which AWS itself names stacks, groups and clusters
=============================  ======================================================================================

JSON inside a string is looked into as well: Config's queries answer so.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from aws_masker.documents import ACCOUNT_DIGITS
from aws_masker.errors import InvalidBody
from aws_masker.plausible import PLAUSIBLE

# No output of AWS is nested half as deep.
MAX_DEPTH: Final = 100

_NOTHING: Final[frozenset[str]] = frozenset()
_EVERYWHERE: Final = frozenset(("resourceName", "ResourceName", "resourceId", "ResourceId"))
_TAGS: Final = (
    "Name",
    "aws:autoscaling:groupName",
    "aws:cloudformation:stack-name",
    "aws:ecs:clusterName",
    "aws:ecs:serviceName",
    "aws:eks:cluster-name",
    "eks:cluster-name",
    "eks:nodegroup-name",
    "elasticbeanstalk:environment-name",
)
_TAG_MEMBERS: Final = frozenset(("tags", "tags_all", "Tags", "TagSet", "tagSet", "TagList", "tagList"))
_OUTPUT: Final = frozenset(("name", "Name", "id", "Id", "identifier", "Identifier"))
_ATTRIBUTES: Final = frozenset(
    (
        *("id", "name", "bucket", "identifier", "family", "domain", "repository", "user", "role", "group", "alias"),
        # As state of version 3 writes them.
        *(f"{member}.{tag}" for member in ("tags", "tags_all") for tag in _TAGS),
    )
)
# Members of a Terraform resource that hold its attributes; between them and the resource are only lists and objects.
_HOLD_ATTRIBUTES: Final = frozenset(("attributes", "attributes_flat", "primary", "values", "before", "after"))
_TERRAFORM: Final = frozenset(("terraform_version", "format_version", "lineage"))
# What lists of the AWS CLI with these names hold is AWS's own.
_NOBODYS_LISTS: Final = frozenset(
    (
        *("regions", "availabilityzones", "zones", "instancetypes", "filters", "metrics", "dbengineversions"),
        *("orderabledbinstanceoptions", "services", "servicecodes", "quotas", "addons", "eventcategories", "features"),
        *("sslpolicies", "pricelist", "responsemetadata", "availablemanagedrulegroups", "queryinfo", "failures"),
    )
)
# Lists of strings that are AWS's words rather than names: AdjustmentTypes, NOT_LIKE_THIS.
_OF_WORDS: Final = ("types", "modes", "states", "versions", "formats", "algorithms", "categories", "values")
_ENUM: Final = re.compile("[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
# What else the output of a list may hold beside it.
_PAGING: Final = re.compile(
    "next.*token|.*marker|has_?more.*|is_?truncated|last.*|max_?.*|count|responsemetadata", re.IGNORECASE
)
# What has such a member is a setting of an engine, and its name the engine's.
_OF_SETTINGS: Final = ("IsModifiable", "isModifiable", "ApplyMethod", "applyMethod", "apply_method")
_AWS_OWNERS: Final = ("amazon", "aws-marketplace", "AWS", "aws")
_OWNER_MEMBERS: Final = ("ImageOwnerAlias", "OwnerAlias", "image_owner_alias", "ManagedBy")
_PUBLIC: Final = ("arn:", "/aws/service/")


class Item(NamedTuple):
    """A text of a document, the key that it stands under, and whether it is a name by the document's structure."""

    text: str
    key: str = ""
    named: bool = False


class _Place(NamedTuple):
    """What is known of the place where a value stands.

    ``names`` are the members that are names. ``top`` says that this is the top of the CLI's output, ``listed`` that the
    strings of this list are names, ``resource`` that the attributes of one of AWS's resources are somewhere below.
    """

    names: frozenset[str] = _NOTHING
    top: bool = False
    listed: bool = False
    resource: bool = False
    depth: int = 0


class _Value(NamedTuple):
    """A value that is to be looked at, the key that it stands under, and what is known of its place."""

    value: Any
    key: str
    place: _Place
    is_name: bool = False


def items(document: Any, where: str) -> Iterator[Item]:
    """Yield the texts of a document as ``json`` read it; of names of members each once.

    Raises InvalidBody, which begins with ``where``, for one that is nested too deep.
    """
    terraform = isinstance(document, Mapping) and bool(_TERRAFORM & document.keys())
    members: set[str] = set()
    ahead = [_Value(document, "", _Place() if terraform else _Place(names=_OUTPUT, top=True, listed=True))]
    while ahead:
        here = ahead.pop()
        value, key, place, is_name = here
        if place.depth > MAX_DEPTH:
            message = f"{where} is nested deeper than {MAX_DEPTH} levels; nothing was learned"
            raise InvalidBody(message)
        if isinstance(value, str):
            inner = _inside(value)
            if inner is None:
                yield Item(value, key, is_name and _may_be_name(value, place))
            else:
                ahead.append(_Value(inner, key, _Place(depth=place.depth + 1)))
        elif isinstance(value, Mapping):
            new = [Item(name) for name in value if name not in members]
            members.update(value)
            yield from new
            ahead += reversed(list(_members(value, key, place)))
        elif isinstance(value, list):
            below = place._replace(top=False, depth=place.depth + 1)
            ahead += [_Value(one, key, below, is_name or place.listed) for one in reversed(value)]
        elif isinstance(value, int) and not isinstance(value, bool) and len(str(value)) == ACCOUNT_DIGITS:
            yield Item(str(value), key)


def line_item(line: str) -> Item:
    """Return a line of a list of names: a name, or an ARN or a URL in which some stand."""
    return Item(line, named=not line.startswith(_PUBLIC) and "://" not in line)


def _inside(text: str) -> Any:
    """Return the document that a string holds, or None."""
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
    return None


def _members(members: Mapping[str, Any], key: str, place: _Place) -> Iterator["_Value"]:
    """Yield the members of the object that stands under ``key``, with what is known of their places."""
    if any(name in members for name in _OF_SETTINGS):
        return
    resource = place.resource or _is_resource(members, key)
    names = _NOTHING if any(members.get(name) in _AWS_OWNERS for name in _OWNER_MEMBERS) else place.names
    if members.get("Key", members.get("key")) in _TAGS:
        names |= {"Value", "value"}
    listed = place.top and _is_list_alone(members)
    for name, member in members.items():
        below = _below(name, member, place, resource=resource)
        if listed and not name.lower().endswith(_OF_WORDS):
            below = below._replace(listed=isinstance(member, list))
        yield _Value(member, name, below, name in names or name in _EVERYWHERE)


def _below(name: str, member: Any, place: _Place, *, resource: bool) -> _Place:
    """Return what is known of the place of a member."""
    depth = place.depth + 1
    if name in _TAG_MEMBERS:
        return _Place(names=frozenset(_TAGS), depth=depth)
    if resource and name in _HOLD_ATTRIBUTES and isinstance(member, Mapping):
        # What "primary" of version 3 holds has its attributes one level further down.
        return _Place(names=_ATTRIBUTES, resource="attributes" in member, depth=depth)
    if place.top and name.lower() not in _NOBODYS_LISTS:
        return _Place(names=_OUTPUT, depth=depth)
    return _Place(resource=resource, depth=depth)


def _is_list_alone(members: Mapping[str, Any]) -> bool:
    """Tell whether this is the output of a command that lists: a list, and nothing else but what paging needs."""
    return sum(isinstance(member, list) for member in members.values()) == 1 and all(
        isinstance(member, list) or _PAGING.fullmatch(name) for name, member in members.items()
    )


def _is_resource(members: Mapping[str, Any], key: str) -> bool:
    """Tell whether this is a Terraform resource of AWS that Terraform made, and no data source."""
    kind = members.get("type")
    made = members.get("mode") != "data" and not key.startswith("data.")
    return made and isinstance(kind, str) and kind.startswith(("aws_", "awscc_"))


def _may_be_name(text: str, place: _Place) -> bool:
    if place.listed and _ENUM.fullmatch(text):
        return False
    return not text.startswith(_PUBLIC) and "://" not in text and PLAUSIBLE.fits(text.encode("utf-8", "surrogatepass"))
