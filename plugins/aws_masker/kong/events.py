"""One call of a handler, and the ways between its thread and those of Kong's connections.

Kong waits for each answer for as long as its time-out, and goes on without a result after that. So a handler that takes
longer is answered for, and ends at its next call. But to mask a large body, or many at once, may take longer than that.
While a handler says that it computes, Kong is given a call to make that has no effect, as often as needed.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

# Kong is told to wait 5 s for us (lua_socket_read_timeout in the documentation of the plugin).
ANSWER_SECONDS: Final = 4.0
# Kong may be reading a body from a slow client meanwhile. After that it has gone, and nobody waits for this handler.
STEP_SECONDS: Final = 120.0
_MIB: Final = 1 << 20

# What ends a handler.
RETURN: Final = "ret"
# Has no effect: nobody sets it.
_NOTHING: Final = {"Method": "kong.ctx.shared.get", "Args": ("aws_masker_nothing",)}

_of_thread = threading.local()


class AbandonedError(Exception):
    """Nobody waits for this handler any more."""


class Event:
    """One call of a handler. ``put`` and ``get`` are what kong-pdk wants of a channel."""

    def __init__(self) -> None:
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

    def put(self, call: Any) -> None:
        """Hand a call, or the end, to Kong. Raises AbandonedError."""
        if self._abandoned.is_set():
            raise AbandonedError
        self._calls.put(call)

    def get(self) -> tuple[Any, Any]:
        """Return the result of the call and its error. Raises AbandonedError."""
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

    def compute_until(self, moment: float) -> None:
        """Let the handler compute until ``moment`` of the monotonic clock."""
        self._computing_until = moment


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
