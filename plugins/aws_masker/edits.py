"""Edits: what masking changes in a body, and nothing else of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import add
from typing import Final, NamedTuple


class Edit(NamedTuple):
    """``length`` bytes at ``offset`` of the body as it was sent give way to ``replacement``."""

    offset: int
    length: int
    replacement: bytes


# What Edit does with a tuple, in half the time: there are tens of thousands of them in a large request.
edit: Final = partial(tuple.__new__, Edit)


class VaultUse(NamedTuple):
    """How long a request's calls of the vault took, and how many entries they did not store or find for a failure."""

    seconds: float = 0.0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Masked:
    """A masked text, what its tokens stand for, and how many identifiers of each family were masked."""

    text: str
    dictionary: Mapping[str, str] = field(repr=False)
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MaskedBody:
    """The edits that mask a body (ascending, without overlaps), and what the answer to it needs.

    ``dictionary`` maps tokens to originals: those masked here and, where the vault knows them, those that came in as
    tokens. ``counts`` is identifiers by family. ``opaque`` counts images and documents that cannot be read. ``model``
    is that of a request to the Messages API, as it stands there. ``vault`` is what the vault had to do with it.
    """

    edits: tuple[Edit, ...]
    dictionary: Mapping[str, str] = field(repr=False)
    counts: Mapping[str, int]
    opaque: int = 0
    model: str | None = field(default=None, repr=False)
    vault: VaultUse = field(default_factory=VaultUse)

    def apply(self, raw: bytes) -> bytes:
        """Return ``raw``, the body that was masked, with the edits made."""
        return apply(self.edits, raw)


def apply(edits: Sequence[Edit], raw: bytes) -> bytes:
    """Return ``raw`` with ``edits`` made, which are ascending and do not overlap."""
    if not edits:
        return raw
    offsets, lengths, replacements = zip(*edits, strict=True)
    ends = map(add, offsets, lengths)
    pieces: list[bytes] = [b""] * (2 * len(edits) + 1)
    pieces[::2] = [raw[low:high] for low, high in zip((0, *ends), (*offsets, len(raw)), strict=True)]
    pieces[1::2] = replacements
    return b"".join(pieces)
