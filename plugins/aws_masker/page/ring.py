"""The last records, and the bodies that came with them: a bounded number of both, and those who wait for more."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aws_masker.audit.hub import Bodies
from aws_masker.audit.record import AuditRecord

# Unless limits.page_requests and limits.page_bodies say so.
RECORDS: Final = 200
BODY_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A record and its number, which counts from 1 up. ``json`` is the record as a line."""

    number: int
    record: AuditRecord
    json: str
    has_bodies: bool


class Ring:
    """Keeps entries. A listener of records: may be called from any thread, and never blocks."""

    def __init__(self, records: int = RECORDS, body_bytes: int = BODY_BYTES) -> None:
        """Keep ``records`` entries at most, and ``body_bytes`` of bodies, all together. The oldest go first."""
        self.capacity = records
        self.name = secrets.token_hex(8)
        """Tells this ring from one of another process: numbers are only good within one."""
        self._body_bytes = body_bytes
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._bodies: OrderedDict[int, Bodies] = OrderedDict()
        self._held = 0
        self._last = 0
        self._wake: tuple[Callable[[], object], ...] = ()
        self._lock = threading.Lock()

    def __call__(self, record: AuditRecord, bodies: Bodies | None = None) -> None:
        """Keep a record, and tell those who wait."""
        line = record.json()
        with self._lock:
            self._last += 1
            self._entries[self._last] = Entry(self._last, record, line, bodies is not None)
            if bodies is not None:
                self._bodies[self._last] = bodies
                self._held += _size(bodies)
            while len(self._entries) > self.capacity:
                self._drop_bodies(self._entries.popitem(last=False)[0])
            while self._held > self._body_bytes:
                self._drop_bodies(next(iter(self._bodies)))
            wake = self._wake
        for one in wake:
            one()

    def after(self, number: int) -> list[Entry]:
        """Return the entries that are kept and come after ``number``, oldest first."""
        with self._lock:
            return [entry for entry in self._entries.values() if entry.number > number]

    def entry(self, number: int) -> Entry | None:
        """Return the entry with this number, if it is (still) kept."""
        with self._lock:
            return self._entries.get(number)

    def bodies(self, number: int) -> Bodies | None:
        """Return the bodies of an entry, if they are (still) kept."""
        with self._lock:
            return self._bodies.get(number)

    def wake(self, call: Callable[[], object]) -> Callable[[], None]:
        """Have ``call`` called, in any thread, whenever there is a new entry. Return what ends that."""
        with self._lock:
            self._wake = (*self._wake, call)
        return lambda: self._leave(call)

    def _leave(self, call: Callable[[], object]) -> None:
        with self._lock:
            self._wake = tuple(one for one in self._wake if one is not call)

    def _drop_bodies(self, number: int) -> None:
        bodies = self._bodies.pop(number, None)
        if bodies is not None:
            self._held -= _size(bodies)


def _size(bodies: Bodies) -> int:
    return len(bodies.sent) + len(bodies.answered)
