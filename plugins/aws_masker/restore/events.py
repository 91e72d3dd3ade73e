r"""Answers that are streams of server-sent events, restored event by event as they arrive.

**Framing.** Lines end with LF, CRLF or CR; an empty line ends an event; the values of an event's ``data`` lines,
joined by LF, are its data (https://html.spec.whatwg.org/multipage/server-sent-events.html). Events are sent on byte
for byte. Only where a string of an event's data changes, its literal is replaced by its canonical JSON spelling. An
event without data, or whose data is not JSON for ``documents.parsed``, is sent on as it is.

**Deltas** (``content_block_delta`` with an ``index``). ``text_delta.text`` and ``input_json_delta.partial_json``
belong to a text that goes on over many events: one text restorer per index and kind, the latter as JSON text. An event
whose text is held back altogether keeps its place, with an empty string. ``thinking_delta``, ``signature_delta`` and
``compaction_delta`` are never touched. Other deltas are treated like other events.

**Other events.** Whole tokens in their strings are restored as in JSON documents (``restore.documents``), which leaves
thinking blocks alone.

**Release.** Held text is sent as an event of its own before the next ``content_block_start`` or
``content_block_stop`` of its index, and all of it, in the order in which the texts began, before ``message_stop``,
``error`` and the end of the stream:

    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"…"}}

and an empty line, with the line ending of the first line of the last event that had one not empty. At the end of the
stream an incomplete event follows as it came.

**Bounds.** See ``restore.bounds``: of an event's size and lines, of values in its data, and of texts that go on at
once. An ``index`` has at most nine digits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from aws_masker import jsontext
from aws_masker.edits import Edit, apply
from aws_masker.jsontext import Node, Number, Object, String
from aws_masker.restore.bounds import DEFAULT, Bounds
from aws_masker.restore.documents import DocumentRestorer, parsed
from aws_masker.restore.text import Entering, Lookup, RestoreCounts, TextRestorer

# More than blocks of any answer that is counted; what is longer is no index.
_MAX_DIGITS = 9

UNTOUCHED = frozenset({"thinking_delta", "signature_delta", "compaction_delta"})
RELEASE_INDEX = frozenset({"content_block_start", "content_block_stop"})
RELEASE_ALL = frozenset({"message_stop", "error"})


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of delta whose text goes on from event to event."""

    field: str
    entering: Entering


_KINDS = {
    "text_delta": _Kind("text", Entering.TEXT),
    "input_json_delta": _Kind("partial_json", Entering.JSON),
}


class SseRestorer:
    """Restores a stream of server-sent events. Where it was cut makes no difference to what comes out."""

    def __init__(self, dictionary: Mapping[str, str], bounds: Bounds = DEFAULT) -> None:
        self.counts = RestoreCounts()
        self._lookup = Lookup(dictionary)
        self._documents = DocumentRestorer(self._lookup, self.counts)
        self._texts: dict[tuple[str, str], TextRestorer] = {}  # by index, as written, and type of delta
        self._bounds = bounds
        self._size = 0  # of the event that is not complete
        self._lines: list[bytes] = []  # its complete lines
        self._pieces: list[bytes] = []  # what there is of its next line
        self._after_cr = False  # whether the last byte was a CR, so that an LF would belong to the same line
        self._newline = b"\n"

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return the events that they complete. Raises MaskerError if one exceeds the limit."""
        if not data:
            return b""
        out: list[bytes] = []
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            if self._lines:
                self._lines[-1] += b"\n"
            else:
                out.append(b"\n")  # of the empty line whose event has been sent
        self._after_cr = data.endswith(b"\r")
        for line in data.splitlines(keepends=True):
            self._size += len(line)
            self._bounds.check_event(self._size, "server-sent event")
            self._pieces.append(line)
            if line.endswith((b"\n", b"\r")):
                self._bounds.check_lines(len(self._lines) + 1)
                whole = b"".join(self._pieces)
                self._pieces.clear()
                self._lines.append(whole)
                if not whole.rstrip(b"\r\n"):
                    out += self._event(self._lines)
                    self._lines = []
                    self._size = 0
        return b"".join(out)

    def close(self) -> bytes:
        """Return what is held back, then what there is of an incomplete event, unchanged."""
        released = self._release(list(self._texts))
        rest = b"".join(chain(released, self._lines, self._pieces))
        self._lines, self._pieces = [], []
        return rest

    def _event(self, lines: list[bytes]) -> list[bytes]:
        """Return a complete event, restored, and before it what it releases."""
        raw = b"".join(lines)
        content = lines[0].rstrip(b"\r\n")
        if content:
            self._newline = lines[0][len(content) :]
        data, places = _data(lines)
        if not data:
            return [raw]
        node = parsed(data, self._bounds.values)
        if node is None:
            return [raw]
        released, edits = self._restore(node)
        return [*released, apply(_moved(edits, places), raw)]

    def _restore(self, node: Node) -> tuple[list[bytes], list[Edit]]:
        """Return the events to send before an event with the data ``node``, and the edits to its data."""
        kind = _string_in(node, "type")
        index = _index_in(node)
        if kind == "content_block_delta" and index is not None:
            edits = self._restore_delta(node, index)
            if edits is not None:
                return [], edits
        released: list[bytes] = []
        if kind in RELEASE_ALL:
            released = self._release(list(self._texts))
        elif kind in RELEASE_INDEX:
            released = self._release([key for key in self._texts if key[0] == index])
        return released, self._documents.edits(node)

    def _restore_delta(self, node: Node, index: str) -> list[Edit] | None:
        """Return the edits to a delta, or None for one that is like any other event."""
        delta = node.get("delta") if isinstance(node, Object) else None
        kind = _string_in(delta, "type")
        if kind in UNTOUCHED:
            return []
        if kind is None or kind not in _KINDS or not isinstance(delta, Object):
            return None
        text = delta.get(_KINDS[kind].field)
        if not isinstance(text, String):
            return None
        restorer = self._texts.get((index, kind))
        if restorer is None:
            self._bounds.check_texts(len(self._texts) + 1)
            restorer = self._texts[index, kind] = TextRestorer(self._lookup, self.counts, _KINDS[kind].entering)
        restored = restorer.feed(text.value)
        self.counts.held += restorer.holds and text.value != ""
        if restored == text.value:
            return []
        return [Edit(text.start + 1, text.end - text.start - 2, jsontext.encode(restored))]

    def _release(self, keys: list[tuple[str, str]]) -> list[bytes]:
        """End the texts ``keys`` and return an event for each that holds something back."""
        released = []
        for index, kind in keys:
            restorer = self._texts.pop((index, kind))
            if restorer.holds:
                text = jsontext.encode(restorer.close()).decode("utf-8")
                delta = f'{{"type":"{kind}","{_KINDS[kind].field}":"{text}"}}'
                data = f'{{"type":"content_block_delta","index":{index},"delta":{delta}}}'
                lines = (b"event: content_block_delta", b"data: " + data.encode("utf-8"), b"", b"")
                released.append(self._newline.join(lines))
        return released


def _data(lines: list[bytes]) -> tuple[bytes, list[tuple[int, int]]]:
    """Return an event's data, and the places of its lines: (offset in the data, offset in the event), ascending."""
    values: list[bytes] = []
    places: list[tuple[int, int]] = []
    in_data = in_event = 0
    for line in lines:
        if line.startswith(b"data:"):
            value = line.rstrip(b"\r\n")
            start = 6 if value.startswith(b"data: ") else 5
            values.append(value[start:])
            places.append((in_data, in_event + start))
            in_data += len(value) - start + 1
        in_event += len(line)
    return b"\n".join(values), places


def _moved(edits: list[Edit], places: list[tuple[int, int]]) -> list[Edit]:
    """Return edits to an event's data as edits to the event. No literal of a string extends over two lines."""
    moved = []
    line = 0
    for edit in edits:
        while line + 1 < len(places) and places[line + 1][0] <= edit.offset:
            line += 1
        in_data, in_event = places[line]
        moved.append(Edit(edit.offset - in_data + in_event, edit.length, edit.replacement))
    return moved


def _string_in(node: Node | None, name: str) -> str | None:
    member = node.get(name) if isinstance(node, Object) else None
    return member.value if isinstance(member, String) else None


def _index_in(node: Node) -> str | None:
    """Return the event's ``index`` as it is written, or None if it is no whole number of nine digits at most."""
    member = node.get("index") if isinstance(node, Object) else None
    if not isinstance(member, Number) or len(member.text) > _MAX_DIGITS:
        return None
    return member.text if member.text.isdigit() else None
