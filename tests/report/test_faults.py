"""A client is told what is wrong with its request or with the chain, nothing leaks, and service goes on after it."""

import contextlib
import json
import signal
import socket
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from http.client import HTTPException
from time import perf_counter

import pytest
from choice import Choice
from client import Answer, ask, message
from front_door import Nginx, nginx
from raw_upstream import HEAD, RawUpstream, chunk
from stacks import Setup, free_port, is_served, set_fault, wait_for
from whole_chain import Chain, front_and_kong

from aws_masker.fake_api import Received
from aws_masker.fake_api.answers import ApiError, Block, Request
from e2e.leaks import leaks

from .exchanges import milliseconds, text_of
from .findings import Check

SECTION = "faults"
INSTANCE = "i-0a1b2c3d4e5f60718"
QUESTION = f"stop {INSTANCE}"
MIB = 1 << 20
MOST_SECONDS = 6.0
READ_SECONDS = 1.0


@contextlib.contextmanager
def _witness(
    check: Check, received: Callable[[], Collection[Received]], *expected: int
) -> Iterator[Callable[[Answer], None]]:
    """Have the answers that the test is given judged: their status, their form, and what reached the API meanwhile."""
    answers: list[Answer] = []
    check.cells["expected"] = " or ".join(map(str, expected))
    yield answers.append
    found = leaks(received(), [INSTANCE])
    check.cells |= {
        "status": ", ".join(sorted({str(answer.status) for answer in answers})),
        "ms": milliseconds(max(answer.seconds for answer in answers)),
        "reached the API unmasked": "**YES**" if found else "nothing",
    }
    assert not found, "an identifier reached the API"
    assert {answer.status for answer in answers} <= set(expected), f"status {check.cells['status']}"
    bad = [answer for answer in answers if answer.status != 200]
    assert all(answer.is_error for answer in bad), "the error is not in the API's shape"
    assert max(answer.seconds for answer in answers) < MOST_SECONDS, "it took too long"


def _served(chain: Chain) -> None:
    """Check that the next good request is served."""
    assert text_of(ask(chain.front.url, "/v1/messages", message(QUESTION))) == QUESTION, "it does not serve afterwards"


BAD: dict[str, tuple[int, Mapping[str, str], bytes]] = {
    "not JSON": (400, {}, QUESTION.encode()),
    "truncated JSON": (400, {}, message(QUESTION)[:-2]),
    "not UTF-8": (400, {}, b'{"messages": "' + INSTANCE.encode() + b' \xff"}'),
    "a name twice in an object": (400, {}, b'{"a": "' + INSTANCE.encode() + b'", "a": 1}'),
    "nested too deeply": (400, {}, b"[" * 300 + f'"{INSTANCE}"'.encode() + b"]" * 300),
    "compressed": (415, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08"),
    "an unknown kind of body": (415, {"Content-Type": "application/zip"}, INSTANCE.encode()),
    "larger than aws-masker takes": (413, {}, message(INSTANCE + " " * (32 * MIB))),
    "larger than nginx takes": (413, {}, message(INSTANCE + " " * (34 * MIB))),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_request_is_refused(chain: Chain, check: Check, what: str) -> None:
    status, headers, body = BAD[what]
    chain.api.requests.clear()
    with _witness(check, lambda: chain.api.requests, status) as judge:
        judge(ask(chain.front.url, "/v1/messages", body, headers))
    assert chain.api.requests == [], "it reached the API"
    _served(chain)


def test_another_path_is_refused(chain: Chain, check: Check) -> None:
    check.name = "a path outside /v1/"
    chain.api.requests.clear()
    with _witness(check, lambda: chain.api.requests, 404) as judge:
        judge(ask(chain.front.url, "/v2/messages", message(QUESTION)))
    assert chain.api.requests == [], "it reached the API"


def test_a_tunnel_is_refused(chain: Chain, check: Check) -> None:
    check.name = "a tunnel past the masking (CONNECT)"
    chain.api.requests.clear()
    # Which of the two, depends on nginx's version.
    with _witness(check, lambda: chain.api.requests, 400, 405) as judge:
        judge(ask(chain.front.url, "api.anthropic.com:443", method="CONNECT"))
    assert chain.api.requests == [], "it reached the API"


@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limit_error"), (529, "overloaded_error")])
def test_an_error_of_the_api_passes(chain: Chain, check: Check, status: int, kind: str) -> None:
    check.name = f"the API answers {status}"

    def fail(_request: Request) -> list[Block]:
        raise ApiError(status, kind, "made up", headers={"retry-after": "7"})

    chain.api.requests.clear()
    before, chain.api.script = chain.api.script, fail
    try:
        with _witness(check, lambda: chain.api.requests, status) as judge:
            answer = ask(chain.front.url, "/v1/messages", message(QUESTION))
            judge(answer)
    finally:
        chain.api.script = before
    assert answer.headers["retry-after"] == "7", "retry-after was lost"
    assert answer.json()["error"] == {"type": kind, "message": "made up"}, "the wording was changed"
    _served(chain)


FAULTS = {"raise-later": "the Python plugin raises an error", "hang": "the plugin server hangs"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Wait for what hangs only for a report: the tests of Kong's plugins do it, too."""
    if "fault" in metafunc.fixturenames:
        thorough = metafunc.config.getoption("--report")
        metafunc.parametrize("fault", [fault for fault in FAULTS if thorough or fault != "hang"])


def test_a_plugin_that_fails_is_no_open_door(chain: Chain, check: Check, fault: str) -> None:
    check.name = FAULTS[fault]
    chain.api.requests.clear()
    set_fault(chain.kong, fault)
    try:
        with _witness(check, lambda: chain.api.requests, 500, 503) as judge:
            judge(ask(chain.front.url, "/v1/messages", message(QUESTION)))
    finally:
        set_fault(chain.kong, "")
    wait_for(lambda: is_served(chain.kong))
    _served(chain)


def test_the_plugin_server_is_killed(chain: Chain, check: Check) -> None:
    check.name = "the plugin server is killed"
    chain.api.requests.clear()
    chain.kong.signal_server(signal.SIGKILL)
    with _witness(check, lambda: chain.api.requests, 500, 503) as judge:
        judge(ask(chain.front.url, "/v1/messages", message(QUESTION)))
    wait_for(lambda: is_served(chain.kong))
    _served(chain)


@pytest.mark.parametrize("how", ["freeze", "stop"])
def test_without_redis_service_goes_on(chain: Chain, check: Check, how: str) -> None:
    check.name = {"freeze": "Redis hangs", "stop": "Redis is killed"}[how]
    chain.api.requests.clear()
    getattr(chain.redis, how)()
    try:
        with _witness(check, lambda: chain.api.requests, 200) as judge:
            for number in range(3):
                question = f"{QUESTION} and i-0fffffffffffffff{number}"
                answer = ask(chain.front.url, "/v1/messages", message(question))
                judge(answer)
                assert text_of(answer) == question, "the answer was not restored"
    finally:
        chain.redis.thaw()
        if how == "stop":
            chain.redis.start()


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    upstream = RawUpstream()
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def front(choice: Choice, tmp_path_factory: pytest.TempPathFactory, upstream: RawUpstream) -> Iterator[Nginx]:
    """Return the front door of a chain whose API is under the test's hands, and which soon gives up waiting for it."""
    setup = Setup(upstream.url, service={"read_timeout": int(1000 * READ_SECONDS)})
    with front_and_kong(choice, setup, tmp_path_factory) as (front, _kong):
        yield front


def _raw(upstream: RawUpstream) -> list[Received]:
    parts = (one.partition(b"\r\n\r\n") for one in upstream.received)
    return [Received("POST", "", (("head", head.decode("latin-1")),), body) for head, _, body in parts]


def test_the_api_is_silent(front: Nginx, upstream: RawUpstream, check: Check) -> None:
    check.name = "the API is silent (with a time-out of 1 s)"
    taken: list[socket.socket] = []
    silent = threading.Thread(target=lambda: taken.append(upstream.take()))
    silent.start()
    with _witness(check, lambda: _raw(upstream), 504) as judge:
        answer = ask(front.url, "/v1/messages", message(QUESTION))
        judge(answer)
    silent.join()
    taken[0].close()
    assert answer.seconds >= READ_SECONDS, "it did not wait"


def test_the_api_breaks_off_in_the_middle_of_an_answer(front: Nginx, upstream: RawUpstream, check: Check) -> None:
    check.name = "the API breaks off in the middle of an answer"
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "half of it"}}
    data = f"event: content_block_delta\ndata: {json.dumps(event)}\n\n".encode()
    check.cells["expected"] = "connection broken off"
    began = perf_counter()
    with upstream.answering(HEAD + chunk(data)):
        try:
            ask(front.url, "/v1/messages", message(QUESTION, stream=True))
        except (HTTPException, OSError):
            check.cells["status"] = "connection broken off"
    check.cells["ms"] = milliseconds(perf_counter() - began)
    found = leaks(_raw(upstream), [INSTANCE])
    check.cells["reached the API unmasked"] = "**YES**" if found else "nothing"
    assert not found, "an identifier reached the API"
    assert "status" in check.cells, "half an answer looked like a whole one"


def test_the_api_cannot_be_reached(front: Nginx, upstream: RawUpstream, check: Check) -> None:
    check.name = "the API cannot be reached"
    upstream.close()
    with _witness(check, lambda: _raw(upstream), 502, 503) as judge:
        judge(ask(front.url, "/v1/messages", message(QUESTION)))


def test_kong_is_gone(check: Check) -> None:
    check.name = "Kong is gone"
    with nginx(f"127.0.0.1:{free_port()}") as front, _witness(check, list, 502) as judge:
        judge(ask(front.url, "/v1/messages", message(QUESTION)))
