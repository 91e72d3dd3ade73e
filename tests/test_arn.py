"""ARNs: where one ends, and which of its parts are masked."""

import pytest

from aws_masker import Masker, arn
from masking import marked, plain


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::«481516234217»:role/«LedgerDeployer»",
        "arn:aws-us-gov:iam::«481516234217»:role/service-role/«LedgerDeployer»",
        "arn:aws:rds:eu-west-1:«481516234217»:db:«ledger-pg»",
        "arn:aws:dynamodb:eu-west-1:«481516234217»:table/«LedgerRows»/index/«ByTenant7»",
        "arn:aws:sqs:eu-west-1:«481516234217»:«ledger-dlq»",
        'f"arn:aws:sqs:{self.region}:«481516234217»:«ledger-{self.stage}»"'.replace("-{self.stage}»", "»-{self.stage}"),
        'f"arn:aws:iam::«481516234217»:role/{role.name}"',
        "arn:aws:sns:eu-west-1:«481516234217»:«ledger-topic»:«0a1b2c3d-1111-2222-3333-444455556666»",
        "arn%3Aaws%3Aiam%3A%3A«481516234217»%3Arole%2F«LedgerDeployer»",
        "arn:aws:iam::«481516234217»:role\\/«LedgerDeployer»",
        # An object's key stays, however the slash before it is written; a shell's quotes go on behind what it runs.
        "arn:aws:s3:::«acme»-*-«ledger-raw»\\/gadgets-7/x-9",
        "arn:aws:s3:::«acme»-*-«ledger-raw»\\u002fgadgets-7/x-9",
        "arn%3Aaws%3As3%3A%3A%3A«acme»-*-«ledger-raw»%2Fgadgets-7%2Fx-9",
        'x=arn:aws:sqs:eu-west-1:"$(account-of ledger)":«ledger-dlq»',
    ],
)
def test_account_and_names_are_masked_and_the_words_of_the_structure_stay(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


def test_a_service_whose_resource_begins_with_a_name_has_no_type_there(one: Masker) -> None:
    assert marked(one, "arn:aws:sqs:eu-west-1:481516234217:ledger") == "arn:aws:sqs:eu-west-1:«481516234217»:«ledger»"
    assert marked(one, "arn:aws:s3:::ledger-raw/gadgets-7/x") == "arn:aws:s3:::«ledger-raw»/gadgets-7/x"


def test_the_type_of_a_resource_stays_though_no_list_knows_it(one: Masker) -> None:
    text = "arn:aws:gadgets:eu-west-1:«481516234217»:gadgetBench/«ledger-bench7»"
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "arn:aws:iam::aws:policy/GadgetBenchPolicy7",
        "arn:aws:iam::*:role/*",
        "arn:aws:s3:::*",
        "arn:aws:iam::${AWS::AccountId}:role/${RoleName}",
        "arn:aws:iam::<account>:root",
        "arn:aws:iam",
        "arn:nothing:iam::x:y",
    ],
)
def test_what_is_awss_own_or_a_placeholder_stays(one: Masker, text: str) -> None:
    assert one.mask_text(text).text == text


@pytest.mark.parametrize("after", [".", "!", "?", "]", "}", ")", ",", ";", "'", '"', "`", "|", "<", "\\n", " and"])
def test_the_punctuation_of_the_sentence_is_no_part_of_it(one: Masker, after: str) -> None:
    text = f"arn:aws:sqs:eu-west-1:481516234217:ledger-dlq{after}"
    assert marked(one, text) == f"arn:aws:sqs:eu-west-1:«481516234217»:«ledger-dlq»{after}"


@pytest.mark.parametrize("after", [b".", b"!", b"?", b"]", b"}", b"...", b"]."])
def test_it_ends_before_that_punctuation(after: bytes) -> None:
    text = b"arn:aws:sqs:eu-west-1:481516234217:ledger-dlq"
    found = arn.split(text + after, 0)
    assert found is not None
    assert found[0] == len(text)


def test_balanced_brackets_belong_to_it() -> None:
    text = b"arn:aws:logs:eu-west-1:481516234217:log-group:g1:log-stream:s[1]] x"
    found = arn.split(text, 0)
    assert found is not None
    assert text[: found[0]].endswith(b"s[1]")


def test_a_wildcard_ends_a_name_and_stays(one: Masker) -> None:
    assert marked(one, "arn:aws:s3:::ledger-raw-*") == "arn:aws:s3:::«ledger-raw»-*"


def test_none_is_longer_than_the_most_that_aws_allows() -> None:
    text = b"arn:aws:iam::481516234217:role/" + b"a" * 5000
    found = arn.split(text, 0)
    assert found is not None
    assert found[0] == arn.MAX_LENGTH


def test_what_only_begins_like_one_is_none() -> None:
    assert arn.split(b"arn:aws:iam::4815 16234217:role/x", 0) is None


def test_an_address_that_a_shell_looks_up_in_a_field_is_masked(one: Masker) -> None:
    text = "arn:aws:sqs:$(region-of 10.20.30.40):481516234217:ledger-dlq"
    assert marked(one, text).startswith("arn:aws:sqs:$(region-of «10.20».30.40)")
