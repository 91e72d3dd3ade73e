"""The vault that hosts see: a store behind its circuit breaker, with the figures for health and metrics."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aws_masker.errors import VaultError
from aws_masker.vault.breaker import Breaker, State
from aws_masker.vault.protocol import Store


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """How the vault fares; the numbers only grow.

    ``failures`` counts calls that failed, ``skipped`` calls that were not tried, ``lost_entries`` the entries that such
    calls may not have stored, ``unreadable`` stored values that did not open (another master key, damage).
    """

    state: State
    failures: int
    skipped: int
    lost_entries: int
    unreadable: int


class GuardedVault:
    """A Vault. Its errors are VaultError; while the store is left alone they come in microseconds."""

    def __init__(self, store: Store, breaker: Breaker) -> None:
        """Own ``store``: closing this closes it."""
        self._store = store
        self._breaker = breaker
        self._lock = threading.Lock()
        self._lost_entries = 0
        self._closed = False

    def __repr__(self) -> str:
        """Return store and state, without credentials."""
        return f"GuardedVault({self._store!r}, {self._breaker.state})"

    def status(self) -> VaultStatus:
        """Return the figures of this moment."""
        return VaultStatus(
            state=self._breaker.state,
            failures=self._breaker.failures,
            skipped=self._breaker.skipped,
            lost_entries=self._lost_entries,
            unreadable=self._store.unreadable,
        )

    def remember(self, tenant: str, entries: Mapping[str, str]) -> None:
        """See ``Vault.remember``. No entries, no call."""
        self._refuse_when_closed()
        if not entries:
            return
        try:
            self._breaker.run(lambda: self._store.remember(tenant, entries))
        except BaseException:
            with self._lock:
                self._lost_entries += len(entries)
            raise

    def recall(self, tenant: str, tokens: Collection[str]) -> dict[str, str]:
        """See ``Vault.recall``. No tokens, no call."""
        self._refuse_when_closed()
        if not tokens:
            return {}
        return self._breaker.run(lambda: self._store.recall(tenant, tokens))

    def check(self) -> None:
        """See ``Vault.check``. Goes through the breaker: cheap while the store is down, and it may be the probe."""
        self._refuse_when_closed()
        self._breaker.run(self._store.check)

    def close(self) -> None:
        """Close the store; every later call raises VaultError."""
        self._closed = True
        self._store.close()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            message = "the vault is closed: open another with open_vault"
            raise VaultError(message)
