"""Each of the resource patterns is masked in just its identifying parts, and restored."""

import pytest

from aws_masker import Masker
from masking import marked, masker
from patterns import PATTERNS, Pattern

# The host part of a private address stays, so that subnets can still be reasoned about.
_SPLIT = {"«10.42.17.8»": "«10.42».17.8"}


@pytest.fixture(scope="module")
def one() -> Masker:
    return masker()


def test_there_are_at_least_fifty() -> None:
    assert len({pattern.name for pattern in PATTERNS}) >= 50


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_a_pattern_is_masked_in_its_identifying_parts_and_restored(one: Masker, pattern: Pattern) -> None:
    wanted = pattern.marked
    for whole, parts in _SPLIT.items():
        wanted = wanted.replace(whole, parts)
    assert marked(one, pattern.text) == wanted
    assert one.restore_text(one.mask_text(pattern.text).text) == pattern.text
