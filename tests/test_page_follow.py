"""``aws-masker page``: the page of a team, from the audit stream in Redis."""

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from aws_masker.audit.record import AuditRecord
from aws_masker.audit.targets import StreamPlace, open_target, place_of
from aws_masker.errors import AuditError
from aws_masker.page.follow import Follower
from page_parts import record
from redis_fixture import RedisServer


def _follower(redis: RedisServer, taken: list[AuditRecord], begin_with: int = 200) -> Follower:
    place = place_of(redis.url)
    assert isinstance(place, StreamPlace)
    return Follower(place.link({}), place.key.encode(), taken.append, begin_with)


def _write(redis: RedisServer, *lines: str) -> None:
    target = open_target(redis.url)
    assert target is not None
    target.write([line.encode() for line in lines])
    target.close()


def test_the_last_records_come_first_and_then_those_that_are_new(redis_server: RedisServer) -> None:
    records = [record(status=200 + number) for number in range(5)]
    _write(redis_server, *(one.json() for one in records[:3]))
    taken: list[AuditRecord] = []
    follower = _follower(redis_server, taken, begin_with=2)
    assert follower.read() == 2
    assert taken == records[1:3]
    assert follower.read() == 0
    _write(redis_server, *(one.json() for one in records[3:]))
    assert follower.read() == 2
    assert taken == records[1:]
    follower.close()


def test_a_stream_that_is_not_there_yet_is_empty(redis_server: RedisServer) -> None:
    taken: list[AuditRecord] = []
    follower = _follower(redis_server, taken)
    assert follower.read() == 0
    _write(redis_server, record().json())
    assert follower.read() == 1
    assert len(taken) == 1
    follower.close()


def test_what_is_no_record_is_left_out(redis_server: RedisServer) -> None:
    taken: list[AuditRecord] = []
    follower = _follower(redis_server, taken)
    follower.read()
    wrong = json.loads(record().json()) | {"model": "<script>"}
    _write(redis_server, "no json", '{"schema":1,"event":"gap","lost":3}', json.dumps(wrong), record().json())
    with redis_server.admin() as admin:
        admin.xadd("aws-masker:audit", {"other": "field"})
    assert follower.read() == 5
    assert len(taken) == 1
    follower.close()


def test_a_record_that_is_there_twice_is_taken_once(redis_server: RedisServer) -> None:
    taken: list[AuditRecord] = []
    twice, once = record(), record()
    _write(redis_server, twice.json(), twice.json(), once.json())
    follower = _follower(redis_server, taken)
    assert follower.read() == 3
    assert taken == [twice, once]
    follower.close()


def test_a_redis_that_is_gone_is_an_error_and_it_goes_on_when_it_is_back(redis_server: RedisServer) -> None:
    taken: list[AuditRecord] = []
    _write(redis_server, record().json())
    follower = _follower(redis_server, taken)
    follower.read()
    redis_server.stop()
    with pytest.raises(AuditError, match="Redis at"):
        follower.read()
    redis_server.start()
    _write(redis_server, record().json())
    assert follower.read() == 1
    assert len(taken) == 2
    follower.close()


@contextmanager
def _command(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "aws_masker", "page", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def test_the_command_serves_the_stream_and_ends_when_told(redis_server: RedisServer) -> None:
    told = record()
    _write(redis_server, told.json())
    with _command("--audit", redis_server.url, "--page", "127.0.0.1:0") as running:
        assert running.stderr is not None
        url = re.search(r"http://\S+", running.stderr.readline())
        assert url is not None
        with urllib.request.urlopen(f"{url[0]}events", timeout=10) as events:
            lines = iter(events.readline, b"")
            shown = next(line for line in lines if told.request_id.encode() in line)
        assert json.loads(shown.removeprefix(b"data: "))["record"] == json.loads(told.json())
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=10) == 0


def test_the_command_says_what_it_needs() -> None:
    with _command("--audit", "stdout:") as running:
        assert running.wait(timeout=20) == 2
        assert running.stderr is not None
        assert "--audit redis://HOST:PORT/DB" in running.stderr.read()
