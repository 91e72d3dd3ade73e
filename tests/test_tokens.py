"""Tokens: their form, what they depend on, and how they are recognised."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_masker.keys import derive
from aws_masker.tokens import ALPHABET, TAIL_LENGTH, Tokens

MASTER = bytes(range(7, 39))
LABELS = ("i", "net", "subnet", "name", "eni-attach")
TOKENS = Tokens(MASTER, "team-a", LABELS)


def is_token(tokens: Tokens, text: bytes) -> bool:
    """Tell whether ``text`` is exactly one token."""
    return tokens.start_of(text, len(text) - TAIL_LENGTH - len("-x")) == 0


def test_a_token_is_its_label_and_sixteen_characters_of_the_alphabet() -> None:
    label, _, tail = TOKENS.make(b"subnet", b"subnet-0a1b2c3d").decode().rpartition("-x")
    assert label == "subnet"
    assert len(tail) == TAIL_LENGTH
    assert set(tail) <= set(ALPHABET)


def test_the_body_is_five_bits_of_each_of_the_first_bytes_of_the_hmac() -> None:
    """Computed here by hand, so that no change of the code changes the tokens of yesterday's conversations."""
    tenant_key = hmac.new(derive(MASTER, "token body"), b"team-a", hashlib.sha256).digest()
    digest = hmac.new(tenant_key, b"i-0a1b2c3d", hashlib.sha256).digest()
    assert TOKENS.make(b"i", b"i-0a1b2c3d")[3:16].decode() == "".join(ALPHABET[byte % 32] for byte in digest[:13])


def test_one_value_has_one_body_under_every_label() -> None:
    assert TOKENS.make(b"i", b"v")[-16:-3] == TOKENS.make(b"name", b"v")[-16:-3]


@pytest.mark.parametrize("other", [Tokens(MASTER, "team-b", LABELS), Tokens(MASTER[::-1], "team-a", LABELS)])
def test_another_tenant_or_key_neither_makes_nor_knows_the_token(other: Tokens) -> None:
    token = TOKENS.make(b"name", b"ledger-prod")
    assert other.make(b"name", b"ledger-prod") != token
    assert is_token(TOKENS, token)
    assert not is_token(other, token)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_tokens_of_further_keys_are_known_and_none_is_made(count: int) -> None:
    masters = [bytes([number]) + MASTER[1:] for number in range(1, count + 1)]
    tokens = Tokens(MASTER, "team-a", LABELS, masters)
    assert tokens.make(b"name", b"ledger-prod") == TOKENS.make(b"name", b"ledger-prod")
    for master in masters:
        theirs = Tokens(master, "team-a", LABELS).make(b"name", b"ledger-prod")
        assert is_token(tokens, theirs)
        assert not is_token(TOKENS, theirs)
        assert not is_token(tokens, Tokens(master, "team-b", LABELS).make(b"name", b"ledger-prod"))


@given(st.binary(max_size=40), st.sampled_from(LABELS), st.binary(max_size=20), st.binary(max_size=20))
def test_a_token_is_found_wherever_it_stands(value: bytes, label: str, before: bytes, after: bytes) -> None:
    token = TOKENS.make(label.encode(), value)
    text = before + b" " + token + after
    assert TOKENS.start_of(text, len(before) + 1 + len(label)) == len(before) + 1


def test_the_longer_label_wins() -> None:
    token = TOKENS.make(b"subnet", b"v")
    assert TOKENS.start_of(token, len("subnet")) == 0


@pytest.mark.parametrize("position", range(3, 19))
def test_a_token_with_one_character_changed_is_none(position: int) -> None:
    token = bytearray(TOKENS.make(b"i", b"i-0a1b2c3d"))
    token[position] = ord("0") if token[position] != ord("0") else ord("1")
    assert not is_token(TOKENS, bytes(token))


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="not a label"):
        TOKENS.make(b"widget", b"v")


def test_no_key_shows() -> None:
    assert MASTER.hex()[:8] not in repr(TOKENS)
