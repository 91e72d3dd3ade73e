"""What ``/_aws-masker/health`` answers: 200 while requests can be served, 503 when they cannot."""

import asyncio
import json
from importlib.metadata import version
from typing import Final

from aws_masker.errors import VaultError
from aws_masker.settings import Settings
from aws_masker.vault import Vault

# A probe has to be answered even when the vault hangs.
VAULT_SECONDS: Final = 2.0
DISTRIBUTION: Final = "kong-aws-masker"


async def health(vault: Vault, settings: Settings, in_flight: int, *, stopping: bool) -> tuple[int, bytes]:
    """Return status and JSON body. A vault that is down only counts when the settings require it."""
    vault_state = await _vault_state(vault)
    if stopping:
        status = "stopping"
    elif settings.vault_required and vault_state != "ok":
        status = "vault_required"
    else:
        status = "ok"
    body = {"status": status, "vault": vault_state, "version": version(DISTRIBUTION), "in_flight": in_flight}
    return (200 if status == "ok" else 503), json.dumps(body).encode() + b"\n"


async def _vault_state(vault: Vault) -> str:
    try:
        async with asyncio.timeout(VAULT_SECONDS):
            await asyncio.to_thread(vault.check)
    except TimeoutError:
        return "silent"
    except VaultError:
        return "down"
    return "ok"
