"""URLs in answers that would lead clients past the gateway: a batch's ``results_url``, and redirects. No I/O.

The API gives the absolute URL of a batch's results, and SDKs follow it: to api.anthropic.com, where nothing restores
the tokens in them (https://docs.anthropic.com/en/api/retrieving-message-batches). So the URL gets the address at which
the client reached the gateway. Batch objects and lists of them are small JSON bodies, held until they are whole.

A redirect that takes a client elsewhere is worse: with 307 or 308 it sends its body again, unmasked.
"""

import json
import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

# 1,000 batches, the most that a list may hold, are under 1 MB.
MAX_HELD: Final = 8 << 20
API_ORIGIN: Final = "https://api.anthropic.com"

_KEY: Final = b'"results_url"'
_BLANK: Final = b" \t\r\n"
_AUTHORITY: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def client_base(scheme: str, authority: str) -> str | None:
    """Return the base URL that the client used, or None when that is no plain host and port."""
    return f"{scheme}://{authority}" if _AUTHORITY.fullmatch(authority) else None


def on_gateway(url: str, base: str, origins: Collection[str]) -> str | None:
    """Return ``url``, a place in one of ``origins`` (scheme, host, port, path prefix), as a place under ``base``.

    Returns None for any other URL.
    """
    for origin in origins:
        rest = url.removeprefix(origin)
        if rest != url and rest.startswith("/v1/"):
            return base + rest
    return None


def leads_away(location: str, origins: Collection[str]) -> bool:
    """Tell whether a redirect to ``location`` takes the client off the gateway."""
    try:
        parts = urlsplit(location.replace("\\", "/"))
    except ValueError:
        return True
    if not parts.scheme and not parts.netloc:
        return False
    return on_gateway(location, "", origins) is None


class ResultsUrls:
    """Rewrites the results URLs of a JSON body."""

    def __init__(self, base: str, upstream: str) -> None:
        """Send clients to ``base`` instead of the API or ``upstream``, both without a trailing slash."""
        self._base = base
        self._origins = (upstream, API_ORIGIN)
        self._held: bytearray | None = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Hold ``data``; return it, and all that follows, once it is too much for a batch."""
        if self._held is None:
            return data
        self._held += data
        if len(self._held) <= MAX_HELD:
            return b""
        held, self._held = bytes(self._held), None
        return held

    def close(self) -> bytes:
        """Return what is held, rewritten."""
        held, self._held = bytes(self._held or b""), None
        return self._rewritten(held)

    def _rewritten(self, body: bytes) -> bytes:
        # Inside a JSON string the key's quotes would be escaped, so what is found here is a key.
        out: list[bytes] = []
        done = 0
        while (found := body.find(_KEY, done)) >= 0:
            start = _skip_blank(body, found + len(_KEY))
            if body[start : start + 1] == b":":
                start = _skip_blank(body, start + 1)
            end = body.find(b'"', start + 1)
            new = self._moved(body[start : end + 1]) if body[start : start + 1] == b'"' and end > 0 else None
            out.append(body[done:start])
            done = start
            if new is not None:
                out.append(new)
                done = end + 1
        return b"".join([*out, body[done:]])

    def _moved(self, literal: bytes) -> bytes | None:
        try:
            url = json.loads(literal)
        except ValueError:
            return None
        moved = on_gateway(url, self._base, self._origins)
        return None if moved is None else json.dumps(moved).encode()


def _skip_blank(body: bytes, start: int) -> int:
    while start < len(body) and body[start] in _BLANK:
        start += 1
    return start
