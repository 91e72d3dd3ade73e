r"""JSON text read strictly, with the byte offsets of every string and number in it, and the spelling of strings.

Masking and restoring edit a body where it stands, so they need to know where each value is, not only what it is.
``json`` (in C) validates and decodes; an ordered replay then finds the places. Between two strings of a valid
document there is only structure, literals and numbers, so the next quote begins the next string, and the next
occurrence of a number's text is that number. A string ends at the next quote, if there is no backslash right
before that; otherwise RE2 finds its end.

Strings are written in *canonical* spelling, which is what ``JSON.stringify`` writes: ``\" \\ \b \f \n \r \t``,
other control characters as ``\u00xx`` and lone surrogates as ``\udxxx`` (both in lower case), all else as raw UTF-8.
"""

import itertools
import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, NoReturn, TypeAlias

from aws_masker.errors import InvalidBody
from aws_masker.re2c import Pattern

_STRING = Pattern(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_MARKS = b",[{"
_BOM = b"\xef\xbb\xbf"
_HIGH_SURROGATES = range(0xD800, 0xDC00)
_LOW_SURROGATES = range(0xDC00, 0xE000)


@dataclass(slots=True)
class String:
    """A string, also one that names a member. ``start`` is its opening quote, ``end`` follows its closing quote."""

    value: str = field(repr=False)
    start: int
    end: int


@dataclass(slots=True)
class Number:
    """A number, its text exactly as it stands in the body."""

    text: str = field(repr=False)
    start: int
    end: int


@dataclass(slots=True)
class Literal:
    """``true``, ``false`` or ``null``."""

    value: bool | None


@dataclass(slots=True)
class Array:
    """An array."""

    items: "list[Node]"


@dataclass(slots=True)
class Object:
    """An object; its members in the order in which they stand."""

    pairs: "list[tuple[String, Node]]"

    def get(self, name: str) -> "Node | None":
        """Return the member called ``name``, or None."""
        for key, node in self.pairs:
            if key.value == name:
                return node
        return None


Node: TypeAlias = String | Number | Literal | Array | Object

_TRUE, _FALSE, _NULL = Literal(value=True), Literal(value=False), Literal(value=None)


def parse(raw: bytes, max_depth: int) -> Node:
    """Read ``raw`` as one JSON value. Containers may be nested ``max_depth`` deep (a flat object is 1 deep).

    Raises InvalidBody for whatever another parser might read differently or not at all: no UTF-8, a byte order
    mark, no JSON, a truncated text, something after the value, NaN and Infinity, two members of one name, too deep.
    """
    if raw.startswith(_BOM):
        message = "the body begins with a byte order mark: send JSON as UTF-8 without one"
        raise InvalidBody(message)
    tree, problem = _decode(raw)
    if problem:
        raise InvalidBody(problem)
    try:
        return _Replay(raw, max_depth).node(tree, 0)
    except RecursionError:  # only where max_depth was set higher than the interpreter's stack allows
        problem = _too_deep(max_depth)
    raise InvalidBody(problem)


def values_at_most(raw: bytes, most: int) -> bool:
    """Tell, before it is read, whether a JSON text holds at most ``most`` values (members' names not counted).

    Reading costs some hundred bytes of memory a value, and of ``[[],[],…`` every three bytes are one. Of what is no
    JSON either may be told.
    """
    if len(raw) <= most:
        return True
    # A value follows each comma and, but for empty ones, each bracket. Those inside strings are no such, but few enough
    # of all need no closer look.
    if len(raw) - len(raw.translate(None, _MARKS)) < most:
        return True
    marks = _marks(raw)
    return marks - sum(_marks(raw[start:end]) for start, end in _STRING.each(raw)) < most


def _marks(text: bytes) -> int:
    return len(text) - len(text.translate(None, _MARKS)) - text.count(b"[]") - text.count(b"{}")


def encode(value: str) -> bytes:
    """Return the inside of the JSON string literal for ``value`` (without the quotes), in canonical spelling."""
    # Only surrogates cannot be encoded as UTF-8; "backslashreplace" writes them as \udxxx, which is what JSON needs.
    return encode_basestring(value)[1:-1].encode("utf-8", "backslashreplace")


def raw_offsets(raw: bytes, node: String, positions: Sequence[int]) -> list[int]:
    """Return where in ``raw`` the given places of a string stand, however the string is spelled.

    ``positions`` are ascending byte offsets in ``node.value.encode("utf-8", "surrogatepass")``, each at the
    beginning of a character or at the end. Raises UnicodeDecodeError for one inside a character.
    """
    first = node.start + 1
    if not node.value.isascii():
        _check_boundaries(node.value.encode("utf-8", "surrogatepass"), positions)
    literal = raw[first : node.end - 1]
    # An escaped backslash is made something else than two backslashes, so that each one left begins an escape.
    single = literal.replace(b"\\\\", b"\\\0")
    if b"\\" not in single:
        return [first + position for position in positions]
    if b"\\u" not in single:
        pieces = single.split(b"\\")
        # Every escape is two bytes for one character: where the n-th begins, n bytes more have gone by than it seems.
        escapes = list(itertools.accumulate(map(len, pieces[:-1])))
        before = map(bisect_left, itertools.repeat(escapes), positions)
        return [first + position + count for position, count in zip(positions, before, strict=True)]
    data = node.value.encode("utf-8", "surrogatepass")
    offsets = []
    done = 0
    for position in positions:
        first = _skip(raw, first, data[done:position])
        done = position
        offsets.append(first)
    return offsets


def _check_boundaries(data: bytes, positions: Sequence[int]) -> None:
    for position in positions:
        if position < len(data) and data[position] & 0xC0 == 0x80:  # noqa: PLR2004 - the bits of UTF-8
            data[:position].decode("utf-8", "surrogatepass")  # raises, and says where


def _constant(_name: str) -> NoReturn:
    message = "the body holds NaN or Infinity, which JSON does not have: send a number, a string or null"
    raise InvalidBody(message)


def _number(text: str) -> Number:
    return Number(text, 0, 0)


# What the decoder makes of a document: names and strings are str, arrays are lists, and numbers have no place yet.
_Tree: TypeAlias = str | Number | bool | list[Any] | Object | None


def _members(pairs: list[tuple[Any, Any]]) -> Object:
    if len(dict(pairs)) != len(pairs):
        message = "an object in the body has two members of the same name: send each name once"
        raise InvalidBody(message)
    return Object(pairs)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_number,
    parse_float=_number,
    parse_constant=_constant,
)


def _decode(raw: bytes) -> tuple[_Tree, str]:
    """Return the decoded tree and an empty text, or None and what is wrong.

    The problem is returned, not raised, because the errors of the standard library keep the whole body in an
    attribute, and an error raised while one is handled would carry it into every error report.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, f"the body is not UTF-8 at byte {error.start}: send JSON encoded as UTF-8"
    if not text or text.isspace():
        return None, "the body is empty: send a JSON document"
    try:
        return _DECODER.decode(text), ""
    except json.JSONDecodeError as error:
        at = len(text[: error.pos].encode("utf-8"))
        if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
            return None, f"the body ends in the middle of a JSON document ({error.msg}, byte {at}): send it whole"
        return None, f"the body is not JSON ({error.msg}, byte {at}): send one valid JSON document"
    except RecursionError:
        return None, "the body is nested deeper than can be read: send a flatter document"


def _too_deep(max_depth: int) -> str:
    return f"the body is nested deeper than {max_depth} levels: send a flatter document, or raise limits.depth"


class _Replay:
    """Walks a decoded tree in document order and puts nodes, with their places in the bytes, into it."""

    __slots__ = ("_at", "_max_depth", "_raw")

    def __init__(self, raw: bytes, max_depth: int) -> None:
        self._raw = raw
        self._max_depth = max_depth
        self._at = 0  # everything before this offset has been placed

    def node(self, value: _Tree, depth: int) -> Node:
        """Return the placed node for ``value``, which stands ``depth`` containers deep."""
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, Number):
            text = value.text.encode("ascii")
            value.start = self._raw.find(text, self._at)
            value.end = self._at = value.start + len(text)
            return value
        if value is True:
            return _TRUE
        if value is False:
            return _FALSE
        if value is None:
            return _NULL
        if depth >= self._max_depth:
            raise InvalidBody(_too_deep(self._max_depth))
        node, string, depth = self.node, self._string, depth + 1
        # The decoder's lists become those of the nodes: a large document has enough objects for the collector as it is.
        if isinstance(value, list):
            for at, item in enumerate(value):
                value[at] = string(item) if isinstance(item, str) else node(item, depth)
            return Array(value)
        pairs: list[Any] = value.pairs
        for at, (name, member) in enumerate(pairs):
            pairs[at] = (string(name), string(member) if isinstance(member, str) else node(member, depth))
        return value

    def _string(self, value: str) -> String:
        raw = self._raw
        start = raw.find(b'"', self._at)
        end = raw.find(b'"', start + 1) + 1
        if raw[end - 2] == 0x5C:  # noqa: PLR2004 - a backslash
            end = _STRING.match(raw, start)
        self._at = end
        return String(value, start, end)


def _spellings(value: str) -> list[bytes]:
    canonical = encode(value)
    return [canonical] if value.isascii() else [canonical, encode_basestring_ascii(value)[1:-1].encode("ascii")]


def _skip(raw: bytes, at: int, segment: bytes) -> int:
    """Return the offset in ``raw`` after the part of a string at ``at`` that means ``segment``."""
    if b"\\" not in segment and raw.startswith(segment, at):
        return at + len(segment)
    for spelling in _spellings(segment.decode("utf-8", "surrogatepass")):
        if raw.startswith(spelling, at):
            return at + len(spelling)
    left = len(segment)
    while left:
        # A byte that is not escaped stands for itself, so an escape comes within `left` bytes or not at all.
        escape = raw.find(b"\\", at, at + left)
        if escape < 0:
            return at + left
        left -= escape - at
        at, size = _skip_escape(raw, escape)
        left -= size
    return at


def _skip_escape(raw: bytes, at: int) -> tuple[int, int]:
    """Return the offset after the escape at ``at``, and how many bytes its character has in UTF-8."""
    if raw[at + 1] != ord("u"):
        return at + 2, 1
    code = int(raw[at + 2 : at + 6], 16)
    at += 6
    if code in _HIGH_SURROGATES and raw.startswith(b"\\u", at) and int(raw[at + 2 : at + 6], 16) in _LOW_SURROGATES:
        return at + 6, 4
    return at, len(chr(code).encode("utf-8", "surrogatepass"))
