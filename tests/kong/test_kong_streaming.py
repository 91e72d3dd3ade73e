"""Answers are restored event by event, and one that breaks off does not look complete."""

import contextlib
import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest
from client import Answer, ask, message, streaming
from raw_upstream import HEAD, RawUpstream, chunk
from stacks import Setup, Stack, record_of

INSTANCE = "i-0a1b2c3d4e5f60718"
BROKEN_OFF = (http.client.IncompleteRead, ConnectionResetError)
TOKEN = re.compile(rb"i-x[0-9a-z]{16}")

Start = Callable[[Setup], Stack]


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    upstream = RawUpstream()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def raw_stack(session_stacks: Start, upstream: RawUpstream) -> Stack:
    """Return a stack whose upstream is under the test's hands."""
    return session_stacks(Setup(upstream.url))


def _event(kind: str, **more: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


def _delta(text: str) -> bytes:
    return _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


BEGIN = _event("content_block_start", index=0, content_block={"type": "text", "text": ""})
STOP = _event("content_block_stop", index=0)
END = _event("message_stop")


def test_each_event_arrives_before_the_next_one_is_sent(raw_stack: Stack, upstream: RawUpstream) -> None:
    """The upstream sends an event only when the client has the one before: any buffering would be a dead-lock."""
    arrived = threading.Semaphore(0)
    token: list[bytes] = []

    def run() -> None:
        with upstream.take() as connection:
            token.extend(TOKEN.findall(upstream.received[-1]))
            connection.sendall(HEAD)
            for event in (BEGIN, _delta("one "), _delta("two "), _delta(f"{token[0].decode()}."), STOP, END):
                connection.sendall(chunk(event))
                assert arrived.acquire(timeout=5), event
            connection.sendall(b"0\r\n\r\n")

    thread = threading.Thread(target=run)
    thread.start()
    seen = b""
    with streaming(raw_stack.url, "/v1/messages", message(f"stop {INSTANCE}", stream=True)) as pieces:
        for piece in pieces:
            seen += piece
            arrived.release()
    thread.join()
    assert f"{INSTANCE}." in seen.decode()
    assert seen.count(b"event:") == 6


def test_a_token_cut_in_pieces_comes_back_whole(raw_stack: Stack, upstream: RawUpstream) -> None:
    def run() -> None:
        with upstream.take() as connection:
            (token,) = TOKEN.findall(upstream.received[-1])
            connection.sendall(HEAD + chunk(BEGIN))
            for character in f"<{token.decode()}>":
                event = _delta(character)
                connection.sendall(chunk(event[:9]) + chunk(event[9:]))
            connection.sendall(chunk(STOP) + chunk(END) + b"0\r\n\r\n")

    thread = threading.Thread(target=run)
    thread.start()
    answers: list[Answer] = []
    request = message(f"stop {INSTANCE}", stream=True)
    record = record_of(raw_stack, lambda given: answers.append(ask(raw_stack.url, "/v1/messages", request, given)))
    thread.join()
    (answer,) = answers
    events = [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: ")]
    assert "".join(one["delta"]["text"] for one in events if "delta" in one) == f"<{INSTANCE}>"
    assert record["aws_masker"]["restored"] == 1
    assert record["aws_masker"]["streamed"] is True


@pytest.mark.parametrize(
    "sent",
    [HEAD + chunk(BEGIN) + chunk(_delta("one i-x")), b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + BEGIN[:9]],
    ids=["chunked", "with a length"],
)
def test_an_answer_that_breaks_off_breaks_off_for_the_client(
    raw_stack: Stack, upstream: RawUpstream, sent: bytes
) -> None:
    with upstream.answering(sent), pytest.raises(BROKEN_OFF):
        ask(raw_stack.url, "/v1/messages", message(f"stop {INSTANCE}", stream=True))


def test_a_broken_off_answer_is_recorded_as_one(raw_stack: Stack, upstream: RawUpstream) -> None:
    def send(given: Mapping[str, str]) -> None:
        with upstream.answering(HEAD + chunk(BEGIN)), pytest.raises(BROKEN_OFF):
            ask(raw_stack.url, "/v1/messages", message(f"stop {INSTANCE}", stream=True), given)

    record = record_of(raw_stack, send)
    assert record["aws_masker"]["outcome"] == "broken_off"


def test_an_answer_that_cannot_be_restored_breaks_off_for_the_client(raw_stack: Stack, upstream: RawUpstream) -> None:
    """An event beyond what the restorer holds: the client gets no token, and no clean end."""
    sent = HEAD + chunk(BEGIN) + chunk(b"data: " + b"x" * (65 << 20)) + b"\n\n0\r\n\r\n"

    def run() -> None:
        with upstream.take() as connection, contextlib.suppress(ConnectionError):
            connection.sendall(sent)

    thread = threading.Thread(target=run)
    thread.start()
    with pytest.raises(BROKEN_OFF):
        ask(raw_stack.url, "/v1/messages", message(f"stop {INSTANCE}", stream=True))
    thread.join()


def test_an_answer_that_is_compressed_all_the_same_becomes_an_error(raw_stack: Stack, upstream: RawUpstream) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
    with upstream.answering(head + b"\x1f\x8b\x08\x00"):
        answer = ask(raw_stack.url, "/v1/messages", message(f"stop {INSTANCE}"), {"Accept-Encoding": "gzip"})
    assert (answer.status, answer.is_error) == (502, True)
    assert "content-encoding" not in answer.headers
    assert b"ccept-encoding: gzip" not in upstream.received[-1].lower()


@pytest.mark.parametrize(
    "location",
    [
        "https://elsewhere.example/v1/messages",
        "//elsewhere.example/",
        "/\t/elsewhere.example/",
        "\t//elsewhere.example/",
        "ht\ttps://elsewhere.example/",
    ],
)
def test_a_redirect_to_somewhere_else_is_not_passed_on(raw_stack: Stack, upstream: RawUpstream, location: str) -> None:
    """With 307 the client would send its body there as it is, unmasked."""
    head = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    with upstream.answering(head.encode()):
        answer = ask(raw_stack.url, "/v1/messages", message(f"stop {INSTANCE}"))
    assert (answer.status, answer.is_error) == (502, True)
    assert "location" not in answer.headers


def test_an_answer_that_would_switch_protocols_is_not_passed_on(raw_stack: Stack, upstream: RawUpstream) -> None:
    """Behind such an answer whatever the client sends would pass as it is."""
    head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: made-up\r\n\r\n"
    offer = {"Connection": "Upgrade", "Upgrade": "made-up"}
    with upstream.answering(head + b"unframed"):
        answer = ask(raw_stack.url, "/v1/messages", message(f"stop {INSTANCE}"), offer)
    assert (answer.status, answer.is_error) == (502, True)
    assert b"upgrade" not in upstream.received[-1].lower()


def test_an_error_of_the_api_passes_with_its_wording(raw_stack: Stack, upstream: RawUpstream) -> None:
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: Field required"}}'
    head = f"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with upstream.answering(head.encode() + body):
        answer = ask(raw_stack.url, "/v1/messages", message(f"stop {INSTANCE}"))
    assert (answer.status, answer.body) == (400, body)


def test_headers_go_up_as_they_came_but_for_the_coding(raw_stack: Stack, upstream: RawUpstream) -> None:
    headers = {"anthropic-beta": "a,b", "Authorization": "Bearer made-up", "Accept-Encoding": "gzip, br"}
    with upstream.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"):
        ask(raw_stack.url, "/v1/messages?beta=true", message(INSTANCE), headers)
    head = upstream.received[-1].partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"post /v1/messages?beta=true ")
    assert b"\r\nanthropic-beta: a,b\r\n" in head
    assert b"\r\nauthorization: bearer made-up" in head
    assert b"gzip" not in head
    assert f"\r\nhost: {upstream.url.removeprefix('http://')}".encode() in head
