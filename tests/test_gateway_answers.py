"""Answers on their way down: piece by piece, restored, and broken off where the upstream broke them off."""

import asyncio
import gzip
import json
import threading
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from aws_masker.gateway.answer import INLINE_BYTES
from aws_masker.limits import Limits
from aws_masker.restore.text import RestoreCounts
from gateway_lab import (
    INSTANCE,
    Answering,
    delta,
    lab,
    message,
    run,
    shared_masker,
    text_of,
    until,
)

STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
BODY = json.dumps(message(f"see {INSTANCE}")).encode()


def test_each_event_reaches_the_client_before_the_upstream_sends_the_next() -> None:
    arrived = asyncio.Event()

    async def script(answering: Answering) -> None:
        await answering.begin("text/event-stream")
        for number in range(20):
            arrived.clear()
            await answering.chunk(delta(f"event {number} of {answering.seen.token()}. "))
            await arrived.wait()  # only the client sets it
        await answering.chunk(STOP)
        await answering.chunk(b"")

    async def test() -> None:
        async with lab(script) as one:
            connection = await one.connect()
            answer = await connection.request("POST", "/v1/messages", BODY)
            assert answer.all("content-type") == ["text/event-stream"]
            events = []
            async for chunk in answer.chunks():
                events.append(chunk)
                arrived.set()
            assert events == [*(delta(f"event {number} of {INSTANCE}. ") for number in range(20)), STOP]
            assert answer.whole

    run(test())


def test_the_head_of_an_answer_does_not_wait_for_its_body() -> None:
    head_seen = asyncio.Event()

    async def script(answering: Answering) -> None:
        await answering.begin("text/event-stream", "request-id: req_made_up")
        await head_seen.wait()
        await answering.chunk(STOP)
        await answering.chunk(b"")

    async def test() -> None:
        async with lab(script) as one:
            connection = await one.connect()
            answer = await connection.request("POST", "/v1/messages", BODY)
            assert answer.all("request-id") == ["req_made_up"]
            head_seen.set()
            assert (await answer.read()).body == STOP

    run(test())


def test_a_token_cut_by_events_is_held_only_until_it_is_whole() -> None:
    confirmed = asyncio.Event()

    async def script(answering: Answering) -> None:
        token = answering.seen.token()
        await answering.begin("text/event-stream")
        await answering.chunk(delta(f"It is {token[:7]}"))
        await confirmed.wait()
        await answering.chunk(delta(f"{token[7:]}, running"))
        await answering.chunk(STOP)
        await answering.chunk(b"")

    async def test() -> None:
        async with lab(script) as one:
            connection = await one.connect()
            answer = await connection.request("POST", "/v1/messages", BODY)
            chunks = answer.chunks()
            assert text_of(await anext(chunks)) == "It is "
            confirmed.set()
            async for _ in chunks:
                pass
            assert text_of(answer.body) == f"It is {INSTANCE}, running"
            assert one.records.requests[0]["held"] == 1

    run(test())


def test_events_pass_byte_for_byte_when_there_is_nothing_to_restore() -> None:
    stream = b': comment\r\n\r\nevent: ping\r\ndata: {"type": "ping"}\r\n\r\nevent: new_kind\ndata: {}\n\n' + STOP

    async def script(answering: Answering) -> None:
        await answering.begin("text/event-stream; charset=utf-8")
        for start in range(0, len(stream), 7):
            await answering.chunk(stream[start : start + 7])
        await answering.chunk(b"")

    async def test() -> None:
        async with lab(script) as one:
            assert (await one.post(message("nothing here"))).body == stream

    run(test())


def test_twenty_megabytes_come_through_whole() -> None:
    piece = delta("0123456789abcdef" * 1024)

    async def script(answering: Answering) -> None:
        await answering.begin("text/event-stream")
        for _ in range(20 * 64):
            await answering.chunk(piece)
        await answering.chunk(delta(answering.seen.token()))
        await answering.chunk(b"")

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("POST", "/v1/messages", BODY)
            assert answer.whole
            assert answer.body == piece * (20 * 64) + delta(INSTANCE)
            assert len(answer.body) > 20 << 20

    run(test())


def test_a_large_document_is_restored_whole() -> None:
    async def script(answering: Answering) -> None:
        blocks = [{"type": "text", "text": f"{answering.seen.token()} {'lorem ipsum ' * 100}"}] * 3000
        await answering.json({"type": "message", "content": blocks})

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("POST", "/v1/messages", BODY)
            assert len(answer.body) > 3 << 20
            assert all(block["text"].startswith(INSTANCE) for block in answer.json()["content"])
            assert one.records.requests[0]["restored"] == 3000

    run(test())


def test_what_takes_long_to_restore_is_done_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    where: list[tuple[int, bool]] = []

    class Watched:
        counts = RestoreCounts()

        def feed(self, data: bytes) -> bytes:
            where.append((len(data), threading.current_thread() is threading.main_thread()))
            return data

        def close(self) -> bytes:
            return self.feed(b"")

    monkeypatch.setattr("aws_masker.gateway.exchange.restorer_for", lambda *_: Watched())

    async def script(answering: Answering) -> None:
        await answering.answer(bytes(int(answering.seen.all("x-size")[0])), "Content-Type: application/json")

    async def test() -> None:
        async with lab(script) as one:
            assert len((await one.post(message("x"), "X-Size: 1000")).body) == 1000
            assert all(on_loop for _, on_loop in where)
            where.clear()
            assert len((await one.post(message("x"), "X-Size: 1000000")).body) == 1000000
            assert not any(on_loop for size, on_loop in where if size > INLINE_BYTES)
            assert not where[-1][1]  # to close may be to restore all of it

    run(test())


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
@pytest.mark.parametrize("cut", [1, 100, 1 << 20])
def test_an_answer_compressed_against_the_request_is_decoded_while_it_streams(
    coding: str, encode: Callable[[bytes], bytes], cut: int
) -> None:
    async def script(answering: Answering) -> None:
        raw = encode(delta(f"here: {answering.seen.token()}") + STOP)
        await answering.begin("text/event-stream", f"Content-Encoding: {coding}")
        for start in range(0, len(raw), cut):
            await answering.chunk(raw[start : start + cut])
        await answering.chunk(b"")

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("POST", "/v1/messages", BODY)
            assert answer.all("content-encoding") == []
            assert text_of(answer.body) == f"here: {INSTANCE}"

    run(test())


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, br", "made-up"])
def test_an_answer_in_a_coding_that_cannot_be_decoded_is_a_502(coding: str) -> None:
    async def script(answering: Answering) -> None:
        await answering.answer(b"\x0b\x02", "Content-Type: application/json", f"Content-Encoding: {coding}")

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("POST", "/v1/messages", BODY)
            assert answer.error()[:2] == (502, "api_error")
            assert "check what stands in between" in answer.error()[2]

    run(test())


@pytest.mark.parametrize("coding", ["gzip, chunked", "identity, chunked"])
def test_an_answer_in_another_transfer_coding_than_chunked_is_a_502(coding: str) -> None:
    async def script(answering: Answering) -> None:
        raw = gzip.compress(delta("complete. "))
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: {coding}\r\n\r\n"
        await answering.send(head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(raw), raw))

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("POST", "/v1/messages", BODY)
            assert answer.error()[:2] == (502, "api_error")
            assert "transfer coding" in answer.error()[2]

    run(test())


@pytest.mark.parametrize("head", [(), ("Content-Type: application/x-jsonl",)])
def test_lines_of_json_are_restored_with_and_without_a_content_type(head: tuple[str, ...]) -> None:
    async def script(answering: Answering) -> None:
        token = answering.seen.token()
        await answering.answer(f'{{"text":"{token}"}}\n{{"thinking":"x","text":"{token}"}}\n'.encode(), *head)

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("POST", "/v1/messages", BODY)
            assert [json.loads(line)["text"] for line in answer.body.splitlines()] == [INSTANCE, INSTANCE]

    run(test())


def test_a_compressed_answer_that_ends_early_is_broken_off() -> None:
    async def script(answering: Answering) -> None:
        raw = gzip.compress(delta("complete. ") * 3)
        await answering.answer(raw[:-4], "Content-Type: text/event-stream", "Content-Encoding: gzip")

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("POST", "/v1/messages", BODY)
            assert not answer.whole
            assert one.records.requests[0]["reason"] == "upstream"

    run(test())


async def break_off_chunked(answering: Answering) -> None:
    """Break off in mid-event."""
    await answering.begin("text/event-stream")
    await answering.chunk(delta(f"the id is {answering.seen.token()[:9]}") + b"event: content_block_delta\nda")
    answering.writer.close()


async def break_off_with_reset(answering: Answering) -> None:
    """Break off in mid-event, by a reset."""
    await answering.begin("text/event-stream")
    await answering.chunk(delta(f"the id is {answering.seen.token()[:9]}") + b"event: content_block_delta\nda")
    answering.writer.transport.abort()


async def break_off_with_length(answering: Answering) -> None:
    """Break off before the length that was declared."""
    body = delta(f"the id is {answering.seen.token()[:9]}") + b"event: content_block_delta\nda"
    await answering.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n" + body)
    answering.writer.close()


@pytest.mark.parametrize("script", [break_off_chunked, break_off_with_reset, break_off_with_length])
def test_an_answer_that_breaks_off_is_broken_off_and_loses_nothing(script: Any) -> None:
    async def test() -> None:
        async with lab(script) as one:
            connection = await one.connect()
            answer = await (await connection.request("POST", "/v1/messages", BODY)).read()
            assert not answer.whole
            assert await connection.closed()
            if script is not break_off_with_reset:  # a reset may overtake what was sent before it
                assert text_of(answer.body.rpartition(b"event:")[0]).startswith("the id is i-x")
                assert answer.body.endswith(b"\nda")
            assert one.records.requests[0]["reason"] == "upstream"

    run(test())


@pytest.mark.parametrize("script", [break_off_chunked, break_off_with_length])
def test_a_client_of_http_1_0_sees_a_reset_instead_of_an_end(script: Any) -> None:
    async def test() -> None:
        async with lab(script) as one:
            connection = await one.connect()
            head = (
                f"POST /v1/messages HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
            )
            await connection.send(head.encode() + BODY)
            answer = await (await connection.head()).read()
            assert not answer.whole

    run(test())


def test_an_answer_that_falls_silent_is_broken_off_after_the_idle_time() -> None:
    async def script(answering: Answering) -> None:
        await answering.begin("text/event-stream")
        await answering.chunk(delta("and then"))
        await answering.client_closed()

    async def test() -> None:
        async with lab(script, limits=Limits(idle_seconds=0.1)) as one:
            answer = await one.request("POST", "/v1/messages", BODY)
            assert not answer.whole
            assert text_of(answer.body) == "and then"
            assert one.records.requests[0]["reason"] == "upstream"

    run(test())


def test_a_client_that_leaves_in_mid_stream_ends_the_request_upstream() -> None:
    closed = asyncio.Event()

    async def script(answering: Answering) -> None:
        await answering.begin("text/event-stream")
        await answering.chunk(delta("one"))
        await answering.client_closed()
        closed.set()

    async def test() -> None:
        async with lab(script) as one:
            connection = await one.connect()
            answer = await connection.request("POST", "/v1/messages", BODY)
            assert text_of(await anext(answer.chunks())) == "one"
            connection.abort()
            await closed.wait()
            await until(lambda: one.gateway.in_flight == 0)
            assert one.records.requests[0]["outcome"] == "client_gone"

    run(test())


def test_a_client_that_leaves_before_the_answer_ends_the_request_upstream() -> None:
    closed = asyncio.Event()

    async def script(answering: Answering) -> None:
        await answering.client_closed()
        closed.set()

    async def test() -> None:
        async with lab(script) as one:
            connection = await one.connect()
            asking = asyncio.create_task(connection.request("POST", "/v1/messages", BODY))
            await until(lambda: one.upstream.seen)
            connection.abort()
            await closed.wait()
            await asyncio.gather(asking, return_exceptions=True)
            assert one.records.requests[0]["outcome"] == "client_gone"

    run(test())


def test_a_client_that_does_not_read_is_broken_off_after_the_idle_time() -> None:
    async def script(answering: Answering) -> None:
        await answering.begin("text/event-stream")
        while True:  # until the gateway closes, which raises
            await answering.chunk(delta("x" * 65536))

    async def test() -> None:
        async with lab(script, limits=Limits(idle_seconds=0.2)) as one:
            connection = await one.connect()
            connection.writer.transport.pause_reading()  # type: ignore[attr-defined] # a read transport too
            head = "POST /v1/messages HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\n"
            await connection.send(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
            await until(lambda: one.records.requests)
            assert one.records.requests[0]["outcome"] == "client_stalled"

    run(test())


def test_a_fault_in_restoring_breaks_off_and_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        counts = RestoreCounts()

        def feed(self, data: bytes) -> bytes:
            raise KeyError(INSTANCE, data)

        close = feed

    monkeypatch.setattr("aws_masker.gateway.exchange.restorer_for", lambda *_: Broken())

    async def script(answering: Answering) -> None:
        await answering.json({"text": answering.seen.token()})

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("POST", "/v1/messages", BODY)
            assert not answer.whole
            assert INSTANCE not in "".join(one.records.lines)
            assert one.records.faults[0]["fault"] == "KeyError"
            assert one.records.requests[0]["reason"] == "internal_error"

    run(test())


def test_a_switch_of_protocols_that_nobody_asked_for_is_a_502() -> None:
    async def script(answering: Answering) -> None:
        await answering.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: made-up\r\nConnection: Upgrade\r\n\r\n")

    async def test() -> None:
        async with lab(script) as one:
            assert (await one.request("POST", "/v1/messages", BODY)).error()[0] == 502

    run(test())


def test_a_hint_before_the_answer_is_left_out() -> None:
    async def script(answering: Answering) -> None:
        await answering.send(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n")
        await answering.json({"text": answering.seen.token()})

    async def test() -> None:
        async with lab(script) as one:
            assert (await one.request("POST", "/v1/messages", BODY)).json() == {"text": INSTANCE}

    run(test())


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_body_end_with_their_head(status: str) -> None:
    async def script(answering: Answering) -> None:
        # What it tells of a body is about the one that it would have.
        await answering.send(f"HTTP/1.1 {status}\r\nContent-Encoding: br\r\nrequest-id: made-up\r\n\r\n".encode())

    async def test() -> None:
        async with lab(script) as one:
            connection = await one.connect()
            for _ in range(2):
                answer = await (await connection.request("DELETE", "/v1/files/file_1")).read()
                assert answer.status == int(status[:3])
                assert answer.all("transfer-encoding") == []

    run(test())


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("text", [INSTANCE, "hello"])
def test_a_redirect_elsewhere_is_refused_as_it_would_carry_the_body_there(status: str, text: str) -> None:
    async def script(answering: Answering) -> None:
        await answering.json({}, "Location: https://elsewhere.example/v1/messages", status=status)

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("POST", "/v1/messages", json.dumps(message(text)).encode())
            assert answer.error()[:2] == (502, "api_error")
            assert answer.all("location") == []

    run(test())


def test_a_redirect_on_the_upstream_stays_on_the_gateway_and_is_not_followed() -> None:
    async def script(answering: Answering) -> None:
        own = f"http://{answering.seen.all('host')[0]}/v1/other"
        await answering.json({}, f"Location: {own}", status="307 Temporary")

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("POST", "/v1/messages", BODY)
            assert (answer.status, answer.all("location")) == (307, ["http://gw.example/v1/other"])
            assert len(one.upstream.seen) == 1

    run(test())


def test_a_redirect_of_a_request_without_body_passes() -> None:
    async def script(answering: Answering) -> None:
        await answering.json({}, "Location: https://elsewhere.example/file", status="302 Found")

    async def test() -> None:
        async with lab(script) as one:
            answer = await one.request("GET", "/v1/files/file_1/content")
            assert answer.all("location") == ["https://elsewhere.example/file"]

    run(test())


def test_the_record_of_a_request_counts_and_names_no_value() -> None:
    session = "0b8f1c5e-9a51-4f0b-8b62-7d1f4a1c2e3d"

    async def script(answering: Answering) -> None:
        await answering.json({"text": f"{answering.seen.token()} i-x0000000000000000"})

    async def test() -> None:
        async with lab(script, masker=shared_masker()) as one:
            target = "/v1/messages/i-0123456789abcdef0?x=secret"
            headers = (f"x-claude-code-session-id: {session}", "x-api-key: made-up-key")
            answer = await one.request("POST", target, BODY, *headers)
            record = one.records.requests[0]
            assert record["session"] == session
            assert record["endpoint"] == "/v1/messages/{id}"
            assert (record["method"], record["status"], record["upstream_status"]) == ("POST", 200, 200)
            assert (record["bytes_in"], record["bytes_out"]) == (len(BODY), len(answer.body))
            assert record["families"] == {"ec2-instance": 1}
            assert record["kinds"] == {"identifier": 1}
            assert (record["restored"], record["unresolved"], record["outcome"]) == (1, 1, "ok")
            assert list(record["ms"]) == ["read", "vault", "mask", "upstream", "first_byte", "total"]
            line = one.records.lines[0]
            assert all(value not in line for value in (INSTANCE, "secret", "made-up-key", "i-x", "0123456789abcdef0"))

    run(test())


def test_a_session_id_of_another_form_is_not_recorded() -> None:
    async def script(answering: Answering) -> None:
        await answering.json({})

    async def test() -> None:
        async with lab(script) as one:
            await one.post(message("x"), f"x-claude-code-session-id: {INSTANCE}")
            assert one.records.requests[0]["session"] is None

    run(test())
