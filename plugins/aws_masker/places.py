"""Places: the strings and numbers of a JSON document that are to be masked, and the edits that this makes there."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import repeat
from operator import sub

from aws_masker.edits import Edit, edit
from aws_masker.found import Settled, Text
from aws_masker.jsontext import Number, String, raw_offsets
from aws_masker.names import ACCOUNT, ACCOUNT_NUMBER, Names
from aws_masker.tokens import Tokens


@dataclass(slots=True)
class Place:
    """A string or number of a document that is to be masked."""

    node: String | Number
    key: bytes | None = field(repr=False)

    def text(self, raw: bytes) -> Text:
        """Return what is masked of it in the document ``raw``."""
        node = self.node
        if isinstance(node, Number):
            return Text(node.text.encode(), self.key)
        return Text(node.value.encode("utf-8", "surrogatepass"), self.key, raw[node.start + 1 : node.end - 1])


def edits_of(raw: bytes, places: Iterable[Place], settled: Iterable[Settled], tokens: Tokens) -> list[Edit]:
    """Return the edits on ``raw`` that make what is settled in the texts of ``places``, in the places' order."""
    made: list[Edit] = []
    for place, changes in zip(places, settled, strict=True):
        if not changes.parts:
            continue
        node = place.node
        if isinstance(node, Number):
            made.append(Edit(node.start, node.end - node.start, number_token(node, tokens)))
            continue
        if changes.extents is None:
            positions = [position for part in changes.parts for position in part[:2]]
            offsets = raw_offsets(raw, node, positions)
            lows, highs = offsets[::2], offsets[1::2]
            # Arrays, for many are kept: a fifth of what lists of numbers take.
            changes.extents = (array("q", map(sub, lows, repeat(node.start))), array("q", map(sub, highs, lows)))
        lows_in_node, lengths = changes.extents
        replacements = [token for _, _, token, _, _ in changes.parts]
        made += map(edit, zip(map(node.start.__add__, lows_in_node), lengths, replacements, strict=True))
    return made


def number_token(node: Number, tokens: Tokens) -> bytes:
    """Return the JSON string that stands for an account number that was a JSON number."""
    return b'"%b"' % tokens.make(ACCOUNT_NUMBER, Names.canonical(ACCOUNT, node.text.encode()))


def number_dictionary(places: Iterable[Place], settled: Iterable[Settled], tokens: Tokens) -> dict[str, str]:
    """Return what the tokens of account numbers that were JSON numbers stand for."""
    return {
        number_token(place.node, tokens)[1:-1].decode("ascii"): place.node.text
        for place, changes in zip(places, settled, strict=True)
        if changes.parts and isinstance(place.node, Number)
    }
