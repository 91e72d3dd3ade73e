"""Names: common words stay, and the label of a value comes from its own form."""

import pytest

from aws_masker import catalogue
from aws_masker.names import Names

NAMES = Names(catalogue.load())


@pytest.mark.parametrize(
    "value",
    [
        b"ab",
        b"prod",
        b"Prod",
        b"backups",
        b"42",
        b"5432",
        b"1.29",
        b"v1.2.3-beta.1",
        b"2024-06-11",
        b"2024-06-11T10:00:00Z",
        b"eu-west-1",
        b"eu-west-1b",
        b"db.r6g.large",
        b"AWSServiceRoleForECS",
        b"anthropic.claude-3-haiku-20240307-v1",
        b"eu.amazon.nova-lite-v1",
        b"token.actions.githubusercontent.com",
        b"aws/ebs",
        b"default:mysql-8-0",
        b"${BUCKET}",
        b"$BUCKET",
        b"<your-bucket>",
        b"{{ bucket }}",
        b"your-bucket-name",
        b"xxxx",
        b"****",
        b"$LATEST",
        b"ecs.amazonaws.com",
    ],
)
def test_what_identifies_nobody_is_common(value: bytes) -> None:
    assert NAMES.is_common(value)


@pytest.mark.parametrize(
    "value",
    [b"ledger-prod", b"orders-db", b"481516234217", b"i-0a1b2c3d4e5f60718", b"LedgerDeployer", b"x" * 39 + b"y"],
)
def test_what_identifies_somebody_is_not_common(value: bytes) -> None:
    assert not NAMES.is_common(value)


@pytest.mark.parametrize("value", [b"90210477", b"20240611", b"db.r6g.large", b"eu-west-1"])
def test_a_number_or_a_region_is_no_word_so_a_secret_may_be_one(value: bytes) -> None:
    assert NAMES.is_common(value)
    assert not NAMES.is_word(value)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (b"481516234217", b"acct"),
        (b"4815-1623-4217", b"acctd"),
        (b"10.20", b"net"),
        (b"192.168.3", b"net"),
        (b"192-168-3", b"netd"),
        (b"54.12.33.90", b"ip"),
        (b"54-12-33-90", b"ipd"),
        (b"i-0a1b2c3d4e5f60718", b"i"),
        (b"0A1B2C3D-1111-2222-3333-444455556666", b"uuid"),
        (b"0a1b2c3d4e5f60718293a4b5c6d7e8f9", b"hex"),
        (b"jane@example.com", b"email"),
        (b"ledger-prod", b"name"),
        ("größe".encode(), b"secret"),
        ("台帳".encode(), b"name"),
        (b"pa\"ss w0rd'", b"secret"),
        (b"wJalrFAKEFAKEFAKE/K7MDENG/bPxRfiCYFAKEKE", b"secret"),
    ],
)
def test_a_value_has_the_label_of_its_own_form(value: bytes, label: bytes) -> None:
    assert NAMES.label(value) == label


@pytest.mark.parametrize(
    ("label", "value", "canonical"),
    [
        (b"netd", b"10-20", b"10.20"),
        (b"ipd", b"54-12-33-90", b"54.12.33.90"),
        (b"acctd", b"4815-1623-4217", b"481516234217"),
        (b"name", b"ledger-prod", b"ledger-prod"),
        (b"uuid", b"0a1b2c3d-1111-2222-3333-444455556666", b"0a1b2c3d-1111-2222-3333-444455556666"),
    ],
)
def test_an_address_and_an_account_have_one_canonical_form(label: bytes, value: bytes, canonical: bytes) -> None:
    assert Names.canonical(label, value) == canonical


def test_every_label_that_a_value_may_get_is_one_that_tokens_are_recognised_by() -> None:
    given = {NAMES.label(value).decode() for value in (b"x9-y", b"10.20", b"\xff", b"481516234217")}
    assert given <= NAMES.labels
    assert {"acctn", "name", "secret"} <= NAMES.labels
