"""The front door, nginx itself: what it takes, what it hands on and how, and what it says when it cannot."""

import asyncio
import contextlib
import json
import re
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError, web
from front_door import TEMPLATE, Lab, exchange, lab, nginx
from stacks import free_port

MESSAGES = "/v1/messages?beta=true"
MIB = 1 << 20
MOST_SECONDS = 20


async def _ok(request: web.Request) -> web.StreamResponse:
    return web.json_response({"ok": True}, headers={"request-id": "req_made_up"})


def _run(test: object) -> None:
    async def limited() -> None:
        async with asyncio.timeout(MOST_SECONDS):
            await test  # type: ignore[misc]

    asyncio.run(limited())


def _error(body: bytes) -> tuple[str, str]:
    told = json.loads(body)
    assert told["type"] == "error"
    return told["error"]["type"], told["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/messages?beta=true", "/v1/v1/messages?beta=true", "/v1/files/a%2Fb?x=%20"])
def test_both_base_urls_reach_kong_with_path_and_query_as_they_came(path: str) -> None:
    async def test() -> None:
        async with lab(_ok) as up:
            async with up.client.post(f"{up.nginx.url}{path.split('%', maxsplit=1)[0]}", data=b"{}") as answer:
                assert answer.status == 200
                assert answer.headers["request-id"] == "req_made_up"
            raw = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
            assert b" 200 " in (await exchange(up.nginx.port, raw.encode()))[:20]
            assert up.seen[-1].target == path
            assert up.seen[-1].body == b"{}"

    _run(test())


def test_kong_is_told_who_asks_and_by_which_way() -> None:
    async def test() -> None:
        async with lab(_ok) as up:
            given = {
                "Host": "nginx:8082",
                "x-api-key": "made-up-key",
                "anthropic-beta": "a,b",
                "X-Forwarded-For": "203.0.113.9",
                "X-Forwarded-Prefix": "/evil",
                "Referer": "https://wiki.house.example/",
                "X-Request-ID": "evil",
            }
            await up.client.post(f"{up.nginx.url}{MESSAGES}", data=b"{}", headers=given)
            headers = up.seen[0].headers
            assert headers["Host"] == "api.anthropic.com"
            assert headers["x-api-key"] == "made-up-key"
            assert headers["anthropic-beta"] == "a,b"
            assert headers["X-Real-IP"] == headers["X-Forwarded-For"] == "127.0.0.1"
            assert headers["X-Forwarded-Proto"] == "https"
            assert (headers["X-Forwarded-Scheme"], headers["X-Forwarded-Host"]) == ("http", "nginx:8082")
            assert not {"X-Forwarded-Prefix", "Referer"} & set(headers)
            assert re.fullmatch(r"[0-9a-f]{32}", headers["X-Request-ID"])

    _run(test())


@pytest.mark.parametrize("path", ["/v1/messages?beta=true", "/v1/v1/messages?beta=true"])
def test_the_absolute_form_of_http_proxy_is_served_without_the_headers_meant_for_proxies(path: str) -> None:
    async def test() -> None:
        async with lab(_ok) as up:
            raw = (
                f"POST http://nginx:8082{path} HTTP/1.1\r\nHost: nginx:8082\r\nProxy-Connection: keep-alive\r\n"
                "Proxy-Authorization: Basic bWFkZTp1cA==\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
            )
            assert b" 200 " in (await exchange(up.nginx.port, raw.encode()))[:20]
            assert up.seen[0].target == path
            assert up.seen[0].headers["Host"] == "api.anthropic.com"
            assert not {"Proxy-Connection", "Proxy-Authorization"} & set(up.seen[0].headers)

    _run(test())


@pytest.mark.parametrize("target", ["api.anthropic.com:443", "nginx:8082"])
def test_connect_is_refused_and_told_why(target: str) -> None:
    async def test() -> None:
        async with lab(_ok) as up:
            raw = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Connection: keep-alive\r\n\r\n"
            head, _, body = (await exchange(up.nginx.port, raw.encode())).partition(b"\r\n\r\n")
            # Which of the two, depends on nginx's version.
            assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.1 405"))
            assert b"\r\nContent-Type: application/json" in head
            kind, text = _error(body)
            assert kind == "invalid_request_error"
            assert "HTTPS_PROXY" in text or "CONNECT" in text
            assert up.seen == []

    _run(test())


@pytest.mark.parametrize(
    "version", ["HTTP/1.1\r\nTransfer-Encoding: gzip", "HTTP/2.0", "HTTP/1.1\r\nContent-Length: x"]
)
def test_what_cannot_be_read_is_told_in_the_shape_of_the_api(version: str) -> None:
    async def test() -> None:
        async with lab(_ok) as up:
            raw = f"POST {MESSAGES} {version}\r\nHost: a\r\nConnection: close\r\n\r\n"
            head, _, body = (await exchange(up.nginx.port, raw.encode())).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400")
            assert _error(body)[0] == "invalid_request_error"
            assert up.seen == []

    _run(test())


def test_the_probe_of_clients_is_answered_here() -> None:
    async def test() -> None:
        async with lab(_ok) as up:
            async with up.client.head(f"{up.nginx.url}/") as answer:
                assert answer.status == 200
            async with up.client.get(f"{up.nginx.url}/") as answer:
                assert await answer.json() == {"service": "aws-masker"}
            async with up.client.post(f"{up.nginx.url}/", data=b"x") as answer:
                assert answer.status == 405
                assert _error(await answer.read())[0] == "invalid_request_error"
            assert up.seen == []

    _run(test())


@pytest.mark.parametrize("path", ["/v2/messages", "/api/event_logging", "/v1", "/v1/../admin", "/_aws-masker/other"])
def test_other_paths_go_nowhere(path: str) -> None:
    async def test() -> None:
        async with lab(_ok) as up:
            raw = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\n1"
            head, _, body = (await exchange(up.nginx.port, raw.encode())).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 404")
            assert _error(body)[0] == "not_found_error"
            assert up.seen == []

    _run(test())


def test_each_event_of_a_stream_is_there_before_the_next_is_sent() -> None:
    arrived = asyncio.Queue[bytes]()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(20):
            await response.write(b"data: %d\n\n" % number)
            # The next one is sent only when the client has this one: were it held back, neither would go on.
            assert await arrived.get() == b"data: %d\n\n" % number
        return response

    async def test() -> None:
        async with lab(stream) as up, up.client.post(f"{up.nginx.url}{MESSAGES}", data=b"{}") as answer:
            async for piece in answer.content.iter_any():
                arrived.put_nowait(piece)

    _run(test())


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_an_answer_that_breaks_off_upstream_breaks_off_here_and_is_not_ended_as_if_whole(framing: str) -> None:
    started = asyncio.Event()

    async def broken(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream"}
        response = web.StreamResponse(headers=headers | ({"Content-Length": "100"} if framing == "length" else {}))
        await response.prepare(request)
        await response.write(b"data: half an ev")
        await started.wait()
        assert request.transport is not None
        request.transport.abort()
        return response

    async def test() -> None:
        async with lab(broken) as up, up.client.post(f"{up.nginx.url}{MESSAGES}", data=b"{}") as answer:
            assert await answer.content.readany() == b"data: half an ev"
            started.set()
            with pytest.raises(ClientPayloadError):
                await answer.content.read()

    _run(test())


def test_a_client_that_goes_away_ends_its_request_upstream_too() -> None:
    ended = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        try:
            await asyncio.Event().wait()
        finally:  # the server cancels a handler whose client has gone
            ended.set()
        return response

    async def test() -> None:
        async with lab(endless) as up:
            async with up.client.post(f"{up.nginx.url}{MESSAGES}", data=b"{}") as answer:
                await answer.content.readany()
                answer.close()
            await ended.wait()

    _run(test())


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_over_the_limit_gets_a_clear_413(framing: str) -> None:
    async def test() -> None:
        async with lab(_ok) as up:
            blob = b"x" * (33 * MIB + 1)
            head = b"POST /v1/messages HTTP/1.1\r\nHost: a\r\n"
            if framing == "length":
                raw = head + b"Content-Length: %d\r\n\r\n%b" % (len(blob), blob)
            else:
                raw = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(blob), blob)
            answer = await _sent_in_pieces(up, raw)
            assert answer.startswith(b"HTTP/1.1 413")
            kind, message = _error(answer.partition(b"\r\n\r\n")[2])
            assert kind == "request_too_large"
            assert "33 MiB" in message
            assert up.seen == []

    _run(test())


async def _sent_in_pieces(up: Lab, raw: bytes) -> bytes:
    """Return the answer; the sender stops, as clients do, when there is one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", up.nginx.port)

    async def send() -> None:
        with contextlib.suppress(ConnectionError):
            for start in range(0, len(raw), 1 << 18):
                writer.write(raw[start : start + (1 << 18)])
                await writer.drain()

    sending = asyncio.create_task(send())
    head = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"Content-Length: (\d+)", head)
    assert found is not None
    body = await reader.readexactly(int(found[1]))
    await sending
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return head + body


def test_large_and_chunked_bodies_arrive_whole_and_with_a_length() -> None:
    blob = bytes(range(256)) * 4096 * 5

    async def chunks() -> object:
        for start in range(0, len(blob), 70_001):
            yield blob[start : start + 70_001]

    async def test() -> None:
        async with lab(_ok) as up:
            async with up.client.post(f"{up.nginx.url}{MESSAGES}", data=chunks()) as answer:
                assert answer.status == 200
            assert up.seen[0].body == blob
            assert up.seen[0].headers["Content-Length"] == str(len(blob))

    _run(test())


def test_connections_to_kong_are_used_again() -> None:
    async def test() -> None:
        async with lab(_ok) as up:
            for _ in range(6):
                async with up.client.post(f"{up.nginx.url}{MESSAGES}", data=b"{}") as answer:
                    await answer.read()
            # nginx has two workers, each with connections of its own.
            assert len({one.connection for one in up.seen}) <= 2

    _run(test())


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503, 529])
def test_errors_of_kong_and_of_the_api_pass_as_they_are(status: int) -> None:
    body = b'{"type":"error","error":{"type":"made_up","message":"as it was"}}'

    async def fail(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={"retry-after": "7"}, content_type="application/json")

    async def test() -> None:
        async with lab(fail) as up, up.client.post(f"{up.nginx.url}{MESSAGES}", data=b"{}") as answer:
            assert (answer.status, await answer.read()) == (status, body)
            assert answer.headers["retry-after"] == "7"

    _run(test())


def test_it_needs_no_root_and_writes_nowhere_but_under_tmp() -> None:
    with nginx(f"127.0.0.1:{free_port()}") as front:
        uids = re.search(r"^Uid:\t(.*)$", Path(f"/proc/{front.pid}/status").read_text(), re.MULTILINE)
        assert uids is not None
        assert "0" not in uids[1].split()
        assert {"nginx.pid", "client_body", "proxy"} <= {one.name for one in front.folder.iterdir()}


def test_a_kong_that_is_gone_is_a_502_that_says_so_and_when_to_try_again() -> None:
    async def test() -> None:
        with nginx(f"127.0.0.1:{free_port()}") as front:
            raw = b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
            head, _, body = (await exchange(front.port, raw)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 502")
            assert b"\r\nRetry-After: 2\r\n" in head + b"\r\n"
            assert b"\r\nContent-Type: application/json\r\n" in head + b"\r\n"
            assert _error(body)[0] == "api_error"

    _run(test())


def test_a_kong_that_hangs_is_a_504_in_the_same_shape() -> None:
    release = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    async def test() -> None:
        edits = {"proxy_read_timeout 630s": "proxy_read_timeout 100ms"}
        async with lab(hang, edits=edits) as up, up.client.post(f"{up.nginx.url}{MESSAGES}", data=b"{}") as answer:
            assert answer.status == 504
            assert answer.headers["retry-after"] == "2"
            assert _error(await answer.read())[0] == "api_error"
            release.set()
            # A request that may have been billed is not sent twice.
            assert len(up.seen) == 1

    _run(test())


def test_the_waiting_times_are_longer_than_a_long_answer() -> None:
    text = TEMPLATE.read_text()
    for name in ("proxy_read_timeout", "proxy_send_timeout", "send_timeout"):
        longest = max(int(number) for number in re.findall(rf"\s{name} +(\d+)s;", text))
        assert longest >= 600, name


@pytest.mark.parametrize(("kong", "healthy"), [(400, True), (401, False), (404, False), (500, False), (503, False)])
def test_health_is_whether_masking_refuses_what_it_cannot_read(kong: int, healthy: bool) -> None:  # noqa: FBT001
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.json_response({"type": "error"}, status=kong)

    async def test() -> None:
        async with lab(refuse, probe_key="made-up-probe-key") as up:
            given = {"x-api-key": "made-up-key", "Authorization": "Bearer made-up"}
            async with up.client.get(f"{up.nginx.url}/_aws-masker/health", headers=given) as answer:
                assert answer.status == (200 if healthy else 503)
                told = await answer.json()
            assert told == ({"status": "ok"} if healthy else {"status": "down", "kong": str(kong)})
            (probe,) = up.seen
            assert (probe.method, probe.target, probe.body) == ("POST", "/v1/messages", b"{")
            assert probe.headers["X-Gateway-Key"] == "made-up-probe-key"
            assert not {"x-api-key", "Authorization"} & set(probe.headers)
            # A check that comes every few seconds is in the log when it fails.
            async with up.client.head(f"{up.nginx.url}/") as answer:
                assert answer.status == 200
            logged = {"root"} if healthy else {"health", "root"}
            # Two workers write the log, each when it gets to it.
            assert {one["endpoint"] for one in await up.nginx.logged(len(logged))} == logged

    _run(test())


def test_health_without_kong_is_down() -> None:
    async def test() -> None:
        with nginx(f"127.0.0.1:{free_port()}") as front:
            raw = b"GET /_aws-masker/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            head, _, body = (await exchange(front.port, raw)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503")
            assert json.loads(body)["status"] == "down"

    _run(test())


def test_the_log_has_a_record_of_each_request_and_nothing_that_it_carried() -> None:
    secret = "i-0a1b2c3d4e5f60718"

    async def test() -> None:
        async with lab(_ok) as up:
            url = f"{up.nginx.url}/v1/v1/messages?note={secret}"
            headers = {
                "x-api-key": secret,
                "User-Agent": secret,
                "Referer": secret,
                "Cookie": secret,
                "X-Other": secret,
            }
            async with up.client.post(url, data=f'{{"a": "{secret}"}}'.encode(), headers=headers) as answer:
                await answer.read()
            async with up.client.get(f"{up.nginx.url}/{secret}?{secret}") as answer:
                assert answer.status == 404
            async with up.client.head(f"{up.nginx.url}/") as answer:
                assert answer.status == 200
            first, second, third = await up.nginx.logged(3)
            assert (first["endpoint"], first["status"], first["method"]) == ("messages", 200, "POST")
            assert first["request_id"] == up.seen[0].headers["X-Request-ID"]
            assert (second["endpoint"], second["status"]) == ("other", 404)
            assert third["endpoint"] == "root"
            assert secret not in (up.nginx.folder / "stdout").read_text()
            assert secret not in up.nginx.error_log()

    _run(test())
