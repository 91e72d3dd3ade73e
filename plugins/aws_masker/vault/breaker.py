"""The circuit breaker: a vault that fails is left alone for a while, so that it costs no request any time.

::

    closed     --FAILURES failures in a row-->  open
    open       --COOL_DOWN seconds later, at the next call-->  half_open: that one call is let through as a probe
    half_open  --the probe succeeds-->  closed
    half_open  --the probe fails-->  open
    half_open  --no news of the probe for COOL_DOWN seconds-->  half_open with the next call as a new probe

All other calls in ``open`` and ``half_open`` are skipped. Calls that began before the state last changed no longer
change it.
"""

import threading
import time
from collections.abc import Callable
from typing import Literal, TypeVar

from aws_masker.errors import VaultError

FAILURES = 3
"""Failures in a row that open the breaker. With Redis hanging, that many calls wait for the read timeout."""

COOL_DOWN = 5.0
"""Seconds for which a failed vault is left alone."""

State = Literal["closed", "open", "half_open"]
T = TypeVar("T")


class Breaker:
    """State and counters of one vault. Thread-safe; the lock is never held while the vault works."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        threshold: int = FAILURES,
        cool_down: float = COOL_DOWN,
    ) -> None:
        """``clock`` and ``cool_down`` are in seconds."""
        self._clock = clock
        self._threshold = threshold
        self._cool_down = cool_down
        self._lock = threading.Lock()
        self._state: State = "closed"
        self._era = 0
        self._in_a_row = 0
        self._retry_at = 0.0
        self._reason = ""
        self._failures = 0
        self._skipped = 0

    @property
    def state(self) -> State:
        """``closed`` (in use), ``open`` (left alone) or ``half_open`` (a probe is under way)."""
        return self._state

    @property
    def failures(self) -> int:
        """How many calls failed."""
        return self._failures

    @property
    def skipped(self) -> int:
        """How many calls were not made because the vault is left alone."""
        return self._skipped

    def run(self, call: Callable[[], T]) -> T:
        """Return ``call()``. Raises what it raises, or VaultError at once when the vault is left alone.

        Every exception counts as a failure, also one that ends a thread or a greenlet: no probe is ever left pending.
        """
        era = self._enter()
        try:
            result = call()
        except BaseException as error:
            self._failed(era, str(error) if isinstance(error, VaultError) else type(error).__name__)
            raise
        self._succeeded(era)
        return result

    def _enter(self) -> int:
        with self._lock:
            if self._state == "closed":
                return self._era
            now = self._clock()
            if now < self._retry_at:
                self._skipped += 1
                message = f"the vault is left alone for {self._retry_at - now:.1f} s more, because {self._reason}"
                raise VaultError(message)
            self._turn("half_open", now)
            return self._era

    def _failed(self, era: int, reason: str) -> None:
        with self._lock:
            self._failures += 1
            if era != self._era:
                return
            self._in_a_row += 1
            self._reason = reason
            if self._in_a_row >= self._threshold:  # a probe's failure is one more in the row that opened it
                self._turn("open", self._clock())

    def _succeeded(self, era: int) -> None:
        with self._lock:
            if era != self._era:
                return
            self._in_a_row = 0
            if self._state == "half_open":
                self._turn("closed", self._clock())

    def _turn(self, state: State, now: float) -> None:
        self._state = state
        self._era += 1
        self._retry_at = now + self._cool_down
