"""The ruleset: one short name for all that decides what a text becomes.

Two processes with the same ruleset mask the same text to the same bytes; a conversation in whose middle it changes has
another past (the API drops or refuses the thinking bound to it). The name is a keyed digest: it says nothing of key,
tenant, terms or known names, not even to one who guesses them.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Final

from aws_masker.catalogue import Catalogue, spoken_words
from aws_masker.keys import derive
from aws_masker.settings import Settings

LENGTH: Final = 16
# How a text is taken apart is code, and belongs to the rules as the catalogue does.
_CODE: Final = version("kong-aws-masker")


def ruleset(catalogue: Catalogue, settings: Settings, master: bytes, known: Mapping[str, str] | None = None) -> str:
    """Return the name: 16 hexadecimal digits.

    ``known`` are the names known from the start and the family of each.
    """
    parts = [
        _CODE,
        _catalogue(catalogue),
        settings.tenant,
        sorted(settings.policy.items()),
        sorted(set(settings.terms)),
        sorted((known or {}).items()),
    ]
    written = json.dumps(parts, separators=(",", ":")).encode()
    return hmac.digest(derive(master, "ruleset"), written, "sha256").hex()[:LENGTH]


@lru_cache(1)
def _catalogue(catalogue: Catalogue) -> str:
    """Return a digest of all families, suffixes, words and keys."""
    lists = (catalogue.words, catalogue.vocabulary, catalogue.shared_keys, catalogue.other_keys)
    content = repr((catalogue.families, catalogue.suffixes, *map(sorted, lists), sorted(spoken_words().items())))
    return hashlib.sha256(content.encode()).hexdigest()
