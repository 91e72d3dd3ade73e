"""The engine: what the functions beneath the library return, on which every search here rests."""

import pytest

from aws_masker.errors import CatalogueError
from aws_masker.re2c import NEVER, FullMatchSet, Pattern


def test_a_search_gives_the_first_match_in_bytes_and_none_otherwise() -> None:
    pattern = Pattern("b+")
    assert pattern.search("é bb b".encode()) == (3, 5)
    assert pattern.search(b"abba", 2) == (2, 3)
    assert pattern.search(b"abba", 3) is None
    assert pattern.search(b"abba", 0, 1) is None


def test_what_stands_outside_the_limits_counts_for_boundaries() -> None:
    pattern = Pattern(r"\bb")
    assert pattern.search(b"ab", 1) is None
    assert pattern.search(b" b", 1) == (1, 2)


def test_a_match_begins_where_it_is_asked_for() -> None:
    pattern = Pattern("b+")
    assert pattern.match(b"abba", 1) == 3
    assert pattern.match(b"abba", 0) == -1
    assert pattern.match(b"abba", 1, 2) == 2


def test_all_of_a_text_fits_or_it_does_not() -> None:
    pattern = Pattern("ab|abc")
    assert pattern.fits(b"abc")
    assert not pattern.fits(b"abcd")
    assert not pattern.fits(b"xabc")


def test_parts_are_the_match_and_its_groups_with_minus_one_for_none() -> None:
    pattern = Pattern("(a)|(b)", captures=True)
    assert pattern.parts(b"xb", 1) == [(1, 2), (-1, -1), (1, 2)]
    assert pattern.parts(b"xc", 1) is None
    assert pattern.groups == 2


def test_each_gives_all_matches_within_the_limits() -> None:
    assert list(Pattern("a+").each(b"a aa aaa", 1, 7)) == [(2, 4), (5, 7)]


def test_bytes_that_are_no_characters_are_bytes_like_others() -> None:
    assert Pattern(".").search(b"\xff") == (0, 1)
    assert Pattern(r"[^\x00-\x7f]+").search("a\ud800b".encode("utf-8", "surrogatepass")) == (1, 4)


def test_the_pattern_that_never_matches_does_not() -> None:
    assert Pattern(NEVER).search(bytes(range(256))) is None


def test_a_set_tells_all_that_match_the_whole_text_in_their_order() -> None:
    patterns = FullMatchSet(["b.*", "ab", "a.*", ".*"])
    assert patterns.matches(b"ab") == [1, 2, 3]
    assert patterns.matches(b"xab") == [3]
    assert FullMatchSet([]).matches(b"x") == []


@pytest.mark.parametrize("wrong", ["(", "a{2000}", r"(?=a)", r"\1"])
def test_what_is_no_pattern_is_refused_with_its_text(wrong: str) -> None:
    with pytest.raises(CatalogueError, match="no RE2 pattern"):
        Pattern(wrong)
    with pytest.raises(CatalogueError, match="no RE2 pattern"):
        FullMatchSet([wrong])
