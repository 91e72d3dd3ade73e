"""The limits that hold behind Kong, each reached on a whole stack."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, IncompleteRead
from typing import Any

import pytest
from client import ask, message
from raw_upstream import HEAD, RawUpstream, chunk
from stacks import Setup, Stack, records, wait_for

from aws_masker.fake_api import FakeApi
from aws_masker.kong import schema

INSTANCE = "i-0a1b2c3d4e5f60718"
SMALL = {"body": 3000, "depth": 20, "values": 50, "identifiers": 10, "names": 5, "event": 2000, "answer": 5000}
SMALL |= {"headers": 40, "parts": 3, "lines": 10, "texts": 2}
OVERLAPPING = "".join(f"--bucket {'-'.join(['q7'] * count)}\n" for count in range(1, 60)) + "-".join(["q7"] * 3000)

# How much is kept of what went through: test_kong_bodies.py, test_kong_bodies_bounds.py, test_kong_filter.py,
# test_kong_journal.py, and test_limits.py.
REFUSE_NOTHING = {"recorded_body", "recorded_bodies", "waiting_records", "waiting_bytes", "cached_texts"}

TOLD = {
    "event": "limits.event",
    "lines": "limits.lines",
    "texts": "limits.texts",
    "answer": "limits.answer: ",
    "answer_seconds": "limits.answer_seconds: ",
}

Start = Callable[[Setup], Stack]


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    one = RawUpstream()
    yield one
    one.close()


@pytest.fixture(scope="module")
def small(session_stacks: Start, upstream: RawUpstream) -> Stack:
    """Return a stack with limits that are soon reached."""
    return session_stacks(Setup(upstream.url, config={"limits": {**SMALL, "answer_seconds": 1}}))


def _nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


REQUESTS = {
    "body": (message("x" * 3000), 413),
    "depth": (message("x", extra=_nested(30)), 400),
    "values": (message("x", extra=["v"] * 50), 413),
    "identifiers": (message(" ".join(f"i-0a1b2c3d4e5f6{number:04x}" for number in range(11))), 413),
    "names": (message("\n".join(f"--db-instance-identifier ledger-{n}-blue" for n in range(6))), 413),
}


@pytest.mark.parametrize(
    ("limit", "body", "headers"),
    [
        ("headers", message("x"), {f"x-{number}": "x" for number in range(40)}),
        (
            "parts",
            b"--B" + b"\r\n\r\nx\r\n--B" * 4 + b"--\r\n",
            {"Content-Type": "multipart/form-data; boundary=B"},
        ),
    ],
)
def test_a_request_of_too_many_pieces_is_refused(
    small: Stack, upstream: RawUpstream, limit: str, body: bytes, headers: dict[str, str]
) -> None:
    before = len(upstream.received)
    answer = ask(small.url, "/v1/files" if limit == "parts" else "/v1/messages", body, headers)
    assert (answer.status, answer.is_error) == (413, True)
    assert f"raise limits.{limit}" in answer.json()["error"]["message"]
    assert len(upstream.received) == before


@pytest.mark.parametrize("limit", REQUESTS)
def test_a_request_beyond_a_limit_is_refused_in_the_apis_shape(small: Stack, limit: str, upstream: RawUpstream) -> None:
    body, status = REQUESTS[limit]
    before = len(upstream.received)
    answer = ask(small.url, "/v1/messages", body)
    assert (answer.status, answer.is_error) == (status, True)
    assert limit in answer.json()["error"]["message"]
    assert len(upstream.received) == before


def _event(text: str, index: int = 0) -> bytes:
    data = {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}
    return chunk(b"event: content_block_delta\ndata: " + json.dumps(data).encode() + b"\n\n")


@contextmanager
def _answering(upstream: RawUpstream, pieces: Iterator[bytes]) -> Iterator[None]:
    """Answer the next request with pieces, until its client is gone."""

    def run() -> None:
        with upstream.take() as connection:
            connection.settimeout(30)
            try:
                for piece in pieces:
                    connection.sendall(piece)
                while connection.recv(1 << 16):
                    pass
            except OSError:
                pass

    thread = threading.Thread(target=run)
    thread.start()
    yield
    thread.join()


def _forever() -> Iterator[bytes]:
    yield HEAD
    while True:
        yield _event("more and more")


def _once_and_again_late(late: threading.Event) -> Iterator[bytes]:
    yield HEAD
    while not late.wait(0.3):
        yield _event("on")


def _broken_off(stack: Stack) -> list[str]:
    """Return why answers were broken off."""
    told = (one["aws_masker"] for one in records(stack))
    return [one["reason"] for one in told if one["outcome"] == "broken_off"]


@pytest.mark.parametrize("limit", TOLD)
def test_an_answer_beyond_a_limit_is_broken_off(small: Stack, upstream: RawUpstream, limit: str) -> None:
    late = threading.Event()
    pieces = {
        "event": iter([HEAD, _event("x" * 3000)]),
        "lines": iter([HEAD, chunk(b"id: 1\n" * 20)]),
        "texts": iter([HEAD, *(_event("open", index) for index in range(3))]),
        "answer": _forever(),
        "answer_seconds": _once_and_again_late(late),
    }[limit]
    before = _broken_off(small)
    reason = "answer_too_long" if limit == "answer_seconds" else "answer_too_large"
    with _answering(upstream, pieces):
        with pytest.raises((IncompleteRead, HTTPException, ConnectionError, socket.timeout)):
            ask(small.url, "/v1/messages", message(f"see {INSTANCE}", stream=True))
        late.set()
    assert wait_for(lambda: _broken_off(small)[len(before) :]) == [reason]
    wait_for(lambda: TOLD[limit] in small.error_log())


def test_names_made_to_overlap_are_refused(stack: Stack) -> None:
    answer = ask(stack.url, "/v1/messages", message(OVERLAPPING))
    assert (answer.status, answer.is_error) == (413, True)
    assert "limits.overlaps" in answer.json()["error"]["message"]


def test_more_requests_at_once_than_allowed_are_told_so(start_stack: Start, api: FakeApi) -> None:
    stack = start_stack(Setup(api.url, config={"limits": {"concurrency": 1}}))
    body = message("\n".join(f"i-{number:017x}" for number in range(20_000)))
    statuses: list[int] = []

    def send() -> None:
        answer = ask(stack.url, "/v1/messages", body)
        assert answer.status == 200 or answer.is_error
        statuses.append(answer.status)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200, 529}


def test_every_limit_of_the_plugin_is_reached_here() -> None:
    """But that of an inventory, which is read at start: in the tests of limits without Kong; and those of bodies."""
    (limits,) = (one["limits"]["fields"] for one in schema.fields() if "limits" in one)
    assert {name for one in limits for name in one} == {
        *SMALL,
        "concurrency",
        "answer_seconds",
        "inventory",
        "overlaps",
        # In test_kong_server.py and test_kong_plugin.py, without a stack.
        "masking_seconds",
        *REFUSE_NOTHING,
    }
