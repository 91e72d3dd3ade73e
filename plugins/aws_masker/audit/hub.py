"""Hands each record to those who listen: what writes it down, what counts it, a page that shows it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from aws_masker.audit.record import AuditRecord


@dataclass(frozen=True, slots=True)
class Bodies:
    """The masked bodies of one exchange: what was sent to the API, and what it answered before that was restored.

    Both hold tokens where originals were, and no more than the first ``limits.recorded_body`` bytes; the lengths are
    those of the whole.
    """

    sent: bytes = field(repr=False)
    sent_length: int
    answered: bytes = field(repr=False)
    answered_length: int


Listener: TypeAlias = Callable[[AuditRecord, Bodies | None], None]
"""Takes a record, and the exchange's bodies where ``record_bodies`` keeps them.

It must neither block nor take long: an event loop is waiting.
"""


class Records:
    """Where a host publishes its records. May be used from any thread."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()
        self.failures = 0

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have ``listener`` get every record from now on; return what ends that."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
        return lambda: self._leave(listener)

    def publish(self, record: AuditRecord, bodies: Bodies | None = None) -> None:
        """Hand a record to all who listen. One that fails is counted, and nobody else notices."""
        for listener in self._listeners:
            try:
                listener(record, bodies)
            except Exception:  # noqa: BLE001 - whatever it is, no request may fail for a record
                with self._lock:
                    self.failures += 1

    def _leave(self, listener: Listener) -> None:
        with self._lock:
            self._listeners = tuple(one for one in self._listeners if one is not listener)
