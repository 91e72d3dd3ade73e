"""Findings: where an identifier was found in a text, of which family it is, and which parts of it count."""

from typing import NamedTuple

from aws_masker.re2c import Span


class Finding(NamedTuple):
    """An identifier: its extent, its family's place in the catalogue, and the parts that may have to be masked.

    ``end`` is where the last part ends: what follows it is looked at again, for an object's key may hold identifiers.
    ``whole`` says that the one part is masked as it is;
    otherwise common words among the parts stay.
    """

    start: int
    end: int
    family: int
    parts: tuple[Span, ...]
    whole: bool
