"""Every limit, reached: what a client gets, and that nothing of such a request goes on (law 12).

``Limits`` and this module must name the same limits, so none can be added that nothing reaches.
"""

import asyncio
import contextlib
import dataclasses
import gzip
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import limits_table
from aws_masker import Masker, Settings
from aws_masker.audit.bodies import files_of
from aws_masker.documents import read
from aws_masker.errors import Refused, SettingsError, TooLarge
from aws_masker.inventory import Inventory, Known, known_names, masters
from aws_masker.jsontext import values_at_most
from aws_masker.limits import Limits
from aws_masker.restore.bounds import Bounds
from gateway_lab import INSTANCE, KEY, Answering, Lab, delta, lab, message, run, shared_masker

Test = Callable[[], None]


async def unasked(_answering: Answering) -> None:
    raise AssertionError


async def answer_ok(answering: Answering) -> None:
    await answering.json({"type": "message", "content": []})


def refused(limits: dict[str, Any], body: object, status: int, kind: str, told: str) -> None:
    """See that a request with ``body`` is refused, and one that is as large as it may be is not."""

    async def test() -> None:
        chosen = Limits(**limits)
        with Masker(Settings(key=KEY, limits=chosen)) as masker:
            async with lab(unasked, limits=chosen, masker=masker) as one:
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                answer = await one.request("POST", "/v1/messages", raw)
                found_status, found_kind, text = answer.error()
                assert (found_status, found_kind) == (status, kind)
                assert told in text
                assert one.upstream.seen == []
                assert one.records.requests[0]["outcome"] == "refused"

    run(test())


def names(count: int) -> dict[str, object]:
    return message("\n".join(f"--db-instance-identifier ledger-{number}-blue" for number in range(count)))


def body() -> None:
    refused({"body": 1000}, message("x" * 1000), 413, "request_too_large", "limits.body")


def depth() -> None:
    nested: Any = "x"
    for _ in range(30):
        nested = [nested]
    refused({"depth": 20}, message("x", extra=nested), 400, "invalid_request_error", "limits.depth")


def values() -> None:
    refused({"values": 50}, message("x", extra=["v"] * 50), 413, "request_too_large", "limits.values")


def parts() -> None:
    async def test() -> None:
        limits = Limits(parts=3)
        with Masker(Settings(key=KEY, limits=limits)) as masker:
            async with lab(unasked, limits=limits, masker=masker) as one:
                raw = b"--B" + b"\r\n\r\nx\r\n--B" * 4 + b"--\r\n"
                answer = await one.request("POST", "/v1/files", raw, "Content-Type: multipart/form-data; boundary=B")
                assert answer.error()[:2] == (413, "request_too_large")
                assert "raise limits.parts" in answer.error()[2]

    run(test())


def header() -> None:
    _too_large_a_head(Limits(header=1000), f"X-Long: {'x' * 2000}")


def headers() -> None:
    _too_large_a_head(Limits(headers=20), *(f"X-{number}: x" for number in range(30)))


def _too_large_a_head(limits: Limits, *fields: str) -> None:
    """See that a request with these fields is refused, and so is an answer with them, each by the limit's name."""

    async def answer_so(answering: Answering) -> None:
        await answering.json({}, *fields)

    async def test() -> None:
        async with lab(answer_so, limits=limits) as one:
            status, kind, told = (await one.post(message("hello"), *fields)).error()
            assert (status, kind, one.upstream.seen) == (413, "request_too_large", [])
            assert "raise limits.header" in told
            status, kind, told = (await one.post(message("hello"))).error()
            assert (status, kind) == (502, "api_error")
            assert "limits.headers" in told

    run(test())


def keep_alive_seconds() -> None:
    async def test() -> None:
        async with lab(answer_ok, limits=Limits(keep_alive_seconds=0.05)) as one:
            connection = await one.connect()
            assert (await (await connection.request("HEAD", "/")).read()).status == 200
            assert await connection.closed()
            half = await one.connect()
            await half.send(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n")
            assert await half.closed()

    run(test())


def identifiers() -> None:
    text = " ".join(f"i-0a1b2c3d4e5f6{number:04x}" for number in range(11))
    refused({"identifiers": 10}, message(text), 413, "request_too_large", "limits.identifiers")


def learned_names() -> None:
    refused({"names": 5}, names(6), 413, "request_too_large", "limits.names")


def overlaps() -> None:
    # Names that begin each other, and a text in which all of them stand everywhere.
    learned = "".join(f"--bucket {'-'.join(['q7'] * count)}\n" for count in range(1, 60))
    text = message(learned + "-".join(["q7"] * 3000))
    refused({"overlaps": 4}, text, 413, "request_too_large", "limits.overlaps")


def inventory() -> None:
    chosen = Settings(key=KEY, limits=Limits(inventory=1))
    known = Known({"ledger-blue": "bucket", "ledger-green": "bucket"})
    with pytest.raises(SettingsError, match=r"limits\.inventory"):
        known_names(Inventory(masters(chosen)).with_tenant("default", known), chosen)


def learn_file() -> None:
    command = [sys.executable, "-m", "aws_masker", "learn", "--limits-learn-file", "10", "-"]
    environment = {**os.environ, "AWS_MASKER_KEY": KEY}
    ended = subprocess.run(command, input="x" * 11, capture_output=True, text=True, check=False, env=environment)
    assert (ended.returncode, "limits.learn_file" in ended.stderr) == (3, True)


async def _while_busy(limits: Limits, then: Callable[[Lab], Awaitable[None]]) -> None:
    """Do ``then`` while one request is being answered."""
    finish = asyncio.Event()
    begun = asyncio.Event()

    async def script(answering: Answering) -> None:
        begun.set()
        await finish.wait()
        await answer_ok(answering)

    async with lab(script, limits=limits) as one:
        busy = asyncio.create_task(one.post(message("busy")))
        await begun.wait()
        await then(one)
        finish.set()
        assert (await busy).status == 200


def concurrency() -> None:
    async def refused(one: Lab) -> None:
        answer = await one.post(message("one too many"))
        assert answer.error()[:2] == (529, "overloaded_error")
        assert "limits.concurrency" in answer.error()[2]
        assert answer.all("Retry-After") == ["2"]

    run(_while_busy(Limits(concurrency=1, queue=1, queue_seconds=0.01), refused))


def queue() -> None:
    async def refused(one: Lab) -> None:
        waiting = asyncio.create_task(one.post(message("waits")))
        while one.gateway.in_flight < 2:  # noqa: ASYNC110 - the gateway sets no event for a test
            await asyncio.sleep(0.001)
        answer = await one.post(message("one too many"))
        assert answer.error()[:2] == (529, "overloaded_error")
        waiting.cancel()

    run(_while_busy(Limits(concurrency=1, queue=1, queue_seconds=60), refused))


def connect_seconds() -> None:
    async def test() -> None:
        # A listener whose queue is full takes no connection.
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            address = listener.getsockname()
            fillers = [await asyncio.to_thread(_try_to_connect, address) for _ in range(4)]
            upstream = f"http://127.0.0.1:{address[1]}"
            async with lab(unasked, limits=Limits(connect_seconds=0.05), upstream=upstream) as one:
                answer = await one.post(message("hello"))
                assert answer.error()[:2] == (502, "api_error")
                assert "took no connection within 0.05 s" in answer.error()[2]
            for filler in fillers:
                filler.close()

    run(test())


def _try_to_connect(address: tuple[str, int]) -> Any:
    connection = socket.socket()
    connection.settimeout(0)
    connection.connect_ex(address)
    return connection


def idle_seconds() -> None:
    async def silent(answering: Answering) -> None:
        await answering.client_closed()

    async def test() -> None:
        async with lab(silent, limits=Limits(idle_seconds=0.05)) as one:
            answer = await one.post(message("hello"))
            assert answer.error()[:2] == (504, "timeout_error")

    run(test())


def body_seconds() -> None:
    async def test() -> None:
        async with lab(unasked, limits=Limits(body_seconds=0.05)) as one:
            connection = await one.connect()
            head = (
                "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
            )
            await connection.send(head.encode() + b"{")
            answer = await (await connection.head()).read()
            assert answer.error()[:2] == (408, "timeout_error")
            assert "limits.body_seconds" in answer.error()[2]

    run(test())


def broken_off(limits: Limits, script: Any, reason: str) -> None:
    """See that an answer is broken off, and not closed as if it were whole."""

    async def test() -> None:
        async with lab(script, limits=limits) as one:
            answer = await one.post(message(f"see {INSTANCE}", stream=True))
            assert not answer.whole
            record = one.records.requests[0]
            assert (record["outcome"], record["reason"]) == ("broken_off", reason)

    run(test())


async def _endless(answering: Answering) -> None:
    await answering.begin("text/event-stream")
    while True:
        await answering.chunk(delta(f"more of {answering.seen.token()}"))


async def _one_large_event(answering: Answering) -> None:
    await answering.begin("text/event-stream")
    await answering.chunk(delta("x" * 3000))
    await answering.client_closed()


async def _slow(answering: Answering) -> None:
    await answering.begin("text/event-stream")
    await answering.chunk(delta("begun"))
    await answering.client_closed()


async def _many_lines(answering: Answering) -> None:
    await answering.begin("text/event-stream")
    await answering.chunk(b"id: 1\n" * 20)
    await answering.client_closed()


async def _many_texts(answering: Answering) -> None:
    await answering.begin("text/event-stream")
    for index in range(3):
        await answering.chunk(delta("open").replace(b'"index":0', b'"index":%d' % index))
    await answering.client_closed()


def lines() -> None:
    broken_off(Limits(lines=10), _many_lines, "answer_too_large")


def texts() -> None:
    broken_off(Limits(texts=2), _many_texts, "answer_too_large")


def waiting_records() -> None:
    _records_wait(Limits(waiting_records=2), 4, 2)


def waiting_bytes() -> None:
    _records_wait(Limits(waiting_bytes=100), 1, 1)


def _records_wait(limits: Limits, requests: int, dropped: int) -> None:
    """See that of so many requests so many records are dropped, where nothing takes them."""

    async def test() -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            audit = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
            async with lab(answer_ok, limits=limits, audit=audit) as one:
                for _ in range(requests):
                    assert (await one.post(message("hello"))).status == 200
                (writer,) = one.gateway._writers
                assert writer.dropped == dropped

    run(test())


def cached_texts() -> None:
    with Masker(Settings(key=KEY, limits=Limits(cached_texts=3))) as masker:
        for number in range(5):
            masker.mask_body(json.dumps(message(f"{number}" * 1000)).encode(), "/v1/messages")
        assert len(masker.cache) == 3


def recorded_bodies() -> None:
    async def test() -> None:
        with tempfile.TemporaryDirectory() as folder:
            chosen = Limits(recorded_bodies=5000)
            async with lab(answer_ok, limits=chosen, record_bodies="masked", bodies=folder) as one:
                for _ in range(8):
                    assert (await one.post(message("x" * 500))).status == 200
            kept = files_of(Path(folder))
            assert 0 < len(kept) < 8
            assert sum(path.stat().st_size for path in kept) <= 5000

    run(test())


def page_requests() -> None:
    _shown(Limits(page_requests=2), [3, 4], [3, 4])


def page_bodies() -> None:
    _shown(Limits(page_bodies=500), [1, 2, 3, 4], [4])


def _shown(limits: Limits, requests: list[int], bodies: list[int]) -> None:
    """See which of four requests, and of which of them the bodies, a page still shows."""

    async def test() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with lab(answer_ok, limits=limits, page="127.0.0.1:0", record_bodies="masked", bodies=folder) as one:
                await look(one)

    async def look(one: Lab) -> None:
        for _ in range(4):
            assert (await one.post(message("x" * 200))).status == 200
        ring = one.gateway.page._ring  # type: ignore[union-attr]
        assert [entry.number for entry in ring.after(0)] == requests
        assert [number for number in range(1, 5) if ring.bodies(number)] == bodies

    run(test())


def page_viewers() -> None:
    async def test() -> None:
        async with (
            lab(answer_ok, limits=Limits(page_viewers=1), page="127.0.0.1:0") as one,
            aiohttp.ClientSession(one.gateway.page.url) as browser,  # type: ignore[union-attr]
            browser.get("events"),
            browser.get("events") as second,
        ):
            assert second.status == 503
            assert "raise limits.page_viewers" in await second.text()

    run(test())


def event() -> None:
    broken_off(Limits(event=2000), _one_large_event, "answer_too_large")


def answer() -> None:
    broken_off(Limits(answer=5000), _endless, "answer_too_large")


def answer_seconds() -> None:
    broken_off(Limits(answer_seconds=0.1), _slow, "answer_too_long")


def stop_seconds() -> None:
    async def test() -> None:
        async with lab(_slow, limits=Limits(stop_seconds=0.05)) as one:
            connection = await one.connect()
            answer = await connection.request("POST", "/v1/messages", json.dumps(message("hello")).encode())
            await one.gateway.stop()
            await answer.read()
            assert not answer.whole

    run(test())


REACHED: dict[str, Test] = {
    test.__name__: test
    for test in (
        body,
        depth,
        values,
        identifiers,
        overlaps,
        inventory,
        learn_file,
        concurrency,
        queue,
        connect_seconds,
        idle_seconds,
        body_seconds,
        event,
        answer,
        answer_seconds,
        stop_seconds,
        parts,
        header,
        headers,
        keep_alive_seconds,
        lines,
        texts,
        waiting_records,
        waiting_bytes,
        cached_texts,
        recorded_bodies,
        page_requests,
        page_bodies,
        page_viewers,
    )
} | {"names": learned_names, "queue_seconds": concurrency}


# How much is kept of what went through: test_audit_bodies.py. And what Kong alone has: kong/test_kong_server.py.
ELSEWHERE = {"recorded_body", "masking_seconds"}


def test_the_page_of_limits_is_up_to_date_and_names_tests_that_name_them() -> None:
    assert f"\n{limits_table.table()}\n" in limits_table.PAGE.read_text("utf-8")
    for row in limits_table.rows():
        for file in row.reached:
            text = (limits_table.TESTS / file).read_text("utf-8")
            for name in row.name.removeprefix("limits.").split(", "):
                assert name.removeprefix("--") in text, (row.name, file)


def test_no_more_header_fields_are_allowed_than_kong_can_be_asked_for() -> None:
    assert Limits(headers=1000).headers == 1000
    with pytest.raises(SettingsError, match=r"limits\.headers: expected a whole number from 1 to 1000"):
        Limits(headers=1001)


def test_the_limits_of_an_answer_are_those_of_the_settings() -> None:
    assert Bounds.of(Limits()) == Bounds()
    assert Bounds.of(Limits(event=1, lines=2, texts=3, values=4)) == Bounds(1, 2, 3, 4)


def test_every_limit_is_reached_by_a_test() -> None:
    assert REACHED.keys() | ELSEWHERE == {field.name for field in dataclasses.fields(Limits)}


@pytest.mark.parametrize("limit", REACHED)
def test_beyond_the_limit_is_what_the_settings_say(limit: str) -> None:
    REACHED[limit]()


# As much as a limit says.

AS_MUCH: dict[str, tuple[int, bytes]] = {
    "depth": (5, json.dumps(message("x", extra=[[[["x"]]]])).encode()),
    "parts": (3, b"--B" + b"\r\n\r\nx\r\n--B" * 3 + b"--\r\n"),
    "identifiers": (3, json.dumps(message(" ".join(f"i-0a1b2c3d4e5f6071{number}" for number in range(3)))).encode()),
    "names": (3, json.dumps(names(3)).encode()),
}


@pytest.mark.parametrize("limit", AS_MUCH)
def test_as_much_as_a_limit_says_is_taken_and_more_is_not(limit: str) -> None:
    most, raw = AS_MUCH[limit]
    media = "multipart/form-data; boundary=B" if limit == "parts" else "application/json"
    for allowed in (most, most - 1):
        with (
            Masker(Settings(key=KEY, limits=Limits(**{limit: allowed}))) as masker,
            contextlib.nullcontext() if allowed == most else pytest.raises(Refused, match=rf"limits\.{limit}"),
        ):
            masker.mask_body(raw, "/v1/files" if limit == "parts" else "/v1/messages", media)


def test_an_answer_to_a_request_without_body_has_the_same_limits() -> None:
    async def script(answering: Answering) -> None:
        await answering.begin("text/event-stream")
        await answering.chunk(b"id: 1\n" * 20 + b'data: {"text":"name-x0123456789abcdef"}\n\n')
        await answering.client_closed()

    async def test() -> None:
        async with lab(script, limits=Limits(lines=10)) as one:
            assert not (await one.request("GET", "/v1/messages/batches/x/results")).whole
            record = one.records.requests[0]
            assert (record["outcome"], record["reason"]) == ("broken_off", "answer_too_large")

    run(test())


def test_names_that_were_given_overlap_no_more_than_those_that_were_learned() -> None:
    terms = tuple("-".join(["q7"] * count) for count in range(1, 60))
    with Masker(Settings(key=KEY, terms=terms, limits=Limits(overlaps=4))) as masker:
        assert masker.mask_text("-".join(["q7"] * 50)).text.startswith("name-x")
        with pytest.raises(TooLarge, match=r"limits\.overlaps"):
            masker.mask_text("-".join(["q7"] * 3000))


@pytest.mark.parametrize("coded", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize("framed", [False, True], ids=["with its length", "in chunks"])
def test_a_body_as_large_as_the_limit_is_taken_and_a_larger_one_is_not(*, coded: bool, framed: bool) -> None:
    raw = json.dumps(message("x" * 500)).encode()
    sent = gzip.compress(raw) if coded else raw
    fields = ["Content-Encoding: gzip"] if coded else []
    if framed:
        fields.append("Transfer-Encoding: chunked")
        sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(sent), sent)
    else:
        fields.append(f"Content-Length: {len(sent)}")
    head = "\r\n".join(["POST /v1/messages HTTP/1.1", "Host: gw", "Content-Type: application/json", *fields])

    async def test() -> None:
        for most, status in ((len(raw), 200), (len(raw) - 1, 413)):
            async with lab(answer_ok, limits=Limits(body=most)) as one:
                connection = await one.connect()
                await connection.send(head.encode() + b"\r\n\r\n" + sent)
                assert (await (await connection.head()).read()).status == status

    run(test())


def test_an_answer_as_large_as_the_limit_is_passed_on_and_a_larger_one_is_broken_off() -> None:
    async def answer(answering: Answering) -> None:
        await answering.begin("text/plain")
        for _ in range(10):
            await answering.chunk(b"x" * 99 + b"\n")
        await answering.chunk(b"")

    async def test() -> None:
        for most, outcome in ((1000, "ok"), (999, "broken_off")):
            async with lab(answer, limits=Limits(answer=most)) as one:
                assert (await one.post(message("x"))).whole == (outcome == "ok")
                assert one.records.requests[0]["outcome"] == outcome

    run(test())


# Values.


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ('"a, [b], {c}"', 1),
        ('["a,\\",[", "b"]', 3),
        ("[1, [2, 3], {}, []]", 7),
        ('{"a": {"b": [], "c": null}, "d": "x,y"}', 5),
        (f"[{','.join(['[]'] * 40)}]", 41),
    ],
)
def test_values_are_counted_as_json_has_them(text: str, count: int) -> None:
    assert values_at_most(text.encode(), count)
    assert not values_at_most(text.encode(), count - 1) or len(text) <= count - 1


def test_text_full_of_commas_is_one_value() -> None:
    raw = json.dumps(message("[1,2,{3,4}]," * 1000)).encode()
    assert read(raw, "/v1/messages", Settings(key=KEY, limits=Limits(values=20))).parts
    with pytest.raises(TooLarge, match=r"limits\.values"):
        read(json.dumps([[]] * 1000).encode(), "/", Settings(key=KEY, limits=Limits(values=20)))


# What Claude Code sends.


def test_a_conversation_as_large_as_the_api_takes_is_not_refused() -> None:
    """20 MB, several times what fits into a million tokens of context, of files, command outputs and tool calls."""
    output = "".join(f'{{"InstanceId": "i-{number:017x}", \'Tags\': [{{}}, 1, 2]}}\n' for number in range(400))
    call = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls -l", "n": [1, 2, {"a": "b"}]}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": output}
    turns = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}] * 800
    raw = json.dumps({"model": "m", "max_tokens": 1, "messages": turns}).encode()
    assert len(raw) > 20_000_000
    masked = shared_masker().mask_body(raw, "/v1/messages")
    assert len(masked.dictionary) >= 400
