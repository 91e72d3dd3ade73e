"""The belief in what has been written lately."""

from aws_masker.vault.recent import RecentWrites
from vault_parts import Clock


def test_what_was_written_is_not_stale_until_a_quarter_of_the_ttl_has_passed() -> None:
    clock = Clock()
    recent = RecentWrites(ttl=400, clock=clock)
    assert recent.stale("p", "epoch", ["a", "b"]) == ["a", "b"]
    recent.written("p", "epoch", ["a"])
    assert recent.stale("p", "epoch", ["a", "b"]) == ["b"]
    clock.advance(99.9)
    assert recent.stale("p", "epoch", ["a"]) == []
    clock.advance(0.1)
    assert recent.stale("p", "epoch", ["a"]) == ["a"]


def test_looking_does_not_prolong_the_belief() -> None:
    clock = Clock()
    recent = RecentWrites(ttl=400, clock=clock)
    recent.written("p", "epoch", ["a"])
    clock.advance(60)
    assert recent.stale("p", "epoch", ["a"]) == []
    clock.advance(60)
    assert recent.stale("p", "epoch", ["a"]) == ["a"]


def test_a_clock_that_is_set_back_ends_the_belief() -> None:
    clock = Clock()
    recent = RecentWrites(ttl=400, clock=clock)
    recent.written("p", "epoch", ["a"])
    clock.advance(-3600)
    assert recent.stale("p", "epoch", ["a"]) == ["a"]


def test_another_epoch_or_place_is_not_believed() -> None:
    recent = RecentWrites(ttl=400, clock=Clock())
    recent.written("p", "epoch", ["a"])
    assert recent.stale("p", "later", ["a"]) == ["a"]
    assert recent.stale("p", None, ["a"]) == ["a"]
    assert recent.stale("q", "epoch", ["a"]) == ["a"]


def test_what_is_forgotten_is_stale() -> None:
    recent = RecentWrites(ttl=400, clock=Clock())
    recent.written("p", "epoch", ["a", "b"])
    recent.forget("p", ["a", "never seen"])
    assert recent.stale("p", "epoch", ["a", "b"]) == ["a"]


def test_the_least_recently_used_tokens_go_first_when_it_is_full() -> None:
    recent = RecentWrites(ttl=400, clock=Clock(), capacity=3)
    recent.written("p", "epoch", ["a", "b", "c"])
    assert recent.stale("p", "epoch", ["a"]) == []
    recent.written("p", "epoch", ["d"])
    assert len(recent) == 3
    assert recent.stale("p", "epoch", ["a", "b", "c", "d"]) == ["b"]
