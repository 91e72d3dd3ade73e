"""What this process has stored lately: a repeated conversation need not be written again.

A belief, not a fact: the store may have been emptied meanwhile. So each belief names the *epoch* of the store under
which it was written, and holds only as long as the store still shows that epoch; it ends after a quarter of the time
to live; and a token that a recall does not find is believed no more.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable

REFRESH_FRACTION = 4
"""A value is written again once this part (1/4) of its time to live has passed since it was last written."""

CAPACITY = 65_536
"""Tokens, of all tenants together. About 300 bytes each."""


class RecentWrites:
    """A bounded LRU of (place, token), each with its epoch and the time when it was written. Thread-safe."""

    def __init__(self, ttl: float, clock: Callable[[], float], capacity: int = CAPACITY) -> None:
        """``ttl`` is the store's, in seconds; ``clock`` gives seconds."""
        self._lifetime = ttl / REFRESH_FRACTION
        self._clock = clock
        self._capacity = capacity
        self._written: OrderedDict[tuple[str, str], tuple[Hashable, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many tokens are believed to be stored."""
        return len(self._written)

    def stale(self, place: str, epoch: Hashable, tokens: Iterable[str]) -> list[str]:
        """Return those ``tokens`` that must be written (again)."""
        now = self._clock()
        stale = []
        with self._lock:
            for token in tokens:
                known, written = self._written.get((place, token), (None, 0.0))
                # A clock that was set back must not prolong a belief.
                if known is not None and known == epoch and 0 <= now - written < self._lifetime:
                    self._written.move_to_end((place, token))
                else:
                    stale.append(token)
        return stale

    def written(self, place: str, epoch: Hashable, tokens: Iterable[str]) -> None:
        """Note that ``tokens`` have just been stored under ``epoch``, which must not be None."""
        now = self._clock()
        with self._lock:
            for token in tokens:
                self._written[place, token] = (epoch, now)
                self._written.move_to_end((place, token))
            while len(self._written) > self._capacity:
                self._written.popitem(last=False)

    def forget(self, place: str, tokens: Iterable[str]) -> None:
        """Believe no more that ``tokens`` are stored."""
        with self._lock:
            for token in tokens:
                self._written.pop((place, token), None)
