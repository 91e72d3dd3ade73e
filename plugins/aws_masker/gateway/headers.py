"""Header fields on their way through: which go on, which end at the gateway. No I/O.

Everything passes as it came, repeated fields and their order included, but for what belongs to one connection only
(RFC 9110, section 7.6.1), what tells of hosts before the gateway, what describes a body that the gateway changes (its
digest, too), and what asks for a coding or a part of one that could not be restored. Fields are read from their bytes:
aiohttp's own decoding would lose what is not UTF-8.
"""

import re
from collections.abc import Iterable
from typing import Final

RawHeaders = Iterable[tuple[bytes, bytes]]
Headers = list[tuple[str, str]]

HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "te", "trailer", "trailers", "transfer-encoding", "upgrade", "http2-settings"}
)
PROXY_PREFIX: Final = "proxy-"

# Addresses and names of hosts in the house, which proxies before the gateway tell it and the API has no need of.
OF_THE_HOUSE: Final = frozenset(
    {
        "cf-connecting-ip",
        "forwarded",
        "true-client-ip",
        "via",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-real-ip",
    }
)
PREFIXES_OF_THE_HOUSE: Final = ("x-envoy-", "x-forwarded-", "x-original-")
# Digests of a body: that of the original confirms a guess at it.
DIGESTS: Final = frozenset({"content-md5", "content-digest", "digest", "repr-digest", "x-amz-content-sha256"})
_UP_ENDS: Final = (
    OF_THE_HOUSE
    | DIGESTS
    | {
        "host",
        "content-length",
        "content-encoding",
        "accept-encoding",
        "expect",
        "range",
        "if-range",
    }
)
# What describes a body byte by byte, and the offer of parts of it.
_OF_THE_BODY: Final = DIGESTS | {"content-length", "content-encoding", "accept-ranges"}
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # what fields were before UTF-8; as UTF-8 it at least arrives


def _listed(raw_headers: RawHeaders, name: bytes) -> list[str]:
    """Return the elements of a list field, in lower case."""
    values = (value for key, value in raw_headers if key.lower() == name)
    return [element for value in values for element in _text(value).lower().replace(" ", "").split(",") if element]


def _end_to_end(raw_headers: RawHeaders, ends: frozenset[str], prefixes: tuple[str, ...] = (PROXY_PREFIX,)) -> Headers:
    """Return the fields that go on: not hop-by-hop, named by Connection, in ``ends`` or beginning with ``prefixes``."""
    raw_headers = tuple(raw_headers)
    stop = HOP_BY_HOP | ends | set(_listed(raw_headers, b"connection"))
    spelling: dict[str, str] = {}
    headers: Headers = []
    for raw_name, raw_value in raw_headers:
        name, value = _text(raw_name), _text(raw_value)
        lower = name.lower()
        if lower in stop or lower.startswith(prefixes) or _CONTROLS.search(value):
            continue
        # aiohttp's client lets a repeated field replace the former one when the two are spelled differently.
        headers.append((spelling.setdefault(lower, name), value))
    return headers


def upward(raw_headers: RawHeaders) -> Headers:
    """Return the fields of a request that go to the upstream, which is asked not to compress its answer."""
    return [
        *_end_to_end(raw_headers, _UP_ENDS, (PROXY_PREFIX, *PREFIXES_OF_THE_HOUSE)),
        ("Accept-Encoding", "identity"),
    ]


def downward(raw_headers: RawHeaders, *, body_changes: bool) -> Headers:
    """Return the fields of an answer that go to the client; what describes its body ends when ``body_changes``."""
    return _end_to_end(raw_headers, _OF_THE_BODY if body_changes else frozenset())


def content_codings(raw_headers: RawHeaders) -> list[str]:
    """Return the codings of the body in the order in which they were applied, without ``identity``."""
    return [coding for coding in _listed(raw_headers, b"content-encoding") if coding != "identity"]


def transfer_codings(raw_headers: RawHeaders) -> list[str]:
    """Return the transfer codings in the order in which they were applied."""
    return _listed(raw_headers, b"transfer-encoding")


def upgrades(raw_headers: RawHeaders) -> list[str]:
    """Return the protocols that the client would switch to."""
    return _listed(raw_headers, b"upgrade")
