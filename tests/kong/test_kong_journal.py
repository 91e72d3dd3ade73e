"""The journal: records find their audit, whatever process named it and whichever audits it has opened since."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aws_masker.audit.record import AuditRecord, now
from aws_masker.errors import SettingsError
from aws_masker.kong.journal import EVERY, Journal, NotReadyError
from aws_masker.limits import Limits
from aws_masker.settings import Settings

KEY = bytes(range(32))
SECONDS = 5.0


def settings(audit: Path | str) -> Settings:
    return Settings(key=KEY, audit=f"file://{audit}" if isinstance(audit, Path) else audit)


def entry(name: str, request_id: str) -> str:
    record = AuditRecord(time=now(), request_id=request_id * 32, host="kong", outcome="ok")
    return f"{name} {record.json()}"


def ids(path: Path) -> list[str]:
    """Return the first letters of the ids of the requests in a file."""
    return [json.loads(line)["request_id"][0] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def started() -> Iterator[Callable[[], Journal]]:
    """Return what starts a journal, as a process would."""
    made: list[Journal] = []

    def start() -> Journal:
        made.append(Journal(list))
        return made[-1]

    yield start
    for one in made:
        one.close(SECONDS)


def test_after_a_restart_records_go_to_the_audit_that_they_were_for(
    started: Callable[[], Journal], tmp_path: Path
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    before = started()
    names = [before.opened(settings(path)) for path in (first, second)]
    after = started()
    with pytest.raises(NotReadyError):
        after.take([entry(names[0], "a")])
    after.opened(settings(second))
    after.take([entry(names[0], "a"), entry(names[1], "b")])
    after.opened(settings(first))
    after.take([entry(names[0], "c")])
    after.close(SECONDS)
    assert (ids(first), ids(second)) == (["a", "c"], ["b"])


def test_what_nobody_named_goes_to_every_audit_that_is_open(started: Callable[[], Journal], tmp_path: Path) -> None:
    paths = [tmp_path / "first.jsonl", tmp_path / "second.jsonl"]
    one = started()
    for path in paths:
        one.opened(settings(path))
    one.take([entry(EVERY, "a")])
    one.close(SECONDS)
    assert [ids(path) for path in paths] == [["a"], ["a"]]


def test_so_many_records_wait_for_their_audit_and_the_loss_of_others_is_told(
    started: Callable[[], Journal], tmp_path: Path
) -> None:
    late = tmp_path / "late.jsonl"
    name = started().opened(settings(late))
    one = started()
    one.opened(replace(settings(tmp_path / "other.jsonl"), limits=Limits(waiting_records=2)))
    (told,) = one.take([entry(name, request_id) for request_id in "abc"])
    assert "records are lost" in told
    one.opened(settings(late))
    one.close(SECONDS)
    assert ids(late) == ["a", "b"]


def test_the_name_of_an_audit_says_nothing_of_its_address(started: Callable[[], Journal]) -> None:
    one = started()
    name = one.opened(settings("redis://auditor:made-up-password@127.0.0.1:9/0"))
    assert name.isalnum()
    assert len(name) == 16


def test_no_more_audits_are_opened_than_may_be(started: Callable[[], Journal], tmp_path: Path) -> None:
    one = started()
    one.bound(1)
    one.opened(settings(tmp_path / "first.jsonl"))
    with pytest.raises(SettingsError, match="raise --configurations"):
        one.opened(settings(tmp_path / "second.jsonl"))
    assert one.opened(settings(tmp_path / "first.jsonl"))
