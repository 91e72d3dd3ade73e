"""Lines with numbers, as ``cat -n`` and tools for reading files write them: what is found without them is found."""

import json
from collections.abc import Callable, Iterator

import pytest

from aws_masker import Masker
from masking import marked, masker, plain
from writing import FORMS, OTHERS

PATH = "/v1/messages"
ABOUT = "\n\nregion: eu-west-1\n"


def padded(text: str) -> str:
    return "\n".join(f"{number:6}\t{line}" for number, line in enumerate(text.split("\n"), 8))


def with_arrows(text: str) -> str:
    return "\n".join(f"{number:6}→{line}" for number, line in enumerate(text.split("\n"), 1))


def narrow(text: str) -> str:
    return "\n".join(f"{number}\t{line}" for number, line in enumerate(text.split("\n"), 9))


def of_an_edit(text: str) -> str:
    return f"The file main.py has been updated. A snippet of it:\n{padded(text)}\n\nThat is all.\n"


NUMBERS = (padded, with_arrows, narrow, of_an_edit)


@pytest.fixture(scope="module")
def one() -> Iterator[Masker]:
    with masker() as made:
        yield made


@pytest.mark.parametrize("numbered", NUMBERS)
@pytest.mark.parametrize("form", FORMS)
def test_a_name_is_found_in_numbered_lines(one: Masker, form: str, numbered: Callable[[str], str]) -> None:
    text = numbered(FORMS[form] + ABOUT)
    assert marked(one, plain(text)) == text
    once = one.mask_text(plain(text)).text
    assert one.restore_text(once) == plain(text)
    assert one.mask_text(once).text == once


@pytest.mark.parametrize("other", OTHERS)
def test_what_only_looks_like_a_form_stays_in_numbered_lines(one: Masker, other: str) -> None:
    text = padded(OTHERS[other] + ABOUT)
    assert one.mask_text(text).text == text


def test_a_key_over_several_numbered_lines_is_one_secret(one: Masker) -> None:
    body = "\n".join("MIIEowIBAAKCAQEA7bq9bYm0uQxNfakefakefakefakefakefakefakefakefake" for _ in range(3))
    text = padded(f"x\n-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\ny")
    masked = one.mask_text(text)
    assert "MIIEow" not in masked.text
    assert one.restore_text(masked.text) == text


@pytest.mark.parametrize(
    "text",
    [
        # A table whose first column counts.
        "Id\tBucketName\n1\t«acmeraw»\n2\t«acmeweb»\n3\t«acmelog»\n",
        # Numbers that do not follow each other number no lines.
        "Id\tBucketName\n10\t«acmeraw»\n20\t«acmeweb»\n",
        "1→a\n3→buckets:\n9→  - acmeraw\n",
    ],
)
def test_other_numbers_number_no_lines(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


def test_the_numbers_of_one_text_do_not_go_on_in_the_next() -> None:
    texts = ["     1\tfoo\n     2\tbar", "BucketNames:\n     3\t- acmeraw\n"]
    with masker() as made:
        together, alone = (
            made.mask_body(
                json.dumps({"messages": [{"role": "user", "content": text} for text in said]}).encode(), PATH
            )
            for said in (texts, texts[1:])
        )
    assert together.counts == alone.counts == {}
