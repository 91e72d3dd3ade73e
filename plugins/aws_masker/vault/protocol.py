"""What every store of the vault can do."""

from collections.abc import Collection, Mapping
from typing import Protocol


class Vault(Protocol):
    """The reverse mapping: token -> original, per tenant, for a limited time.

    All methods block and may be called from any thread. A token stands for one original for ever (it is a function of
    key, tenant and value), so writing it again never changes what it means: stores may skip what they have written.
    """

    def remember(self, tenant: str, entries: Mapping[str, str]) -> None:
        """Store ``entries``, token -> original, and start their time to live anew. Raises VaultError."""

    def recall(self, tenant: str, tokens: Collection[str]) -> dict[str, str]:
        """Return the originals of those ``tokens`` that ``tenant`` has stored; their time starts anew.

        Raises VaultError. What is unknown, expired or sealed under another key is left out.
        """

    def check(self) -> None:
        """Raise VaultError, with the remedy, unless the vault can be written and read just now."""

    def close(self) -> None:
        """Release files and connections."""


class Store(Vault, Protocol):
    """A vault without its circuit breaker: what the modules beside this one implement."""

    @property
    def unreadable(self) -> int:
        """How many stored values could not be opened: another master key, or a damaged or foreign value."""
