"""Sealing: what a store sees, and what opens."""

import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aws_masker.vault.sealing import Sealer
from vault_parts import KEY, OTHER_KEY

TOKEN = "i-x0123456789abcdef"
ORIGINAL = "i-0a1b2c3d4e5f60718"


@pytest.mark.parametrize(
    "original", [ORIGINAL, "", 'line\nwith "quotes" and \\', "ünï", "half \ud83d a pair", "x" * 100_000]
)
def test_what_is_sealed_opens_again(original: str) -> None:
    tenant = Sealer(KEY).of("acme")
    assert Sealer(KEY).of("acme").open(TOKEN, tenant.seal(TOKEN, original)) == original


def test_the_format_is_the_documented_one() -> None:
    """What is stored today must open with any later version, so the format is computed here from first principles."""

    def derived(info: bytes) -> bytes:
        return hmac.digest(hmac.digest(bytes(32), KEY, "sha256"), b"aws-masker:v1:" + info + b"\x01", "sha256")

    tenant = Sealer(KEY).of("acme")
    assert tenant.place == hmac.digest(derived(b"vault place"), b"acme", "sha256").hex()[:32]
    key = hmac.digest(derived(b"vault seal"), b"acme", "sha256")
    associated = b"\x01" + b"\x00\x00\x00\x04" + b"acme" + TOKEN.encode()
    sealed = tenant.seal(TOKEN, ORIGINAL)
    assert AESGCM(key).decrypt(sealed[1:13], sealed[13:], associated) == ORIGINAL.encode()
    assert tenant.open(TOKEN, b"\x01" + bytes(12) + AESGCM(key).encrypt(bytes(12), b"x", associated)) == "x"


def test_a_sealed_value_has_a_version_a_nonce_and_a_tag_and_shows_nothing() -> None:
    sealed = Sealer(KEY).of("acme").seal(TOKEN, ORIGINAL)
    assert sealed[:1] == b"\x01"
    assert len(sealed) == 1 + 12 + len(ORIGINAL) + 16
    assert ORIGINAL.encode() not in sealed


def test_no_nonce_comes_twice() -> None:
    tenant = Sealer(KEY).of("acme")
    assert len({tenant.seal(TOKEN, ORIGINAL)[1:13] for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("key", "tenant", "token"),
    [(OTHER_KEY, "acme", TOKEN), (KEY, "globex", TOKEN), (KEY, "acme", "i-x0000000000000000")],
    ids=["another master key", "another tenant", "another token"],
)
def test_a_value_opens_only_under_its_own_key_tenant_and_token(key: bytes, tenant: str, token: str) -> None:
    sealed = Sealer(KEY).of("acme").seal(TOKEN, ORIGINAL)
    sealer = Sealer(key)
    assert sealer.of(tenant).open(token, sealed) is None
    assert sealer.unreadable == 1


def test_every_changed_bit_and_every_cut_is_noticed() -> None:
    sealed = Sealer(KEY).of("acme").seal(TOKEN, ORIGINAL)
    sealer = Sealer(KEY)
    damaged = [sealed[:length] for length in range(len(sealed))]
    for place in range(len(sealed)):
        damaged += [sealed[:place] + bytes([sealed[place] ^ 1 << bit]) + sealed[place + 1 :] for bit in range(8)]
    assert [value for value in damaged if sealer.of("acme").open(TOKEN, value) is not None] == []
    assert sealer.unreadable == len(damaged)


def test_tenant_and_token_cannot_be_shifted_into_each_other() -> None:
    sealed = Sealer(KEY).of("acme").seal("a-x1", ORIGINAL)
    assert Sealer(KEY).of("acmea").open("-x1", sealed) is None


def test_a_place_depends_on_key_and_tenant_and_does_not_show_the_tenant() -> None:
    places = {Sealer(key).of(tenant).place for key in (KEY, OTHER_KEY) for tenant in ("acme", "globex", "")}
    assert len(places) == 6
    assert all(len(place) == 32 and set(place) <= set("0123456789abcdef") for place in places)
    assert Sealer(KEY).of("acme").place == Sealer(KEY).of("acme").place


def test_reprs_show_no_key_and_no_tenant() -> None:
    shown = repr(Sealer(KEY).of("acme-secret-project"))
    assert "acme" not in shown
    assert "AESGCM" not in shown
