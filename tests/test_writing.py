"""Forms of writing: a name is found in each, and comes back from each; what only looks alike stays."""

import pytest

from aws_masker import Masker
from masking import marked, plain
from writing import FORMS, OTHERS

# A text that says what it is about, as files and outputs do.
ABOUT = "\n\nregion: eu-west-1\n"


@pytest.mark.parametrize("form", FORMS)
def test_a_name_is_found_in_every_form_of_writing(one: Masker, form: str) -> None:
    assert marked(one, plain(FORMS[form]) + ABOUT) == FORMS[form] + ABOUT


@pytest.mark.parametrize("form", FORMS)
def test_every_form_comes_back_and_is_not_masked_twice(one: Masker, form: str) -> None:
    text = plain(FORMS[form]) + ABOUT
    once = one.mask_text(text).text
    assert one.restore_text(once) == text
    assert one.mask_text(once).text == once


@pytest.mark.parametrize("other", OTHERS)
def test_what_only_looks_like_a_form_stays(one: Masker, other: str) -> None:
    assert one.mask_text(OTHERS[other] + ABOUT).text == OTHERS[other] + ABOUT
