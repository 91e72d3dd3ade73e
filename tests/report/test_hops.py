"""Each hop of the chain can be reached and answers, and so does the whole chain in every form that clients use."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest
from client import ask, message, streaming
from whole_chain import Chain

from aws_masker.fake_api.answers import echo_agent
from e2e import estate
from e2e.claude_code import ClaudeCode, tool
from e2e.leaks import TOKEN, leaks

from . import versions
from .exchanges import milliseconds, p50, text_of
from .findings import Check, Findings

SECTION = "hops"
INSTANCE = estate.INSTANCE
QUESTION = f"Why is {INSTANCE} down?"


def _nginx(chain: Chain) -> str:
    assert ask(chain.front.url, "/").status == 200
    return "its own"


def _health(chain: Chain) -> str:
    answer = ask(chain.front.url, "/_aws-masker/health")
    assert answer.json() == {"status": "ok"}
    return "a refusal of both plugins, as it should"


def _kong(chain: Chain) -> str:
    answer = ask(chain.kong.url, "/v1/messages", b"[")
    assert answer.status == 400, f"status {answer.status}"
    assert answer.json()["error"]["message"].startswith("aws-masker"), "the plugins did not refuse it"
    return "a refusal of both plugins, as it should"


def _redis(chain: Chain) -> str:
    with chain.redis.admin() as admin:
        assert admin.ping()
    return "PONG"


def _api(chain: Chain) -> str:
    assert ask(chain.api.url, "/v1/models").status == 200
    return "its models"


def _restored(chain: Chain, path: str, **more: object) -> str:
    chain.api.requests.clear()
    answer = ask(chain.front.url, path, message(QUESTION, **more))
    assert text_of(answer) == QUESTION, "the answer was not restored"
    assert [one.path for one in chain.api.requests] == ["/v1/messages"], "another path was asked for"
    assert not leaks(chain.api.requests, [INSTANCE]), "an identifier reached the API"
    return "the question, restored"


def _first_byte(chain: Chain) -> str:
    with streaming(chain.front.url, "/v1/messages", message(QUESTION, stream=True)) as pieces:
        assert next(pieces).startswith(b"event: message_start"), "not the first event"
    return "the first event of a stream"


HOPS: dict[str, tuple[str, Callable[[Chain], str]]] = {
    "nginx": ("client to nginx", _nginx),
    "nginx to Kong": ("client to nginx to Kong to both plugins", _health),
    "Kong": ("client to Kong to both plugins", _kong),
    "Redis": ("client to Redis", _redis),
    "API": ("client to the API", _api),
    "whole chain": ("client to nginx to Kong to the API", lambda chain: _restored(chain, "/v1/messages")),
    "whole chain, streamed": ("the same", lambda chain: _restored(chain, "/v1/messages", stream=True)),
    "whole chain, to the first event": ("the same", _first_byte),
    "base URL with /v1": ("the same, asked for /v1/v1/messages", lambda chain: _restored(chain, "/v1/v1/messages")),
    "HTTP_PROXY": (
        "the same, asked for http://nginx:8082/v1/messages",
        lambda chain: _restored(chain, "http://nginx:8082/v1/messages"),
    ),
}


@pytest.mark.parametrize("hop", HOPS)
def test_a_hop_answers(chain: Chain, check: Check, hop: str, thorough: bool) -> None:  # noqa: FBT001 - a fixture
    connection, once = HOPS[hop]
    check.cells["connection"] = connection
    times = []
    for _ in range(21 if thorough else 3):
        began = perf_counter()
        check.cells["answers"] = once(chain)
        times.append(perf_counter() - began)
    check.cells |= {"first ms": milliseconds(times[0]), "median ms": milliseconds(p50(times[1:]))}


def test_claude_code(chain: Chain, check: Check, findings: Findings, claude_executable: Path, tmp_path: Path) -> None:
    check.name = "Claude Code"
    check.cells["connection"] = "the command line to nginx to Kong to the API, with a tool call"
    findings.facts["Claude Code"] = versions.claude_code(claude_executable)
    person = ClaudeCode(claude_executable, tmp_path, {"ANTHROPIC_BASE_URL": chain.front.url})
    estate.write_files(person.work)
    chain.api.requests.clear()
    before, chain.api.script = chain.api.script, echo_agent
    try:
        began = perf_counter()
        turn = person.ask(f"{QUESTION} {tool('Read', file_path=str(person.work / 'app.log'))}")
        check.cells["first ms"] = milliseconds(perf_counter() - began)
    finally:
        chain.api.script = before
    assert not leaks(chain.api.requests, estate.ORIGINALS), "an identifier reached the API"
    assert estate.QUEUE_URL in turn.text, "the answer does not hold what the tool read"
    assert not TOKEN.search(turn.text + turn.streamed), "a token is left in the answer"
    assert not turn.tool_errors, "a tool failed"
    check.cells["answers"] = "what it read, restored"
