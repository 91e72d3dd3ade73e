"""Cuts: a body without a part that is known already; a number stands in for it.

A JSON body is as valid with the number as it is with what stood there, one value or several with commas between them,
as long as the number is read where that would have been. Who cuts sees to that after reading, and has the body read
whole where it is not so.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from aws_masker.edits import Edit, edit
from aws_masker.jsontext import Node, Number

STAND_IN: Final = b"0"


@dataclass(frozen=True, slots=True)
class Cut:
    """A body without a part: what stood in ``length`` bytes at ``start`` is a number in ``body``."""

    body: bytes = field(repr=False)
    start: int
    length: int

    @classmethod
    def out(cls, raw: bytes, start: int, length: int) -> "Cut":
        """Cut ``length`` bytes at ``start`` out of ``raw``."""
        return cls(raw[:start] + STAND_IN + raw[start + length :], start, length)

    def is_stand_in(self, node: Node | None, further: "Cut | None" = None) -> bool:
        """Tell whether ``node``, which was read from ``body``, is the number; or from what ``further`` made of that."""
        start = self.start if further is None else further.place(self.start)
        return isinstance(node, Number) and (node.start, node.end) == (start, start + len(STAND_IN))

    def place(self, at: int) -> int:
        """Return where in ``body`` is what stood at ``at`` before; -1 for what is cut out."""
        if at < self.start:
            return at
        return -1 if at < self.start + self.length else at - self.length + len(STAND_IN)

    def moved(self, edits: Sequence[Edit]) -> list[Edit]:
        """Return ``edits`` on ``body``, which ascend, as edits on the whole one."""
        at = bisect_right(edits, self.start, key=itemgetter(0))
        if at == len(edits):
            return list(edits)
        offsets, lengths, replacements = zip(*edits[at:], strict=True)
        more = self.length - len(STAND_IN)
        return [*edits[:at], *map(edit, zip(map(more.__add__, offsets), lengths, replacements, strict=True))]
