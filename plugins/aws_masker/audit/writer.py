"""Writes lines to a target that may be slow, full or gone, without any request noticing.

``put`` only appends to a queue; a thread of its own does the writing. What the target does not take is tried again,
while the queue has room; a line that finds it full is dropped and counted. After a loss, the first thing that is
written is a line that says how many are missing, so that a gap never looks like silence.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, Protocol

from aws_masker.audit.events import gap
from aws_masker.errors import AuditError
from aws_masker.limits import Limits

_DEFAULTS: Final = Limits()

BATCH: Final = 256
BATCH_BYTES: Final = 4 << 20
"""What is given to the target at once."""

FIRST_RETRY: Final = 0.1
LAST_RETRY: Final = 5.0
"""Seconds between two tries of a target that fails: doubled from the first to the last."""

TELL_EVERY: Final = 60.0
"""Seconds between two notices of the same trouble."""


class Target(Protocol):
    """Where lines end up. Used by one thread."""

    def write(self, lines: Sequence[bytes]) -> int:
        """Write lines, which have no end yet; return how many are there whole. Raises AuditError where none is."""

    def close(self) -> None:
        """Release what is held."""


class Writer:
    """A queue before a target. ``put`` may be called from any thread, and from an event loop."""

    def __init__(
        self,
        target: Target,
        tell: Callable[[str], None],
        *,
        capacity: int = _DEFAULTS.waiting_records,
        room: int = _DEFAULTS.waiting_bytes,
        tells_gaps: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Own ``target``. ``tell`` gets a notice, without any value, when lines cannot be written.

        At most ``capacity`` lines wait, of ``room`` bytes together.
        """
        self._target = target
        self._tell = tell
        self._capacity = capacity
        self._room = room
        self._tells_gaps = tells_gaps
        self._clock = clock
        self._lines: deque[tuple[int, Callable[[], bytes]]] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ends: float | None = None
        self._missing = 0
        self._next_notice = 0.0
        self.written = 0
        self.dropped = 0
        self.failures = 0

    @property
    def waiting(self) -> int:
        """How many lines are not written yet."""
        return len(self._lines)

    def put(self, line: str) -> None:
        """Take a line. Never blocks, never fails."""
        data = line.encode("utf-8", "backslashreplace")
        self.put_later(len(data), lambda: data)

    def put_later(self, size: int, make: Callable[[], bytes]) -> None:
        """Take a line of about ``size`` bytes, which ``make`` makes where nobody waits. Never blocks, never fails."""
        with self._changed:
            full = len(self._lines) >= self._capacity or self._size + size > self._room
            if self._ends is not None or full:
                self.dropped += 1
                self._missing += 1
                return
            self._lines.append((size, make))
            self._size += size
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
                self._thread.start()
            self._changed.notify()

    def miss(self, count: int) -> None:
        """Count lines that were lost on their way here as dropped."""
        with self._changed:
            self.dropped += count
            self._missing += count

    def close(self, seconds: float) -> None:
        """Write what waits, for ``seconds`` at most, and end. What is left then is dropped and counted."""
        with self._changed:
            if self._ends is not None:
                return
            self._ends = self._clock() + seconds
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)
        with self._changed:
            left = len(self._lines)
            self.dropped += left
        if left:
            self._tell(f"audit: {left} records were not written before the end")
        if self._thread is None or not self._thread.is_alive():
            self._target.close()

    def _run(self) -> None:
        delay = FIRST_RETRY
        while batch := self._next():
            try:
                self._write(batch)
                delay = FIRST_RETRY
            except AuditError as error:
                self.failures += 1
                self._notice(str(error))
                if not self._pause(delay):
                    return
                delay = min(2 * delay, LAST_RETRY)

    def _next(self) -> list[bytes]:
        """Wait for lines and return some, which stay in the queue; none at the end."""
        with self._changed:
            while not self._lines and self._ends is None:
                self._changed.wait()
            made, size = [], 0
            for line_size, make in islice(self._lines, BATCH):
                made.append(make)
                size += line_size
                if size >= BATCH_BYTES:
                    break
        return [make() for make in made]

    def _write(self, batch: list[bytes]) -> None:
        missing = self._missing if self._tells_gaps else 0
        if missing and self._target.write([gap(missing).encode()]):
            with self._changed:
                self._missing -= missing
        count = self._target.write(batch)
        with self._changed:
            for _ in range(count):
                self._size -= self._lines.popleft()[0]
            self.written += count

    def _pause(self, seconds: float) -> bool:
        """Wait before another try. Tells whether there is time for one."""
        with self._changed:
            if self._ends is None:
                # Not at the next line that comes: a target that fails is tried no more often for a busy queue.
                self._changed.wait_for(lambda: self._ends is not None, seconds)
            elif self._clock() + seconds < self._ends:
                self._changed.wait_for(lambda: False, seconds)
            return self._ends is None or self._clock() < self._ends

    def _notice(self, reason: str) -> None:
        moment = self._clock()
        if moment >= self._next_notice:
            self._next_notice = moment + TELL_EVERY
            self._tell(f"audit: {reason}; {len(self._lines)} records wait, {self.dropped} are lost")
