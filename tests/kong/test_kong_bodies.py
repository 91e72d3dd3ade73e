"""With ``record_bodies``: what was sent to the API and what it answered is kept as the API saw it, and nothing else."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest
from choice import Choice, redis_kind
from client import Answer, ask, message, streaming
from raw_upstream import HEAD, RawUpstream, chunk
from stacks import KEY, Setup, Stack, ask_until, free_port, set_fault, wait_for

from aws_masker.audit.bodies import Stored, files_of, find
from aws_masker.fake_api import FakeApi
from redis_fixture import redis_servers

Start = Callable[[Setup], Stack]

INSTANCE = "i-0a1b2c3d4e5f60718"
NAME = "zebrafish-payroll"
TEXT = f"stop {INSTANCE}, then use arn:aws:iam::481516234217:role/{NAME}"
ORIGINALS = (INSTANCE, NAME, "481516234217")
TOKEN = re.compile(rb"i-x[0-9a-z]{16}")
BROKEN_OFF = (IncompleteRead, ConnectionResetError, RemoteDisconnected)
KEPT = {"record_bodies": "masked", "bodies": "{folder}/bodies", "limits": {"recorded_body": 3000}}


@dataclass
class Keeping:
    """A stack that keeps bodies, and its upstream."""

    stack: Stack
    upstream: RawUpstream

    @property
    def folder(self) -> Path:
        return self.stack.folder / "bodies"

    @contextmanager
    def answering(self, make: Callable[[bytes], Iterable[bytes]]) -> Iterator[list[bytes]]:
        """Answer the next request with the pieces that ``make`` makes of its token, and close; give its body."""
        got: list[bytes] = []

        def run() -> None:
            with self.upstream.take() as connection:
                got.append(self.upstream.received[-1].partition(b"\r\n\r\n")[2])
                for piece in make(token_in(got[0])):
                    connection.sendall(piece)

        thread = threading.Thread(target=run)
        thread.start()
        yield got
        thread.join()

    def ask(self, make: Callable[[bytes], Iterable[bytes]], text: str = TEXT) -> tuple[Answer, bytes, Stored]:
        """Send a request that is answered so; return the answer, what the upstream got, and what is kept."""
        given = {"X-Request-ID": secrets.token_hex(16)}
        with self.answering(make) as got:
            answer = ask(self.stack.url, "/v1/messages", message(text), given)
        return answer, got[0], self.kept(given)

    def kept(self, headers: Mapping[str, str]) -> Stored:
        """Return what is kept of the request with these headers as soon as it is there."""
        given = headers["X-Request-ID"]
        wait_for(lambda: any(given in path.name for path in files_of(self.folder)))
        return find(self.folder, given)


def token_in(body: bytes) -> bytes:
    found = TOKEN.search(body)
    assert found
    return found[0]


def whole(status: str, content_type: str, body: bytes) -> bytes:
    """Return an answer that is not a stream."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def event(text: bytes) -> bytes:
    delta = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%b"}}' % text
    return b"event: content_block_delta\ndata: %b\n\n" % delta


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    with closing(RawUpstream()) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def keeping(session_stacks: Start, upstream: RawUpstream) -> Keeping:
    return Keeping(session_stacks(Setup(upstream.url, config=KEPT)), upstream)


@pytest.fixture(autouse=True)
def no_original_in_any_file(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test that has a stack with bodies, look for what was planted in all that it has written."""
    yield
    if "keeping" in request.fixturenames:
        folder = request.getfixturevalue("keeping").stack.folder
        written = [path for path in folder.rglob("*") if path.is_file()]
        assert written
        assert [(path, one) for path in written for one in ORIGINALS if one.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("status", ["200 OK", "529 Overloaded"])
def test_what_was_sent_and_answered_is_kept_as_the_api_saw_it(keeping: Keeping, status: str) -> None:
    def said(token: bytes) -> bytes:
        return b'{"type":"message","content":[{"type":"text","text":"see %b"}]}' % token

    answer, got, stored = keeping.ask(lambda token: [whole(status, "application/json", said(token))])
    assert answer.body == said(INSTANCE.encode())
    assert (stored.sent, stored.sent_length) == (got, len(got))
    assert (stored.answered, stored.answered_length) == (said(token_in(got)), len(said(token_in(got))))
    assert (stored.record.status, stored.record.host, stored.record.edits) == (int(status[:3]), "kong", 3)


def test_a_stream_is_kept_as_it_came_with_tokens_that_were_cut(keeping: Keeping) -> None:
    def events(token: bytes) -> list[bytes]:
        return [event(token[:7]), event(token[7:])[:40], event(token[7:])[40:], event(b"end")]

    answer, got, stored = keeping.ask(lambda token: [HEAD, *map(chunk, events(token)), chunk(b"")])
    assert INSTANCE in "".join(re.findall(r'"text":"([^"]*)"', answer.body.decode()))
    assert stored.sent == got
    assert stored.answered == b"".join(events(token_in(got)))
    assert stored.record.streamed


def test_bytes_that_are_no_text_are_kept_too(keeping: Keeping) -> None:
    body = bytes(range(256)) + b"\xed\xa0\x80\n\xff"
    answer, _, stored = keeping.ask(lambda _: [whole("200 OK", "application/octet-stream", body)])
    assert answer.body == stored.answered == body


def test_a_long_body_is_cut_where_the_limit_says(keeping: Keeping) -> None:
    body = b"[%b]" % b",".join([b"1"] * 4000)
    half = len(body) // 2
    head, pieces = whole("200 OK", "application/json", body)[: -len(body)], (body[:half], body[half:])
    _, got, stored = keeping.ask(lambda _: [head, *pieces], TEXT + " again" * 1000)
    assert (stored.sent, stored.sent_length) == (got[:3000], len(got))
    assert (stored.answered, stored.answered_length) == (body[:3000], len(body))


def test_of_an_answer_that_broke_off_there_is_what_came(keeping: Keeping) -> None:
    given = {"X-Request-ID": secrets.token_hex(16)}
    seen = threading.Event()

    def pieces(token: bytes) -> Iterable[bytes]:
        yield HEAD + chunk(event(b"see " + token))
        seen.wait(10)

    with (
        keeping.answering(pieces) as got,
        streaming(keeping.stack.url, "/v1/messages", message(TEXT, stream=True), given) as answer,
    ):
        assert INSTANCE.encode() in next(answer)
        seen.set()
        with pytest.raises(BROKEN_OFF):
            list(answer)
    stored = keeping.kept(given)
    assert (stored.sent, stored.answered) == (got[0], event(b"see " + token_in(got[0])))
    assert stored.record.outcome == "broken_off"


def test_of_a_request_that_is_refused_nothing_is_kept(keeping: Keeping) -> None:
    given = {"X-Request-ID": secrets.token_hex(16)}
    assert ask(keeping.stack.url, "/v1/messages", b"[" + INSTANCE.encode(), given).status == 400
    _, _, stored = keeping.ask(lambda token: [whole("200 OK", "text/plain", token)])  # brought after that one
    assert stored.sent
    assert not [path for path in files_of(keeping.folder) if given["X-Request-ID"] in path.name]


def test_a_plugin_server_that_is_started_again_meanwhile_keeps_all(keeping: Keeping) -> None:
    given = {"X-Request-ID": secrets.token_hex(16)}
    again = threading.Event()

    def pieces(token: bytes) -> Iterable[bytes]:
        yield HEAD + chunk(event(token))
        again.wait(20)
        yield chunk(event(b"end")) + chunk(b"")

    with (
        keeping.answering(pieces) as got,
        streaming(keeping.stack.url, "/v1/messages", message(TEXT, stream=True), given) as answer,
    ):
        assert INSTANCE.encode() in next(answer)
        keeping.stack.signal_server(signal.SIGKILL)
        again.set()
        list(answer)
    stored = keeping.kept(given)  # before any other request
    assert (stored.sent, stored.answered) == (got[0], event(token_in(got[0])) + event(b"end"))
    ask_until(lambda one: one.status == 400, lambda: ask(keeping.stack.url, "/v1/messages", b"["))


@pytest.mark.parametrize("config", [{"record_bodies": "off"}, {"enable_masking": False}], ids=["off", "not masked"])
def test_otherwise_nothing_is_kept(start_stack: Start, api: FakeApi, config: Mapping[str, Any]) -> None:
    stack = start_stack(Setup(api.url, config={**KEPT, "audit": "file://{folder}/audit.jsonl", **config}))
    audit = stack.folder / "audit.jsonl"
    for given in ("a" * 32, "b" * 32):  # what the first one left is there before the second one's record
        assert ask(stack.url, "/v1/messages", message(TEXT), {"X-Request-ID": given}).status == 200
        wait_for(lambda: audit.exists() and given in audit.read_text())  # noqa: B023
    assert not (stack.folder / "bodies").exists()


def test_a_folder_that_cannot_be_written_hurts_nobody_and_is_told(start_stack: Start, api: FakeApi) -> None:
    setup = Setup(api.url, config={**KEPT, "bodies": "{folder}/file/bodies"}, files={"file": b""})
    stack = start_stack(setup)
    answers = [ask(stack.url, "/v1/messages", message(TEXT)) for _ in range(10)]
    assert {one.status for one in answers} == {200}
    assert all(INSTANCE.encode() in one.body for one in answers)

    def told() -> bool:
        ask(stack.url, "/v1/messages", message("hello"))
        return "bodies: " in stack.error_log()

    wait_for(told)
    assert "cannot be written" in stack.error_log()
    assert not [one for one in ORIGINALS if one in stack.error_log()]


@pytest.mark.parametrize("fault", ["disk-full", "disk-hangs"])
def test_a_bad_disk_holds_no_request_up_and_gets_all_when_it_is_mended(
    start_stack: Start, api: FakeApi, fault: str
) -> None:
    address = f"127.0.0.1:{free_port()}"
    config = {**KEPT, "audit": "file://{folder}/audit.jsonl", "metrics": address}
    stack = start_stack(Setup(api.url, config=config))
    folder, audit = stack.folder / "bodies", stack.folder / "audit.jsonl"
    sent: list[str] = []

    def figure(name: str) -> float:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            figures = answer.read().decode()
        return sum(map(float, re.findall(rf"^aws_masker_audit_{name} (\S+)$", figures, re.MULTILINE)))

    def ask_one() -> Answer:
        sent.append(secrets.token_hex(16))
        return ask(stack.url, "/v1/messages", message(TEXT), {"X-Request-ID": sent[-1]})

    set_fault(stack, fault)
    answers = [ask_one() for _ in range(10)]
    assert {one.status for one in answers} == {200}
    assert all(INSTANCE.encode() in one.body for one in answers)
    wait_for(lambda: figure("waiting") >= 20)
    if fault == "disk-full":
        wait_for(lambda: figure("failures_total") >= 2)
        # Kong's log gets it with what the plugin server is brought next.
        wait_for(lambda: ask_one() and stack.error_log().count("cannot be written") == 2)
    assert files_of(folder) == []
    set_fault(stack, "")
    assert ask_one().status == 200
    wait_for(lambda: all(one in " ".join(path.name for path in files_of(folder)) for one in sent))
    wait_for(lambda: all(one in audit.read_text() for one in sent))
    assert figure("dropped_total") == 0
    assert sorted(folder.iterdir()) == files_of(folder)
    assert not [one for one in ORIGINALS if one in stack.error_log()]


@dataclass
class Kept:
    """A request whose bodies are kept: its id, what the API got, and the environment of who reads."""

    request_id: str
    sent: bytes
    environment: Mapping[str, str]

    def run(self, *arguments: str, **more: str) -> bytes:
        """Return what a command prints."""
        command = [sys.executable, "-m", "aws_masker", *arguments]
        every = {**os.environ, **self.environment, **more}
        done = subprocess.run(command, env=every, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def kept(
    session_stacks: Start,
    api: FakeApi,
    choice: Choice,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Kept]:
    with redis_servers(tmp_path_factory, redis_kind(choice)) as start_one:
        redis = start_one()
        stack = session_stacks(Setup(api.url, config={**KEPT, "audit": redis.url}, vault=redis.url))
        given, folder = secrets.token_hex(16), stack.folder / "bodies"
        ask(stack.url, "/v1/messages", message(TEXT), {"X-Request-ID": given})
        wait_for(lambda: any(given in path.name for path in files_of(folder)))
        (sent,) = [one.body for one in api.requests if one.header("x-request-id") == given]
        named = {"BODIES": str(folder), "RECORD_BODIES": "masked", "AUDIT": redis.url}
        yield Kept(given, sent, {f"AWS_MASKER_{name}": value for name, value in named.items()})


class TestReading:
    """The commands and the page show what Kong has kept."""

    def test_commands_show_them_masked_and_in_clear(self, kept: Kept) -> None:
        assert kept.run("audit", "--body", kept.request_id) == kept.sent + b"\n"
        vault = kept.environment["AWS_MASKER_AUDIT"]
        for part in ("sent", "answered"):
            arguments = ("restore", "--record", kept.request_id, "--part", part)
            shown = kept.run(*arguments, AWS_MASKER_KEY=KEY, AWS_MASKER_VAULT=vault)
            assert all(one.encode() in shown for one in ORIGINALS)
            assert not TOKEN.search(shown)
        assert kept.run("audit", "--json").count(b'"event":"restored"') == 2

    def test_the_page_shows_them_on_demand(self, kept: Kept) -> None:
        command = [sys.executable, "-m", "aws_masker", "page", "--page", "127.0.0.1:0"]
        every = {**os.environ, **kept.environment}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=every) as page:
            assert page.stderr is not None
            found = re.search(r"http://\S+", page.stderr.readline())
            assert found
            with urllib.request.urlopen(f"{found[0]}events", timeout=10) as events:
                told = next(line for line in events if kept.request_id.encode() in line)
            shown = json.loads(told.removeprefix(b"data: "))
            with urllib.request.urlopen(f"{found[0]}bodies/{shown['number']}", timeout=10) as answer:
                bodies: dict[str, Any] = json.load(answer)
            page.terminate()
        assert shown["bodies"] is True
        assert json.loads("".join(text for text, _ in bodies["sent"]["pieces"])) == json.loads(kept.sent)
        assert [token_in(kept.sent).decode(), "i"] in bodies["sent"]["pieces"]
        assert [token_in(kept.sent).decode(), "i"] in bodies["answered"]["pieces"]
        assert not [one for one in ORIGINALS if one in json.dumps(bodies)]
