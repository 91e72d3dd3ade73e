"""URLs that lead past the gateway: rewritten in batches, recognised in redirects."""

import json

import pytest

from aws_masker.gateway.urls import MAX_HELD, ResultsUrls, client_base, leads_away, on_gateway

ORIGINS = ("https://proxy.example/anthropic", "https://api.anthropic.com")
RESULTS = "/v1/messages/batches/msgbatch_01/results"


def rewritten(body: bytes, cut: int = 1 << 20) -> bytes:
    """Rewrite ``body`` in pieces of ``cut`` bytes."""
    urls = ResultsUrls("http://gw.example:8082", "https://proxy.example/anthropic")
    out = [urls.feed(body[start : start + cut]) for start in range(0, len(body), cut)]
    return b"".join([*out, urls.close()])


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("cut", [1, 7, 1 << 20])
def test_the_results_url_of_a_batch_leads_to_the_gateway(origin: str, cut: int) -> None:
    body = json.dumps({"id": "msgbatch_01", "results_url": origin + RESULTS, "type": "message_batch"}).encode()
    batch = json.loads(rewritten(body, cut))
    assert batch == {"id": "msgbatch_01", "results_url": f"http://gw.example:8082{RESULTS}", "type": "message_batch"}


def test_every_batch_of_a_list_is_rewritten_and_the_rest_keeps_its_bytes() -> None:
    body = (
        b'{"data": [ {"results_url" : null, "n":1.50},\n'
        b'{"results_url"\t:\n"https:\\/\\/api.anthropic.com\\/v1\\/messages\\/batches\\/b\\/results"}],'
        b' "has_more":false}'
    )
    expected = (
        b'{"data": [ {"results_url" : null, "n":1.50},\n'
        b'{"results_url"\t:\n"http://gw.example:8082/v1/messages/batches/b/results"}], "has_more":false}'
    )
    assert rewritten(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"results_url":"https://elsewhere.example/v1/messages/batches/b/results"}',
        b'{"results_url":"https://api.anthropic.com.evil.example/v1/x"}',
        b'{"results_url":"https://api.anthropic.com/other"}',
        b'{"text":"a \\"results_url\\":\\"https://api.anthropic.com/v1/x\\" b"}',
        b'{"results_url":"https://api.anthropic.com/v1/x',
        b'{"results_url":"bad \\escape"}',
        b'{"results_url"',
        b'{"results_url":',
        b'"results_url""results_url"',
        b"not JSON at all",
        b"",
    ],
)
def test_everything_else_stays_as_it_is(body: bytes) -> None:
    assert rewritten(body) == body


def test_what_is_too_long_for_a_batch_passes_without_being_held() -> None:
    urls = ResultsUrls("http://gw.example", "https://api.anthropic.com")
    start = bytes(MAX_HELD)
    assert urls.feed(start) == b""
    assert urls.feed(b"x") == start + b"x"
    assert urls.feed(b"more") == b"more"
    assert urls.close() == b""


@pytest.mark.parametrize("authority", ["gw.example", "127.0.0.1:8082", "[::1]:8082", "nginx:8082"])
def test_the_base_is_the_address_that_the_client_used(authority: str) -> None:
    assert client_base("http", authority) == f"http://{authority}"


@pytest.mark.parametrize("authority", ["", "a b", 'x"', "user@host", "host/path", "host:port", "[::1", "x" * 300])
def test_an_odd_host_is_no_base(authority: str) -> None:
    assert client_base("http", authority) is None


@pytest.mark.parametrize("location", ["/v1/messages", "messages?x=1", "https://api.anthropic.com/v1/messages", "?a"])
def test_a_redirect_that_stays(location: str) -> None:
    assert not leads_away(location, ORIGINS)


@pytest.mark.parametrize(
    "location",
    [
        "https://elsewhere.example/v1/messages",
        "//elsewhere.example/v1",
        "/\\elsewhere.example",
        "http:x",
        "http://[",
        "ftp:/a",
    ],
)
def test_a_redirect_that_leads_away(location: str) -> None:
    assert leads_away(location, ORIGINS)


def test_a_place_on_the_upstream_becomes_one_on_the_gateway() -> None:
    assert on_gateway("https://proxy.example/anthropic/v1/a?b#c", "http://gw", ORIGINS) == "http://gw/v1/a?b#c"
    assert on_gateway("https://proxy.example/v1/a", "http://gw", ORIGINS) is None
