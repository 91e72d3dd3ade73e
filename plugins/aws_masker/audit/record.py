"""The record of one request and its answer: one line of JSON, without any value of the conversation.

What can stand in it is numbers, names that the catalogue or this package gave, and ids of a form that holds nothing
else: no path, no query, no header's text, no key. Version 1 has these members; within a version members are only added.

================  ====================================================================================================
schema, event     1, ``request``
time              when the request's first line came: ISO 8601, UTC, milliseconds
request_id        the id that the front door gave, or one made here; the same on each line of every log
host              who wrote it: ``gateway`` or ``kong``
session           ``x-claude-code-session-id``, or null where there is none or it is no UUID
tenant            whose identifiers they are; null where the request was refused before that was known
model             the model's name where it is made of the words of Claude's, ``other`` where not, null without one
endpoint          the API's path with ``{id}`` for all that it does not name itself, or ``other``
method            of HTTP, or ``other``
ruleset           the version of what finds identifiers; null where nothing was looked at
outcome, reason   how it ended, and the cause where it is not ``ok``: see ``OUTCOMES``
status            the HTTP status that the client got; 0 where it got none
upstream_status   that of the API; null without an answer of it
streamed          whether the answer was a stream of events
bytes_in          length of the request's body as it came
bytes_up          of what was sent to the API; 0 where nothing was
bytes_out         of the answer's body as the client got it
edits             how many tokens were put into the request's body; an identifier may have several, in its parts
families, kinds   how many identifiers were masked, by family and by kind of the catalogue
opaque            how many images and documents passed that cannot be read
restored          tokens of the answer that were put back
unresolved        text in the answer that has the form of a token but stands for nothing that is known
held              events of a stream from whose text something waited for the next
vault             ``closed`` (in use), ``open`` (left alone after failures) or ``half_open`` (being tried); else null
lost              entries that the vault did not take, or did not give, for this request
ms                milliseconds by stage, see ``STAGES``; a stage that was not reached is not there
================  ====================================================================================================
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from aws_masker import catalogue
from aws_masker.settings import MAX_TENANT_LENGTH

SCHEMA: Final = 1
OWN_KIND: Final = "term"

Host = Literal["gateway", "kong"]
Outcome = Literal["ok", "refused", "upstream_failed", "broken_off", "client_gone", "client_stalled", "stopped"]

OUTCOMES: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        "ok": "the answer, whatever its status, went to the client whole",
        "refused": "nothing was sent to the API",
        "upstream_failed": "masked and sent, but there was no answer, or none that could be passed on",
        "broken_off": "the answer ended before its end",
        "client_gone": "the client closed its connection",
        "client_stalled": "the client stopped reading the answer",
        "stopped": "the process was told to stop",
    }
)
STAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "read": "until the request's body was there",
        "mask": "finding and replacing, without the vault",
        "vault": "calls of the vault",
        "upstream": "from sending the masked request to the head of the API's answer",
        "first_byte": "from the request's first line to the first byte of the answer's body",
        "total": "from the request's first line to the answer's last byte",
    }
)

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REQUEST_ID: Final = re.compile(rf"[0-9a-f]{{16}}|[0-9a-f]{{32}}|{_UUID.pattern}")
# Words that the API's models are called by, versions, and a date: claude-opus-4-1-20250805, claude-3-5-haiku-latest.
# No other word: a client may call a model what it likes, and a record holds nothing of a request.
# https://docs.anthropic.com/en/docs/about-claude/models/overview
_MODEL_WORDS: Final = ("fable", "haiku", "instant", "mythos", "opus", "sonnet", "fast", "latest", "preview")
_MODEL: Final = re.compile(
    rf"claude(?:-(?:{'|'.join(_MODEL_WORDS)}|[0-9]{{1,2}}(?:\.[0-9])?)){{1,4}}"
    r"(?:-20[2-4][0-9](?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))?(?:\[1m\])?"
)
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FAMILY: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_ENDPOINT: Final = re.compile(r"/v1(?:/(?:\{id\}|[a-z_]{1,20})){1,5}|/|/_aws-masker/health|other")
_RULESET: Final = re.compile(r"[0-9A-Za-z.+-]{1,64}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")

# What may be said of a path: the segments that the API documents. All else is an identifier.
SEGMENTS: Final = frozenset(
    {"messages", "count_tokens", "batches", "results", "cancel", "models", "files", "content", "complete"}
)
# The API has no longer path that it documents.
_MAX_SEGMENTS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One request and its answer; the module says what each member means."""

    schema: int = SCHEMA
    event: Literal["request"] = "request"
    time: str
    request_id: str
    host: Host
    session: str | None = None
    tenant: str | None = None
    model: str | None = None
    endpoint: str = "other"
    method: str = "other"
    ruleset: str | None = None
    outcome: Outcome
    reason: str | None = None
    status: int = 0
    upstream_status: int | None = None
    streamed: bool = False
    bytes_in: int = 0
    bytes_up: int = 0
    bytes_out: int = 0
    edits: int = 0
    families: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    opaque: int = 0
    restored: int = 0
    unresolved: int = 0
    held: int = 0
    vault: Literal["closed", "open", "half_open"] | None = None
    lost: int = 0
    ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def masked(self) -> int:
        """How many identifiers were masked."""
        return sum(self.families.values())

    def json(self) -> str:
        """Return the record as a line of JSON, without its end."""
        return json.dumps(asdict(self), separators=(",", ":"))


def now() -> str:
    """Return this moment as records write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def session_id(header: str | None) -> str | None:
    """Return a session id if it has the form of one: a header could hold anything."""
    return header if header is not None and _UUID.fullmatch(header) else None


def request_id(header: str | None) -> str | None:
    """Return the id that a proxy gave the request if it has the form of one."""
    return header if header is not None and _REQUEST_ID.fullmatch(header) else None


def model_name(name: object) -> str | None:
    """Return what a record says of the member ``model`` of a request: None where it has none."""
    if not isinstance(name, str) or not name:
        return None
    return name if _MODEL.fullmatch(name) else "other"


def endpoint_of(path: str) -> str:
    """Return the endpoint for the records: known words of the path, ``{id}`` for all else, and no query."""
    path = path.partition("?")[0]
    path = path.removeprefix("/v1") if path.startswith("/v1/v1/") else path
    if not path.startswith("/v1/"):
        return "other"
    segments = path.removeprefix("/v1/").split("/")[:_MAX_SEGMENTS]
    return "/v1/" + "/".join(segment if segment in SEGMENTS else "{id}" for segment in segments)


def kind_of(family: str) -> str:
    """Return the kind of a family; what is not of the catalogue is the operator's own, ``term``."""
    return _kinds().get(family, OWN_KIND)


def kinds_of(families: Mapping[str, int]) -> dict[str, int]:
    """Return counts by kind from those by family."""
    kinds: dict[str, int] = {}
    for family, count in families.items():
        kind = kind_of(family)
        kinds[kind] = kinds.get(kind, 0) + count
    return kinds


def parse(line: str | bytes | Mapping[str, Any]) -> AuditRecord:
    """Return the record on a line, or of its members. Those that are not known are left out.

    Raises ValueError where it is none, is of a later version, or has a member that no record can have.
    """
    entry: Any = json.loads(line) if isinstance(line, str | bytes) else line
    if not isinstance(entry, dict) or entry.get("event") != "request" or entry.get("schema") != SCHEMA:
        message = f"this is no record of a request of version {SCHEMA}"
        raise ValueError(message)
    known = {name: value for name, value in entry.items() if name in _CHECKS}
    for name, value in known.items():
        if not _CHECKS[name](value):
            message = f"the record's member {name} has another form"
            raise ValueError(message)
    try:
        return AuditRecord(**known)
    except TypeError:
        message = "the record lacks a member"
        raise ValueError(message) from None


@functools.cache
def _kinds() -> Mapping[str, str]:
    return {family.name: family.kind for family in catalogue.load().families}


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(pattern: re.Pattern[str], *, optional: bool = False) -> Any:
    return lambda value: (optional and value is None) or (isinstance(value, str) and bool(pattern.fullmatch(value)))


def _one_of(*choices: Any) -> Any:
    return lambda value: not isinstance(value, dict | list) and value in choices


def _counts(value: Any) -> bool:
    return isinstance(value, dict) and all(_FAMILY.fullmatch(name) and _count(number) for name, number in value.items())


def _times(value: Any) -> bool:
    return isinstance(value, dict) and all(
        name in STAGES and isinstance(number, int | float) and not isinstance(number, bool) and number >= 0
        for name, number in value.items()
    )


def _is_tenant(value: Any) -> bool:
    return value is None or (isinstance(value, str) and 0 < len(value) <= MAX_TENANT_LENGTH and value.isprintable())


_CHECKS: Final[Mapping[str, Any]] = {
    **{one.name: _count for one in fields(AuditRecord) if one.type is int},
    "event": _one_of("request"),
    "time": _text(_TIME),
    "request_id": _text(_REQUEST_ID),
    "host": _one_of(*get_args(Host)),
    "session": _text(_UUID, optional=True),
    "tenant": _is_tenant,
    "model": lambda value: value is None or value == model_name(value),
    "endpoint": _text(_ENDPOINT),
    "method": _one_of("other", *METHODS),
    "ruleset": _text(_RULESET, optional=True),
    "outcome": _one_of(*OUTCOMES),
    "reason": _text(_WORD, optional=True),
    "upstream_status": lambda value: value is None or _count(value),
    "streamed": lambda value: isinstance(value, bool),
    "families": _counts,
    "kinds": _counts,
    "vault": _one_of(None, "closed", "open", "half_open"),
    "ms": _times,
}
