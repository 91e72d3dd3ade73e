"""Which restorer an answer needs, by its content type: the entrance to ``documents``, ``events`` and ``text``.

Restorers are sans-IO: bytes in, bytes out, no sockets and no clock. Feed them an answer in whatever pieces it arrives,
send what they return, and close them at its end. The pieces' boundaries make no difference to what comes out.
"""

from collections.abc import Mapping
from typing import Protocol

from aws_masker.restore.bounds import DEFAULT, Bounds
from aws_masker.restore.documents import JsonLinesRestorer, JsonRestorer
from aws_masker.restore.events import SseRestorer
from aws_masker.restore.text import Entering, Lookup, RestoreCounts, TextRestorer, restore_whole

# Without a type, too: the API has sent the results of batches so, and JSON is mostly written on one line.
JSON_LINES = frozenset({"", "application/jsonl", "application/x-jsonl", "application/x-ndjson", "application/ndjson"})
# Text, though it is not called so: files come with the type that they were sent with.
TEXTS = frozenset(
    {
        "application/javascript",
        "application/sql",
        "application/toml",
        "application/x-sh",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
    }
)


class Restorer(Protocol):
    """What every restorer can do."""

    counts: RestoreCounts

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the answer; return what can be sent now.

        Raises MaskerError where more would have to be held than its bounds allow; the answer cannot be continued then.
        """
        ...

    def close(self) -> bytes:
        """Return the rest, at the end of the answer."""
        ...


class PlainTextRestorer:
    """Restores text in any encoding that has ASCII's bytes for ASCII's characters."""

    def __init__(self, dictionary: Mapping[str, str]) -> None:
        self.counts = RestoreCounts()
        self._text = TextRestorer(Lookup(dictionary), self.counts, Entering.BYTES)

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return all but what may be the beginning of a token."""
        return self._text.feed(data.decode("latin-1")).encode("latin-1")

    def close(self) -> bytes:
        """Return what was held back."""
        return self._text.close().encode("latin-1")


class Untouched:
    """Passes on what holds no text that could be restored."""

    def __init__(self) -> None:
        self.counts = RestoreCounts()

    def feed(self, data: bytes) -> bytes:
        """Return ``data``."""
        return data

    def close(self) -> bytes:
        """Return nothing."""
        return b""


def restorer_for(content_type: str, dictionary: Mapping[str, str], bounds: Bounds = DEFAULT) -> Restorer:
    """Return a restorer for an answer with this ``Content-Type``, and this dictionary (token -> original)."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "text/event-stream":
        return SseRestorer(dictionary, bounds)
    if media_type == "application/json" or media_type.endswith("+json"):
        return JsonRestorer(dictionary, bounds)
    if media_type in JSON_LINES:
        return JsonLinesRestorer(dictionary, bounds)
    if media_type.startswith("text/") or media_type in TEXTS or media_type.endswith(("+xml", "+yaml")):
        return PlainTextRestorer(dictionary)
    return Untouched()


def restore_text(text: str, dictionary: Mapping[str, str]) -> str:
    """Return ``text`` with every token of ``dictionary`` in it replaced by its original."""
    return restore_whole(text, Lookup(dictionary), RestoreCounts())
