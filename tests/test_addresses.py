"""IP addresses: which identify somebody, and which part of them is masked."""

import pytest

from aws_masker import Masker, addresses
from masking import marked, plain


@pytest.mark.parametrize(
    "text",
    [
        "«10.20».5.7",
        "«172.16».5.7",
        "«172.31».5.7",
        "«192.168.3».7",
        "«10.20».0.0/16",
        "«54.12.33.90»",
        "«172.15.5.7»",
        "«172.32.5.7»",
        "«192.167.3.7»",
        "«11.20.5.7»",
        "ip-«10-20»-5-7.ec2.internal",
        "ip-«192-168-3»-7.ec2.internal",
        "«2600:1f18:abc:de00::1»",
        "«fd12:3456:789a::1»",
        "account «481516234217».«10.20».5.7",
        "account «481516234217».«54.12.33.90»",
        "«10.20».5.7.481516234217",
        "«i-0a1b2c3d4e5f60718».«10.20».5.7.ledger-7",
    ],
)
def test_a_private_address_keeps_its_host_part_and_a_public_one_nothing(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text
    assert marked(one, plain(f"HOST={text}")) == f"HOST={text}"  # "=10" might be an escape


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0:80",
        "169.254.169.254",
        "255.255.255.0",
        "224.0.0.251",
        "8.8.8.8",
        "1.1.1.1",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "Chrome/120.0.0.0",
        "1.2.3.4.5",
        "10.20.30.40.50",
        "2019::",
        "1.73.4 1.83.33.94.15c.9.13 1.81",
        "2024.10.20.30.40",
        "4815162342170.10.20.30.40",
        "10.20.30.40.4815162342170",
        "10.20.300.1",
        "010.020.005.007",
        "ip-127-0-0-1",
        "::1",
        "fe80::1",
        "std::vec",
    ],
)
def test_what_identifies_nobody_stays(one: Masker, text: str) -> None:
    assert one.mask_text(text).text == text
    assert one.mask_text(f"HOST={text}").text == f"HOST={text}"


def test_a_block_that_only_begins_like_a_whole_network_is_masked(one: Masker) -> None:
    assert marked(one, "10.0.0.0/80 10.0.0.0/16") == "«10.0».0.0/80 «10.0».0.0/16"


def test_the_masked_part_of_an_address_is_no_name_to_look_for_elsewhere(one: Masker) -> None:
    assert marked(one, "10.20.5.7 runs release 10.20") == "«10.20».5.7 runs release 10.20"


def test_what_begins_in_an_address_and_goes_on_behind_it_is_masked(one: Masker) -> None:
    """A host whose name begins with the last group of an address: what lies beyond that is all that identifies."""
    text = "2a05:d018:1f3:aa00::7-ledger-docs-481516234217.us-east-1.docdb-elastic.amazonaws.com"
    masked = one.mask_text(text)
    assert masked.text.count("-x") == 2
    assert "-name-x" in masked.text
    assert one.restore_text(masked.text) == text
    assert "481516234217" not in masked.text
    assert "ledger" not in masked.text


def test_an_address_has_one_body_with_dots_and_with_dashes(one: Masker) -> None:
    dots, dashes = one.mask_text("10.20.5.7 ip-10-20-5-7").text.split()
    assert dots.removeprefix("net-x")[:13] == dashes.removeprefix("ip-netd-x")[:13]


def test_a_subnet_that_is_derived_from_a_masked_one_comes_back(one: Masker) -> None:
    subnet = one.mask_text("10.20.0.0/16").text
    assert one.restore_text(subnet.replace(".0.0/16", ".9.0/24")) == "10.20.9.0/24"


def test_octets_have_no_leading_zeros_and_no_more_than_255() -> None:
    for text in (b"ip-10-020-5-7", b"ip-10-20-256-7"):
        assert addresses.dashed_ipv4(text, 0, len(text)) is None
    for text in (b"10.020.5.7", b"10.20.256.7"):
        assert addresses.ipv4(text, 0, len(text), private=True) is None


@pytest.mark.parametrize("text", [b"fe80::1", b"fe80::1ff:fe23:4567:890a", b"::1"])
def test_an_ipv6_address_of_the_link_or_the_loop_has_no_identifying_part(text: bytes) -> None:
    assert addresses.ipv6(text, 0, len(text)) == addresses.NOTHING


@pytest.mark.parametrize("text", [b"12:30:45", b"2600::1::2", b"2600:1f18::1:", b"face::cafes"])
def test_what_only_looks_like_an_ipv6_address_is_none(text: bytes) -> None:
    assert addresses.ipv6(text, 0, len(text.rstrip(b":"))) is None
