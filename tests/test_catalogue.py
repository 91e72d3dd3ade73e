"""The catalogue: every family has evidence, and its evidence holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aws_masker import Masker, catalogue
from aws_masker.catalogue import Family
from aws_masker.cli.families import markdown
from aws_masker.errors import CatalogueError
from masking import marked, masker, plain

FAMILIES = catalogue.load().families
ROW = {
    "name": "widget",
    "service": "widgets",
    "title": "A widget",
    "kind": "identifier",
    "pattern": "w-<hex>",
    "match": ["«w-0a1b2c3d»"],
    "reject": ["w-"],
}
OTHER = "arn:aws:iam::481516234217:role/KazorbiDeploy"


@pytest.fixture(scope="module")
def one_masker() -> Iterator[Masker]:
    with masker() as made:
        yield made


def test_the_page_of_all_families_is_the_catalogue() -> None:
    """To be mended by ``aws-masker families --markdown > docs/catalogue.md``."""
    page = Path(__file__).parents[1] / "docs" / "catalogue.md"
    assert page.read_text("utf-8") == markdown(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_evidence_of_a_family_holds(one_masker: Masker, family: Family) -> None:
    """Exactly what is marked is masked, what must stay stays, and the family itself is what found something."""
    counted: set[str] = set()
    for text in family.match:
        assert marked(one_masker, plain(text)) == text
        counted |= one_masker.mask_text(plain(text)).counts.keys()
    for text in family.reject:
        assert one_masker.mask_text(text).text == text
    assert family.name in counted, "another family has taken its place: the row is dead"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_an_identifier_between_the_halves_of_an_example_is_found(one_masker: Masker, family: Family) -> None:
    """What looks like the beginning of one identifier, and never becomes it, takes no other with it."""
    for text in map(plain, family.match):
        for cut in (len(text) // 3, 2 * len(text) // 3):
            masked = one_masker.mask_text(f"{text[:cut]} and so on, as we know {OTHER} or whatever {text[cut:]}").text
            assert OTHER not in masked


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
