"""History: the messages that a conversation has sent before, and sends again with every request.

Those that come first in the next body, byte for byte, are cut out of it before it is read: where the texts of each
stand, and what they hold, is kept by a keyed digest of the message and of all before it. Nothing else is kept of them,
and no value. A text is made again from the body itself where it is needed: to look for names that are known by then, or
for what a token stands for.

What a text holds depends on itself alone, and which names count in it is settled anew with every request (``text``), so
that a body masked without its history becomes what it becomes when it is read whole.
"""

import hmac
import json
import threading
from array import array
from collections.abc import Sequence
from itertools import islice, pairwise
from typing import Final

from aws_masker.commands import head_of
from aws_masker.cuts import Cut
from aws_masker.documents import Document
from aws_masker.found import Found, FoundCache, Settled
from aws_masker.jsontext import Node, Number, Object, String
from aws_masker.places import Place
from aws_masker.re2c import Pattern, Span

_BEFORE: Final = Pattern(r'"messages"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
_BETWEEN: Final = Pattern(r"[ \t\r\n]*,[ \t\r\n]*")
_ENDS: Final = frozenset((b"},", b"}]", b"} ", b"}\n", b"}\r", b"}\t"))
# Other members of that name, in the schema of a tool, may come before the request's own.
_TRIES: Final = 4
# To copy a body costs more than to read messages that are less than this part of it.
_WORTH: Final = 20
# Bytes of a digest.
DIGEST: Final = 16
# Where the id of a use stands that has none.
NO_ID: Final[Span] = (0, 0)
# How many lengths of messages are remembered: of those that may come first, and of those that may follow a message.
MAX_FIRST: Final = 1024
MAX_NEXT: Final = 64
# So many of them are looked up at one place: each costs a digest.
MAX_DIGESTS: Final = 16


class Message(list[Found]):
    """What the texts of one message hold, and where in the message each stands, from quote to quote.

    ``numbers`` are the places of those that are numbers. ``commands`` are where the id and the command of each use of a
    tool stand that has one, ``opaque`` is how much of the message cannot be read, and ``lengths`` are those of the
    messages that followed it.
    """

    __slots__ = ("commands", "digest", "lengths", "numbers", "opaque", "spans")

    def __init__(self, found: Sequence[Found], digest: bytes, spans: "array[int]") -> None:
        """Take where the texts stand as beginnings and ends in turn."""
        super().__init__(found)
        self.digest = digest
        self.spans = spans
        self.numbers: frozenset[int] = frozenset()
        self.commands: tuple[tuple[Span, Span], ...] = ()
        self.opaque = 0
        self.lengths: dict[int, None] = {}


class PastText:
    """A text of the history, from ``start`` to ``end`` of a body, which is read where it is needed."""

    __slots__ = ("_data", "_end", "_is_number", "_raw", "_start")

    def __init__(self, raw: bytes, start: int, end: int, is_number: bool) -> None:  # noqa: FBT001 - by place
        """Take where it stands, with its quotes unless it is a number."""
        self._raw = raw
        self._start = start
        self._end = end
        self._is_number = is_number
        self._data: bytes | None = None

    def __repr__(self) -> str:
        """Show nothing of it."""
        return f"<PastText of {self._end - self._start} bytes>"

    @property
    def data(self) -> bytes:
        """The text."""
        if self._data is None:
            literal = self._raw[self._start : self._end]
            self._data = literal if self._is_number else json.loads(literal).encode("utf-8", "surrogatepass")
        return self._data

    def original(self, settled: Settled, which: int) -> bytes:
        """See ``AnyText.original``. Where it has its place in the text's spelling, and no escape, it is read there."""
        if settled.extents is not None:
            lows, lengths = settled.extents
            low = self._start + lows[which]
            spelled = self._raw[low : low + lengths[which]]
            if b"\\" not in spelled:
                return spelled
        start, end, _, _, _ = settled.parts[which]
        return self.data[start:end]

    def place(self, settled: Settled) -> Place:
        """Return its place in the body; without its value, where all that is replaced has its place already."""
        if self._is_number:
            return Place(Number(self.data.decode("ascii"), self._start, self._end), None)
        value = "" if settled.extents is not None else self.data.decode("utf-8", "surrogatepass")
        return Place(String(value, self._start, self._end), None)


class Past:
    """The messages of a body that are known: ``cut`` is the body without them."""

    def __init__(self, raw: bytes, starts: Sequence[int], messages: Sequence[Message], end: int) -> None:
        """Cut ``messages`` out of ``raw``, which begin at ``starts`` and of which the last ends at ``end``."""
        self.raw = raw
        self._starts = starts
        self._messages = messages
        self.cut = Cut.out(raw, starts[0], end - starts[0])
        self.found: list[Found] = [found for message in messages for found in message]
        self._texts = [
            PastText(raw, start + message.spans[2 * at], start + message.spans[2 * at + 1], at in message.numbers)
            for start, message in zip(starts, messages, strict=True)
            for at in range(len(message))
        ]
        self.opaque = sum(message.opaque for message in messages)
        self.last = messages[-1]

    def __repr__(self) -> str:
        """Show nothing of the body."""
        return f"<Past of {len(self._messages)} messages>"

    def fits(self, document: Document) -> bool:
        """Tell whether the number is what reading the cut body found for the first of the request's messages."""
        return bool(document.messages) and self.cut.is_stand_in(document.messages[0].node)

    def heads(self) -> dict[str, bytes]:
        """Return what stands before the results of the tools that were used, by the ids of the uses."""
        heads: dict[str, bytes] = {}
        for start, message in zip(self._starts, self._messages, strict=True):
            for one, two in message.commands:
                name, command = (json.loads(self.raw[start + low : start + high] or b'""') for low, high in (one, two))
                head = head_of(command.encode("utf-8", "surrogatepass"))
                if head is not None:
                    heads[name] = head
        return heads

    def texts(self) -> list[tuple[PastText, Found]]:
        """Return the texts, each with what it holds."""
        return list(zip(self._texts, self.found, strict=True))

    def places(self, settled: Sequence[Settled]) -> list[Place]:
        """Return the places of the texts in which something is replaced, in the body that was cut."""
        return [text.place(one) for text, one in zip(self._texts, settled, strict=True) if one.parts]


class History:
    """The messages that one set of rules has been given, as far as ``cache`` keeps them. Thread-safe."""

    def __init__(self, key: bytes, cache: FoundCache) -> None:
        """Begin empty. ``key`` makes the digests say nothing."""
        self._key = key
        self._cache = cache
        # The lengths of messages that came first.
        self._first: dict[int, None] = {}
        self._lock = threading.Lock()

    def past(self, raw: bytes) -> Past | None:
        """Return the leading messages of the request ``raw`` that are known, if they are worth it."""
        for _, at in islice(_BEFORE.each(raw), _TRIES) if self._first else ():
            starts, messages, end = self._follow(raw, at)
            if messages and (end - at) * _WORTH > len(raw):
                return Past(raw, starts, messages, end)
        return None

    def keep(self, body: bytes, document: Document, found: Sequence[Found], past: Past | None) -> None:
        """Keep all messages of a request but the last, which clients mark.

        ``body`` is what ``document`` was read from, without ``past``; ``found`` is what its texts hold, without those
        of ``past``.
        """
        digest, lengths, most = b"", self._first, MAX_FIRST
        new = document.messages
        if past is not None:
            digest, lengths, most = past.last.digest, past.last.lengths, MAX_NEXT
            new = new[1:]
        for one, following in pairwise(new):
            start, limit = _begins(body, one.node), _begins(body, following.node)
            if start < 0 or limit < 0:
                return
            end = body.rfind(b"}", start, limit) + 1
            digest = self._digest(digest, body[start:end])
            places = document.parts[0][one.places : following.places]
            spans = array("q", [edge - start for place in places for edge in (place.node.start, place.node.end)])
            message = Message(found[one.places : following.places], digest, spans)
            message.numbers = frozenset(at for at, place in enumerate(places) if isinstance(place.node, Number))
            message.commands = tuple(
                (_span(name, start) if name else NO_ID, _span(command, start)) for name, command in one.commands
            )
            message.opaque = following.opaque - one.opaque
            with self._lock:
                _remember(lengths, end - start, most)
            self._cache.put(digest, message)
            lengths, most = message.lengths, MAX_NEXT

    def _follow(self, raw: bytes, at: int) -> tuple[list[int], list[Message], int]:
        """Return the known messages from ``at`` on: where each begins, what they hold, and where the last ends."""
        starts: list[int] = []
        messages: list[Message] = []
        digest, lengths, end = b"", self._first, at
        while (message := self._known(raw, at, digest, lengths)) is not None:
            starts.append(at)
            messages.append(message[0])
            end = message[1]
            digest, lengths = message[0].digest, message[0].lengths
            at = _BETWEEN.match(raw, end)
            if at < 0:
                break
        return starts, messages, end

    def _known(self, raw: bytes, at: int, before: bytes, lengths: dict[int, None]) -> tuple[Message, int] | None:
        """Return the message that begins at ``at``, and where it ends, if it is one that was kept."""
        # Most lengths are those of other messages: that is soon said.
        ends = (end for length in reversed(tuple(lengths)) if raw[(end := at + length) - 1 : end + 1] in _ENDS)
        for end in islice(ends, MAX_DIGESTS):
            kept = self._cache.get(self._digest(before, raw[at:end]))
            if isinstance(kept, Message):
                return kept, end
        return None

    def _digest(self, before: bytes, message: bytes) -> bytes:
        # Messages are long, and processors that have SHA-256 built in take half of BLAKE2's time.
        return hmac.digest(self._key, b"message %d:%b%b" % (len(before), before, message), "sha256")[:DIGEST]


def _begins(body: bytes, node: Node) -> int:
    """Return where an object begins in ``body``, -1 for what has no members."""
    if not isinstance(node, Object) or not node.pairs:
        return -1
    # Between its bracket and the first name is nothing but white space.
    return body.rfind(b"{", 0, node.pairs[0][0].start)


def _span(node: String, start: int) -> Span:
    return node.start - start, node.end - start


def _remember(lengths: dict[int, None], length: int, most: int) -> None:
    """Make ``length`` the latest of ``lengths``, of which ``most`` are kept."""
    lengths.pop(length, None)
    while len(lengths) >= most:
        lengths.pop(next(iter(lengths)), None)
    lengths[length] = None
