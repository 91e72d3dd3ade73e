"""What goes wrong upstream: each fault has its status, its remedy, and an end."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from aws_masker.limits import Limits
from gateway_lab import INSTANCE, Answering, lab, message, run

BODY = json.dumps(message(f"see {INSTANCE}")).encode()


async def nothing(_answering: Answering) -> None:
    """Answer nothing and close."""
    _answering.writer.close()


async def refused(upstream: str, **settings: Any) -> tuple[int, str, str]:
    """Return the error that a request gets which cannot reach ``upstream``."""
    async with lab(nothing, upstream=upstream, **settings) as one:
        answer = await one.request("POST", "/v1/messages", BODY)
        assert INSTANCE not in "".join(one.records.lines)
        assert one.records.requests[0]["outcome"] == "upstream_failed"
        return answer.error()


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


ERRORS = {
    "400 Bad Request": "invalid_request_error",
    "401 Unauthorized": "authentication_error",
    "404 Not Found": "not_found_error",
    "429 Too Many Requests": "rate_limit_error",
    "500 Internal Server Error": "api_error",
    "529 Overloaded": "overloaded_error",
}


@pytest.mark.parametrize("status", ERRORS)
def test_errors_of_the_api_pass_with_body_and_headers_and_restored_tokens(status: str) -> None:
    def body(who: str) -> bytes:
        error = {"type": ERRORS[status], "message": f"messages.0: no such instance {who}"}
        return json.dumps({"type": "error", "error": error, "request_id": "req_made_up"}, indent=1).encode()

    async def script(answering: Answering) -> None:
        token = answering.seen.token()
        headers = (
            "Content-Type: application/json",
            "retry-after: 17",
            "x-should-retry: true",
            "request-id: req_made_up",
        )
        await answering.answer(body(token), *headers, status=status)

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("POST", "/v1/messages", BODY)
            assert f"{answer.status} {answer.reason}" == status
            assert answer.body == body(INSTANCE)
            assert answer.all("retry-after") == ["17"]
            assert answer.all("x-should-retry") == ["true"]
            assert answer.all("request-id") == ["req_made_up"]
            assert len(one.upstream.seen) == 1  # nothing is tried twice behind the client's back

    run(test())


def test_an_upstream_that_takes_no_connection_is_a_502() -> None:
    status, kind, text = run(refused(f"http://127.0.0.1:{closed_port()}"))
    assert (status, kind) == (502, "api_error")
    assert "127.0.0.1 takes no connection: check the network and AWS_MASKER_UPSTREAM" in text


def test_an_upstream_whose_name_does_not_resolve_is_a_502(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def fails(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "made-up.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    status, _, text = run(refused("http://made-up.invalid"))
    assert status == 502
    assert "the name made-up.invalid does not resolve" in text


def test_an_upstream_that_closes_instead_of_answering_is_a_502() -> None:
    async def test() -> None:
        async with lab(nothing) as one:
            status, _, text = (await one.request("POST", "/v1/messages", BODY)).error()
            assert status == 502
            assert "closed the connection before it answered: try again" in text
            assert len(one.upstream.seen) == 1

    run(test())


def test_an_upstream_that_speaks_no_http_is_a_502() -> None:
    async def script(answering: Answering) -> None:
        await answering.send(b"220 mail.example ESMTP " + answering.seen.token().encode() + b"\r\n")
        answering.writer.close()

    async def test() -> None:
        async with lab(script) as one:
            status, _, text = (await one.request("POST", "/v1/messages", BODY)).error()
            assert status == 502
            assert "AWS_MASKER_UPSTREAM" in text
            assert "ESMTP" not in text + "".join(one.records.lines)

    run(test())


def test_an_upstream_that_does_not_begin_to_answer_is_a_504() -> None:
    async def script(answering: Answering) -> None:
        await answering.client_closed()

    async def test() -> None:
        async with lab(script, limits=Limits(idle_seconds=0.1)) as one:
            status, kind, text = (await one.request("POST", "/v1/messages", BODY)).error()
            assert (status, kind) == (504, "timeout_error")
            assert "within 0.1 s: try again" in text

    run(test())


def test_an_upstream_that_does_not_read_the_body_is_a_504() -> None:
    stuck = asyncio.Event()

    async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)  # and no more: the stream reader's buffer, then the kernel's, are full
        await stuck.wait()
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(sink, "127.0.0.1", 0, limit=1024)
        port = server.sockets[0].getsockname()[1]
        async with lab(nothing, upstream=f"http://127.0.0.1:{port}", limits=Limits(idle_seconds=0.3)) as one:
            body = json.dumps(message("x" * (16 << 20))).encode()
            assert (await one.request("POST", "/v1/messages", body)).error()[0] == 504
        stuck.set()
        server.close()
        await server.wait_closed()

    run(test())


def test_an_answer_before_the_body_is_read_reaches_the_client() -> None:
    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        while await reader.read(1 << 16):
            pass
        writer.close()

    async def test() -> None:
        server = await asyncio.start_server(early, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with lab(nothing, upstream=f"http://127.0.0.1:{port}") as one:
            body = json.dumps(message("x" * (16 << 20))).encode()
            answer = await one.request("POST", "/v1/messages", body)
            assert (answer.status, answer.body) == (413, b"{}")
        server.close()
        await server.wait_closed()

    run(test())


def test_a_netrc_file_changes_no_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # aiohttp's trust_env would read it, and refuse requests with an Authorization header.
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password made-up\n")
    monkeypatch.setenv("NETRC", str(netrc))

    async def script(answering: Answering) -> None:
        await answering.json({})

    async def test() -> None:
        async with lab(script) as one:
            await one.request("POST", "/v1/messages", BODY, "Authorization: Bearer made-up")
            await one.request("POST", "/v1/messages", BODY)
            assert [seen.all("authorization") for seen in one.upstream.seen] == [["Bearer made-up"], []]

    run(test())


def test_a_connection_to_the_upstream_serves_several_requests() -> None:
    async def script(answering: Answering) -> None:
        await answering.json({})

    async def test() -> None:
        async with lab(script) as one:
            for _ in range(5):
                assert (await one.request("POST", "/v1/messages", BODY)).status == 200
            assert one.upstream.connections == 1

    run(test())


def test_an_upstream_that_closes_between_requests_costs_none() -> None:
    async def script(answering: Answering) -> None:
        await answering.json({}, "Connection: close")
        answering.writer.close()

    async def test() -> None:
        async with lab(script) as one:
            for _ in range(3):
                assert (await one.request("POST", "/v1/messages", BODY)).status == 200
            assert one.upstream.connections == 3

    run(test())
