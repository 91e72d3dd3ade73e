"""Restoring answers to requests that had no body: batch results, files, lists. Their tokens are looked up in the vault.

Such an answer has no dictionary of its own, so it is restored in parts, each with what the vault knows of its tokens. A
part ends where neither a token nor its surroundings go on: lines of JSON at the end of a line, events at an empty line,
text at a character that stands in no token; a JSON document is one part. The vault may be Redis, so this blocks: call
``feed`` and ``close`` in a thread.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from aws_masker.restore import Restorer, restorer_for
from aws_masker.restore.bounds import DEFAULT, Bounds
from aws_masker.restore.documents import JsonLinesRestorer, JsonRestorer
from aws_masker.restore.events import SseRestorer
from aws_masker.restore.text import RestoreCounts

Recall = Callable[[bytes], Mapping[str, str]]

# A run of token characters that is longer than this is no text with a token in it.
MAX_RUN: Final = 1 << 12

_NO_TOKEN_BYTE: Final = re.compile(rb"[^0-9a-z\x80-\xff-]")


class RecallingRestorer:
    """A restorer whose dictionary comes from the vault while the answer streams."""

    def __init__(self, content_type: str, recall: Recall, bounds: Bounds = DEFAULT) -> None:
        """Restore an answer of ``content_type`` with what ``recall`` knows of the tokens in a part.

        Of a part, at most ``bounds.event`` are held to find its end; a longer one is cut where it stands.
        """
        self._content_type = content_type
        self._recall = recall
        self._bounds = bounds
        self._held = bytearray()
        self._end_of_parts = _end_of_parts(restorer_for(content_type, {}))
        self.counts = RestoreCounts()

    def feed(self, data: bytes) -> bytes:
        """Take a piece of the answer; return what is ready."""
        self._held += data
        end = self._end_of_parts(self._held)
        if not end and len(self._held) > self._bounds.event:
            end = len(self._held)
        part = bytes(self._held[:end])
        del self._held[:end]
        return self._restored(part)

    def close(self) -> bytes:
        """Return the rest."""
        part = bytes(self._held)
        self._held.clear()
        return self._restored(part)

    def _restored(self, part: bytes) -> bytes:
        if b"-x" not in part:  # no token is without it
            return part
        restorer = restorer_for(
            self._content_type, self._recall(part), replace(self._bounds, event=max(self._bounds.event, len(part)))
        )
        out = restorer.feed(part) + restorer.close()
        self.counts.restored += restorer.counts.restored
        self.counts.unresolved += restorer.counts.unresolved
        return out


def _end_of_parts(restorer: Restorer) -> Callable[[bytearray], int]:
    """Return the function that says where the last whole part ends in what is held."""
    match restorer:
        case JsonLinesRestorer():
            return lambda held: held.rfind(b"\n") + 1
        case SseRestorer():
            return _end_of_events
        case JsonRestorer():
            return lambda _held: 0
        case _:
            return _end_of_words


def _end_of_events(held: bytearray) -> int:
    return max((held.rfind(blank) + len(blank) for blank in (b"\n\n", b"\r\n\r\n") if blank in held), default=0)


def _end_of_words(held: bytearray) -> int:
    start = max(0, len(held) - MAX_RUN)
    boundary = _NO_TOKEN_BYTE.search(bytes(held[start:])[::-1])
    return len(held) - boundary.start() if boundary else start
