"""The gateway as an HTTP server, spoken to by hand: forms of requests, what is refused, and that nothing is echoed."""

import asyncio
import json

import pytest

from aws_masker.limits import Limits
from gateway_lab import INSTANCE, Answering, lab, message, run, until

BODY = json.dumps(message(f"see {INSTANCE}")).encode()


async def ok(answering: Answering) -> None:
    """Answer with the request's token."""
    await answering.json({"text": answering.seen.token() if answering.seen.body else ""})


async def never(answering: Answering) -> None:
    """Fail the test: nothing may arrive."""
    raise AssertionError(answering.seen.target)


def test_the_probe_of_claude_code_is_answered_without_going_upstream() -> None:
    async def test() -> None:
        async with lab(never) as one:
            for method in ("HEAD", "GET"):
                answer = await one.request(method, "/")
                assert (answer.status, answer.whole) == (200, True)

    run(test())


def test_health_tells_state_vault_version_and_load() -> None:
    async def test() -> None:
        async with lab(never) as one:
            answer = await one.request("GET", "/_aws-masker/health")
            assert answer.status == 200
            health = answer.json()
            assert health.pop("version")
            assert health == {"status": "ok", "vault": "ok", "in_flight": 0}
            assert (await one.request("HEAD", "/_aws-masker/health")).status == 200

    run(test())


@pytest.mark.parametrize("target", ["/messages", "/v1", "/v2/messages", "/_aws-masker/other", "/favicon.ico"])
def test_other_paths_are_a_404_that_names_the_base_url(target: str) -> None:
    async def test() -> None:
        async with lab(never) as one:
            status, kind, text = (await one.request("POST", target, BODY)).error()
            assert (status, kind) == (404, "not_found_error")
            assert "ANTHROPIC_BASE_URL" in text
            assert one.records.requests[0]["endpoint"] in {"other", "/"}

    run(test())


@pytest.mark.parametrize("target", ["/v1/../secret", "/v1/%2e%2e/secret", "/v1/x%2f..%2f..%2fsecret", "/v1/..\\secret"])
def test_a_path_out_of_v1_goes_nowhere(target: str) -> None:
    async def test() -> None:
        async with lab(never) as one:
            assert (await one.request("GET", target)).error()[:2] == (400, "invalid_request_error")

    run(test())


def test_an_absolute_form_request_written_by_hand_is_served_and_pipelines() -> None:
    async def test() -> None:
        async with lab(ok) as one:
            connection = await one.connect()
            request = (
                b"POST http://gw.example/v1/v1/messages?beta=true HTTP/1.1\r\nHost: gw.example\r\n"
                b"Proxy-Connection: keep-alive\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
            )
            await connection.send(request * 3)
            for _ in range(3):
                answer = await (await connection.head()).read()
                assert answer.json() == {"text": INSTANCE}
            assert [seen.target for seen in one.upstream.seen] == ["/v1/messages?beta=true"] * 3
            assert one.upstream.seen[0].all("proxy-connection") == []
            assert one.upstream.connections == 1

    run(test())


def test_a_clients_connection_serves_several_requests_also_after_a_refusal() -> None:
    async def test() -> None:
        async with lab(ok) as one:
            connection = await one.connect()
            for body, status in ((BODY, 200), (b"{", 400), (BODY, 200)):
                assert (await (await connection.request("POST", "/v1/messages", body)).read()).status == status

    run(test())


@pytest.mark.parametrize("target", ["api.anthropic.com:443", "gw.example:8082"])
def test_connect_is_refused_with_what_to_do(target: str) -> None:
    async def test() -> None:
        async with lab(never) as one:
            connection = await one.connect()
            answer = await (await connection.request("CONNECT", target)).read()
            assert answer.error()[0] == 405
            assert "set ANTHROPIC_BASE_URL" in answer.error()[2]
            assert answer.all("connection") == ["close"]
            assert target not in "".join(one.records.lines)

    run(test())


@pytest.mark.parametrize("method", ["TRACE", "POST"])
def test_methods_without_use_are_refused(method: str) -> None:
    async def test() -> None:
        async with lab(never) as one:
            assert (await one.request(method, "/" if method == "POST" else "/v1/messages")).error()[0] == 405

    run(test())


def test_a_websocket_is_refused() -> None:
    async def test() -> None:
        async with lab(never) as one:
            upgrade = (
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: eA==",
            )
            assert (await one.request("GET", "/v1/stream", None, *upgrade)).error()[0] == 405

    run(test())


def test_an_offer_of_http_2_is_left_aside() -> None:
    async def test() -> None:
        async with lab(ok) as one:
            upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
            answer = await one.request("POST", "/v1/messages", BODY, *upgrade)
            assert answer.json() == {"text": INSTANCE}
            seen = one.upstream.seen[0]
            assert seen.all("upgrade") + seen.all("connection") + seen.all("http2-settings") == []

    run(test())


HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: gw\r\n"
SECRET = b"Zebrafish-481516234217"
MALFORMED = {
    "no HTTP": SECRET + b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + SECRET,
    "bad header": HEAD + b"X-" + SECRET + b"\x00: x\r\n\r\n",
    "space in a name": HEAD + SECRET + b" : x\r\n\r\n",
    "length and chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECRET,
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + SECRET,
    "bad length": HEAD + b"Content-Length: 5x\r\n\r\n" + SECRET,
    "no host": b"POST /v1/messages HTTP/1.1\r\nX-Secret: " + SECRET + b"\r\n\r\n",
    "two hosts": HEAD + b"Host: " + SECRET + b"\r\n\r\n",
}
TOO_LARGE = {
    "long header": HEAD + b"X-Long: " + SECRET * 4000 + b"\r\n\r\n",
    "long target": b"GET /v1/" + SECRET * 4000 + b" HTTP/1.1\r\nHost: gw\r\n\r\n",
    "many headers": HEAD + b"X: y\r\n" * 400 + b"\r\n" + SECRET,
}


@pytest.mark.parametrize("case", MALFORMED | TOO_LARGE)
def test_what_is_no_http_gets_an_error_that_echoes_nothing(case: str) -> None:
    async def test() -> None:
        async with lab(never) as one:
            connection = await one.connect()
            await connection.send((MALFORMED | TOO_LARGE)[case])
            answer = await (await connection.head()).read()
            status, kind, text = answer.error()
            expected = (413, "request_too_large") if case in TOO_LARGE else (400, "invalid_request_error")
            assert (status, kind) == expected
            assert ("limits.header" in text) == (case in TOO_LARGE)
            assert SECRET.decode() not in text + "".join(one.records.lines)
            assert await connection.closed()

    run(test())


def test_tls_on_the_plain_port_is_told_the_right_scheme() -> None:
    async def test() -> None:
        async with lab(never) as one:
            connection = await one.connect()
            await connection.send(MALFORMED["TLS"])
            assert "use http:// and not https://" in (await (await connection.head()).read()).error()[2]

    run(test())


@pytest.mark.parametrize("coding", ["gzip, chunked", "chunked, chunked", "identity, chunked"])
def test_a_transfer_coding_other_than_chunked_is_refused(coding: str) -> None:
    async def test() -> None:
        async with lab(never) as one:
            connection = await one.connect()
            await connection.send(HEAD + f"Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n".encode())
            assert (await (await connection.head()).read()).error()[0] in {400, 415}

    run(test())


CHUNKED = HEAD + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN_CHUNKS = [b"zz\r\n", b'5\r\n{"a":1}\r\n0\r\n\r\n', b'7\r\n{"a":1}\r\n-1\r\n\r\n']


@pytest.mark.parametrize("framing", BROKEN_CHUNKS)
def test_broken_chunks_are_refused_and_nothing_leaves(framing: bytes) -> None:
    async def test() -> None:
        async with lab(never) as one:
            connection = await one.connect()
            await connection.send(CHUNKED + framing)
            assert (await (await connection.head()).read()).error()[0] == 400
            assert one.records.requests[0]["status"] == 400

    run(test())


@pytest.mark.parametrize("framing", BROKEN_CHUNKS)
def test_chunks_that_break_once_the_body_is_being_read_are_refused_too(framing: bytes) -> None:
    # aiohttp does not tell the handler, which then waits for the rest of the body: as long as a slow client may take.
    async def test() -> None:
        async with lab(never, limits=Limits(body_seconds=0.1)) as one:
            connection = await one.connect()
            await connection.send(CHUNKED)
            await until(lambda: one.gateway.in_flight == 1)
            await connection.send(framing)
            assert (await (await connection.head()).read()).error()[0] == 408

    run(test())


@pytest.mark.parametrize("half", [b"POST /v1/mess", HEAD, HEAD + b'Content-Length: 100\r\n\r\n{"mod'])
def test_a_client_that_leaves_in_mid_request_leaves_nothing_behind(half: bytes) -> None:
    async def test() -> None:
        async with lab(never) as one:
            connection = await one.connect()
            await connection.send(half)
            connection.abort()
            assert (await one.request("GET", "/_aws-masker/health")).json()["in_flight"] in {0, 1}
            assert one.upstream.seen == []

    run(test())


def test_a_client_of_http_1_0_is_served() -> None:
    async def test() -> None:
        async with lab(ok) as one:
            connection = await one.connect()
            head = b"POST /v1/messages HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
                BODY
            )
            await connection.send(head + BODY)
            answer = await (await connection.head()).read()
            assert (answer.whole, answer.json()) == (True, {"text": INSTANCE})

    run(test())


def test_many_clients_at_once_each_get_their_own_answer() -> None:
    async def script(answering: Answering) -> None:
        await answering.json({"text": answering.seen.json()["messages"][0]["content"]})

    async def test() -> None:
        async with lab(script) as one:
            texts = [f"{number} {INSTANCE}" for number in range(40)]
            answers = await asyncio.gather(*(one.post(message(text)) for text in texts))
            assert [answer.json()["text"] for answer in answers] == texts
            assert INSTANCE.encode() not in one.upstream.received

    run(test())
