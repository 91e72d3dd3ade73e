"""Reading an audit: from files and those before them, from a stream, following, selecting, summing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from aws_masker.audit.events import Gap, Restored, gap, line_of, parse_event, restored
from aws_masker.audit.files import FileTarget, Rotation
from aws_masker.audit.read import events, file_lines, lines
from aws_masker.audit.record import AuditRecord
from aws_masker.audit.summary import Wanted, moment_of, summary_of
from aws_masker.audit.targets import open_target
from aws_masker.cli import main
from aws_masker.errors import AuditError, SettingsError
from redis_fixture import RedisServer

SESSIONS = ("0b8f1c5e-9a51-4f0b-8b62-7d1f4a1c2e3d", "1c8f1c5e-9a51-4f0b-8b62-7d1f4a1c2e3d")


def record(number: int, **members: Any) -> AuditRecord:
    """Return a record of its own request, of the day and the minute ``number``."""
    given: dict[str, Any] = {"host": "gateway", "outcome": "ok", "tenant": "one", "session": SESSIONS[number % 2]}
    moment = f"2026-03-{number // 10 + 1:02}T12:{number % 10:02}:00.000+00:00"
    return AuditRecord(time=moment, request_id=f"{number:032x}", **given | members)


RECORDS = (
    record(0, families={"ec2-instance": 2, "aws-account": 1}, kinds={"identifier": 2, "account": 1}, bytes_up=100),
    record(1, families={"ec2-instance": 1}, kinds={"identifier": 1}, restored=3, unresolved=1, bytes_up=10),
    record(2, outcome="refused", reason="blocked"),
    record(12, outcome="broken_off", reason="upstream", tenant="two", model="claude-sonnet-4-5"),
)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Return an audit of RECORDS, in two files."""
    path = tmp_path / "audit.jsonl"
    target = FileTarget(path, Rotation(size=1))
    target.write([one.json().encode() for one in RECORDS[:3]])
    target.write([RECORDS[3].json().encode()])
    target.close()
    return path


def damage() -> None:
    """Fail the test: no line is damaged."""
    raise AssertionError


def numbers(found: Any) -> list[int]:
    """Return which of RECORDS these are."""
    return [int(one.request_id, 16) for one in found]


def test_a_file_is_read_with_those_that_made_room_for_it(written: Path) -> None:
    assert tuple(events(lines(f"file://{written}?keep=7", follow=False), damage)) == RECORDS


def test_a_stream_is_read(redis_server: RedisServer) -> None:
    target = open_target(redis_server.url)
    assert target is not None
    target.write([one.json().encode() for one in RECORDS])
    assert tuple(events(lines(redis_server.url, follow=False), damage)) == RECORDS

    def wait(_seconds: float) -> None:
        target.write([gap(7).encode()])

    followed = events(lines(redis_server.url, follow=True, wait=wait), damage)
    assert [type(one).__name__ for one in islice(followed, 5)] == ["AuditRecord"] * 4 + ["Gap"]
    target.close()


def test_a_file_is_followed_also_into_the_one_that_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    target = FileTarget(path, Rotation(size=1))
    coming = iter(RECORDS)

    def wait(_seconds: float) -> None:
        target.write([next(coming).json().encode()])

    followed = events(file_lines(path, follow=True, wait=wait), damage)
    assert tuple(islice(followed, len(RECORDS))) == RECORDS
    target.close()


def test_a_line_that_is_half_there_waits_for_its_other_half(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    line = RECORDS[0].json().encode() + b"\n"
    pieces = iter([line[:9], line[9:]])

    def wait(_seconds: float) -> None:
        with path.open("ab") as file:
            file.write(next(pieces))

    assert next(events(file_lines(path, follow=True, wait=wait), damage)) == RECORDS[0]


def test_lines_that_are_none_are_counted_and_a_request_that_stands_twice_is_one() -> None:
    damaged: list[None] = []
    line = RECORDS[0].json().encode()
    found = events([b"{", b"", b"7", b'"x"', b"[" * 100_000, line, line, b"\xff"], lambda: damaged.append(None))
    assert list(found) == [RECORDS[0]]
    assert len(damaged) == 5


def test_kongs_own_log_is_read_too() -> None:
    line = json.dumps({"request": {"uri": "/v1/messages"}, "aws_masker": json.loads(RECORDS[0].json())})
    assert parse_event(line) == RECORDS[0]


@pytest.mark.parametrize("url", ["stdout:", "off"])
def test_what_was_not_written_anywhere_cannot_be_read_back(url: str) -> None:
    with pytest.raises(SettingsError, match="standard input"):
        lines(url, follow=False)


def test_a_file_or_server_that_is_not_there_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="no record has been written yet"):
        list(file_lines(tmp_path / "none", follow=False))
    with pytest.raises(AuditError, match="cannot be read"):
        list(file_lines(tmp_path, follow=False))
    with pytest.raises(AuditError, match="cannot be reached"):
        list(lines("redis://127.0.0.1:9/0", follow=False))


def test_what_is_no_request_has_its_own_form() -> None:
    told = parse_event(restored("a" * 32, "one", count=3, unresolved=1))
    assert isinstance(told, Restored)
    assert (told.request_id, told.tenant, told.restored, told.unresolved) == ("a" * 32, "one", 3, 1)
    assert told.by
    lost = parse_event(gap(5))
    assert isinstance(lost, Gap)
    assert lost.lost == 5
    with pytest.raises(ValueError, match="lacks"):
        parse_event('{"schema":1,"event":"gap"}')


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), [0, 1, 2, 12]),
        (Wanted(since=datetime(2026, 3, 1, 12, 1, tzinfo=UTC)), [1, 2, 12]),
        (Wanted(until=datetime(2026, 3, 1, 12, 1, tzinfo=UTC)), [0]),
        (Wanted(sessions=("1c8f",)), [1]),
        (Wanted(sessions=SESSIONS), [0, 1, 2, 12]),
        (Wanted(tenants=("two",)), [12]),
        (Wanted(names=("aws-account",)), [0]),
        (Wanted(names=("identifier",)), [0, 1]),
        (Wanted(outcomes=("refused", "upstream")), [2, 12]),
        (Wanted(outcomes=("refused",), tenants=("two",)), []),
    ],
)
def test_records_are_selected(wanted: Wanted, found: list[int]) -> None:
    assert numbers(one for one in RECORDS if one in wanted) == found


def test_what_is_no_request_is_wanted_where_only_the_time_matters() -> None:
    event = parse_event(gap(1))
    assert event in Wanted()
    assert event not in Wanted(tenants=("one",))
    assert event not in Wanted(until=datetime(2026, 1, 1, tzinfo=UTC))


def rows(by: str) -> Iterator[tuple[Any, ...]]:
    """Yield key, requests, refused, failed and masked of the sums of RECORDS."""
    for row in summary_of(by, RECORDS).rows():
        yield row[by], row["requests"], row["refused"], row["failed"], row["masked"]


def test_sums_by_day_family_session_and_outcome() -> None:
    assert list(rows("day")) == [("2026-03-01", 3, 1, 0, 4), ("2026-03-02", 1, 0, 1, 0)]
    assert list(rows("family")) == [("ec2-instance", 2, 0, 0, 3), ("aws-account", 1, 0, 0, 1)]
    assert list(rows("session")) == [(SESSIONS[0], 3, 1, 1, 3), (SESSIONS[1], 1, 0, 0, 1)]
    assert [row[0] for row in rows("outcome")] == ["broken_off (upstream)", "ok", "refused (blocked)"]


def test_times_are_absolute_or_so_long_ago() -> None:
    now = datetime(2026, 3, 8, tzinfo=UTC)
    assert moment_of("7d", now) == datetime(2026, 3, 1, tzinfo=UTC)
    assert moment_of("2026-03-01", now) == datetime(2026, 3, 1, tzinfo=UTC)
    assert moment_of("2026-03-01T01:00+01:00", now) == datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="yesterday"):
        moment_of("yesterday", now)


class TestTheCommand:
    """``aws-masker audit``."""

    def test_a_table(self, written: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["audit", "--audit", f"file://{written}"]) == 0
        head, *table = capsys.readouterr().out.splitlines()
        assert head.split()[:4] == ["time", "request", "session", "tenant"]
        assert len(table) == 4
        assert table[0].endswith("ec2-instance 2, aws-account 1")
        assert "refused (blocked)" in table[2]

    def test_json_is_the_records(self, written: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["audit", "--json", "--tenant", "one", "--kind", "account", str(written)]) == 0
        assert capsys.readouterr().out == RECORDS[0].json() + "\n"

    def test_sums(self, written: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["audit", "--by", "day", str(written)]) == 0
        head, first, _ = capsys.readouterr().out.splitlines()
        assert head.split()[:5] == ["day", "requests", "refused", "failed", "masked"]
        assert first.split()[:5] == ["2026-03-01", "3", "1", "0", "4"]
        assert main(["audit", "--by", "family", "--json", str(written)]) == 0
        assert json.loads(capsys.readouterr().out.splitlines()[0])["family"] == "ec2-instance"

    def test_lines_that_are_no_records_are_told(self, written: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with written.open("a") as file:
            file.write("junk\n")
        assert main(["audit", str(written)]) == 0
        assert "1 lines are no records" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["--since", "yesterday"], "--since"),
            (["--follow", "--by", "day"], "--by"),
            (["/made-up/audit.jsonl"], "no record has been written yet"),
            ([], "standard input"),
        ],
    )
    def test_what_cannot_be_done_is_told(
        self, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AWS_MASKER_AUDIT", raising=False)
        assert main(["audit", *arguments]) == 2
        assert told in capsys.readouterr().err

    def test_events_between_the_records_are_shown(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "audit.jsonl"
        path.write_text("\n".join([line_of(RECORDS[0]), gap(3), restored("b" * 32, "one", count=1, unresolved=0), ""]))
        assert main(["audit", str(path)]) == 0
        out = capsys.readouterr().out
        assert "gap: 3 records lost" in out
        assert "shown in clear to" in out
