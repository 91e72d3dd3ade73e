"""At the level debug, nothing that any part of the stack writes holds an original, a key, a body or a header."""

import contextlib
import http.client
import urllib.request
from collections.abc import Callable

import pytest
from client import ask, message
from stacks import KEY, Setup, Stack, ask_until, free_port, set_fault, wait_for

from aws_masker.audit.bodies import files_of
from aws_masker.fake_api import FakeApi
from redis_fixture import KEPT_IN_A_FILE, RedisServer

Start = Callable[[Setup], Stack]

PASSWORD = "planted-password"
PLANTED = {
    "an identifier": "i-0a1b2c3d4e5f60718",
    "a name": "zebrafish-payroll",
    "an account": "481516234217",
    "an access key": "AKIAIOSFODNN7EXAMPLE",
    "a body": "planted words of the body",
    "a key of the API": "made-up-key",
    "a bearer token": "planted-bearer",
    "a header's value": "planted-in-a-header",
    "a session that is none": "planted-session",
    "the key": KEY,
    "a password": PASSWORD,
}
HEADERS = {
    "Authorization": "Bearer planted-bearer",
    "Cookie": "a=planted-in-a-header",
    "X-Other": "planted-in-a-header",
    "X-Request-ID": "planted-in-a-header",
    "X-Claude-Code-Session-Id": "planted-session",
}
ROLE = "arn:aws:iam::481516234217:role/zebrafish-payroll"
FAULTS = ("raise-first", "raise-later", "exit-first", "die", "disk-full")
TEXT = f"stop i-0a1b2c3d4e5f60718 as {ROLE}, AKIAIOSFODNN7EXAMPLE: planted words of the body"


@pytest.fixture
def redis(start_redis: Callable[..., RedisServer]) -> RedisServer:
    return start_redis(*KEPT_IN_A_FILE, "--loglevel", "debug", "--requirepass", PASSWORD)


@pytest.fixture
def metrics() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def loud(start_stack: Start, api: FakeApi, redis: RedisServer, metrics: str) -> Stack:
    url = f"redis://:{PASSWORD}@127.0.0.1:{redis.port}/0"
    config = {"audit": "file://{folder}/audit.jsonl", "metrics": metrics}
    config |= {"record_bodies": "masked", "bodies": "{folder}/bodies"}
    return start_stack(Setup(api.url, config=config, vault=url, log_level="debug"))


def wait_for_bodies(stack: Stack, count: int) -> None:
    wait_for(lambda: len(files_of(stack.folder / "bodies")) >= count)


def provoke(stack: Stack) -> None:
    """Send requests that are served, refused, and that meet faults of the plugin."""
    for stream in (False, True):
        assert ask(stack.url, "/v1/messages", message(TEXT, stream=stream), HEADERS).status == 200
    bodies = (b"[" + TEXT.encode(), b"\xff" + TEXT.encode(), message(TEXT)[:-5])
    for body in bodies:
        ask(stack.url, "/v1/messages", body, HEADERS)
    ask(stack.url, "/v1/messages", message(TEXT), {**HEADERS, "Content-Type": "planted-in-a-header/x"})
    ask(stack.url, "/v1/messages", message(TEXT), {**HEADERS, "Content-Encoding": "gzip"})
    for kept, fault in enumerate(FAULTS, 2):
        # What a server has taken and not yet written goes with it when it dies.
        wait_for_bodies(stack, kept)
        set_fault(stack, fault)
        with contextlib.suppress(http.client.HTTPException, OSError):
            ask(stack.url, "/v1/messages", message(TEXT), HEADERS)
        set_fault(stack, "")
        ask_until(lambda one: one.status == 200, lambda: ask(stack.url, "/v1/messages", message(TEXT), HEADERS))


def test_nothing_that_is_written_holds_a_value(loud: Stack, redis: RedisServer, metrics: str, api: FakeApi) -> None:
    provoke(loud)
    of_redis = redis.told()
    for _ in range(4):  # without a vault
        assert ask(loud.url, "/v1/messages", message(f"{TEXT} again"), HEADERS).status == 200
    audit = loud.folder / "audit.jsonl"
    wait_for(lambda: audit.exists() and "no_result" in audit.read_text())
    # Two before the faults, one after each and one within the last, and those without a vault.
    wait_for_bodies(loud, 12)
    kept = {f"bodies/{path.name}" for path in files_of(loud.folder / "bodies")}
    with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=10) as answer:
        figures = answer.read().decode()
    written = {
        str(path.relative_to(loud.folder)): path.read_text(errors="replace")
        for path in loud.folder.rglob("*")
        if path.is_file() and path.name not in {"kong.yml", ".kong_env"} and "cache" not in path.parts
    }
    written |= {"redis": of_redis, "metrics": figures, "error log": loud.error_log()}
    assert len(written["redis"]) > 100
    assert PLANTED["a body"].encode() in b"".join(one.body for one in api.requests)
    assert all(PLANTED["a body"] in written[name] for name in kept)
    found = {(name, what) for name, text in written.items() for what, value in PLANTED.items() if value in text}
    # Masked bodies hold what is no identifier: that is what they are for.
    assert found == {(name, "a body") for name in kept}
