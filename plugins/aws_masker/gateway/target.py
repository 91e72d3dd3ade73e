"""Request targets: what a request line asks for, and the path and query that go upstream. No I/O.

Clients reach the same endpoint in several ways: ``/v1/messages`` (base URL ``http://gw``), ``/v1/v1/messages`` (base
URL ``http://gw/v1``), ``http://gw/v1/v1/messages`` (the gateway as HTTP_PROXY too). All three are the same target.

Path and query go upstream as they were spelled: identifiers in them are the API's own. But a server behind us may
decode ``%2e%2e`` or take a backslash for a slash, so a path that leaves ``/v1`` under any such reading is refused.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from aws_masker.audit.record import endpoint_of
from aws_masker.gateway.errors import BadTarget, NotServed

HEALTH_PATH: Final = "/_aws-masker/health"
API_PREFIX: Final = "/v1/"
# Percent-decoding is repeated until nothing changes: more often than this no server decodes.
MAX_DECODINGS: Final = 4

_ABSOLUTE: Final = re.compile(r"https?://([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]*")
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOTS: Final = frozenset({b".", b".."})


@dataclass(frozen=True, slots=True)
class Target:
    """A target: ``path`` without, ``query`` with its question mark, both as spelled.

    ``authority`` is the host and port of an absolute-form target, else the empty string.
    """

    path: str
    query: str
    authority: str

    @property
    def is_probe(self) -> bool:
        """Tell whether a client only wants to know if somebody is there."""
        return self.path == "/"

    @property
    def is_health(self) -> bool:
        """Tell whether this asks for the gateway's own state."""
        return self.path == HEALTH_PATH

    @property
    def template(self) -> str:
        """Return the endpoint for the records, which holds no identifier."""
        return self.path if self.is_probe or self.is_health else endpoint_of(self.path)


def parse_target(raw: str) -> Target:
    """Return the target of a request line, with a doubled ``/v1`` collapsed.

    Raises BadTarget for what no client sends in good faith, NotServed for a path outside ``/v1``.
    """
    if not _PRINTABLE.fullmatch(raw) or "#" in raw:
        message = "the request target holds characters that no URL has: percent-encode them"
        raise BadTarget(message)
    authority = ""
    if not raw.startswith("/"):
        absolute = _ABSOLUTE.fullmatch(raw)
        if absolute is None:
            message = "the request target is neither a path nor an http URL"
            raise BadTarget(message)
        authority, raw = absolute[1], absolute[2]
        if not raw.startswith("/"):
            raw = f"/{raw}"
    path, mark, query = raw.partition("?")
    if path.startswith("/v1/v1/"):
        path = path.removeprefix("/v1")
    target = Target(path, mark + query, authority)
    if not (target.is_probe or target.is_health):
        _check_path(path)
    return target


def _check_path(path: str) -> None:
    if not path.startswith(API_PREFIX):
        message = (
            "only /v1/… is served here: set ANTHROPIC_BASE_URL to http://HOST:PORT of this gateway, "
            "without a path (…/v1 works too)"
        )
        raise NotServed(message)
    if _BAD_PERCENT.search(path):
        message = "the path holds a % that begins no percent-encoding: spell it %25"
        raise BadTarget(message)
    decoded = path.encode()
    for _ in range(MAX_DECODINGS):
        before, decoded = decoded, unquote_to_bytes(decoded)
        if before == decoded:
            break
    else:
        message = "the path is percent-encoded too many times over"
        raise BadTarget(message)
    segments = decoded.replace(b"\\", b"/").split(b"/")
    if any(segment.partition(b";")[0].strip() in _DOTS for segment in segments):
        message = "the path holds a . or .. segment, which could lead out of /v1: remove it"
        raise BadTarget(message)
