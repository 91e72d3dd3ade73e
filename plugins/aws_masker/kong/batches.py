"""The tokens of message batches: their results are fetched hours later, by a request that does not say what is in them.

An answer is restored with a dictionary that goes to the filter before it begins, and the results of a batch may hold
any token of the batch. Its id is known only from the answer to the request that made it, which Python does not see. So
the filter gets a ticket with that request, and when it has read the id, brings both back. Under the id the vault then
keeps which tokens the batch has; with these, the results' dictionary is read from it.

Batches that were made while the plugin server restarted, or whose entries have left the vault, come back with tokens in
their results; `aws-masker restore` restores what the vault still knows.
"""

import json
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Final

from aws_masker.errors import VaultError
from aws_masker.masker import Masker

PATH: Final = "/v1/messages/batches"
# Answers to the request that makes a batch come in seconds.
MAX_TICKETS: Final = 256

_RESULTS: Final = re.compile(rf"{PATH}/([A-Za-z0-9_-]{{1,128}})/results")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


def makes_one(path: str) -> bool:
    """Tell whether a request with a body to ``path`` makes a batch."""
    return _plain(path) == PATH


def results_of(path: str) -> str | None:
    """Return the id of the batch whose results a path names, or None."""
    found = _RESULTS.fullmatch(_plain(path))
    return found[1] if found else None


class Batches:
    """Tickets for batches that are being made, and the tokens of those that have been."""

    def __init__(self) -> None:
        self._tickets: OrderedDict[str, tuple[Masker, tuple[str, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    def ticket(self, masker: Masker, tokens: Collection[str]) -> str:
        """Return a ticket for a batch that has these tokens."""
        name = secrets.token_hex(16)
        with self._lock:
            self._tickets[name] = (masker, tuple(tokens))
            if len(self._tickets) > MAX_TICKETS:
                self._tickets.popitem(last=False)
        return name

    def remember(self, ticket: str, batch: str) -> bool:
        """Keep the tokens behind ``ticket`` as those of ``batch``. Tells whether that could be done."""
        with self._lock:
            held = self._tickets.pop(ticket, None)
        if held is None or not _ID.fullmatch(batch):
            return False
        masker, tokens = held
        try:
            masker.vault.remember(masker.settings.tenant, {_key(batch): json.dumps(tokens)})
        except VaultError:
            return False
        return True


def recalled(masker: Masker, batch: str) -> Mapping[str, str]:
    """Return the dictionary of the results of ``batch``: empty where the vault knows nothing of it."""
    tenant, vault = masker.settings.tenant, masker.vault
    try:
        known = vault.recall(tenant, [_key(batch)]).get(_key(batch), "[]")
        return vault.recall(tenant, json.loads(known)[: masker.settings.limits.identifiers])
    except VaultError:
        return {}


def _key(batch: str) -> str:
    """Return the vault's name for a batch. No token has this form."""
    return f"batch:{batch}"


def _plain(path: str) -> str:
    return path.removeprefix("/v1") if path.startswith("/v1/v1/") else path
