"""Every request has its record, joined from both halves, whose numbers are those of what the upstream received."""

import contextlib
import http.client
import json
import re
import secrets
import signal
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from client import Answer, ask, message, streaming
from raw_upstream import HEAD, RawUpstream, chunk
from stacks import Setup, Stack, ask_until, records, set_fault, wait_for

from aws_masker.audit import AuditRecord, parse
from aws_masker.fake_api import FakeApi
from redis_fixture import RedisServer

Start = Callable[[Setup], Stack]

INSTANCE = "i-0a1b2c3d4e5f60718"
ARN = "arn:aws:iam::481516234217:role/zebrafish-payroll"
SESSION = "0b8f1c5e-9a51-4f0b-8b62-7d1f4a1c2e3d"
TOKEN = re.compile(rb"[a-z]+-x[0-9a-z]{16}")
BEGIN = b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","content":[]}}\n\n'


AUDIT = "file://{folder}/audit.jsonl"
BROKEN_OFF = (http.client.IncompleteRead, ConnectionResetError, http.client.RemoteDisconnected)


class Audited:
    """A stack whose records go to a file."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._path = stack.folder / "audit.jsonl"

    @property
    def records(self) -> list[AuditRecord]:
        lines = self._path.read_bytes().splitlines() if self._path.exists() else []
        return [parse(line) for line in lines]

    def of(self, request_id: str) -> AuditRecord:
        """Return the record of a request as soon as it is there."""
        wait_for(lambda: [one for one in self.records if one.request_id == request_id])
        (found,) = [one for one in self.records if one.request_id == request_id]
        return found

    def ask(
        self, path: str, body: bytes, headers: Mapping[str, str] = MappingProxyType({}), *, breaks_off: bool = False
    ) -> tuple[Answer | None, AuditRecord]:
        """Send a request and return its answer and record, after checking that Kong's own log has the same."""
        given = {"X-Request-ID": secrets.token_hex(16), **headers}
        answer = None
        with pytest.raises(BROKEN_OFF) if breaks_off else contextlib.nullcontext():
            answer = ask(self.stack.url, path, body, given)
        found = self.of(given["X-Request-ID"])
        told = wait_for(lambda: [one for one in self._logged() if one["request_id"] == found.request_id])
        assert [json.loads(found.json()) | one for one in told] == [json.loads(found.json())]
        return answer, found

    def _logged(self) -> list[dict[str, Any]]:
        return [one["aws_masker"] for one in records(self.stack)]


@pytest.fixture(scope="module")
def audited(session_stacks: Start, api: FakeApi) -> Audited:
    return Audited(session_stacks(Setup(api.url, config={"audit": AUDIT})))


def sent(api: FakeApi) -> bytes:
    """Return the body that the upstream received last."""
    return api.requests[-1].body


@pytest.mark.parametrize("stream", [False, True])
def test_a_record_tells_of_the_request_and_of_its_answer(audited: Audited, api: FakeApi, stream: bool) -> None:  # noqa: FBT001 - parametrized
    body = message(f"stop {INSTANCE}, then use {ARN}; {INSTANCE} again", stream=stream)
    headers = {"x-claude-code-session-id": SESSION}
    answer, record = audited.ask("/v1/messages?beta=true", body, headers)
    assert answer is not None
    assert record.edits == len(TOKEN.findall(sent(api)))
    assert record.families["ec2-instance"] == 2
    assert record.masked == sum(record.kinds.values())
    assert (record.bytes_in, record.bytes_up, record.bytes_out) == (len(body), len(sent(api)), len(answer.body))
    assert (record.outcome, record.reason, record.status, record.upstream_status) == ("ok", None, 200, 200)
    assert (record.host, record.method, record.endpoint) == ("kong", "POST", "/v1/messages")
    assert (record.session, record.tenant, record.model) == (SESSION, "default", "claude-sonnet-4-5-20250929")
    assert (record.streamed, record.vault, record.lost) == (stream, "closed", 0)
    assert record.restored >= 3
    assert record.unresolved == 0
    assert record.ruleset
    assert set(record.ms) == {"read", "mask", "vault", "upstream", "first_byte", "total"}
    assert record.ms["total"] >= record.ms["first_byte"] >= record.ms["upstream"]


def test_the_id_of_the_request_is_the_one_that_the_client_sees(audited: Audited) -> None:
    given = "0123456789abcdef0123456789abcdef"
    answer = ask(audited.stack.url, "/v1/messages", message("hello"), {"X-Request-ID": given})
    assert audited.of(given).bytes_out == len(answer.body)
    ask(audited.stack.url, "/v1/messages", message("hello"), {"X-Request-ID": INSTANCE})
    audited.ask("/v1/messages", message("hello"))
    assert INSTANCE not in [one.request_id for one in audited.records]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "reason"),
    [
        ("/v1/messages", b"[" + INSTANCE.encode(), {}, 400, "invalid_body"),
        ("/v1/messages", b"\xff", {"Content-Type": "application/x-other"}, 415, "unsupported"),
        ("/v1/files/" + INSTANCE, message(INSTANCE), {"Content-Encoding": "gzip"}, 415, "unsupported"),
    ],
)
def test_what_is_refused_has_a_record_too(
    audited: Audited, path: str, body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    _, record = audited.ask(path, body, headers)
    assert (record.outcome, record.reason, record.status) == ("refused", reason, status)
    assert (record.bytes_in, record.bytes_up, record.upstream_status) == (len(body), 0, None)
    assert record.bytes_out > 50
    assert record.endpoint in {"/v1/messages", "/v1/files/{id}"}


def test_a_request_that_no_plugin_server_saw_has_a_record_when_there_is_one_again(audited: Audited) -> None:
    audited.stack.signal_server(signal.SIGKILL)
    given = {"X-Request-ID": secrets.token_hex(16), "X-Claude-Code-Session-Id": SESSION}
    ask(audited.stack.url, "/v1/messages", message(INSTANCE), given)
    ask_until(lambda one: one.status == 200, lambda: ask(audited.stack.url, "/v1/messages", message("hello")))
    record = audited.of(given["X-Request-ID"])
    assert (record.outcome, record.reason, record.session) == ("refused", "no_result", SESSION)
    assert record.status in {500, 503}
    assert (record.bytes_up, record.families) == (0, {})


def test_a_plugin_that_fails_leaves_a_record(audited: Audited) -> None:
    set_fault(audited.stack, "raise-later")
    _, record = audited.ask("/v1/messages", message(INSTANCE))
    set_fault(audited.stack, "")
    assert (record.outcome, record.reason, record.status) == ("refused", "no_result", 503)


def test_answers_that_end_otherwise_are_told_apart(start_stack: Start) -> None:
    upstream = RawUpstream()
    audited = Audited(start_stack(Setup(upstream.url, config={"audit": AUDIT})))

    compressed = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
    )
    with upstream.answering(compressed):
        _, record = audited.ask("/v1/messages", message(INSTANCE))
    assert (record.outcome, record.reason, record.status) == ("upstream_failed", "compressed", 502)
    upstream.close()
    _, record = audited.ask("/v1/messages", message(INSTANCE))
    assert (record.outcome, record.reason) == ("upstream_failed", "upstream_unreachable")
    assert record.bytes_up > 0


@pytest.fixture(scope="module")
def upstream() -> Iterator[RawUpstream]:
    with contextlib.closing(RawUpstream()) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def broken(session_stacks: Start, upstream: RawUpstream) -> Audited:
    return Audited(session_stacks(Setup(upstream.url, config={"audit": AUDIT})))


class TestWhoBrokeOff:
    """An answer that did not reach its end: the record tells which side ended it."""

    @pytest.mark.parametrize("sent", [(HEAD,), (HEAD + chunk(BEGIN),), (HEAD, chunk(BEGIN)), (HEAD, chunk(BEGIN)[:-9])])
    @pytest.mark.parametrize("text", [INSTANCE, "hello"], ids=["restored", "as it is"])
    def test_the_upstream(self, broken: Audited, upstream: RawUpstream, sent: tuple[bytes, ...], text: str) -> None:
        seen = threading.Event()

        def run() -> None:
            with upstream.take() as connection:
                for piece in sent:
                    connection.sendall(piece)
                    seen.wait(10)

        thread = threading.Thread(target=run)
        thread.start()
        given = {"X-Request-ID": secrets.token_hex(16)}
        with pytest.raises(BROKEN_OFF):
            read_until_it_ends(broken.stack.url, message(text, stream=True), given, seen)
        thread.join()
        record = broken.of(given["X-Request-ID"])
        assert (record.outcome, record.reason, record.status) == ("broken_off", "upstream", 200)
        assert (record.streamed, record.upstream_status) == (True, 200)

    @pytest.mark.parametrize("sent", [HEAD, HEAD + chunk(BEGIN)], ids=["after the head", "in the middle"])
    @pytest.mark.parametrize("text", [INSTANCE, "hello"], ids=["restored", "as it is"])
    def test_the_client(self, broken: Audited, upstream: RawUpstream, sent: bytes, text: str) -> None:
        def run() -> None:
            with upstream.take() as connection:
                connection.sendall(sent)
                # Kong ends the upstream's connection when its client has gone.
                while connection.recv(1 << 16):
                    pass

        thread = threading.Thread(target=run)
        thread.start()
        given = {"X-Request-ID": secrets.token_hex(16)}
        with streaming(broken.stack.url, "/v1/messages", message(text, stream=True), given) as pieces:
            if sent != HEAD:
                assert next(pieces)
        thread.join()
        record = broken.of(given["X-Request-ID"])
        assert (record.outcome, record.reason) == ("client_gone", None)
        assert (record.streamed, record.upstream_status) == (True, 200)


def read_until_it_ends(url: str, body: bytes, headers: Mapping[str, str], seen: threading.Event) -> None:
    """Read an answer to its end, and tell when its head is there."""
    with streaming(url, "/v1/messages", body, headers) as pieces:
        seen.set()
        for _ in pieces:
            pass


def test_a_health_check_leaves_none(audited: Audited) -> None:
    given = {"X-Request-ID": secrets.token_hex(16)}
    assert ask(audited.stack.url, "/v1/messages", b"{", given).status == 400
    audited.ask("/v1/messages", message("hello"))
    assert given["X-Request-ID"] not in [one.request_id for one in audited.records]


def test_no_record_holds_a_value(audited: Audited) -> None:
    hidden = {
        "x-claude-code-session-id": "hidden-session",
        "X-Request-ID": "hidden-id",
        "Authorization": "Bearer hidden",
    }
    body = message(f"{INSTANCE} {ARN} hidden", model=f"claude-{INSTANCE}")
    ask(audited.stack.url, "/v1/files/hidden?x=hidden", body, hidden)
    audited.ask("/v1/messages", body)
    lines = "".join(one.json() for one in audited.records)
    assert not [one for one in (INSTANCE, "zebrafish", "481516234217", "hidden", "made-up-key") if one in lines]


def test_kongs_own_log_holds_neither_path_nor_query(audited: Audited) -> None:
    audited.ask("/v1/files/planted-in-the-path?x=planted-in-the-query", message("hello"))
    told = (audited.stack.folder / "access.json").read_text()
    assert "/v1/files/{id}" in told
    assert "planted" not in told


class TestATargetThatFails:
    """Nobody waits for it, and Kong's error log tells."""

    @pytest.fixture(params=["full disk", "hanging redis", "no redis"])
    def audit(self, request: pytest.FixtureRequest, tmp_path: Path) -> str:
        if request.param == "full disk":
            (tmp_path / "full").symlink_to("/dev/full")
            return f"file://{tmp_path}/full"
        if request.param == "no redis":
            return "redis://127.0.0.1:9/0"
        server: RedisServer = request.getfixturevalue("redis_server")
        server.freeze()
        return server.url

    def test_requests_are_served_as_fast_as_ever(self, start_stack: Start, api: FakeApi, audit: str) -> None:
        stack = start_stack(Setup(api.url, config={"audit": audit}))
        answers = [ask(stack.url, "/v1/messages", message(f"stop {INSTANCE}")) for _ in range(20)]
        assert {one.status for one in answers} == {200}
        assert sorted(one.seconds for one in answers)[10] < 0.25  # a time-out of Redis is 0.25 s

        def told() -> bool:
            ask(stack.url, "/v1/messages", message("hello"))
            return "audit: " in stack.error_log()

        wait_for(told)
        assert INSTANCE not in stack.error_log()


def test_records_go_to_a_stream_in_redis(start_stack: Start, api: FakeApi, redis_server: RedisServer) -> None:
    stack = start_stack(Setup(api.url, config={"audit": f"{redis_server.url}?stream=own"}))
    given = secrets.token_hex(16)
    ask(stack.url, "/v1/messages", message(INSTANCE), {"X-Request-ID": given})

    def entries() -> list[Any]:
        admin = redis_server.admin()
        found: Any = admin.xrange("own")
        admin.close()
        return [one for _, fields in found if (one := parse(fields[b"record"])).request_id == given]

    (record,) = wait_for(entries)
    assert record.edits == 1


class TestMetrics:
    """Figures for Prometheus, of the plugin server."""

    @pytest.fixture
    def address(self) -> str:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            return f"127.0.0.1:{probe.getsockname()[1]}"

    def test_they_count_what_both_halves_did(self, start_stack: Start, api: FakeApi, address: str) -> None:
        stack = start_stack(Setup(api.url, config={"metrics": address}))
        ask(stack.url, "/v1/messages", message(INSTANCE))
        ask(stack.url, "/v1/messages", b"[]")
        refused = r'aws_masker_refusals_total\{reason="invalid_body"\} [1-9]'

        def figures() -> str:
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
                text: str = answer.read().decode()
            return text if 'outcome="ok"} 1.0' in text and re.search(refused, text) else ""

        text = wait_for(figures)
        assert 'aws_masker_identifiers_masked_total{family="ec2-instance",kind="identifier"} 1.0' in text
        assert re.search(r"aws_masker_tokens_restored_total [1-9]", text)
        assert 'aws_masker_vaults{state="closed"} 1.0' in text
        assert INSTANCE not in text

    def test_an_address_that_is_taken_is_told_and_hurts_nobody(self, start_stack: Start, api: FakeApi) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            stack = start_stack(Setup(api.url, config={"metrics": address}))
            assert ask(stack.url, "/v1/messages", message(INSTANCE)).status == 200
            wait_for(lambda: "cannot be listened on" in stack.error_log())


def test_the_last_records_are_written_when_kong_stops(api: FakeApi, start_stack: Start) -> None:
    stack = start_stack(Setup(api.url, config={"audit": AUDIT}))
    audited = Audited(stack)
    _, record = audited.ask("/v1/messages", message(INSTANCE))
    stack.signal_server(signal.SIGTERM)
    ask_until(lambda one: one.status == 200, lambda: ask(stack.url, "/v1/messages", message("hello")))
    assert record in audited.records
