"""The tokens of message batches: their results are fetched hours later, by a request that does not say what is in them.

An answer is restored with a dictionary that goes to the filter before it begins, and the results of a batch may hold
any token of the batch. Its id is known only from the answer to the request that made it, which Python does not see. So
the filter gets the name of the request's ruleset, and when it has read the id, brings that back with the tokens of the
request. Under the id the vault then keeps which tokens the batch has; with these, the results' dictionary is read.

Nothing of this is kept in the process: where it has ended meanwhile, the filter asks again until the next one has met
the ruleset. Batches whose entries have left the vault come back with tokens in their results; `aws-masker restore`
restores what the vault still knows.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aws_masker.errors import VaultError
from aws_masker.masker import Masker

PATH: Final = "/v1/messages/batches"

_RESULTS: Final = re.compile(rf"{PATH}/([A-Za-z0-9_-]{{1,128}})/results")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


def makes_one(path: str) -> bool:
    """Tell whether a request with a body to ``path`` makes a batch."""
    return _plain(path) == PATH


def results_of(path: str) -> str | None:
    """Return the id of the batch whose results a path names, or None."""
    found = _RESULTS.fullmatch(_plain(path))
    return found[1] if found else None


def remember(maskers: Iterable[Masker], batch: str, tokens: Sequence[str]) -> bool:
    """Keep ``tokens`` as those of ``batch`` in the vault of each masker. Tells whether that could be done in one."""
    if not _ID.fullmatch(batch):
        return False
    done = False
    for masker in maskers:
        try:
            masker.vault.remember(masker.settings.tenant, {_key(batch): json.dumps(list(tokens))})
        except VaultError:
            continue
        done = True
    return done


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
