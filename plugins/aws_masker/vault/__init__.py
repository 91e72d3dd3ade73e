"""The vault: token -> original, per tenant, sealed, for a limited time.

Masking and restoring within one request need no vault; it is there for what a later request brings: a token that
someone pastes, the results of a batch, another process. ``open_vault`` picks the store that the settings name.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from aws_masker.errors import SettingsError
from aws_masker.keys import master_keys
from aws_masker.settings import Settings
from aws_masker.vault.breaker import Breaker, State
from aws_masker.vault.guard import GuardedVault, VaultStatus
from aws_masker.vault.memory import MemoryVault
from aws_masker.vault.protocol import Store, Vault
from aws_masker.vault.redis import RedisVault
from aws_masker.vault.redis_links import open_link
from aws_masker.vault.sealing import Sealer
from aws_masker.vault.sqlite import SqliteVault

__all__ = ["GuardedVault", "State", "Vault", "VaultStatus", "open_vault", "state_of"]

_REDIS_SCHEMES = (
    "redis",
    "rediss",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)
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
        return MemoryVault(settings.vault_ttl)
    if scheme == "sqlite" and separator:
        return SqliteVault(_sqlite_path(rest), sealer, settings.vault_ttl)
    if scheme in _REDIS_SCHEMES and separator:
        return RedisVault(open_link(settings.vault, environ), sealer, settings.vault_ttl)
    message = f"vault: the URL is none of the known forms: {', '.join(_FORMS)}"
    raise SettingsError(message)


def _sqlite_path(rest: str) -> Path:
    """Return the path in a URL as SQLAlchemy writes it: three slashes and a relative path, or four and an absolute."""
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path:
        message = "vault: the URL names no file: write sqlite:///relative/path or sqlite:////absolute/path"
        raise SettingsError(message)
    if path == ":memory:":
        message = "vault: the URL names SQLite's memory, which every thread would see alone: write memory://"
        raise SettingsError(message)
    if "?" in path:
        message = "vault: the URL has parameters, but sqlite:/// takes none: end it after the path"
        raise SettingsError(message)
    return Path(path).expanduser().absolute()
