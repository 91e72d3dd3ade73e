"""Requests through the gateway: what the upstream gets, what the client gets, and what is refused with nothing sent."""

import asyncio
import gzip
import json
import threading
import zlib
from typing import Any

import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from aws_masker.edits import MaskedBody
from aws_masker.errors import Blocked, InvalidBody, VaultError
from aws_masker.gateway.body import read_body
from aws_masker.gateway.exchange import Upload
from aws_masker.limits import Limits
from aws_masker.masker import Masker
from aws_masker.settings import Settings
from gateway_lab import (
    BUCKET,
    INSTANCE,
    KEY,
    SECONDS,
    TOKEN,
    Answering,
    Lab,
    lab,
    message,
    run,
    shared_masker,
    until,
)

BATCH_URL = "https://api.anthropic.com/v1/messages/batches/msgbatch_01/results"


async def echo(answering: Answering) -> None:
    """Answer with the text of the request's last message, as the model that says what it read."""
    text = answering.seen.json()["messages"][-1]["content"]
    await answering.json({"type": "message", "content": [{"type": "text", "text": f"I read: {text}"}]})


async def never(answering: Answering) -> None:
    """Fail the test: nothing may arrive."""
    raise AssertionError(answering.seen.target)


async def ok(answering: Answering) -> None:
    """Answer an empty object."""
    await answering.json({})


def test_the_upstream_sees_tokens_and_the_client_originals() -> None:
    async def test() -> None:
        async with lab(echo) as one:
            answer = await one.post(message(f"reboot {INSTANCE} and list {BUCKET}"))
            assert answer.json()["content"][0]["text"] == f"I read: reboot {INSTANCE} and list {BUCKET}"
            assert INSTANCE.encode() not in one.upstream.received
            assert b"zebrafish" not in one.upstream.received
            assert TOKEN.search(one.upstream.seen[0].json()["messages"][0]["content"])

    run(test())


def test_every_byte_of_the_body_outside_identifiers_arrives_as_it_was_sent() -> None:
    start = b'{ "model":"m", "max_tokens" : 1.50e3,\n "messages":[{"role":"user","content":"\\u00e9 \\ud800 '
    body = start + INSTANCE.encode() + b' end"}],"z":{},"big":9007199254740993}'

    async def test() -> None:
        async with lab(ok) as one:
            assert (await one.request("POST", "/v1/messages", body)).status == 200
            seen = one.upstream.seen[0]
            assert seen.body.replace(seen.token().encode(), INSTANCE.encode()) == body
            assert seen.all("content-length") == [str(len(seen.body))]

    run(test())


def test_headers_pass_both_ways_but_for_those_of_one_connection() -> None:
    async def script(answering: Answering) -> None:
        await answering.json(
            {}, "anthropic-ratelimit-requests-remaining: 7", "Set-Cookie: a=1", "Set-Cookie: b=2", "Connection: x-hop",
            "X-Hop: secret", "request-id: req_made_up", "Server: upstream",
        )  # fmt: skip

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.post(
                message("x"), "anthropic-beta: a-1,b-2", "anthropic-version: 2023-06-01",
                "Authorization: Bearer made-up", "x-api-key: made-up", "X-Twice: 1", "Connection: keep-alive, X-Mine",
                "X-Mine: gone", "X-Twice: 2", "Accept-Encoding: gzip, br", "Proxy-Authorization: Basic bWFkZTp1cA==",
                "TE: trailers", "Cookie: mine=1",
            )  # fmt: skip
            seen = one.upstream.seen[0]
            assert [(name, value) for name, value in seen.headers if name not in {"Host", "Content-Length"}] == [
                ("anthropic-beta", "a-1,b-2"),
                ("anthropic-version", "2023-06-01"),
                ("Authorization", "Bearer made-up"),
                ("x-api-key", "made-up"),
                ("X-Twice", "1"),
                ("X-Twice", "2"),
                ("Cookie", "mine=1"),
                ("Content-Type", "application/json"),
                ("Accept-Encoding", "identity"),
            ]
            assert seen.all("host") == [f"127.0.0.1:{one.upstream.port}"]
            assert answer.all("set-cookie") == ["a=1", "b=2"]
            assert answer.all("request-id") == ["req_made_up"]
            assert answer.all("server") == ["upstream"]
            assert answer.all("x-hop") == []
            # No cookie of one client may come back with another's request.
            await one.post(message("x"))
            assert one.upstream.seen[1].all("cookie") == []

    run(test())


@pytest.mark.parametrize(
    ("target", "arrives"),
    [
        ("/v1/messages?beta=true", "/v1/messages?beta=true"),
        ("/v1/v1/messages?beta=true", "/v1/messages?beta=true"),
        ("http://gw.example/v1/v1/messages?beta=true", "/v1/messages?beta=true"),
        ("/v1/messages/count_tokens?beta=true&a=%7E+%2b[]'", "/v1/messages/count_tokens?beta=true&a=%7E+%2b[]'"),
    ],
)
def test_path_and_query_go_through_as_spelled(target: str, arrives: str) -> None:
    async def test() -> None:
        async with lab(ok) as one:
            await one.post(message(INSTANCE), target=target)
            assert one.upstream.seen[0].target == arrives
            assert INSTANCE.encode() not in one.upstream.received

    run(test())


def test_nothing_shows_what_goes_up_or_what_an_answer_is_restored_with() -> None:
    assert INSTANCE not in repr(Upload(INSTANCE.encode(), {TOKEN.pattern: INSTANCE}))


def test_a_body_of_two_types_is_refused() -> None:
    async def test() -> None:
        async with lab(never) as one:
            types = ("Content-Type: text/plain", "content-type: multipart/form-data; boundary=B")
            answer = await one.request("POST", "/v1/files", b"x", *types)
            assert answer.status == 400

    run(test())


def test_identifiers_in_path_and_query_are_the_apis_own() -> None:
    target = "/v1/files/file_01%2BX/content?after=i-0a1b2c3d4e5f60718&x=%7e"

    async def test() -> None:
        async with lab(ok) as one:
            assert (await one.request("GET", target)).status == 200
            assert one.upstream.seen[0].target == target

    run(test())


def test_an_upstream_with_a_path_gets_it_in_front() -> None:
    async def test() -> None:
        async with lab(ok) as first:
            port = first.upstream.port
            async with lab(never, upstream=f"http://127.0.0.1:{port}/anthropic/v1/") as second:
                await second.post(message("x"))
            assert first.upstream.seen[0].target == "/anthropic/v1/messages"

    run(test())


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "OPTIONS", "HEAD"])
def test_a_request_without_body_passes(method: str) -> None:
    async def test() -> None:
        async with lab(ok) as one:
            answer = await one.request(method, "/v1/models/claude")
            assert (answer.status, answer.whole) == (200, True)
            assert (one.upstream.seen[0].method, one.upstream.seen[0].body) == (method, b"")

    run(test())


def chunked(body: bytes) -> bytes:
    """Return ``body`` in two chunks."""
    half = len(body) // 2
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:], b""))


def test_a_chunked_body_is_read_whole_and_masked() -> None:
    async def test() -> None:
        async with lab(echo) as one:
            connection = await one.connect()
            body = json.dumps(message(INSTANCE)).encode()
            head = b"POST /v1/messages HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\n"
            await connection.send(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body))
            answer = await (await connection.head()).read()
            assert INSTANCE in answer.json()["content"][0]["text"]
            seen = one.upstream.seen[0]
            assert INSTANCE.encode() not in seen.body
            assert seen.all("transfer-encoding") == []
            assert seen.all("content-length") == [str(len(seen.body))]

    run(test())


@pytest.mark.parametrize(
    ("coding", "encode"), [("gzip", gzip.compress), ("X-GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_compressed_body_is_masked_and_goes_up_decoded(coding: str, encode: Any) -> None:
    async def test() -> None:
        async with lab(echo) as one:
            body = encode(json.dumps(message(INSTANCE)).encode())
            answer = await one.request("POST", "/v1/messages", body, f"Content-Encoding: {coding}")
            assert INSTANCE in answer.json()["content"][0]["text"]
            seen = one.upstream.seen[0]
            assert seen.all("content-encoding") == []
            assert seen.json()["messages"][0]["content"] == seen.token()

    run(test())


GOOD = json.dumps(message(INSTANCE)).encode()
DUPLICATE = b'{"model":"m","messages":[],"messages":[{"role":"user","content":"' + INSTANCE.encode() + b'"}]}'
REFUSALS = {
    "not JSON": (b"hello " + INSTANCE.encode(), (), 400, "invalid_request_error"),
    "truncated": (GOOD[:-3], (), 400, "invalid_request_error"),
    "duplicate keys": (DUPLICATE, (), 400, "invalid_request_error"),
    "not UTF-8": (GOOD.replace(b"user", b"us\xffer"), (), 400, "invalid_request_error"),
    "too deep": (b"[" * 300 + b"]" * 300, (), 400, "invalid_request_error"),
    "unknown content type": (b"\x00\x01", ("Content-Type: application/x-made-up",), 415, "invalid_request_error"),
    "brotli": (GOOD, ("Content-Encoding: br",), 415, "invalid_request_error"),
    "zstd": (GOOD, ("Content-Encoding: zstd",), 415, "invalid_request_error"),
    "twice compressed": (GOOD, ("Content-Encoding: gzip, gzip",), 415, "invalid_request_error"),
    "two codings": (GOOD, ("Content-Encoding: gzip", "Content-Encoding: deflate"), 415, "invalid_request_error"),
    "truncated gzip": (gzip.compress(GOOD)[:-9], ("Content-Encoding: gzip",), 400, "invalid_request_error"),
    "no gzip": (GOOD, ("Content-Encoding: gzip",), 400, "invalid_request_error"),
    "gzip that goes on": (gzip.compress(GOOD) + b"more", ("Content-Encoding: gzip",), 400, "invalid_request_error"),
    "bomb": (gzip.compress(bytes(4 << 20)), ("Content-Encoding: gzip",), 413, "request_too_large"),
    "too large": (b'"' + bytes(1 << 20) + b'"', (), 413, "request_too_large"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_masked_whole_is_refused_and_nothing_leaves(case: str) -> None:
    body, headers, status, kind = REFUSALS[case]

    async def test() -> None:
        async with lab(never, limits=Limits(body=1 << 20)) as one:
            answer = await one.request("POST", "/v1/messages", body, *headers)
            got_status, got_kind, text = answer.error()
            assert (got_status, got_kind) == (status, kind)
            assert text.startswith("aws-masker: ")
            assert INSTANCE not in text
            assert one.upstream.seen == []
            assert one.upstream.connections == 0
            record = one.records.requests[0]
            assert (record["status"], record["upstream_status"]) == (status, None)
            assert INSTANCE not in "".join(one.records.lines)

    run(test())


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/messages/batches", "/v1/messages", "/v1/anything"])
def test_a_truncated_body_is_refused_on_every_endpoint(path: str) -> None:
    async def test() -> None:
        async with lab(never) as one:
            assert (await one.request("POST", path, GOOD[:-1])).status == 400

    run(test())


def test_a_body_that_declares_too_much_is_refused_before_it_is_sent() -> None:
    async def test() -> None:
        async with lab(never, limits=Limits(body=1000)) as one:
            connection = await one.connect()
            await connection.send(b"POST /v1/messages HTTP/1.1\r\nHost: gw\r\nContent-Length: 1001\r\n\r\n")
            answer = await (await connection.head()).read()
            assert answer.error()[0] == 413
            assert "limits.body" in answer.error()[2]
            assert answer.all("connection") == ["close"]

    run(test())


def test_a_chunked_body_is_refused_as_soon_as_it_is_too_much() -> None:
    async def test() -> None:
        async with lab(never, limits=Limits(body=1000)) as one:
            connection = await one.connect()
            head = b"POST /v1/messages HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n"
            await connection.send(head + b"400\r\n" + bytes(0x400) + b"\r\n")  # and no end
            assert (await (await connection.head()).read()).error()[0] == 413

    run(test())


def test_a_body_in_many_pieces_counts_as_a_whole() -> None:
    async def test() -> None:
        async with lab(never, limits=Limits(body=1 << 20)) as one:
            connection = await one.connect()
            head = b"POST /v1/messages HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n"
            # More than the gateway takes at a time, and no more than the last of it may wait to be read.
            await connection.send(head + (b"10000\r\n" + bytes(1 << 16) + b"\r\n") * 17)
            assert (await (await connection.head()).read()).error()[0] == 413

    run(test())


def test_a_body_whose_framing_breaks_is_refused() -> None:
    async def test() -> None:
        content = StreamReader(BaseProtocol(asyncio.get_running_loop()), 1 << 16)
        content.feed_data(b"{")
        content.set_exception(web.RequestPayloadError())
        with pytest.raises(InvalidBody, match="framing"):
            await read_body(make_mocked_request("POST", "/v1/messages", payload=content), Limits())

    run(test())


def test_a_client_that_is_slow_with_its_body_gets_408() -> None:
    async def test() -> None:
        async with lab(never, limits=Limits(body_seconds=0.05)) as one:
            connection = await one.connect()
            await connection.send(b"POST /v1/messages HTTP/1.1\r\nHost: gw\r\nContent-Length: 100\r\n\r\n{")
            answer = await (await connection.head()).read()
            assert answer.error()[:2] == (408, "timeout_error")
            assert "limits.body_seconds" in answer.error()[2]

    run(test())


@pytest.mark.parametrize("expected", ["100-continue", "100-Continue"])
def test_a_client_that_expects_100_is_told_to_continue(expected: str) -> None:
    async def test() -> None:
        async with lab(echo) as one:
            connection = await one.connect()
            body = json.dumps(message(INSTANCE)).encode()
            head = f"POST /v1/messages HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\nExpect: {expected}\r\n"
            await connection.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
            assert (await connection.head()).status == 100
            await connection.send(body)
            answer = await (await connection.head()).read()
            assert answer.status == 200
            assert one.upstream.seen[0].all("expect") == []

    run(test())


def test_a_client_that_has_nothing_to_send_is_not_told_to() -> None:
    async def test() -> None:
        async with lab(ok) as one:
            answer = await one.request("GET", "/v1/models", None, "Expect: 100-continue")
            assert answer.status == 200

    run(test())


def test_a_client_that_expects_100_is_refused_before_it_sends_too_much() -> None:
    async def test() -> None:
        async with lab(never, limits=Limits(body=10)) as one:
            connection = await one.connect()
            await connection.send(
                b"POST /v1/messages HTTP/1.1\r\nHost: gw\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n"
            )
            assert (await connection.head()).status == 413

    run(test())


class Stub:
    """A masker that does what a test says instead of masking."""

    def __init__(self, mask: Any) -> None:
        self.mask_body = mask
        self.vault = shared_masker().vault
        self.ruleset = shared_masker().ruleset

    def tokens_in(self, _text: str) -> set[str]:
        """Find none."""
        return set()


def test_a_fault_in_masking_is_a_500_that_tells_nothing() -> None:
    def broken(*_: object) -> object:
        raise KeyError(INSTANCE)

    async def test() -> None:
        async with lab(never, masker=Stub(broken)) as one:
            status, kind, text = (await one.post(message(INSTANCE))).error()
            assert (status, kind) == (500, "api_error")
            assert "nothing was forwarded" in text
            logged = "".join(one.records.lines)
            assert INSTANCE not in logged + text
            fault = one.records.faults[0]
            assert (fault["fault"], fault["during"]) == ("KeyError", "masking")
            assert fault["at"].startswith("aws_masker.gateway.exchange:")

    run(test())


def test_however_many_requests_wait_to_be_masked_there_is_a_thread_for_one_more() -> None:
    go_on = threading.Event()
    admitted = Limits(concurrency=40, stop_seconds=5.0)
    waiting = admitted.concurrency - 1

    def mask(raw: bytes, *_: object) -> MaskedBody:
        if b"wait" in raw:
            assert go_on.wait(SECONDS)
        return MaskedBody((), {}, {})

    async def answer(answering: Answering) -> None:
        await answering.json({})

    async def test() -> None:
        async with lab(answer, masker=Stub(mask), limits=admitted) as one:
            tasks = [asyncio.create_task(one.post(message("wait"))) for _ in range(waiting)]
            try:
                await until(lambda: one.gateway.in_flight == waiting)
                assert (await one.post({})).status == 200
            finally:
                go_on.set()
            assert {(await task).status for task in tasks} == {200}

    run(test())


def test_a_refusal_of_the_masker_is_passed_on_as_it_is() -> None:
    def blocked(*_: object) -> object:
        message = "the body holds a secret, and the policy is to block: remove it"
        raise Blocked(message)

    async def test() -> None:
        async with lab(never, masker=Stub(blocked)) as one:
            status, kind, text = (await one.post(message("x"))).error()
            assert (status, kind) == (403, "permission_error")
            assert "remove it" in text
            assert one.records.requests[0]["reason"] == "blocked"

    run(test())


class DownVault:
    """A vault that is down."""

    def remember(self, *_: object) -> None:
        """Fail."""
        message = "down"
        raise VaultError(message)

    recall = check = remember

    def close(self) -> None:
        """Do nothing."""


def masker_without_vault(**settings: Any) -> Masker:
    """Return a masker whose vault is down."""
    masker = Masker(Settings(key=KEY, **settings))
    masker.vault.close()
    masker.vault = DownVault()  # type: ignore[assignment] # a stand-in
    return masker


def test_without_the_vault_a_request_is_masked_and_its_answer_restored() -> None:
    async def test() -> None:
        async with lab(echo, masker=masker_without_vault()) as one:
            answer = await one.post(message(INSTANCE))
            assert answer.json()["content"][0]["text"] == f"I read: {INSTANCE}"
            assert INSTANCE.encode() not in one.upstream.received

    run(test())


def test_a_vault_that_is_required_and_down_is_a_503_to_be_tried_again() -> None:
    async def test() -> None:
        masker = masker_without_vault(vault_required=True)
        async with lab(never, masker=masker, vault_required=True) as one:
            answer = await one.post(message(INSTANCE))
            assert answer.error()[:2] == (503, "api_error")
            assert answer.all("retry-after") == ["2"]
            health = await one.request("GET", "/_aws-masker/health")
            assert (health.status, health.json()["vault"]) == (503, "down")
            assert [record["status"] for record in one.records.requests] == [503, 503]

    run(test())


def test_requests_beyond_the_limit_wait_a_little_and_then_get_529() -> None:
    release = asyncio.Event()

    async def script(answering: Answering) -> None:
        await release.wait()
        await answering.json({})

    async def test() -> None:
        async with lab(script, limits=Limits(concurrency=1)) as one:
            first = asyncio.create_task(one.post(message("x")))
            await until(lambda: one.upstream.seen)
            waiting = [asyncio.create_task(one.post(message("x"))) for _ in range(16)]
            await until(lambda: one.gateway.in_flight == 17)
            refused = await one.post(message("x"))
            assert refused.error()[:2] == (529, "overloaded_error")
            assert refused.all("retry-after") == ["2"]
            assert refused.reason == "Overloaded"
            release.set()
            assert {answer.status for answer in await asyncio.gather(first, *waiting)} == {200}
            assert len(one.upstream.seen) == 17

    run(test())


def test_a_client_that_leaves_while_it_is_being_masked_costs_no_request() -> None:
    entered, release = threading.Event(), threading.Event()
    real = shared_masker()

    def slow(*args: Any) -> Any:
        entered.set()
        release.wait(5)
        return real.mask_body(*args)

    async def test() -> None:
        async with lab(never, masker=Stub(slow)) as one:
            connection = await one.connect()
            asking = asyncio.create_task(connection.request("POST", "/v1/messages", GOOD))
            await until(entered.is_set)
            connection.abort()
            await until(lambda: one.gateway.in_flight == 0)
            release.set()
            await asyncio.gather(asking, return_exceptions=True)
            assert one.records.requests[0]["outcome"] == "client_gone"
            assert one.upstream.seen == []

    run(test())


async def batches(answering: Answering) -> None:
    """Play the batches API: what is created can be listed, and its results hold the text that was sent."""
    path = answering.seen.target
    if path.endswith("/results"):
        used = {"type": "tool_use", "input": {"results_url": BATCH_URL}}
        lines = [{"custom_id": "a", "result": {"message": {"content": [{"type": "text", "text": SENT["text"]}, used]}}}]
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines * 3)
        await answering.answer(body, "Content-Type: application/x-jsonl")
    elif answering.seen.method == "POST":
        SENT["text"] = answering.seen.json()["requests"][0]["params"]["messages"][0]["content"]
        await answering.json({"id": "msgbatch_01", "results_url": BATCH_URL})
    elif path.endswith("/batches"):
        await answering.json({"data": [{"id": "msgbatch_01", "results_url": BATCH_URL}, {"results_url": None}]})
    else:
        await answering.json({"id": "msgbatch_01", "results_url": BATCH_URL})


SENT: dict[str, str] = {}


def test_a_batch_stays_on_the_gateway_and_its_results_come_restored_from_the_vault() -> None:
    async def test() -> None:
        async with lab(batches) as one:
            url = "http://gw.example/v1/messages/batches/msgbatch_01/results"
            requests = {"requests": [{"custom_id": "a", "params": message(f"stop {INSTANCE}")}]}
            created = await one.post(requests, target="/v1/messages/batches")
            assert created.json()["results_url"] == url
            assert INSTANCE not in SENT["text"]
            for target in ("/v1/messages/batches/msgbatch_01", "/v1/v1/messages/batches/msgbatch_01"):
                assert (await one.request("GET", target)).json()["results_url"] == url
            listed = await one.request("GET", "/v1/messages/batches")
            assert [batch["results_url"] for batch in listed.json()["data"]] == [url, None]
            results = await one.request("GET", "/v1/messages/batches/msgbatch_01/results")
            texts = [json.loads(line)["result"]["message"]["content"][0]["text"] for line in results.body.splitlines()]
            assert texts == [f"stop {INSTANCE}"] * 3
            assert results.body.count(BATCH_URL.encode()) == 3
            assert one.records.requests[-1]["restored"] == 3

    run(test())


@pytest.mark.parametrize(
    ("target", "headers", "url"),
    [
        ("http://nginx:8082/v1/messages/batches/msgbatch_01", (), "http://nginx:8082"),
        ("/v1/messages/batches/msgbatch_01", ("X-Forwarded-Proto: https",), "https://gw.example"),
        ("/v1/messages/batches/msgbatch_01", ("X-Forwarded-Proto: javascript",), "http://gw.example"),
    ],
)
def test_the_results_url_has_the_address_that_the_client_used(target: str, headers: tuple[str, ...], url: str) -> None:
    async def test() -> None:
        async with lab(batches) as one:
            answer = await one.request("GET", target, None, *headers)
            assert answer.json()["results_url"] == f"{url}/v1/messages/batches/msgbatch_01/results"

    run(test())


def test_without_the_vault_results_come_with_their_tokens() -> None:
    async def test() -> None:
        async with lab(batches, masker=masker_without_vault()) as one:
            requests = {"requests": [{"custom_id": "a", "params": message(f"stop {INSTANCE}")}]}
            await one.post(requests, target="/v1/messages/batches")
            results = await one.request("GET", "/v1/messages/batches/msgbatch_01/results")
            assert (results.status, results.whole) == (200, True)
            assert SENT["text"].encode() in results.body
            record = one.records.requests[-1]
            assert (record["lost"], record["restored"], record["unresolved"]) == (1, 0, 3)

    run(test())


class SlowVault:
    """A vault that is asked for originals, and has not answered yet."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.may_answer = threading.Event()

    def recall(self, *_: object) -> dict[str, str]:
        """Wait."""
        self.asked.set()
        assert self.may_answer.wait(SECONDS)
        return {}

    def remember(self, *_: object) -> None:
        """Do nothing."""

    check = remember

    def close(self) -> None:
        """Do nothing."""


def test_while_the_vault_is_asked_other_requests_are_served() -> None:
    async def script(answering: Answering) -> None:
        await answering.json({"text": token if answering.seen.target == "/v1/files" else ""})

    masker = Masker(Settings(key=KEY))
    token = masker.mask_text(INSTANCE).text

    async def test() -> None:
        masker.vault.close()
        vault = SlowVault()
        masker.vault = vault
        async with lab(script, masker=masker) as one:
            waiting = asyncio.create_task(one.request("GET", "/v1/files"))
            try:
                await until(vault.asked.is_set)
                assert (await one.request("GET", "/v1/models/x")).status == 200
            finally:
                vault.may_answer.set()
            assert (await waiting).json() == {"text": token}

    run(test())


def test_another_tenants_token_is_not_restored_even_from_the_same_vault() -> None:
    masker = Masker(Settings(key=KEY, tenant="one"))
    other = Masker(Settings(key=KEY, tenant="two"))
    other.vault.close()
    other.vault = masker.vault

    async def test() -> None:
        async with lab(batches, masker=masker, tenant="one") as first:
            requests = {"requests": [{"custom_id": "a", "params": message(f"stop {INSTANCE}")}]}
            await first.post(requests, target="/v1/messages/batches")
            assert INSTANCE.encode() in await get(first, "/v1/messages/batches/msgbatch_01/results")
        async with lab(batches, masker=other, tenant="two") as second:
            assert INSTANCE.encode() not in await get(second, "/v1/messages/batches/msgbatch_01/results")

    run(test())


async def get(one: Lab, target: str) -> bytes:
    """Get a target and return its body."""
    return (await one.request("GET", target)).body


def test_the_file_that_comes_back_is_the_file_that_was_sent() -> None:
    content = f"instance,{INSTANCE}\n".encode()
    boundary = b"made-up-boundary"
    part = b'Content-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
    form = b"--%b\r\n%b%b\r\n--%b--\r\n" % (boundary, part, content, boundary)
    stored: list[bytes] = []

    async def script(answering: Answering) -> None:
        if answering.seen.method == "POST":
            stored.append(answering.seen.body.split(b"\r\n\r\n")[1].split(b"\r\n--")[0])
            await answering.json({"id": "file_01"})
        else:
            await answering.answer(stored[0], "Content-Type: text/csv")

    async def test() -> None:
        async with lab(script) as one:
            kind = f"Content-Type: multipart/form-data; boundary={boundary.decode()}"
            assert (await one.request("POST", "/v1/files", form, kind)).status == 200
            assert INSTANCE.encode() not in one.upstream.received
            assert await get(one, "/v1/files/file_01/content") == content

    run(test())


def test_an_answer_that_holds_no_text_passes_with_its_length() -> None:
    picture = bytes(range(256)) * 4

    async def script(answering: Answering) -> None:
        await answering.answer(picture, "Content-Type: image/png")

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("GET", "/v1/files/file_01/content")
            assert (answer.body, answer.all("content-length")) == (picture, ["1024"])

    run(test())
