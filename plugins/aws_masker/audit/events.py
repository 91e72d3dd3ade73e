"""What else stands in an audit, between the records of requests: a gap, and that somebody read a record in clear."""

import getpass
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from aws_masker.audit.record import SCHEMA, AuditRecord, now, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """``lost`` records could not be written before this one."""

    schema: int = SCHEMA
    event: Literal["gap"] = "gap"
    time: str
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The user ``by`` of this machine had the bodies of the request ``request_id`` shown with their originals."""

    schema: int = SCHEMA
    event: Literal["restored"] = "restored"
    time: str
    request_id: str
    tenant: str
    by: str
    restored: int
    unresolved: int


Event: TypeAlias = AuditRecord | Gap | Restored

_KINDS: dict[str, type[Gap | Restored]] = {"gap": Gap, "restored": Restored}


def gap(lost: int) -> str:
    """Return the line that tells of ``lost`` records."""
    return line_of(Gap(time=now(), lost=lost))


def restored(request_id: str, tenant: str, *, count: int, unresolved: int) -> str:
    """Return the line that tells that this process's user has seen originals."""
    try:
        by = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        by = "unknown"
    event = Restored(time=now(), request_id=request_id, tenant=tenant, by=by, restored=count, unresolved=unresolved)
    return line_of(event)


def line_of(event: Event) -> str:
    """Return an event as a line of JSON, without its end."""
    return json.dumps(asdict(event), separators=(",", ":"))


def parse_event(line: str | bytes) -> Event:
    """Return what stands on a line of an audit, or in Kong's log record on it.

    Raises ValueError where that is nothing of an audit.
    """
    entry: Any = json.loads(line)
    if isinstance(entry, dict) and isinstance(entry.get("aws_masker"), dict):
        entry = entry["aws_masker"]
    if not isinstance(entry, dict):
        message = "this is nothing of an audit"
        raise ValueError(message)  # noqa: TRY004 - of the line's content
    kind = _KINDS.get(str(entry.get("event"))) if entry.get("schema") == SCHEMA else None
    if kind is None:
        return parse(entry)
    try:
        return kind(**{name: value for name, value in entry.items() if name in kind.__slots__})
    except TypeError:
        message = "the event lacks a member"
        raise ValueError(message) from None
