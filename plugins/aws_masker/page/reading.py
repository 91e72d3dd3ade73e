"""A masked body for people to read: what is JSON is indented, the deltas of a stream are put together, tokens marked.

Reading is for the eye only. Where a body cannot be read in this way (cut off, binary, no JSON) it stands as it is.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Any, Final, TypeAlias

from aws_masker import catalogue
from aws_masker.names import ACCOUNT_NUMBER, NAME, SECRET
from aws_masker.tokens import TAIL_PATTERN

Piece: TypeAlias = tuple[str, str]
"""A text, and the label of the token that it is, or "" where it is none."""

_DATA: Final = "data:"
_WHERE_DELTAS_SAY: Final = ("text", "thinking", "partial_json")


def pieces(body: bytes) -> list[Piece]:
    """Return the pieces of ``body``: put together they are the text to be read."""
    return list(_marked(readable(body.decode("utf-8", "replace"))))


def readable(text: str) -> str:
    """Return ``text`` as people read it."""
    if text.startswith(("event:", "data:")):
        return _stream(text)
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _marked(text: str) -> Iterator[Piece]:
    """Split ``text`` at its tokens. Without the key, what looks like a token counts as one."""
    at = 0
    for found in _tokens().finditer(text):
        if found.start() > at:
            yield text[at : found.start()], ""
        yield found[0], found[1]
        at = found.end()
    if at < len(text):
        yield text[at:], ""


@cache
def _tokens() -> re.Pattern[str]:
    own = {label.decode() for label in (ACCOUNT_NUMBER, NAME, SECRET)}
    labels = sorted(catalogue.load().labels | own, key=len, reverse=True)
    return re.compile(f"({'|'.join(map(re.escape, labels))}){TAIL_PATTERN}")


def _stream(text: str) -> str:
    """Return what the events of a stream say, one paragraph for each of its blocks."""
    said = [one for line in text.splitlines() if line.startswith(_DATA) for one in _said(line.removeprefix(_DATA))]
    blocks = groupby(said, key=lambda one: one[:2])
    return "\n\n".join(f"{kind}: {''.join(text for _, _, text in one)}" for (_, kind), one in blocks) or text


def _said(data: str) -> Iterator[tuple[int, str, str]]:
    """Yield block, kind and text of one event."""
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(event, dict):
        return
    index = event.get("index", -1)
    delta = event.get("delta")
    if event.get("type") == "content_block_start":
        block = event.get("content_block")
        if isinstance(block, dict) and isinstance(name := block.get("name"), str):
            yield index, "input of a tool", f"{name} "
    elif isinstance(delta, dict):
        for member in _WHERE_DELTAS_SAY:
            if isinstance(told := delta.get(member), str):
                yield index, "input of a tool" if member == "partial_json" else member, told
    elif event.get("type") == "error":
        yield -1, "error", _error(event)


def _error(event: dict[str, Any]) -> str:
    error = event.get("error")
    return str(error.get("message", "")) if isinstance(error, dict) else ""
