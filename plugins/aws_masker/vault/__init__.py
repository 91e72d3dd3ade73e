"""The vault: token -> original, per tenant, sealed, for a limited time.

Masking and restoring within one request need no vault; it is there for what a later request brings: a token that
someone pastes, the results of a batch, another process. ``open_vault`` picks the store that the settings name.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from aws_masker.errors import SettingsError
from aws_masker.keys import master_keys
from aws_masker.settings import Settings
from aws_masker.settings_fields import quantity
from aws_masker.vault.breaker import Breaker, State
from aws_masker.vault.guard import GuardedVault, VaultStatus
from aws_masker.vault.memory import MAX_CHARACTERS, MAX_ENTRIES, MemoryVault
from aws_masker.vault.protocol import Store, Vault
from aws_masker.vault.redis import RedisVault
from aws_masker.vault.redis_links import open_link
from aws_masker.vault.sealing import Sealer
from aws_masker.vault.sqlite import MAX_BYTES, SqliteVault

__all__ = ["GuardedVault", "State", "Vault", "VaultStatus", "open_vault", "state_of"]

_REDIS_SCHEMES = (
    "redis",
    "rediss",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)
# Of a size, what a file of SQLite takes that is nearly empty.
_LEAST = {"size": 1 << 20, "entries": 1}
_SAID = "size=2GiB (1MiB or more) and entries=200000"
_FORMS = ("memory://", "sqlite:///PATH", *(f"{scheme}://HOST:PORT" for scheme in _REDIS_SCHEMES))


def state_of(vault: Vault) -> State | None:
    """Return how a vault fares, without asking its store; None for one that has no circuit breaker."""
    return vault.status().state if isinstance(vault, GuardedVault) else None


def open_vault(settings: Settings, environ: Mapping[str, str] = os.environ) -> GuardedVault:
    """Return the vault that ``settings.vault`` names. Touches neither file nor network: ``check()`` does.

    ``environ`` may hold Redis credentials (see redis_links.py). Raises SettingsError for a URL that cannot be used; the
    message never quotes it, for it may hold a password.
    """
    current, *accepted = master_keys(settings.key, settings.accepted_keys)
    sealer = Sealer(current, accepted)
    return GuardedVault(_open_store(settings, sealer, environ), Breaker())


def _open_store(settings: Settings, sealer: Sealer, environ: Mapping[str, str]) -> Store:
    scheme, separator, rest = settings.vault.partition("://")
    if scheme == "memory" and separator:
        given = _bounds(rest, ("entries", "size"))
        return MemoryVault(
            settings.vault_ttl,
            max_entries=given.get("entries", MAX_ENTRIES),
            max_characters=given.get("size", MAX_CHARACTERS),
        )
    if scheme == "sqlite" and separator:
        given = _bounds(rest, ("size",))
        path = _sqlite_path(rest.partition("?")[0])
        return SqliteVault(path, sealer, settings.vault_ttl, max_bytes=given.get("size", MAX_BYTES))
    if scheme in _REDIS_SCHEMES and separator:
        return RedisVault(open_link(settings.vault, environ), sealer, settings.vault_ttl)
    message = f"vault: the URL is none of the known forms: {', '.join(_FORMS)}"
    raise SettingsError(message)


def _bounds(rest: str, names: Collection[str]) -> dict[str, int]:
    """Return what the parameters of a URL say of how much is kept, by name."""
    found: dict[str, int] = {}
    for name, text in parse_qsl(rest.partition("?")[2], keep_blank_values=True):
        value = quantity(text, "bytes" if name == "size" else "") if name in names else None
        if not isinstance(value, int) or value < _LEAST[name]:
            message = f"vault: the URL takes the parameters {_SAID}, of which this vault has {' and '.join(names)}"
            raise SettingsError(message)
        found[name] = value
    return found


def _sqlite_path(rest: str) -> Path:
    """Return the path in a URL as SQLAlchemy writes it: three slashes and a relative path, or four and an absolute."""
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path:
        message = "vault: the URL names no file: write sqlite:///relative/path or sqlite:////absolute/path"
        raise SettingsError(message)
    if path == ":memory:":
        message = "vault: the URL names SQLite's memory, which every thread would see alone: write memory://"
        raise SettingsError(message)
    return Path(path).expanduser().absolute()
