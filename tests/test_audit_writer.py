"""Writing records down: nobody waits for it, nothing is lost in silence."""

import json
import threading
import time
from collections.abc import Sequence

import pytest

from aws_masker.audit.writer import BATCH, Writer
from aws_masker.errors import AuditError

SECONDS = 10.0


class Kept:
    """A target that keeps lines, and fails or waits when told to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.broken = False
        self.takes = BATCH
        self.closed = False

    def write(self, lines: Sequence[bytes]) -> int:
        self.entered.set()
        assert self.open.wait(SECONDS)
        if self.broken:
            message = "the target is broken"
            raise AuditError(message)
        taken = lines[: self.takes]
        self.lines += [line.decode() for line in taken]
        return len(taken)

    def close(self) -> None:
        self.closed = True


def until(condition: object) -> None:
    """Wait for what the writer's thread is about to do."""
    deadline = time.monotonic() + SECONDS
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_lines_are_written_in_their_order_and_closing_waits_for_them() -> None:
    target = Kept()
    writer = Writer(target, print)
    lines = [str(number) for number in range(3 * BATCH)]
    for line in lines:
        writer.put(line)
    writer.close(SECONDS)
    assert target.lines == lines
    assert target.closed
    assert (writer.written, writer.dropped, writer.waiting) == (len(lines), 0, 0)


def test_without_lines_there_is_no_thread_and_nothing_is_written() -> None:
    target = Kept()
    Writer(target, print).close(SECONDS)
    assert not target.lines
    assert not target.entered.is_set()


def test_a_target_that_hangs_holds_nobody_up_and_what_finds_no_room_is_counted() -> None:
    target = Kept()
    target.open.clear()
    writer = Writer(target, print, capacity=10)
    writer.put("0")
    assert target.entered.wait(SECONDS)
    for number in range(1, 15):
        writer.put(str(number))
    assert (writer.waiting, writer.dropped) == (10, 5)
    target.open.set()
    writer.close(SECONDS)
    assert [line for line in target.lines if "gap" not in line] == [str(number) for number in range(10)]


def test_a_loss_is_told_where_the_lines_would_be() -> None:
    target = Kept()
    target.open.clear()
    writer = Writer(target, print, capacity=1)
    writer.put("first")
    assert target.entered.wait(SECONDS)
    writer.put("lost")
    writer.put("lost")
    target.open.set()
    until(lambda: not writer.waiting)
    writer.put("later")
    writer.close(SECONDS)
    first, gap, later = target.lines
    assert (first, later) == ("first", "later")
    assert {**json.loads(gap), "time": None} == {"schema": 1, "event": "gap", "time": None, "lost": 2}


def test_what_a_target_does_not_take_is_tried_again_until_it_does() -> None:
    target, told = Kept(), list[str]()
    target.broken = True
    writer = Writer(target, told.append)
    writer.put("a")
    writer.put("b")
    until(lambda: writer.failures >= 2)
    target.broken = False
    until(lambda: not writer.waiting)
    writer.close(SECONDS)
    assert target.lines == ["a", "b"]
    assert writer.dropped == 0
    assert len(told) == 1
    assert "the target is broken" in told[0]


def test_a_target_that_fails_is_tried_no_more_often_for_lines_that_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aws_masker.audit.writer.FIRST_RETRY", SECONDS)
    target = Kept()
    target.broken = True
    writer = Writer(target, print)
    writer.put("a")
    until(lambda: writer.failures)
    target.entered.clear()
    target.broken = False
    for _ in range(10):
        writer.put("b")
    assert not target.entered.wait(0.05)
    writer.close(SECONDS)
    assert target.lines == ["a", *"b" * 10]


def test_a_target_that_takes_a_part_gets_the_rest() -> None:
    target = Kept()
    target.takes = 2
    writer = Writer(target, print)
    for number in range(5):
        writer.put(str(number))
    writer.close(SECONDS)
    assert target.lines == list("01234")


def test_closing_takes_no_longer_than_it_may_and_counts_what_is_left() -> None:
    for broken in (True, False):
        target, told = Kept(), list[str]()
        target.broken = broken
        if not broken:
            target.open.clear()
        writer = Writer(target, told.append)
        writer.put("a")
        assert target.entered.wait(SECONDS)
        start = time.monotonic()
        writer.close(0.2)
        assert time.monotonic() - start < SECONDS / 2
        assert writer.dropped == 1
        assert "1 records were not written" in told[-1]
        target.open.set()


def test_after_the_end_lines_are_counted_as_lost() -> None:
    writer = Writer(Kept(), print)
    writer.close(0)
    writer.put("late")
    assert writer.dropped == 1
