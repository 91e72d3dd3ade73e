"""The definitions of tools, which every request sends again: where they hold nothing to mask, they are cut out.

They come first in what the model reads, so what masking makes of them depends on nothing else. If that is nothing at
all, they are kept by a keyed digest, and the next body that has the same is read without them (``cuts``), as long as
they were the value of the request's own member ``tools``, which ``fits`` tells.
"""

import hashlib
import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from aws_masker.cuts import Cut
from aws_masker.jsontext import Array, Node, Object, String
from aws_masker.re2c import Pattern

# Lists of tools that are kept in mind, by their digests: a client has a few.
KEPT: Final = 64
_NAME: Final = b'"tools"'
_BEFORE: Final = Pattern(r'"tools"[ \t\r\n]*:[ \t\r\n]*')
# To copy a body costs more than to read a list that is less than this part of it.
_WORTH: Final = 20


class ToolList(NamedTuple):
    """The member ``tools`` of a request: its name, its value, and where what follows it begins.

    The first ``places`` of the document are in it; ``is_plain`` if it says nothing about anything else.
    """

    key: String
    value: Node
    until: int | None
    places: int
    is_plain: bool


def tool_list(request: Object, places: int, is_plain: bool) -> ToolList | None:  # noqa: FBT001 - as in ToolList
    """Return the tools of a request, if it has any."""
    for at, (key, value) in enumerate(request.pairs):
        if key.value == "tools":
            following = request.pairs[at + 1 : at + 2]
            return ToolList(key, value, following[0][0].start if following else None, places, is_plain)
    return None


def fits(cut: Cut, tools: ToolList | None, further: Cut | None = None) -> bool:
    """Tell whether the number in a cut body is what reading it found for the tools of the request.

    It was read without what ``further`` cuts out of it.
    """
    return cut.is_stand_in(None if tools is None else tools.value, further)


class QuietTools:
    """Lists of tools in which one set of rules finds nothing: the latest used. Thread-safe."""

    def __init__(self, key: bytes) -> None:
        """Begin empty. ``key`` (at most 64 bytes) makes the digests say nothing."""
        self._key = key
        # The length of each list by its digest.
        self._kept: OrderedDict[bytes, int] = OrderedDict()
        self._lock = threading.Lock()

    def cut(self, raw: bytes) -> Cut | None:
        """Return the request ``raw`` without its tools, if they are known to hold nothing."""
        with self._lock:
            lengths = [length for length in set(self._kept.values()) if length * _WORTH > len(raw)]
        # Clients write the member in front of the messages or behind them; another of that name may be within these.
        for find in (raw.find, raw.rfind) if lengths else ():
            at = find(_NAME)
            start = _BEFORE.match(raw, at) if at >= 0 else -1
            for length in lengths if start >= 0 else ():
                tools = raw[start : start + length]
                if tools.endswith(b"]") and self._is_kept(tools):
                    return Cut.out(raw, start, length)
        return None

    def keep(self, raw: bytes, tools: ToolList, quiet: int) -> None:
        """Keep ``tools`` of the request ``raw``, read whole, if its first ``quiet`` texts hold nothing."""
        if not isinstance(tools.value, Array) or not tools.is_plain or quiet < tools.places:
            return
        start = _BEFORE.match(raw, tools.key.start)
        if start < 0:  # the name is spelled with escapes
            return
        # Behind the list comes a member's name, or the end of the object.
        list_ = raw[start : raw.rfind(b"]", start, tools.until) + 1]
        digest = self._digest(list_)
        with self._lock:
            self._kept[digest] = len(list_)
            self._kept.move_to_end(digest)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def _is_kept(self, tools: bytes) -> bool:
        digest = self._digest(tools)
        with self._lock:
            if digest not in self._kept:
                return False
            self._kept.move_to_end(digest)
            return True

    def _digest(self, tools: bytes) -> bytes:
        return hashlib.blake2b(tools, digest_size=16, key=self._key).digest()
