"""Answers that are JSON documents, and lines of them, with the tokens in their strings restored.

Only the literals of strings that change are rewritten, in canonical spelling; every other byte stays. Names of members
are restored like other strings. What the rules below call an object's type is its member ``type``, if that is a string.

- Objects of the types ``thinking``, ``redacted_thinking`` and ``compaction`` are left alone, with all that is in them.
- Below the member ``input`` of an object with a type there is a tool's own JSON, without protocol: the rule
  above does not hold there.
- A string that is nothing but an ``acctn`` token (an account id that was a JSON number) becomes bare digits where JSON
  is free: below such an ``input``, and outside all objects with a type. Elsewhere, say in the ``text`` of a text block,
  the API's clients rely on a string, and it stays one. Names of members stay strings everywhere.

A document is read whole before it is restored. One that ``jsontext.parse`` refuses, that is nested deeper than
``MAX_DEPTH`` levels, or that may hold more values than ``Bounds.values`` is restored as text. Lines (JSONL) end with a
line feed and are documents of their own.
"""

from collections.abc import Mapping

from aws_masker import jsontext
from aws_masker.edits import Edit, apply
from aws_masker.errors import InvalidBody
from aws_masker.jsontext import Array, Node, Object, String
from aws_masker.restore.bounds import DEFAULT, Bounds
from aws_masker.restore.text import Entering, Lookup, RestoreCounts, restore_whole

# No setting: how deep a reader can go depends on its stack, and Lua's must read what Python's reads.
MAX_DEPTH = 200

_MARKS = b",[{"
IMMUTABLE = frozenset({"thinking", "redacted_thinking", "compaction"})


class DocumentRestorer:
    """Finds what to edit in parsed documents."""

    __slots__ = ("_counts", "_lookup")

    def __init__(self, lookup: Lookup, counts: RestoreCounts) -> None:
        self._lookup = lookup
        self._counts = counts

    def edits(self, node: Node) -> list[Edit]:
        """Return the edits that restore ``node``, in the order in which they stand."""
        edits: list[Edit] = []
        self._visit(node, edits, in_protocol=False, in_input=False)
        return edits

    def _visit(self, node: Node, edits: list[Edit], *, in_protocol: bool, in_input: bool) -> None:
        if isinstance(node, String):
            self._visit_string(node, edits, may_be_number=in_input or not in_protocol)
        elif isinstance(node, Array):
            for item in node.items:
                self._visit(item, edits, in_protocol=in_protocol, in_input=in_input)
        elif isinstance(node, Object):
            kind = None if in_input else node.get("type")
            is_typed = isinstance(kind, String)
            if isinstance(kind, String) and kind.value in IMMUTABLE:
                return
            for name, member in node.pairs:
                self._visit_string(name, edits, may_be_number=False)
                self._visit(
                    member,
                    edits,
                    in_protocol=in_protocol or is_typed,
                    in_input=in_input or (is_typed and name.value == "input"),
                )

    def _visit_string(self, node: String, edits: list[Edit], *, may_be_number: bool) -> None:
        if "-x" not in node.value:
            return
        digits = self._lookup.bare_number(node.value) if may_be_number else None
        if digits is not None:
            self._counts.restored += 1
            edits.append(Edit(node.start, node.end - node.start, digits.encode("ascii")))
            return
        restored = restore_whole(node.value, self._lookup, self._counts)
        if restored != node.value:
            edits.append(Edit(node.start + 1, node.end - node.start - 2, jsontext.encode(restored)))


def restore_document(raw: bytes, lookup: Lookup, counts: RestoreCounts, values: int) -> bytes:
    """Return a document with its tokens restored; one that is not JSON for ``parsed`` is restored as text."""
    node = parsed(raw, values)
    if node is None:
        return restore_whole(raw.decode("latin-1"), lookup, counts, Entering.BYTES).encode("latin-1")
    return apply(DocumentRestorer(lookup, counts).edits(node), raw)


def parsed(raw: bytes, values: int) -> Node | None:
    """Return a document, or None for one that is not JSON, nested too deep, or of more than so many ``values``."""
    # A value follows each mark, and one is the first; marks in strings count too, so that Lua counts them as fast.
    if len(raw) > values and len(raw) - len(raw.translate(None, _MARKS)) > values:
        return None
    try:
        return jsontext.parse(raw, MAX_DEPTH)
    except InvalidBody:
        return None


class JsonRestorer:
    """Restores one JSON document. It is held until ``close``, since an object's type may stand at its end."""

    def __init__(self, dictionary: Mapping[str, str], bounds: Bounds = DEFAULT) -> None:
        self.counts = RestoreCounts()
        self._lookup = Lookup(dictionary)
        self._bounds = bounds
        self._size = 0
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes. Returns nothing yet; raises MaskerError if the document exceeds the limit."""
        self._size += len(data)
        self._bounds.check_event(self._size, "JSON document")
        self._pieces.append(data)
        return b""

    def close(self) -> bytes:
        """Return the whole document, restored."""
        raw = b"".join(self._pieces)
        self._pieces.clear()
        return restore_document(raw, self._lookup, self.counts, self._bounds.values)


class JsonLinesRestorer:
    """Restores JSONL, each line as soon as it is complete."""

    def __init__(self, dictionary: Mapping[str, str], bounds: Bounds = DEFAULT) -> None:
        self.counts = RestoreCounts()
        self._lookup = Lookup(dictionary)
        self._bounds = bounds
        self._size = 0
        self._pieces: list[bytes] = []  # of the line that is not complete

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return the lines that they complete. Raises MaskerError if one exceeds the limit."""
        *lines, rest = data.split(b"\n")
        out: list[bytes] = []
        for line in lines:
            self._take(line)
            out += self._line(), b"\n"
        self._take(rest)
        return b"".join(out)

    def close(self) -> bytes:
        """Return the last line, if it did not end."""
        return self._line()

    def _take(self, piece: bytes) -> None:
        self._size += len(piece)
        self._bounds.check_event(self._size, "line of JSON")
        self._pieces.append(piece)

    def _line(self) -> bytes:
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return restore_document(line, self._lookup, self.counts, self._bounds.values)
