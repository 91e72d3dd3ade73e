"""The plugin server: each hazard of kong-pdk's own server that its docstring names."""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from stacks import wait_for

from aws_masker.kong import connections, events, server
from aws_masker.kong.connections import Connections
from aws_masker.kong.journal import Journal
from aws_masker.kong.server import PluginServer

Handler = Callable[[Any], None]


class Kong:
    """Kong's end: one connection, calls one after the other."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(str(path))
        self._unpacker = msgpack.Unpacker(raw=False, unicode_errors="surrogateescape")
        self._ids = itertools.count(1)

    def call(self, method: str, argument: Any) -> tuple[Any, Any]:
        """Return error and result."""
        number = next(self._ids)
        self._socket.sendall(
            msgpack.packb([0, number, f"plugin.{method}", [argument]], unicode_errors="surrogateescape")
        )
        while True:
            for kind, found, error, result in self._unpacker:
                assert (kind, found) == (1, number)
                return error, result
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionResetError
            self._unpacker.feed(data)

    def ask(self, *calls: tuple[str, Any]) -> list[int]:
        """Send calls at once, without waiting for their answers, and return their numbers."""
        numbers = [next(self._ids) for _ in calls]
        asked = zip(numbers, calls, strict=True)
        self._socket.sendall(b"".join(msgpack.packb([0, n, f"plugin.{name}", [what]]) for n, (name, what) in asked))
        return numbers

    def answered(self) -> list[int]:
        """Return the numbers of the calls that are answered next."""
        self._unpacker.feed(self._socket.recv(1 << 16))
        return [number for _, number, _, _ in self._unpacker]

    def send(self, data: bytes) -> bytes:
        self._socket.sendall(data)
        return self._socket.recv(1)

    def start(self) -> int:
        error, result = self.call("StartInstance", {"Name": "aws-masker", "Config": '{"key": "hidden"}'})
        assert error is None
        assert "hidden" not in repr(result)
        return int(result["Id"])

    def handle(self, results: Iterable[Any] = ()) -> list[Any]:
        """Run a handler of a new instance, give its calls ``results``, and return its calls with the end."""
        error, step = self.call("HandleEvent", {"InstanceId": self.start(), "EventName": "access"})
        assert error is None, error
        calls, given = [step["Data"]], iter(results)
        while step["Data"] != "ret":
            error, step = self.call("Step", {"EventId": step["EventId"], "Data": next(given, None)})
            assert error is None, error
            calls.append(step["Data"])
        return calls

    def close(self) -> None:
        self._socket.close()


class Lab:
    """A server in this process, whose handler is the test's."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "socket"
        self.journal = Journal(list)
        self.access: Handler = lambda _: None
        self.opening: dict[str, Any] | None = None

        class Plugin:
            def __init__(self, _config: object) -> None:
                pass

            def opening(plugin) -> Any:  # noqa: N805
                return self.opening

            def access(plugin, kong: Any) -> None:  # noqa: N805
                self.access(kong)

            journal = self.journal

        self.server = PluginServer(Plugin)
        self._listener = server.bind(self.path)
        self._listener.listen()
        self._opened: list[Kong] = []
        threading.Thread(target=Connections(self.server).serve, args=(self._listener,), daemon=True).start()

    def kong(self) -> Kong:
        self._opened.append(Kong(self.path))
        return self._opened[-1]

    def close(self) -> None:
        for one in self._opened:
            one.close()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.close()


def _raise(error: BaseException) -> None:
    raise error


def test_calls_and_their_results_go_both_ways(lab: Lab) -> None:
    got = []
    lab.access = lambda kong: got.append(kong.request.get_raw_body(0))
    calls = lab.kong().handle([b"\x00\xff"])
    assert calls == [{"Method": "kong.request.get_raw_body", "Args": [0]}, "ret"]
    assert got == [b"\x00\xff"]


@pytest.mark.parametrize("error", [ValueError("i-0a1b2c3d4e5f60718"), SystemExit("i-0a1b2c3d4e5f60718")])
def test_a_handler_that_raises_before_its_first_call_answers_and_logs_no_value(lab: Lab, error: BaseException) -> None:
    lab.access = lambda _: _raise(error)
    log, end = lab.kong().handle()
    assert end == "ret"
    assert log["Method"] == "kong.log.err"
    assert type(error).__name__ in log["Args"][0]
    assert "i-0a" not in log["Args"][0]


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("StartInstance", {"Name": "aws-masker", "Config": '{"i-0a1b2c3d4e5f60718"'}),
        ("StartInstance", {"i-0a1b2c3d4e5f60718": 1}),
        ("HandleEvent", ["i-0a1b2c3d4e5f60718"]),
        ("TakeRecords", {"Records": "i-0a1b2c3d4e5f60718"}),
        ("RememberBatch", "i-0a1b2c3d4e5f60718"),
    ],
)
def test_a_call_that_cannot_be_read_is_answered_without_a_value_of_it(lab: Lab, method: str, argument: Any) -> None:
    error, result = lab.kong().call(method, argument)
    assert result is None
    assert "i-0a1b2c3d4e5f60718" not in error


def test_a_fault_in_what_is_called_is_answered_without_its_text(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab.server, "call", lambda _method, _argument: _raise(KeyError("i-0a1b2c3d4e5f60718")))
    error, _ = lab.kong().call("HandleEvent", {})
    assert error.startswith("internal error: KeyError at ")
    assert "i-0a1b2c3d4e5f60718" not in error


def test_a_handler_that_raises_after_a_call_answers(lab: Lab) -> None:
    lab.access = lambda kong: _raise(ValueError(kong.request.get_path()))
    calls = lab.kong().handle(["/i-0a1b2c3d4e5f60718"])
    assert calls[-1] == "ret"
    assert "i-0a" not in repr(calls)


def test_the_next_request_after_a_failure_is_served(lab: Lab) -> None:
    kong = lab.kong()
    lab.access = lambda _: _raise(ValueError())
    kong.handle()
    lab.access = lambda one: one.request.get_path()
    assert len(kong.handle(["/"])) == 2


def test_handlers_run_side_by_side(lab: Lab) -> None:
    """Each waits for the other, before its first call and after it."""
    meeting = threading.Barrier(2, timeout=5)

    def meet(kong: Any) -> None:
        meeting.wait()
        kong.request.get_path()
        meeting.wait()

    lab.access = meet
    other = threading.Thread(target=lab.kong().handle, args=(["/"],))
    other.start()
    assert len(lab.kong().handle(["/"])) == 2
    other.join()


def test_a_handler_that_takes_too_long_is_answered_for_and_ends_at_its_next_call(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "ANSWER_SECONDS", 0.05)
    go_on, ended = threading.Event(), threading.Event()

    def slow(kong: Any) -> None:
        go_on.wait(5)
        try:
            kong.ctx.shared.set("late", "result")
        finally:
            ended.set()

    lab.access = slow
    kong = lab.kong()
    assert kong.handle() == ["ret"]
    go_on.set()
    assert ended.wait(5)
    wait_for(lambda: not lab.server._events)
    lab.access = lambda one: one.request.get_path()
    assert len(kong.handle(["/"])) == 2


def test_kong_waits_for_a_handler_that_computes_and_its_calls_keep_their_results(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "ANSWER_SECONDS", 0.05)
    waited = threading.Event()
    got = []

    def compute(kong: Any) -> None:
        with events.computing(1 << 20, 2.0):
            assert waited.wait(5)
        got.append(kong.request.get_path())

    lab.access = compute
    kong = lab.kong()
    _, step = kong.call("HandleEvent", {"InstanceId": kong.start(), "EventName": "access"})
    for _ in range(3):
        assert step["Data"] == {"Method": "kong.ctx.shared.get", "Args": ["aws_masker_nothing"]}
        _, step = kong.call("Step", {"EventId": step["EventId"], "Data": None})
    waited.set()
    while step["Data"] != "ret":
        answer = "/path" if step["Data"]["Method"] == "kong.request.get_path" else None
        _, step = kong.call("Step", {"EventId": step["EventId"], "Data": answer})
    assert got == ["/path"]


def test_kong_does_not_wait_for_ever_for_a_handler_that_computes(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "ANSWER_SECONDS", 0.05)
    go_on = threading.Event()

    def compute(_: Any) -> None:
        with events.computing(1 << 20, 0.2):
            go_on.wait(5)

    lab.access = compute
    *waiting, end = lab.kong().handle()
    go_on.set()
    assert (len(waiting) > 1, end) == (True, "ret")


def test_a_handler_whose_kong_has_gone_ends(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "STEP_SECONDS", 0.05)
    lab.access = lambda kong: kong.request.get_path()
    kong = lab.kong()
    kong.call("HandleEvent", {"InstanceId": kong.start(), "EventName": "access"})
    wait_for(lambda: not lab.server._events)


OPENING = {"Method": "kong.request.get_path", "Args": ()}


def test_what_a_handler_calls_first_is_made_before_it_begins(lab: Lab) -> None:
    got: list[str] = []
    lab.opening = OPENING
    lab.access = lambda kong: got.extend((kong.request.get_path(), kong.request.get_host()))
    kong = lab.kong()
    _, step = kong.call("HandleEvent", {"InstanceId": kong.start(), "EventName": "access"})
    assert step["Data"] == {"Method": "kong.request.get_path", "Args": []}
    assert [event.is_running for event in lab.server._events.values()] == [False]
    _, step = kong.call("Step", {"EventId": step["EventId"], "Data": "/path"})
    assert step["Data"]["Method"] == "kong.request.get_host"
    _, step = kong.call("Step", {"EventId": step["EventId"], "Data": "host"})
    assert (step["Data"], got) == ("ret", ["/path", "host"])
    assert not lab.server._events


def test_a_handler_that_calls_something_else_first_gets_the_result_of_that(lab: Lab) -> None:
    got: list[str] = []
    lab.opening = OPENING
    lab.access = lambda kong: got.append(kong.request.get_host())
    opening, host, end = lab.kong().handle(["/path", "host"])
    assert (opening["Method"], host["Method"], end) == ("kong.request.get_path", "kong.request.get_host", "ret")
    assert got == ["host"]
    lab.access = lambda _: _raise(ValueError())
    assert [one if one == "ret" else one["Method"] for one in lab.kong().handle()][1:] == ["kong.log.err", "ret"]


def test_for_its_last_call_no_handler_waits(lab: Lab) -> None:
    ended = threading.Event()

    def access(kong: Any) -> None:
        events.end_with_next()
        assert kong.ctx.shared.set("x", 1) is None
        ended.set()

    lab.access = access
    kong = lab.kong()
    _, step = kong.call("HandleEvent", {"InstanceId": kong.start(), "EventName": "access"})
    assert step["Data"]["Method"] == "kong.ctx.shared.set"
    assert ended.wait(5)
    assert kong.call("Step", {"EventId": step["EventId"], "Data": None}) == (None, {**step, "Data": "ret"})
    assert not lab.server._events


def test_of_what_kong_asked_while_the_process_stood_still_only_the_last_is_answered(lab: Lab) -> None:
    """After its time-out Kong uses a connection again, and fails the next request with an answer to the one before."""
    kong = lab.kong()
    _, awaited = kong.ask(("CloseInstance", 1), ("CloseInstance", 2))
    assert kong.answered() == [awaited]


def test_an_answer_that_the_process_stood_still_before_is_not_sent_where_more_was_asked(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ANSWER_SECONDS", 0.05)
    go_on = threading.Event()
    monkeypatch.setattr(lab.server, "call", lambda _method, argument: argument or go_on.wait(5))
    kong = lab.kong()
    kong.ask(("CloseInstance", 0))
    time.sleep(0.1)
    (awaited,) = kong.ask(("CloseInstance", 1))
    go_on.set()
    assert kong.answered() == [awaited]
    go_on.clear()
    (late,) = kong.ask(("CloseInstance", 0))
    time.sleep(0.1)
    go_on.set()
    assert kong.answered() == [late]


def test_requests_whose_kong_has_gone_before_or_behind_the_handler_make_room(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def access(kong: Any) -> None:
        events.end_with_next()
        kong.request.get_path()

    lab.server._most, lab.opening, lab.access = 2, OPENING, access
    kong = lab.kong()
    opened = [kong.call("HandleEvent", {"InstanceId": kong.start(), "EventName": "access"})[1] for _ in range(2)]
    kong.call("Step", {"EventId": opened[0]["EventId"], "Data": "/"})
    kong.call("HandleEvent", {"InstanceId": kong.start(), "EventName": "access"})
    assert lab.kong().handle() == ["ret"]
    assert "raise --requests" in "".join(lab.journal.notices())
    monkeypatch.setattr(events, "STEP_SECONDS", 0.0)
    assert len(lab.kong().handle(["/"])) == 2
    assert not lab.server._events
    assert kong.call("Step", {"EventId": opened[1]["EventId"], "Data": None})[0] == "no such event"


def test_there_are_no_more_handlers_than_allowed(lab: Lab) -> None:
    lab.server._most = 1
    lab.access = lambda kong: kong.request.get_path()
    kong = lab.kong()
    _, held = kong.call("HandleEvent", {"InstanceId": kong.start(), "EventName": "access"})
    assert lab.kong().handle() == ["ret"]
    assert "raise --requests" in "".join(lab.journal.notices())
    kong.call("Step", {"EventId": held["EventId"], "Data": "/"})
    assert len(lab.kong().handle(["/"])) == 2


def test_ids_of_an_earlier_process_mean_nothing_to_a_new_one(lab: Lab, tmp_path: Path) -> None:
    stale = lab.kong().start()
    (tmp_path / "new").mkdir()
    new = Lab(tmp_path / "new")
    kong = new.kong()
    kong.start()
    error, _ = kong.call("HandleEvent", {"InstanceId": stale, "EventName": "access"})
    assert error.startswith("no plugin instance")  # on which Kong starts a new one
    error, _ = kong.call("Step", {"EventId": stale, "Data": None})
    assert error == "no such event"
    assert stale < 2**53
    new.close()


def test_closed_instances_are_forgotten(lab: Lab) -> None:
    kong = lab.kong()
    for _ in range(3):
        assert kong.call("CloseInstance", kong.start())[0] is None
    assert lab.server._instances == {}


@pytest.mark.parametrize("method", ["SetPluginDir", "GetStatus", "_start", "info", "Nothing"])
def test_only_the_methods_of_the_protocol_are_served(lab: Lab, method: str) -> None:
    error, result = lab.kong().call(method, {})
    assert "not served" in error
    assert result is None


def test_a_large_call_and_a_large_result_arrive_whole(lab: Lab) -> None:
    body = bytes(range(256)) * (40 << 10)
    lab.access = lambda kong: kong.ctx.shared.set("x", kong.request.get_raw_body(0))
    calls = lab.kong().handle([body])
    assert calls[1]["Args"] == ["x", body]


def test_text_that_is_not_utf_8_is_kept(lab: Lab) -> None:
    got = []
    lab.access = lambda kong: got.append(kong.request.get_header("x"))
    lab.kong().handle([b"caf\xe9".decode("utf-8", "surrogateescape")])
    assert got == ["caf\udce9"]


@pytest.mark.parametrize("junk", [b"\xc1", msgpack.packb(7), msgpack.packb([0, 1]), b"GET / HTTP/1.1\r\n\r\n"])
def test_junk_ends_its_connection_and_no_other(lab: Lab, junk: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    other = lab.kong()
    assert lab.kong().send(junk) == b""
    assert other.handle() == ["ret"]
    (told,) = lab.journal.notices()
    assert told.startswith("a connection sent what is no message: ")


def test_the_socket_is_for_this_user_only_and_replaces_a_stale_one(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    for _ in range(2):
        with server.bind(path):
            assert path.stat().st_mode & 0o777 == 0o600


def test_the_process_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    command = [sys.executable, "-m", "aws_masker.kong.server", "--socket", str(path)]
    code = f"import subprocess; p = subprocess.Popen({command!r}); print(p.pid, flush=True); p.wait()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_for(path.exists)
        os.kill(parent.pid, signal.SIGKILL)
    wait_for(lambda: not _runs(child))


@pytest.mark.parametrize(
    ("path", "why"),
    [("/no-such-folder/socket", "No such file or directory"), (f"/{'long' * 40}", "AF_UNIX path too long")],
)
def test_one_that_cannot_listen_says_why_and_what_to_do_to_whoever_has_started_it(path: str, why: str) -> None:
    command = [sys.executable, "-m", "aws_masker.kong.server", "--socket", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"aws-masker plugin-server: {path} cannot be listened at ({why}): name Kong's prefix with -p, or with "
        "--socket another path in a folder that Kong's user may write to\n"
    )


def test_it_ends_without_a_word_however_often_it_is_told_to_and_whatever_its_threads_do(tmp_path: Path) -> None:
    code = """
import itertools, sys, threading
import re2
from aws_masker.kong import plugin, server

class Busy(plugin.Plugin):
    @classmethod
    def close(cls, seconds):
        text = b"i-0a1b2c3d4e5f60718 " * 100000
        search = lambda: [list(re2.finditer(rb"i-[0-9a-f]{17}|x", text)) for _ in itertools.count()]
        threading.Thread(target=search, daemon=True).start()
        print("closing", flush=True)
        sys.stdin.readline()

sys.exit(server.run(["--socket", sys.argv[1]], Busy))
"""
    command = [sys.executable, "-c", code, str(tmp_path / "socket")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert "serving at" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "closing\n"
        for number in (signal.SIGTERM, signal.SIGINT):
            process.send_signal(number)
        _, told = process.communicate("go on\n", timeout=60)
    assert (process.returncode, told) == (0, "")


def _runs(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def test_the_description_names_the_phases_of_the_plugin(lab: Lab) -> None:
    assert lab.server.info()["Phases"] == ["access"]
    json.dumps(lab.server.info())


def test_a_folder_that_is_missing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert server.run(["-p", str(tmp_path / "missing")]) == 2
    assert "No such file or directory" in capsys.readouterr().err


def test_settings_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MASKER_CONFIG", "")
    server.run(["-p", str(tmp_path / "missing"), "--config", "/etc/aws-masker.yaml"])
    assert os.environ["AWS_MASKER_CONFIG"] == "/etc/aws-masker.yaml"
