"""What the plugin tells the Lua filter about one request, as bytes.

The filter (``kong/plugins/aws-masker-filter/exchange.lua``) reads it from ``kong.ctx.shared``. Everything is built from
netstrings (``5:hello,``), which Lua reads quickly, without a library, whatever bytes they hold::

    message     = netstring(pairs)                        the outer length tells a whole message from a cut one
    pairs       = netstring(name) netstring(value) ...    numbers in decimal
    edits       = lines "offset length entry form"        ascending; entry counts from 1; form is "t" or "q"
    dictionary  = netstring(token) netstring(original) ...

An edit puts in the token of a dictionary entry (``t``), or the token in quotes (``q``: an account id that was a JSON
number). So each token crosses once, and the body never does: Kong reads what Python sends in quadratic time.

======================  ==========================================================================================
always                  ``version``, ``outcome`` (``forward`` or ``refuse``), ``part`` (what Python knows for the
                        record, JSON); where somebody wants the record, ``audit`` (see ``journal``)
``forward``             ``body_length`` and ``body_crc32`` of the body that the edits are for, ``edits``,
                        ``dictionary``, ``restore`` (1 or 0), the limits ``answer`` (bytes), ``answer_seconds``,
                        ``waiting_records``, ``waiting_bytes`` and those of ``restore.bounds``; where given,
                        ``upstream_scheme``, ``upstream_host``, ``upstream_port``, ``batch_rules`` (see
                        ``batches``); where bodies are kept, ``record_body`` (how many bytes of each) and
                        ``bodies`` (where, see ``bodies``)
``refuse``              ``status``, ``error`` (the answer's body), ``reason`` (a word), ``retry_after`` (seconds) if any
======================  ==========================================================================================

Message pieces of at most ``PIECE`` bytes go under the keys ``aws_masker_1``, ``aws_masker_2``, …
"""

import functools
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import urlsplit

from aws_masker.edits import MaskedBody
from aws_masker.errors import Refused
from aws_masker.kong.bodies import Keeping
from aws_masker.kong.journal import Part
from aws_masker.kong.maskers import CONFIGURATIONS
from aws_masker.limits import Limits
from aws_masker.restore.bounds import Bounds

VERSION: Final = 2
# Kong reads what Python sends in quadratic time, so in no larger pieces.
PIECE: Final = 1 << 16
KEY: Final = "aws_masker_"

_RETRY: Final = frozenset({503, 529})
_RETRY_SECONDS: Final = 2
_PORTS: Final = {"http": 80, "https": 443}
_DEFAULTS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where the request goes instead of to the service that Kong's configuration names."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Upstream":
        """Return the upstream at ``url``, scheme and host with or without a port.

        Raises ValueError where it has a path: a path belongs to the service in Kong's configuration.
        """
        parts = urlsplit(url)
        if parts.path.strip("/") or not parts.hostname:
            message = "it has a path"
            raise ValueError(message)
        return cls(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])


@dataclass(frozen=True, slots=True)
class Order:
    """What the filter is to do beside the edits: whether it restores the answer, and the optional fields."""

    restore: bool = True
    upstream: Upstream | None = None
    batch_rules: str = ""
    limits: Limits = _DEFAULTS
    keeping: Keeping | None = None


def forward(raw: bytes, masked: MaskedBody, order: Order, part: Part) -> bytes:
    """Return the message that lets a request through: ``masked`` is what masking ``raw`` gave."""
    fields: dict[str, bytes | int] = {
        "body_length": len(raw),
        "body_crc32": zlib.crc32(raw),
        "edits": _lines(masked),
        "dictionary": _dictionary(masked),
        "restore": int(order.restore),
        **_of_limits(order.limits),
    }
    if order.batch_rules:
        fields["batch_rules"] = order.batch_rules.encode()
    if order.keeping is not None:
        fields |= {"record_body": order.keeping.each, "bodies": str(order.keeping.place).encode()}
    if order.upstream is not None:
        fields |= {
            "upstream_scheme": order.upstream.scheme.encode(),
            "upstream_host": order.upstream.host.encode(),
            "upstream_port": order.upstream.port,
        }
    return _message("forward", fields, part)


@functools.lru_cache(CONFIGURATIONS)
def _of_limits(limits: Limits) -> Mapping[str, int]:
    return {
        "answer": limits.answer,
        "answer_seconds": math.ceil(limits.answer_seconds),
        "waiting_records": limits.waiting_records,
        "waiting_bytes": limits.waiting_bytes,
        **asdict(Bounds.of(limits)),
    }


def refuse(refused: Refused, part: Part) -> bytes:
    """Return the message that has the filter answer with an error."""
    fields: dict[str, bytes | int] = {
        "status": refused.status,
        "error": refused.body(),
        "reason": refused.reason.encode(),
    }
    if refused.status in _RETRY:
        fields["retry_after"] = _RETRY_SECONDS
    return _message("refuse", fields, part)


def pieces(message: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the keys and values for ``kong.ctx.shared``: the first piece last, so that who finds it finds them all."""
    starts = range(0, len(message), PIECE)
    for number in range(len(starts), 0, -1):
        start = starts[number - 1]
        yield f"{KEY}{number}", message[start : start + PIECE]


def _message(outcome: str, fields: Mapping[str, bytes | int], part: Part) -> bytes:
    pairs: dict[str, bytes | int] = {"version": VERSION, "outcome": outcome.encode(), **fields}
    pairs["part"] = part.json().encode()
    if part.audit:
        pairs["audit"] = part.audit.encode()
    return _netstring(
        b"".join(
            [
                _netstring(name.encode()) + _netstring(value if isinstance(value, bytes) else b"%d" % value)
                for name, value in pairs.items()
            ]
        )
    )


def _netstring(data: bytes) -> bytes:
    return b"%d:%b," % (len(data), data)


def _lines(masked: MaskedBody) -> bytes:
    """Return the edits as lines. Raises KeyError for a replacement that is no token of the dictionary."""
    forms: dict[bytes, str] = {}
    for number, token in enumerate(masked.dictionary, 1):
        forms[token.encode()] = f"{number} t\n"
    return "".join(
        [
            f"{offset} {length} {forms.get(replacement) or _quoted(replacement, forms)}"
            for offset, length, replacement in masked.edits
        ]
    ).encode()


def _quoted(replacement: bytes, forms: Mapping[bytes, str]) -> str:
    """Return how an edit's line ends whose ``replacement`` is a token in quotes."""
    if replacement[:1] + replacement[-1:] != b'""':
        raise KeyError
    return forms[replacement[1:-1]].replace("t", "q")


def _dictionary(masked: MaskedBody) -> bytes:
    """Return the dictionary as netstrings. Their lengths are in bytes, and originals may hold lone surrogates."""
    entries = masked.dictionary.items()
    text = "".join([f"{len(token)}:{token},{len(original)}:{original}," for token, original in entries])
    if text.isascii():
        return text.encode()
    return b"".join(
        [
            _netstring(token.encode("ascii")) + _netstring(original.encode("utf-8", "surrogatepass"))
            for token, original in entries
        ]
    )
