"""The vault in memory: for tests, a first try, and one process that may forget.

Nothing is sealed here: the key would lie in the same memory.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping

# Unless the URL says so: memory://?entries=200000&size=64MiB
MAX_ENTRIES = 200_000
MAX_CHARACTERS = 64 * 1024 * 1024
"""Of all originals together: one original may be a whole certificate."""


class MemoryVault:
    """Entries of all tenants in one LRU. Every use renews an entry, so the order of use is also that of expiry."""

    unreadable = 0

    def __init__(
        self,
        ttl: float,
        clock: Callable[[], float] = time.monotonic,
        max_entries: int = MAX_ENTRIES,
        max_characters: int = MAX_CHARACTERS,
    ) -> None:
        """``ttl`` and ``clock`` are in seconds."""
        self._ttl = ttl
        self._clock = clock
        self._max_entries = max_entries
        self._max_characters = max_characters
        self._entries: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Return the kind of the vault, nothing of what it holds."""
        return "MemoryVault()"

    def __len__(self) -> int:
        """Return how many entries are held, expired ones perhaps included."""
        return len(self._entries)

    def remember(self, tenant: str, entries: Mapping[str, str]) -> None:
        """See ``Vault.remember``; never fails, but drops what was used least lately when full."""
        with self._lock:
            now = self._clock()
            for token, original in entries.items():
                self._drop((tenant, token))
                self._entries[tenant, token] = (original, now + self._ttl)
                self._characters += len(original)
            self._shrink(now)

    def recall(self, tenant: str, tokens: Collection[str]) -> dict[str, str]:
        """See ``Vault.recall``; never fails."""
        found = {}
        with self._lock:
            now = self._clock()
            self._shrink(now)
            for token in tokens:
                if entry := self._entries.get((tenant, token)):
                    found[token] = entry[0]
                    self._entries[tenant, token] = (entry[0], now + self._ttl)
                    self._entries.move_to_end((tenant, token))
        return found

    def check(self) -> None:
        """See ``Vault.check``; never fails."""

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._characters = 0

    def _shrink(self, now: float) -> None:
        while self._entries:
            oldest = next(iter(self._entries))
            full = len(self._entries) > self._max_entries or self._characters > self._max_characters
            if not full and self._entries[oldest][1] > now:
                return
            self._drop(oldest)

    def _drop(self, key: tuple[str, str]) -> None:
        if entry := self._entries.pop(key, None):
            self._characters -= len(entry[0])
