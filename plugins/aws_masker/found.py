"""What was found in texts, and what of it is kept: places and tokens, never a value.

What a text holds, looked at alone, depends on the text, the key that it stands under and the rules, and on nothing that
came before. So it is kept by a keyed digest of the text, and a history that is sent again is not scanned again.
"""

import hashlib
import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeAlias

from aws_masker.re2c import Span

KEPT_TEXTS: Final = 50_000
# A text has some places in it; a text full of them counts as several.
KEPT_PARTS_A_TEXT: Final = 10


class AnyText(Protocol):
    """Whatever has the bytes of a text."""

    @property
    def data(self) -> bytes:
        """The text."""

    def original(self, settled: "Settled", which: int) -> bytes:
        """Return what one of the parts that are replaced stands for."""


class Text(NamedTuple):
    """A text to be masked, the key that it stands under in a structured document, and how it is spelled there.

    The key of what a tool printed is the command that the tool was given, see ``commands``.
    """

    data: bytes
    key: bytes | None = None
    spelling: bytes | None = None

    def __repr__(self) -> str:
        """Show nothing of the text."""
        return f"<Text of {len(self.data)} bytes>"

    def original(self, settled: "Settled", which: int) -> bytes:
        """See ``AnyText.original``."""
        start, end, _, _, _ = settled.parts[which]
        return self.data[start:end]


# ``start:end`` of a text, in bytes, the token that takes its place, the place of its family among those of the rules,
# and whether it is a name to look for elsewhere. A plain tuple: a large request has tens of thousands of them.
Part: TypeAlias = tuple[int, int, bytes, int, bool]


@dataclass(slots=True)
class Found:
    """What one text holds: the parts to be masked, ascending, and how many identifiers of each family.

    ``learned`` are those among the parts that are names to look for elsewhere, and such as a given name has taken the
    place of. ``tokens`` are where tokens stood already. ``settled`` is what the second pass last made of all this.
    """

    parts: Sequence[Part]
    counts: Mapping[int, int]
    learned: Sequence[Part] = ()
    tokens: Sequence[Span] = ()
    settled: "Settled | None" = None

    @property
    def places(self) -> int:
        """How many places it holds."""
        return len(self.parts) + len(self.tokens)


@dataclass(slots=True)
class Settled:
    """What is replaced in a text, given the names learned before it, of which ``before`` is the digest.

    ``counts`` is how many of these names by family. ``extents`` are where the parts begin in the text's spelling, and
    how long they are there, kept by who looked for that.
    """

    before: bytes
    parts: Sequence[Part]
    counts: Mapping[int, int]
    extents: "tuple[array[int], array[int]] | None" = None


class FoundCache:
    """What texts hold by the keyed digests of the texts, the latest used; bounded by texts and by parts.

    Texts are kept in groups: what is short is looked up together with what stands beside it.
    """

    def __init__(self, key: bytes, texts: int = KEPT_TEXTS) -> None:
        """Keep at most so many texts, and ten times as many parts.

        ``key`` (at most 64 bytes) makes the digests say nothing.
        """
        self._key = key
        self._most = (texts, texts * KEPT_PARTS_A_TEXT)
        self._kept: OrderedDict[bytes, Sequence[Found]] = OrderedDict()
        self._texts = 0
        self._parts = 0
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        """Return how many texts are kept."""
        return self._texts

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._texts = self._parts = 0

    def digest(self, texts: Iterable[Text]) -> bytes:
        """Return the digest under which what ``texts`` hold is kept: of how each is spelled, if it is spelled."""
        written: list[bytes] = []
        for data, key, spelling in texts:
            whole = data if spelling is None else spelling
            kind = b"text" if spelling is None else b"spelling"
            named = b"" if key is None else b"%d:%b" % (len(key), key)
            written += (b"%b %d:%b:" % (kind, len(whole), named), whole)
        return hashlib.blake2b(b"".join(written), digest_size=16, key=self._key).digest()

    def get(self, digest: bytes, texts: int = 0) -> Sequence[Found] | None:
        """Return what is kept under ``digest``, if anything; so many ``texts`` are missed otherwise."""
        with self._lock:
            found = self._kept.get(digest)
            if found is None:
                self.misses += texts
                return None
            self.hits += len(found)
            self._kept.move_to_end(digest)
            return found

    def put(self, digest: bytes, found: Sequence[Found]) -> None:
        """Keep ``found`` under ``digest``, and let go of what was not used for longest."""
        with self._lock:
            if digest in self._kept:
                self._let_go(self._kept.pop(digest))
            self._kept[digest] = found
            self._texts += max(1, len(found))
            self._parts += sum([one.places for one in found])
            texts, parts = self._most
            while self._kept and (self._texts > texts or self._parts > parts):
                self._let_go(self._kept.popitem(last=False)[1])

    def _let_go(self, found: Sequence[Found]) -> None:
        self._texts -= max(1, len(found))
        self._parts -= sum([one.places for one in found])
