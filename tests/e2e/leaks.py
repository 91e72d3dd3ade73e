"""Finding originals in what an API received, in whatever way they are written there."""

import base64
import binascii
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator

from aws_masker.fake_api import Received

# The form of every token: a label, "-x", and 16 characters without i, l, o and u.
TOKEN = re.compile(r"[a-z][a-z0-9-]{0,23}-x[0-9a-hjkmnp-tv-z]{16}")

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_MAX_LAYERS = 3


def leaks(requests: Iterable[Received], originals: Iterable[str]) -> list[str]:
    """Return one line for every original that a request shows: in its path, its headers or any reading of its body."""
    wanted = [original.lower() for original in originals]
    found = []
    for number, request in enumerate(requests):
        head = request.path + "".join(f"\n{name}: {value}" for name, value in request.headers)
        for reading in [*readings(head), *readings(request.body.decode("utf-8", "replace"))]:
            folded = reading.lower()
            found += [f"request {number} {request.path}: {original}" for original in wanted if original in folded]
    return list(dict.fromkeys(found))


def readings(text: str, layers: int = _MAX_LAYERS) -> Iterator[str]:
    """Yield ``text`` and what it says decoded: its JSON strings, percent-encoding, base64, up to 3 deep."""
    yield text
    if layers:
        for inner in (_unescaped(text), urllib.parse.unquote(text), *_json_strings(text), *_from_base64(text)):
            if inner != text:
                yield from readings(inner, layers - 1)


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)


def _json_strings(text: str) -> Iterator[str]:
    if not text.lstrip().startswith(("{", "[", '"')):
        return
    try:
        value = json.loads(text)
    except ValueError:
        return
    # All of them as one text, so that the layers below work on one text and not on thousands.
    yield "\n".join(_strings(value))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    else:
        yield str(value)
        if isinstance(value, str):
            yield from _json_strings(value)


def _from_base64(text: str) -> Iterator[str]:
    decoded = []
    for match in _BASE64.finditer(text):
        run = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            decoded.append(base64.b64decode(run + "=" * (-len(run) % 4)).decode("latin-1"))
        except binascii.Error:
            continue
    if decoded:
        yield "\n".join(decoded)
