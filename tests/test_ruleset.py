"""The ruleset's name: the same for equal rules, another for other rules, and without a value in it."""

import re
from dataclasses import replace

import pytest

from aws_masker import catalogue
from aws_masker.keys import master_key
from aws_masker.ruleset import ruleset
from aws_masker.settings import Settings
from masking import KEY, OTHER_KEY, masker

RULES = {"tenant": "payments", "policy": {"pii": "allow"}, "terms": ("Bluebird", "acme")}


def test_equal_rules_have_one_name() -> None:
    with masker(**RULES) as one, masker(**RULES, opaque="block") as other:
        assert one.ruleset == other.ruleset
        assert re.fullmatch("[0-9a-f]{16}", one.ruleset)


def test_the_order_of_terms_and_policies_does_not_count() -> None:
    policies = {"pii": "allow", "secret": "block"}
    with (
        masker(terms=("a-1", "b-2"), policy=policies) as one,
        masker(terms=("b-2", "a-1"), policy=dict(reversed(policies.items()))) as other,
    ):
        assert one.ruleset == other.ruleset


@pytest.mark.parametrize(
    "changed",
    [{"key": OTHER_KEY}, {"tenant": "other"}, {"policy": {}}, {"terms": ("Bluebird",)}],
    ids=lambda changed: next(iter(changed)),
)
def test_other_rules_have_another_name(changed: dict[str, object]) -> None:
    with masker(**RULES) as one, masker(**{**RULES, **changed}) as other:
        assert one.ruleset != other.ruleset


def test_another_catalogue_has_another_name() -> None:
    loaded = catalogue.load()
    settings, master = Settings(key=KEY), master_key(KEY)
    fewer = replace(loaded, families=loaded.families[1:])
    words = replace(loaded, words=loaded.words | {"bluebird"})
    assert len({ruleset(one, settings, master) for one in (loaded, fewer, words)}) == 3


def test_known_names_are_part_of_it() -> None:
    settings, master, loaded = Settings(key=KEY), master_key(KEY), catalogue.load()
    without = ruleset(loaded, settings, master)
    one = ruleset(loaded, settings, master, {"ledger-prod": "s3-bucket"})
    assert without != one
    assert one == ruleset(loaded, settings, master, {"ledger-prod": "s3-bucket"})
