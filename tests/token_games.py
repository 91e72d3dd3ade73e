"""Tokens that must never be restored for whoever sends or receives them, each in one vault with what they stand for."""

from collections.abc import Mapping
from itertools import product

from aws_masker import Masker, Settings, catalogue
from aws_masker.keys import master_key
from aws_masker.names import Names
from aws_masker.tokens import ALPHABET, Tokens
from masking import OTHER_KEY

THEIRS = "i-0fedcba9876543210"
NAMES = ("another tenant's", "another key's", "forged", "forged with a right check", "near", "in capitals", "cut")


def foreign(key: str, tenant: str, vault: str, mine: str) -> Mapping[str, str]:
    """Return the tokens by NAMES.

    ``mine`` is a token of ``tenant`` under ``key``. What others masked is put into ``vault``, where it could be found.
    """
    others = []
    for settings in (
        Settings(key=key, tenant="globex", vault=vault),
        Settings(key=OTHER_KEY, tenant=tenant, vault=vault),
    ):
        with Masker(settings) as other:
            others.append(other.mask_text(THEIRS).text)
    return dict(
        zip(
            NAMES,
            (
                *others,
                "i-x0123456789abcdef",
                _with_a_right_check(key, tenant),
                mine[:-4] + ("0" if mine[-4] != "0" else "1") + mine[-3:],
                mine.upper(),
                mine[:-1],
            ),
            strict=True,
        )
    )


def _with_a_right_check(key: str, tenant: str) -> str:
    """Return a token that nobody made and whose check is right, as somebody finds one in 32,768 tries."""
    tokens = Tokens(master_key(key), tenant, Names(catalogue.load()).labels)
    for check in product(ALPHABET, repeat=3):
        token = "i-x0123456789abc" + "".join(check)
        if tokens.start_of(token.encode(), 1) == 0:
            return token
    raise AssertionError
