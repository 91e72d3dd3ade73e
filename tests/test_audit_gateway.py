"""Every request through the gateway has its record, whose numbers are those of what the upstream received."""

import json
import re
from pathlib import Path

import pytest

from aws_masker.audit import AuditRecord, parse
from aws_masker.gateway.record import Draft
from gateway_lab import BUCKET, INSTANCE, Answering, delta, lab, message, run, shared_masker, until
from redis_fixture import RedisServer

TOKEN = re.compile(rb"[a-z]+-x[0-9a-z]{16}")
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
    b"stop i-0a1b2c3d4e5f60718\r\n--b--\r\n"
)


def test_what_is_known_of_a_request_shows_nothing_of_its_bodies() -> None:
    draft = Draft("POST", keeps=100)
    draft.note_sent(b"a masked body")
    draft.note_answered(b"an answer")
    assert draft.bodies() is not None
    shown = repr(draft) + repr(draft.bodies())
    assert ("masked body" in shown, "an answer" in shown) == (False, False)


async def echo(answering: Answering) -> None:
    """Answer with the tokens of the request, as a stream where it asks for one."""
    tokens = b" ".join(TOKEN.findall(answering.seen.body)).decode()
    if b'"stream": true' in answering.seen.body:
        await answering.begin("text/event-stream")
        for at in range(0, len(tokens), 5):
            await answering.chunk(delta(tokens[at : at + 5]))
        await answering.chunk(b"")
    else:
        await answering.json({"text": tokens})


def test_counts_and_sizes_agree_with_what_the_upstream_received(tmp_path: Path) -> None:
    text = f"stop {INSTANCE}, then {INSTANCE} and {BUCKET}"
    batch = {"requests": [{"custom_id": "a", "params": message(text)}, {"custom_id": "b", "params": message(text)}]}
    requests = [
        ("/v1/messages", json.dumps(message(text)).encode(), ()),
        ("/v1/v1/messages?beta=true", json.dumps(message(text, stream=True)).encode(), ()),
        ("/v1/messages/count_tokens", json.dumps(message(text)).encode(), ()),
        ("/v1/messages/batches", json.dumps(batch).encode(), ()),
        ("/v1/files", MULTIPART, ("Content-Type: multipart/form-data; boundary=b",)),
        ("/v1/messages", json.dumps(message("nothing to mask")).encode(), ()),
    ]
    path = tmp_path / "audit.jsonl"

    async def test() -> tuple[list[bytes], list[bytes]]:
        async with lab(echo, audit=f"file://{path}") as one:
            answers = [await one.request("POST", target, body, *headers) for target, body, headers in requests]
            assert [answer.status for answer in answers] == [200] * len(requests)
            assert [answer.body.count(INSTANCE.encode()) > 0 for answer in answers] == [True] * 5 + [False]
            return [seen.body for seen in one.upstream.seen], [answer.body for answer in answers]

    received, answered = run(test())
    records = [parse(line) for line in path.read_bytes().splitlines()]
    assert [one.edits for one in records] == [len(TOKEN.findall(body)) for body in received]
    assert [one.bytes_up for one in records] == [len(body) for body in received]
    assert [one.bytes_in for one in records] == [len(body) for _, body, _ in requests]
    assert [one.bytes_out for one in records] == [len(body) for body in answered]
    assert [one.families.get("ec2-instance", 0) for one in records] == [2, 2, 2, 4, 1, 0]
    assert [one.restored for one in records] == [one.edits for one in records]
    assert [one.streamed for one in records] == [False, True, False, False, False, False]
    assert {one.ruleset for one in records} == {shared_masker().ruleset}
    assert {(one.outcome, one.vault, one.lost) for one in records} == {("ok", "closed", 0)}
    assert len({one.request_id for one in records}) == len(records)
    assert all(INSTANCE not in one.json() for one in records)


@pytest.mark.parametrize("how", ["full disk", "hanging redis", "no redis"])
def test_a_target_that_fails_neither_delays_nor_fails_a_request(
    tmp_path: Path, redis_server: RedisServer, how: str
) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    targets = {
        "full disk": f"file://{tmp_path}/full",
        "hanging redis": redis_server.url,
        "no redis": "redis://127.0.0.1:9/0",
    }
    redis_server.freeze()

    async def test() -> None:
        async with lab(echo, audit=targets[how]) as one:
            for _ in range(20):
                assert (await one.post(message(f"stop {INSTANCE}"))).status == 200
            (writer,) = one.gateway._writers
            await until(lambda: writer.failures)
            assert writer.written == 0
            assert [line for line in one.records.lines if '"notice":"audit: ' in line]
        assert writer.dropped == 20

    run(test())


def test_a_request_is_recorded_that_its_client_left(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"

    async def waits(answering: Answering) -> None:
        await answering.client_closed()

    async def test() -> list[AuditRecord]:
        async with lab(waits, audit=f"file://{path}") as one:
            connection = await one.connect()
            body = json.dumps(message(INSTANCE)).encode()
            head = f"POST /v1/messages HTTP/1.1\r\nHost: gw\r\nContent-Length: {len(body)}\r\n\r\n"
            await connection.send(head.encode() + body)
            await until(lambda: one.upstream.seen)
            connection.abort()
            await until(lambda: path.exists() and path.read_bytes())
        return [parse(line) for line in path.read_bytes().splitlines()]

    (record,) = run(test())
    assert (record.outcome, record.status, record.edits) == ("client_gone", 0, 1)
    assert record.bytes_up > 0
