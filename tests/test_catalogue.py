"""The catalogue: every family has evidence, and its evidence holds."""

import pytest
from aws_masker import catalogue
from aws_masker.catalogue import Family
from aws_masker.errors import CatalogueError
from masking import marked, masker, plain

FAMILIES = catalogue.load().families
MATCHES = [pytest.param(one, text, id=f"{one.name}-{at}") for one in FAMILIES for at, text in enumerate(one.match)]
REJECTS = [pytest.param(text, id=f"{one.name}-{at}") for one in FAMILIES for at, text in enumerate(one.reject)]
ROW = {
    "name": "widget",
    "service": "widgets",
    "title": "A widget",
    "kind": "identifier",
    "pattern": "w-<hex>",
    "match": ["«w-0a1b2c3d»"],
    "reject": ["w-"],
}


@pytest.fixture(scope="module")
def one_masker():
    with masker() as made:
        yield made


@pytest.mark.parametrize(("family", "text"), MATCHES)
def test_exactly_the_marked_parts_of_an_example_are_masked(one_masker, family: Family, text: str) -> None:
    assert marked(one_masker, plain(text)) == text


@pytest.mark.parametrize("text", REJECTS)
def test_a_counterexample_stays_byte_for_byte(one_masker, text: str) -> None:
    assert one_masker.mask_text(text).text == text


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_is_what_counts_its_first_example(one_masker, family: Family) -> None:
    """Otherwise another family has taken its place, and the row is dead."""
    counted = [name for text in family.match for name in one_masker.mask_text(plain(text)).counts]
    assert family.name in counted


def test_a_row_with_evidence_is_a_family() -> None:
    assert catalogue.family(ROW).pattern == "w-(?:[0-9a-f]{17}|[0-9a-f]{8})"


@pytest.mark.parametrize("missing", ["match", "reject", "name", "service", "title", "kind", "pattern"])
def test_a_row_that_lacks_something_is_refused_by_name(missing: str) -> None:
    row = {key: value for key, value in ROW.items() if key != missing}
    with pytest.raises(CatalogueError, match=missing if missing != "name" else "without a name"):
        catalogue.family(row)


@pytest.mark.parametrize(
    "wrong",
    [
        {"match": ["w-0a1b2c3d"]},
        {"kind": "thing"},
        {"label": "Widget"},
        {"label": "a-label-that-is-far-too-long-for-a-token"},
        {"colour": "red"},
        {"host": "w"},
    ],
)
def test_a_row_that_is_wrong_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(CatalogueError, match="widget"):
        catalogue.family(ROW | wrong)
