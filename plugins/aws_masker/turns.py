"""Turns: of the bodies of about one size, one is masked at a time, first come, first served.

Python computes in one thread at a time, and every search of RE2 lets go of the interpreter and has to get it back. So
threads that mask side by side are done no sooner; each only waits for the others at every step, and the changes
between them cost more than the work. Bodies of different sizes do share the interpreter, so that a small one never
waits for a large one to end.
"""

import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

BOUNDS: Final = (50_000, 250_000, 1_000_000)
"""The largest sizes, in bytes, of all classes but the last."""


class Turn:
    """Something that one thread has at a time; the others get it in the order in which they asked. A context."""

    def __init__(self) -> None:
        """Begin free."""
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    @property
    def waiting(self) -> int:
        """How many threads wait for it."""
        return len(self._waiting)

    def __enter__(self) -> None:
        """Wait for it."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            called = _called()
            called.acquire()
            self._waiting.append(called)
        try:
            called.acquire()
        except BaseException:
            # Something ended the wait; if the turn came at the same time, it goes on to the next.
            with self._lock:
                if called in self._waiting:
                    self._waiting.remove(called)
                else:
                    self._pass_on()
            raise

    def __exit__(self, *_exception: object) -> None:
        """Pass it on."""
        with self._lock:
            self._pass_on()

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().release()
        else:
            self._taken = False


# What a thread that waits is called with: it acquires it twice, and is released by whoever comes before it.
_called = threading.Lock

# One for each class of sizes; there is one interpreter, however many maskers.
_TURNS: Final = tuple(Turn() for _ in range(len(BOUNDS) + 1))


@contextmanager
def turn(size: int) -> Iterator[None]:
    """Wait until a body of ``size`` bytes may be masked, and keep others of its class waiting meanwhile."""
    with _TURNS[bisect_left(BOUNDS, size)]:
        yield
