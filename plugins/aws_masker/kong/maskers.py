"""The maskers behind the plugin: one for each configuration and tenant, made when first needed, and kept.

Kong makes a new plugin instance whenever its configuration is loaded, changed or not, and one for every route that has
the plugin. Maskers outlive that: equal settings share them, and so their caches of what has been scanned and their
connections to the vault.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Final

from aws_masker.inventory import Inventory
from aws_masker.masker import Masker
from aws_masker.settings import Settings
from aws_masker.vault import Vault, open_vault

# Of the process, as each entry of the plugin has settings of its own: `aws-masker plugin-server` has options for both.
CONFIGURATIONS: Final = 16
TENANTS: Final = 256
REMEDY: Final = "restart Kong, or raise --configurations of the plugin server"


@dataclass(slots=True)
class Tenants:
    """The maskers of one configuration, over one vault and one reading of the inventory.

    Those used longest ago make room for others.
    """

    settings: Settings = field(repr=False)
    slots: threading.BoundedSemaphore
    vault: Vault = field(repr=False)
    inventory: Inventory = field(repr=False)
    most: int = TENANTS
    _maskers: OrderedDict[str, Masker] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def all(self) -> list[Masker]:
        """Return the maskers that there are."""
        with self._lock:
            return list(self._maskers.values())

    def masker(self, tenant: str) -> Masker:
        """Return the masker of ``tenant``. Raises SettingsError for a name that no tenant can have."""
        with self._lock:
            found = self._maskers.get(tenant)
            if found is None:
                found = self._maskers[tenant] = Masker(
                    replace(self.settings, tenant=tenant), self.vault, self.inventory
                )
                if len(self._maskers) > self.most:
                    self._maskers.popitem(last=False)
            self._maskers.move_to_end(tenant)
            return found

    def of_ruleset(self, name: str) -> list[Masker]:
        """Return the maskers with this ruleset."""
        with self._lock:
            return [one for one in self._maskers.values() if one.ruleset == name]


class Maskers:
    """All maskers of the process, by settings. ``Tenants.slots`` bounds how many requests there are at once."""

    def __init__(self) -> None:
        # The most configurations, and of each the most tenants, whose maskers are kept.
        self.configurations = CONFIGURATIONS
        self.tenants = TENANTS
        self._kept: list[Tenants] = []
        self._lock = threading.Lock()

    def all(self) -> list[Masker]:
        """Return the maskers that there are."""
        with self._lock:
            kept = list(self._kept)
        return [masker for tenants in kept for masker in tenants.all()]

    def of(self, settings: Settings) -> Tenants:
        """Return the maskers for ``settings``.

        Raises SettingsError for a vault that cannot be used or an inventory that cannot be read.
        """
        with self._lock:
            for one in self._kept:
                if one.settings == settings:
                    return one
            slots = threading.BoundedSemaphore(settings.limits.concurrency)
            made = Tenants(settings, slots, open_vault(settings), Inventory.of(settings), self.tenants)
            self._kept.append(made)
            # Not closed: requests that are under way may still use it. It ends with the last of them.
            del self._kept[: -self.configurations]
            return made

    def of_ruleset(self, name: str) -> list[Masker]:
        """Return all maskers with this ruleset; with equal rules they may still have different vaults."""
        with self._lock:
            kept = tuple(self._kept)
        return [masker for one in kept for masker in one.of_ruleset(name)]
