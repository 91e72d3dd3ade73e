"""Header fields: what passes, what ends here, and that nothing else changes."""

import pytest

from aws_masker.gateway.headers import content_codings, downward, transfer_codings, upgrades, upward


def test_fields_of_a_request_pass_in_their_order_and_spelling() -> None:
    raw = [
        (b"authorization", b"Bearer sk-made-up"),
        (b"Anthropic-Beta", b"one-2025-01-01,two"),
        (b"X-Trace", b"1"),
        (b"anthropic-version", b"2023-06-01"),
        (b"X-Trace", b"2"),
        (b"x-claude-code-session-id", b"abc"),
        (b"User-Agent", b"claude-cli/2.1"),
    ]
    expected = [(name.decode(), value.decode()) for name, value in raw]
    assert upward(raw) == [*expected, ("Accept-Encoding", "identity")]


def test_a_repeated_field_keeps_its_first_spelling() -> None:
    # aiohttp's client would let the second replace the first.
    assert upward([(b"X-A", b"1"), (b"x-a", b"2")])[:2] == [("X-A", "1"), ("X-A", "2")]


@pytest.mark.parametrize(
    "name",
    [
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "proxy-anything", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "HTTP2-Settings", "Host", "Content-Length", "Content-Encoding",
        "Accept-Encoding", "Expect", "Range", "If-Range",
        "Content-MD5", "Digest", "Content-Digest", "Repr-Digest", "X-Amz-Content-Sha256",
    ],
)  # fmt: skip
def test_fields_of_one_connection_or_of_the_body_as_it_was_do_not_go_up(name: str) -> None:
    assert upward([(name.encode(), b"value"), (b"X-Other", b"1")]) == [
        ("X-Other", "1"),
        ("Accept-Encoding", "identity"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "X-Forwarded-For",
        "x-forwarded-host",
        "X-Forwarded-Proto",
        "X-Real-IP",
        "Forwarded",
        "Via",
        "X-Client-IP",
        "X-Forwarded-Client-Cert",
        "X-Original-Forwarded-For",
        "X-Original-Host",
        "X-Envoy-External-Address",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Cluster-Client-IP",
    ],
)
def test_fields_that_tell_of_hosts_in_the_house_do_not_go_up(name: str) -> None:
    assert upward([(name.encode(), b"10.20.5.7")]) == [("Accept-Encoding", "identity")]


def test_fields_that_connection_names_end_here() -> None:
    raw = [(b"Connection", b"close, X-Hop"), (b"connection", b"x-another"), (b"X-Hop", b"1"), (b"X-Another", b"2")]
    assert upward(raw) == [("Accept-Encoding", "identity")]
    assert downward(raw, body_changes=False) == []


def test_an_answer_keeps_all_but_what_describes_the_former_body() -> None:
    raw = [
        (b"retry-after", b"7"),
        (b"Content-Length", b"10"),
        (b"Content-Encoding", b"gzip"),
        (b"Accept-Ranges", b"bytes"),
        (b"Content-Digest", b"sha-256=:AA==:"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Transfer-Encoding", b"chunked"),
    ]
    kept = [("retry-after", "7"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    assert downward(raw, body_changes=True) == kept
    assert ("Content-Length", "10") in downward(raw, body_changes=False)
    assert ("Content-Encoding", "gzip") in downward(raw, body_changes=False)


def test_values_that_are_not_utf_8_arrive_instead_of_losing_characters() -> None:
    assert upward([(b"X-Name", b"M\xfcller")])[0] == ("X-Name", "Müller")
    assert upward([(b"X-Name", "Müller".encode())])[0] == ("X-Name", "Müller")


def test_a_value_with_control_characters_is_left_out() -> None:
    assert downward([(b"X-Bad", b"a\x00b"), (b"X-Tab", b"a\tb")], body_changes=False) == [("X-Tab", "a\tb")]


def test_codings_are_read_over_all_fields_and_identity_is_none() -> None:
    raw = [(b"content-encoding", b"identity, GZIP "), (b"Content-Encoding", b"br"), (b"Transfer-Encoding", b"Chunked")]
    assert content_codings(raw) == ["gzip", "br"]
    assert transfer_codings(raw) == ["chunked"]
    assert content_codings([(b"Content-Encoding", b"")]) == []
    assert upgrades([(b"Upgrade", b"h2c, WebSocket")]) == ["h2c", "websocket"]
