"""Documents: which strings of a request are masked, in which order, and under which key each stands.

A request of the Messages API is read in the order in which the model reads it (tools, system, messages), whatever the
order of its members. Two ways of walking it:

*Blocks* are the protocol's own objects, see ``protocol``. Their protected members (``PROTECTED``) and blocks of an
immutable type (``IMMUTABLE``) stay as they are; all other strings in them are masked, in unknown types too.
Numbers that may be account numbers count too: the API takes none there, but it would have been told.

*Free* values are what people and tools put in: tool inputs, schemas, unknown members. Nothing is protected there:
strings, the names of members, and numbers that may be account numbers count. An object without a type in the content
of a message is free as well: it is somebody's data, not the protocol's.

Source: https://docs.anthropic.com/en/api/messages
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote

from aws_masker.commands import head_of
from aws_masker.errors import InvalidBody, TooLarge, Unsupported
from aws_masker.jsontext import Array, Node, Number, Object, String, parse, values_at_most
from aws_masker.media import is_unreadable
from aws_masker.places import Place
from aws_masker.protocol import (
    FREE_MEMBERS,
    HOLDING_TOOLS,
    IMMUTABLE,
    KEYED_BY_TOOLS,
    KNOWN_BLOCKS,
    LISTS_OF_TOOLS,
    PROTECTED,
    PROTECTED_EVERYWHERE,
    PROTECTED_IN_RESULTS,
    PROTECTED_METADATA,
    PROTECTED_REQUEST,
    READING_ORDER,
    is_own_tool,
)
from aws_masker.settings import Settings
from aws_masker.tools import ToolList, tool_list

ACCOUNT_DIGITS: Final = 12

_LEADING: Final = b"\xef\xbb\xbf \t\r\n"

NOTHING: Final[Mapping[str, bytes]] = {}

_PROTOCOL_NAME: Final = re.compile(r"[a-z_]+")
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n"

Kind = Literal["messages", "batches", "json"]


@dataclass(slots=True)
class Message:
    """A message of a request.

    ``places`` is how many places, ``opaque`` how many unreadable blocks the request has before it; ``commands`` are the
    id, if any, and the command of each use of a tool in it that has one.
    """

    node: Node
    places: int
    opaque: int
    commands: list[tuple[String | None, String]] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """The places of a document in reading order. Each of ``parts`` is a conversation of its own.

    ``model``, ``tools`` and ``messages`` are those of a single request, as they stand there; there are no ``messages``
    where what they hold depends on what comes before them.
    """

    parts: list[list[Place]] = field(default_factory=list)
    opaque: int = 0
    model: str | None = field(default=None, repr=False)
    tools: ToolList | None = None
    messages: list[Message] = field(default_factory=list)


def kind_of(path: str) -> Kind:
    """Return how a JSON body sent to ``path`` is read; query, percent-encoding and a doubled ``/v1`` do not matter."""
    steps = [step for step in unquote(path.partition("?")[0]).split("/") if step and step != "v1"]
    if steps in (["messages"], ["messages", "count_tokens"]):
        return "messages"
    return "batches" if steps == ["messages", "batches"] else "json"


def read(raw: bytes, path: str, settings: Settings, heads: Mapping[str, bytes] = NOTHING) -> Document:
    """Read a JSON body for ``path``.

    ``heads`` are what stands before the results of tools that were used in messages cut out of it, by the uses' ids.

    Raises InvalidBody when it is not what the API could read either, Unsupported when it holds what cannot be masked,
    TooLarge when it holds more than the limits allow.
    """
    if not fits(raw, settings):
        most = settings.limits.values
        message = f"the body holds more than {most} values: send less at once, or raise limits.values"
        raise TooLarge(message)
    return _Reader(settings, heads).read(parse(raw, settings.limits.depth), kind_of(path))


def fits(raw: bytes, settings: Settings) -> bool:
    """Tell whether a body holds no more values than the limits allow."""
    return values_at_most(raw, settings.limits.values)


def may_be_json(raw: bytes, settings: Settings) -> bool:
    """Tell whether somebody might read a text as an object, a list or a string of JSON, if less strictly than here."""
    if not raw.lstrip(_LEADING).startswith((b"{", b"[", b'"')):
        return False
    if not fits(raw, settings):
        return True
    try:
        json.loads(raw)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


class _Reader:
    """Collects the places of one document."""

    def __init__(self, settings: Settings, heads: Mapping[str, bytes]) -> None:
        self._settings = settings
        self._document = Document()
        self._past_heads = heads
        # What stands before the result of a tool's use, by the id of the use; and before what is read now.
        self._heads: dict[str, bytes] = {}
        self._head: bytes | None = None
        self._in_result = False
        self._places: list[Place] = []
        # How many places the tools had, and whether they said nothing about anything else.
        self._of_tools = (0, True)

    def read(self, node: Node, kind: Kind) -> Document:
        try:
            self._walk(node, kind)
        except RecursionError:  # only where the limit for depth is higher than the interpreter's stack allows
            message = "the body is nested deeper than can be read: send a flatter document"
            raise InvalidBody(message) from None
        return self._document

    def _walk(self, node: Node, kind: Kind) -> None:
        if kind == "batches":
            self._batches(node)
            self._document.messages.clear()
        elif kind == "messages":
            self._request(node)
            self._part()
            request = _object(node)
            model = request.get("model")
            self._document.model = model.value if isinstance(model, String) else None
            self._document.tools = tool_list(request, *self._of_tools)
        else:
            self._free(node, None)
            self._part()

    def _part(self) -> None:
        self._document.parts.append(self._places)
        self._places = []

    def _batches(self, node: Node) -> None:
        items = _object(node).get("requests")
        if not isinstance(items, Array):
            message = 'a batch needs a list of requests: send {"requests": [{"custom_id": …, "params": …}]}'
            raise InvalidBody(message)
        for key, member in _object(node).pairs:
            if member is not items:
                self._member(key, member)
        self._part()
        for item in items.items:
            for key, member in _object(item).pairs:
                if key.value == "params":
                    self._request(member)
                else:
                    self._member(key, member)
            self._part()

    def _request(self, node: Node) -> None:
        self._heads.clear()
        members = {key.value: (key, member) for key, member in _object(node).pairs}
        readers = {"tools": self._tools, "system": self._blocks_of_request, "messages": self._messages}
        for name in READING_ORDER:
            if name in members:
                readers[name](members.pop(name)[1])
            if name == "tools":
                self._of_tools = (len(self._places), not self._heads and not self._document.opaque)
        for name, (key, member) in members.items():
            if name == "context_management" and isinstance(member, Object):
                self._places.append(Place(key, None))
                self._context_management(member)
            elif name == "metadata" and isinstance(member, Object):
                for own, value in member.pairs:
                    if own.value not in PROTECTED_METADATA or isinstance(value, Array | Object):
                        self._member(own, value)
            elif name not in PROTECTED_REQUEST:
                self._member(key, member)

    def _context_management(self, node: Object) -> None:
        """Take in how old results are to be cleared: by the names of tools, which stay."""
        for key, member in node.pairs:
            edits = member.items if key.value == "edits" and isinstance(member, Array) else ()
            if not edits:
                self._member(key, member)
            for edit in edits:
                for own, value in edit.pairs if isinstance(edit, Object) else ():
                    if own.value in LISTS_OF_TOOLS and isinstance(value, Array):
                        for item in value.items:
                            if not isinstance(item, String):
                                self._free(item, None)
                    else:
                        self._member(own, value)
                if not isinstance(edit, Object):
                    self._free(edit, None)

    def _tools(self, node: Node) -> None:
        for item in node.items if isinstance(node, Array) else (node,):
            kind = item.get("type") if isinstance(item, Object) else None
            if isinstance(item, Object) and isinstance(kind, String):
                self._block(item, kind.value, is_tool=is_own_tool(kind.value, _value(item.get("name"))))
            else:
                self._blocks_of_request(item)

    def _tool(self, node: Object) -> None:
        """Take in one of the API's own tools: what it is and its settings are the protocol's, their values are free."""
        for key, member in node.pairs:
            if self._stays(key, member, PROTECTED):
                continue
            if not _PROTOCOL_NAME.fullmatch(key.value):
                self._member(key, member)
            elif isinstance(member, Object):
                self._blocks(member)
            else:
                self._free(member, key)

    def _blocks_of_request(self, node: Node) -> None:
        self._blocks(node, of_request=True)

    def _messages(self, node: Node) -> None:
        # What says of a result what it is, before all messages, is in none of them: such messages are no history.
        alone = not self._heads
        self._heads |= self._past_heads
        for item in node.items if isinstance(node, Array) else ():
            if alone:
                self._document.messages.append(Message(item, len(self._places), self._document.opaque))
            self._blocks_of_request(item)
        if not isinstance(node, Array):
            self._blocks_of_request(node)

    def _member(self, key: String, node: Node, within: String | None = None) -> None:
        """Take in a member of an object that stands under the name ``within``, which tells of account numbers alone."""
        self._places.append(Place(key, _name(within) if len(key.value) == ACCOUNT_DIGITS else None))
        self._free(node, key)

    def _free(self, node: Node, key: String | None) -> None:
        if isinstance(node, String):
            self._places.append(Place(node, _name(key)))
        elif isinstance(node, Number):
            if len(node.text) == ACCOUNT_DIGITS and node.text.isdigit():
                self._places.append(Place(node, _name(key)))
        elif isinstance(node, Array):
            for item in node.items:
                self._free(item, key)
        elif isinstance(node, Object):
            for name, member in node.pairs:
                self._member(name, member, key)

    def _blocks(self, node: Node, *, of_request: bool = False) -> None:
        """Take in the protocol's own structure: strings, lists, and objects with members of which some are free.

        ``of_request``: what stands there are messages, tools and the like, which need no type.
        """
        if isinstance(node, String):
            self._places.append(Place(node, self._head))
        elif isinstance(node, Number):
            self._free(node, None)
        elif isinstance(node, Array):
            for item in node.items:
                self._blocks(item, of_request=of_request)
        elif isinstance(node, Object):
            kind = node.get("type")
            if isinstance(kind, String):
                self._block(node, kind.value)
            elif of_request:
                self._members(node, PROTECTED)
            else:
                self._free(node, None)

    def _block(self, node: Object, kind: str, *, is_tool: bool = False) -> None:
        if kind in IMMUTABLE and not self._in_result:
            return
        protected = PROTECTED_IN_RESULTS if self._in_result else PROTECTED
        if kind == "tool_use":
            self._remember(node)
        elif kind == "tool_result" and not self._in_result:
            self._result(node)
            return
        if kind == "base64" and _is_base64(node.get("data")):
            self._unreadable(node)
            self._members(node, protected | {"data"})
        elif kind in KNOWN_BLOCKS or node.get("input_schema") is not None:
            self._members(node, protected, "" if self._in_result else kind)
        elif is_tool:
            self._tool(node)
        else:
            for key, member in node.pairs:
                if self._stays(key, member, PROTECTED_EVERYWHERE & protected):
                    continue
                if key.value in PROTECTED_EVERYWHERE:
                    self._blocks(member)
                else:
                    self._member(key, member)

    def _result(self, node: Object) -> None:
        """Take in what a tool answered. The members of the block itself are the protocol's."""
        self._head = self._heads.get(_value(node.get("tool_use_id")))
        given = [(key, member) for key, member in node.pairs if not self._stays(key, member, PROTECTED)]
        self._in_result = True
        self._members(Object(given), PROTECTED_IN_RESULTS)
        self._in_result = False
        self._head = None

    def _members(self, node: Object, protected: frozenset[str], kind: str = "") -> None:
        """Take in the members of one of the protocol's objects, of which ``protected`` ones stay.

        In a block of this ``kind`` further members may name tools, and these names stay, too.
        """
        for key, member in node.pairs:
            if self._stays(key, member, protected):
                continue
            if isinstance(member, Object) and KEYED_BY_TOOLS.get(kind) == key.value:
                for _, settings in member.pairs:
                    self._free(settings, None)
            elif HOLDING_TOOLS.get(kind) == key.value:
                self._tools(member)
            elif key.value in FREE_MEMBERS or not _PROTOCOL_NAME.fullmatch(key.value):
                self._member(key, member)
            else:
                self._blocks(member)

    def _stays(self, key: String, member: Node, protected: frozenset[str]) -> bool:
        """Tell whether a member is one of the protocol's that stay as they are: no structure and no number."""
        name = key.value
        named = name in protected or (name.startswith("encrypted_") and not self._in_result)
        return named and not isinstance(member, Array | Object | Number)

    def _remember(self, node: Object) -> None:
        """Remember the command that a tool is given: its result follows."""
        given, name = node.get("input"), node.get("id")
        command = given.get("command") if isinstance(given, Object) else None
        if (head := head_of(_value(command).encode("utf-8", "surrogatepass"))) is None:
            return
        self._heads[_value(name)] = head
        if self._document.messages and isinstance(command, String):
            self._document.messages[-1].commands.append((name if isinstance(name, String) else None, command))

    def _unreadable(self, node: Object) -> None:
        """Let base64 of an image or a PDF pass, or refuse it, as the settings say; refuse all other base64."""
        media = node.get("media_type")
        if not isinstance(media, String) or not is_unreadable(media.value.lower()):
            message = "base64 of this media type cannot be read: send text as a source of the type text"
            raise Unsupported(message)
        if self._settings.opaque == "block":
            message = "images and PDFs cannot be read and the settings block them: send text, or set opaque to pass"
            raise Unsupported(message)
        self._document.opaque += 1


def _is_base64(node: Node | None) -> bool:
    return isinstance(node, String) and node.value.isascii() and not node.value.encode().translate(None, _BASE64)


def _object(node: Node) -> Object:
    if not isinstance(node, Object):
        message = "the body is not what this endpoint takes: send a JSON object"
        raise InvalidBody(message)
    return node


def _value(node: Node | None) -> str:
    return node.value if isinstance(node, String) else ""


def _name(key: String | None) -> bytes | None:
    return None if key is None else key.value.encode("utf-8", "surrogatepass")
