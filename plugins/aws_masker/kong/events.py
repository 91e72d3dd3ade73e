"""One call of a handler, and the ways between its thread and those of Kong's connections.

Kong waits for each answer for as long as its time-out, and goes on without a result after that. So a handler that takes
longer is answered for, and ends at its next call. But to mask a large body, or many at once, may take longer than that.
While a handler says that it computes, Kong is given a call to make that has no effect, as often as needed.

To wake a thread costs as much as to mask a kilobyte or two, so one is there only while it has something to do: what a
handler calls first, where that is known beforehand, Kong is given without it, and for what comes of its last call it
need not wait.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

# Kong is told to wait 5 s for us (lua_socket_read_timeout in the documentation of the plugin).
ANSWER_SECONDS: Final = 4.0
# Kong may be reading a body from a slow client meanwhile. After that it has gone, and nobody waits for this handler.
STEP_SECONDS: Final = 120.0
_MIB: Final = 1 << 20

# What ends a handler.
RETURN: Final = "ret"
# Has no effect: nobody sets it.
_NOTHING: Final = {"Method": "kong.ctx.shared.get", "Args": ("aws_masker_nothing",)}

# What Kong is to do, as kong-pdk writes it: a method and its arguments, or RETURN.
Call: TypeAlias = Mapping[str, Any] | str

_of_thread = threading.local()


class AbandonedError(Exception):
    """Nobody waits for this handler any more."""


class Event:
    """One call of a handler. ``put`` and ``get`` are what kong-pdk wants of a channel.

    ``handler`` may have begun, and is running while it has a thread.
    """

    def __init__(self, handler: Callable[[Any], None], opening: Call | None = None) -> None:
        """Take the call, if any, that Kong is given before the handler begins, which is to make it first."""
        self.handler = handler
        self.has_begun = self.is_running = False
        self._opening = opening
        self._ends_with_next = False
        self._began = time.monotonic()
        self._calls: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
        self._abandoned = threading.Event()
        self._computing_until = 0.0
        self._no_result = False

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Be the event of this thread, for ``computing``."""
        _of_thread.event = self
        try:
            yield
        finally:
            del _of_thread.event

    def put(self, call: Call) -> None:
        """Hand a call, or the end, to Kong. Raises AbandonedError."""
        if self._abandoned.is_set():
            raise AbandonedError
        opening, self._opening = self._opening, None
        if opening is not None:
            if call == opening:
                return
            self._results.get()  # is no other call's
        self._calls.put(call)

    def get(self) -> tuple[Any, Any]:
        """Return the result of the call and its error: of the last one nothing. Raises AbandonedError."""
        if self._ends_with_next:
            return None, None
        try:
            return self._results.get(timeout=STEP_SECONDS)
        except queue.Empty:
            self._abandoned.set()
            raise AbandonedError from None

    def step(self, result: Any, error: Any) -> None:
        """Bring the result of the call that ``next`` gave, or its error."""
        if self._no_result:
            self._no_result = False
        else:
            self._results.put((result, error))

    def next(self) -> Any:
        """Return what Kong is to do: the handler's next call, or one without effect, or RETURN after too long."""
        try:
            return self._calls.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            if time.monotonic() < self._computing_until:
                self._no_result = True
                return _NOTHING
            self._abandoned.set()
            return RETURN

    @property
    def is_left(self) -> bool:
        """Whether there is no thread to end it, and Kong, which had to come back, did not in all that time."""
        return not self.is_running and time.monotonic() - self._began > STEP_SECONDS

    @property
    def is_abandoned(self) -> bool:
        """Whether Kong no longer waits for it."""
        return self._abandoned.is_set()

    def end_with_next(self) -> None:
        """Let the handler's next call be its last."""
        self._ends_with_next = True

    def compute_until(self, moment: float) -> None:
        """Let the handler compute until ``moment`` of the monotonic clock."""
        self._computing_until = moment


def end_with_next() -> None:
    """Let the next call of the handler of this thread, if it is one, be its last: it returns at once, and nothing."""
    event: Event | None = getattr(_of_thread, "event", None)
    if event is not None:
        event.end_with_next()


@contextlib.contextmanager
def computing(size: int, seconds: float) -> Iterator[None]:
    """Have Kong wait while the handler of this thread, if it is one, masks ``size`` bytes: ``seconds`` for each MiB.

    That is on top of ANSWER_SECONDS: it takes a third of a second of a core, and there may be others. What is small is
    refused as soon as everything else that takes too long.
    """
    event: Event | None = getattr(_of_thread, "event", None)
    if event is None:
        yield
        return
    event.compute_until(time.monotonic() + size / _MIB * seconds)
    try:
        yield
    finally:
        event.compute_until(0.0)
