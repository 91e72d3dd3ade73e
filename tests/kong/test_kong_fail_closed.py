"""Whatever breaks, no original reaches the upstream, the client is told within 6 seconds, and service comes back."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from client import Answer, ask, message
from stacks import SOCKET_TIMEOUT, Setup, Stack, ask_until, is_served, server_of, set_fault, wait_for

from aws_masker.fake_api import FakeApi

INSTANCE = "i-0a1b2c3d4e5f60718"
MOST_SECONDS = 6.0
MIB = 1 << 20

Start = Callable[[Setup], Stack]


@pytest.fixture(autouse=True)
def _witness(api: FakeApi) -> Iterator[None]:
    """Whatever a test does, nothing of it may have leaked."""
    api.requests.clear()
    yield
    assert [one.path for one in api.requests if INSTANCE.encode() in one.body] == []


def _ask(stack: Stack, text: str = f"stop {INSTANCE}") -> Answer:
    return ask(stack.url, "/v1/messages", message(text))


def _reaches_the_api(api: FakeApi) -> bool:
    return any(one.path.startswith("/v1/messages") for one in api.requests)


@pytest.mark.parametrize("fault", ["raise-first", "raise-later", "exit-first"])
def test_a_plugin_that_raises_costs_an_error_at_once_and_nothing_after(stack: Stack, api: FakeApi, fault: str) -> None:
    set_fault(stack, fault)
    answers = [_ask(stack) for _ in range(3)]
    set_fault(stack, "")
    assert [(one.status, one.is_error) for one in answers] == [(503, True)] * 3
    assert all("retry-after" in one.headers for one in answers)
    assert max(one.seconds for one in answers) < 1
    assert not _reaches_the_api(api)
    assert _ask(stack).status == 200
    kind = {"exit-first": "SystemExit"}.get(fault, "ValueError")
    assert f"internal error: {kind} at" in stack.error_log()


def test_no_error_log_holds_a_value(stack: Stack) -> None:
    for fault in ("raise-first", "raise-later", "exit-first"):
        set_fault(stack, fault)
        _ask(stack)
    set_fault(stack, "")
    assert "secret-in-message" not in stack.error_log()
    assert INSTANCE not in stack.error_log()


def test_a_server_that_was_killed_costs_an_error_and_comes_back(stack: Stack, api: FakeApi) -> None:
    assert _ask(stack).status == 200
    api.requests.clear()
    before = server_of(stack).pid
    stack.signal_server(signal.SIGKILL)
    answer = _ask(stack)
    assert answer.status in {500, 503}
    assert answer.seconds < MOST_SECONDS
    assert not _reaches_the_api(api)
    wait_for(lambda: is_served(stack))
    assert server_of(stack).pid != before
    assert _ask(stack).status == 200


def test_a_server_that_dies_in_mid_request_costs_an_error_and_comes_back(stack: Stack, api: FakeApi) -> None:
    set_fault(stack, "die")
    answer = _ask(stack)
    set_fault(stack, "")
    assert (answer.status, answer.is_error) == (503, True)
    assert answer.seconds < MOST_SECONDS
    assert not _reaches_the_api(api)
    wait_for(lambda: is_served(stack))
    assert _ask(stack).status == 200


def test_a_server_that_is_stopped_costs_an_error_within_the_time_out(stack: Stack, api: FakeApi) -> None:
    """Several requests at once, so that each worker of Kong's gets some: none has a server of its own.

    Each has served before: in one that has not, Kong has requests wait for the plugin's start one after the other.
    """
    with ThreadPoolExecutor(8) as clients:
        assert {one.status for one in clients.map(lambda _: _ask(stack), range(40))} == {200}
    api.requests.clear()
    stack.signal_server(signal.SIGSTOP)
    try:
        wait_for(lambda: server_of(stack).stopped)
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(lambda _: _ask(stack), range(8)))
            reached = _reaches_the_api(api)
            waiting = [clients.submit(_ask, stack) for _ in range(8)]
            time.sleep(1)
            stack.signal_server(signal.SIGCONT)
    finally:
        stack.signal_server(signal.SIGCONT)
    assert {one.status for one in answers} <= {500, 503}
    assert max(one.seconds for one in answers) < MOST_SECONDS
    assert not reached
    # On the connections on which the others have given up.
    assert {one.result().status for one in waiting} == {200}
    wait_for(lambda: is_served(stack))
    assert [_ask(stack).status for _ in range(5)] == [200] * 5


def test_a_plugin_that_hangs_costs_an_error_and_does_not_poison_the_connection(stack: Stack, api: FakeApi) -> None:
    set_fault(stack, "hang")
    answer = _ask(stack)
    set_fault(stack, "")
    assert (answer.status, answer.is_error) == (503, True)
    assert answer.seconds < MOST_SECONDS
    assert not _reaches_the_api(api)
    assert [_ask(stack).status for _ in range(5)] == [200] * 5


def test_a_plugin_that_hangs_holds_up_nobody_else(stack: Stack) -> None:
    (stack.folder / "reached").unlink(missing_ok=True)
    set_fault(stack, "hang")
    hanging = threading.Thread(target=_ask, args=(stack,))
    hanging.start()
    wait_for((stack.folder / "reached").exists)
    set_fault(stack, "")
    answer = _ask(stack)
    assert answer.status == 200
    assert answer.seconds < 2
    assert hanging.is_alive()
    hanging.join()


def test_a_large_body_that_takes_longer_than_kong_waits_is_masked(stack: Stack, api: FakeApi) -> None:
    set_fault(stack, "slow")
    answer = _ask(stack, "a large file " * (3 << 20 >> 3))
    set_fault(stack, "")
    assert answer.status == 200
    assert answer.seconds > SOCKET_TIMEOUT
    assert _reaches_the_api(api)


def test_a_small_body_that_takes_longer_than_kong_waits_is_refused(stack: Stack, api: FakeApi) -> None:
    set_fault(stack, "slow")
    answer = _ask(stack)
    set_fault(stack, "")
    assert (answer.status, answer.is_error) == (503, True)
    assert answer.seconds < 6
    assert not _reaches_the_api(api)


def test_the_filter_alone_forwards_nothing(start_stack: Start, api: FakeApi) -> None:
    stack = start_stack(Setup(api.url, without=("aws-masker",)))
    answer = _ask(stack)
    assert (answer.status, answer.is_error) == (503, True)
    assert ask(stack.url, "/v1/models").status == 503
    assert api.requests == []


def test_the_plugin_alone_forwards_nothing(start_stack: Start, api: FakeApi) -> None:
    stack = start_stack(Setup(api.url, without=("aws-masker-filter",)))
    answer = ask_until(lambda found: found.status == 502, lambda: _ask(stack))
    assert answer.seconds < MOST_SECONDS
    assert ask(stack.url, "/v1/models").status == 502
    assert api.requests == []


def test_a_configuration_that_cannot_work_refuses_everything(start_stack: Start, api: FakeApi) -> None:
    stack = start_stack(Setup(api.url, config={"key": "too-short"}, refuses=True))
    answer = ask_until(lambda found: b"not configured" in found.body, lambda: _ask(stack))
    assert answer.is_error
    assert not _reaches_the_api(api)
    assert "config.key" in stack.error_log()
    assert "too-short" not in stack.error_log()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ("--socket", "/no-such-folder/socket"),
            "/no-such-folder/socket cannot be listened at (No such file or directory)",
        ),
        (("--no-such-option",), "unrecognized arguments: --no-such-option"),
    ],
)
def test_why_a_plugin_server_cannot_start_is_in_kongs_error_log(
    start_stack: Start, api: FakeApi, options: tuple[str, ...], told: str
) -> None:
    stack = start_stack(Setup(api.url, server=options, refuses=True))
    wait_for(lambda: told in stack.error_log())
    assert _ask(stack).status in {500, 503}
    assert not _reaches_the_api(api)


@pytest.mark.parametrize("size", [8 * 1024 + 1, MIB, 5 * MIB])
def test_a_body_of_any_size_within_the_limit_is_masked(stack: Stack, api: FakeApi, size: int) -> None:
    text = f"{INSTANCE} " + "the quick brown fox\n" * (size // 20)
    assert _ask(stack, text).status == 200
    (received,) = api.requests
    assert b"i-x" in received.body
    assert len(received.body) > size


def test_a_body_beyond_the_limit_is_refused(stack: Stack, api: FakeApi) -> None:
    answer = _ask(stack, INSTANCE + " " * 33 * MIB)
    assert (answer.status, answer.is_error) == (413, True)
    assert answer.seconds < MOST_SECONDS
    assert not _reaches_the_api(api)


def test_a_chunked_body_beyond_the_limit_is_refused(start_stack: Start, api: FakeApi) -> None:
    stack = start_stack(Setup(api.url, config={"limits": {"body": MIB}}))
    chunks = (b" " * MIB for _ in range(2))
    answer = ask(stack.url, "/v1/messages", chunks)
    assert (answer.status, answer.is_error) == (413, True)
    assert not _reaches_the_api(api)


def test_an_empty_body_is_forwarded_as_it_is(stack: Stack, api: FakeApi) -> None:
    assert ask(stack.url, "/v1/messages", b"").status == 400
    (received,) = api.requests
    assert received.body == b""


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Encoding": "gzip"}, b"\x1f\x8b\x08", 415),
        ({"Content-Type": "application/zip"}, INSTANCE.encode(), 415),
        ({}, f'{{"a": "{INSTANCE}"'.encode(), 400),
        ({}, f'{{"a": "{INSTANCE}", "a": 1}}'.encode(), 400),
        ({}, b'{"a": "\xff"}', 400),
        ({"Upgrade": "websocket", "Connection": "Upgrade"}, b"{}", 400),
        ({"X-Odd": "caf\xe9"}, b"[", 400),
        # Kong would take the length away, and the API read the body as its next request.
        ({"Connection": "Content-Length"}, b"{}", 400),
        ({"Connection": "keep-alive, transfer-encoding,x"}, b"{}", 400),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(
    stack: Stack, api: FakeApi, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = ask(stack.url, "/v1/messages", body, headers)
    assert (answer.status, answer.is_error) == (status, True)
    assert not _reaches_the_api(api)
