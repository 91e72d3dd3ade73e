"""Masked bodies under Kong: what the filter is told of them, and what becomes of those that it brings.

Only the filter sees an answer before it is restored, and it holds the masked request anyway. So it keeps both, as far
as it is told to, and brings them after the answer. It is told where they go, too, and brings that with them: so nothing
waits here, and a process that has just been started writes to the right folder before a configuration has come to it.
What it brings is a line that ``bodies.lua`` makes, and behind it both bodies::

    place lost sent_length answered_length size record
    …                                                       ``size`` bytes as they were sent, then the answer

``lost`` is how many exchanges of the same place were left out before this one, as there was no room for them.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from aws_masker.audit.bodies import BodyKeeper
from aws_masker.audit.hub import Bodies
from aws_masker.audit.record import AuditRecord, parse
from aws_masker.audit.writer import Writer
from aws_masker.kong.maskers import CONFIGURATIONS, REMEDY
from aws_masker.settings import Settings


@dataclass(frozen=True, slots=True)
class Place:
    """Where bodies go, and how many: a folder that holds ``most`` bytes, none older than ``ttl`` seconds.

    ``room`` is how many bytes may wait to be written to it.
    """

    folder: str
    most: int
    ttl: int
    room: int

    @classmethod
    def read(cls, text: str) -> "Place":
        """Return the place that ``str`` made a text of. Raises ValueError."""
        most, ttl, room, folder = text.split(":", 3)
        return cls(unquote(folder, errors="surrogateescape"), int(most), int(ttl), int(room))

    def __str__(self) -> str:
        """Return the place as a text without spaces."""
        return f"{self.most}:{self.ttl}:{self.room}:{quote(self.folder, errors='surrogateescape')}"


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the filter is told: where bodies go, and how many bytes of each are kept."""

    place: Place
    each: int


def keeping(settings: Settings) -> Keeping | None:
    """Return what is kept of the exchanges of a configuration, None where nothing is."""
    if settings.record_bodies == "off":
        return None
    limits = settings.limits
    place = Place(settings.bodies, limits.recorded_bodies, settings.bodies_ttl, limits.waiting_bytes)
    return Keeping(place, limits.recorded_body)


class Keepers:
    """Writes bodies to the folders that they are for. Thread-safe."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """``tell`` gets a notice, without any value, when bodies cannot be kept."""
        # The most folders that are written to.
        self.most = CONFIGURATIONS
        self._tell = tell
        self._keepers: dict[Place, BodyKeeper] = {}
        self._lock = threading.Lock()

    def writers(self) -> list[Writer]:
        """Return what writes them."""
        with self._lock:
            return [one.writer for one in self._keepers.values()]

    def take(self, entries: Sequence[str | bytes]) -> None:
        """Have what the filter brought written. What cannot be read is told, and left out."""
        for entry in entries:
            try:
                place, lost, record, bodies = _read(entry)
            except ValueError:
                self._tell("bodies from the filter cannot be read: both halves of aws-masker must be of one release")
                continue
            keeper = self._of(place)
            if keeper is not None:
                keeper.writer.miss(lost)
                keeper(record, bodies)

    def _of(self, place: Place) -> BodyKeeper | None:
        with self._lock:
            found = self._keepers.get(place)
            if found is None and len(self._keepers) < self.most:
                found = BodyKeeper(Path(place.folder), place.most, place.ttl, self._tell, room=place.room)
                self._keepers[place] = found
        if found is None:
            self._tell(f"bodies: this process writes to {self.most} folders, and no more: {REMEDY}")
        return found


def _read(entry: str | bytes) -> tuple[Place, int, AuditRecord, Bodies]:
    """Return what an entry says. Raises ValueError."""
    # MessagePack's texts are any bytes to Lua.
    data = entry if isinstance(entry, bytes) else entry.encode("utf-8", "surrogateescape")
    head, _, both = data.partition(b"\n")
    place, lost, sent_length, answered_length, size, record = head.decode().split(" ", 5)
    sent, answered = both[: int(size)], both[int(size) :]
    bodies = Bodies(sent, int(sent_length), answered, int(answered_length))
    return Place.read(place), int(lost), parse(record), bodies
