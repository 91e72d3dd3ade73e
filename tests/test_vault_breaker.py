"""The circuit breaker, and the vault behind it."""

import threading
import time
from collections.abc import Collection, Mapping

import pytest

from aws_masker.errors import VaultError
from aws_masker.vault.breaker import Breaker
from aws_masker.vault.guard import GuardedVault
from vault_parts import Clock


def fail() -> None:
    message = "the store is down: start it"
    raise VaultError(message)


def succeed() -> str:
    return "done"


def tripped(clock: Clock) -> Breaker:
    breaker = Breaker(clock, threshold=3, cool_down=5)
    for _ in range(3):
        with pytest.raises(VaultError):
            breaker.run(fail)
    return breaker


def test_it_opens_after_the_given_number_of_failures_in_a_row() -> None:
    breaker = Breaker(Clock(), threshold=3, cool_down=5)
    for _ in range(2):
        with pytest.raises(VaultError):
            breaker.run(fail)
        assert breaker.state == "closed"
    with pytest.raises(VaultError):
        breaker.run(fail)
    assert breaker.state == "open"
    assert (breaker.failures, breaker.skipped) == (3, 0)


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = Breaker(Clock(), threshold=3, cool_down=5)
    for call in (fail, fail, succeed, fail, fail):
        try:
            breaker.run(call)
        except VaultError:
            continue
    assert breaker.state == "closed"
    assert breaker.failures == 4


def test_an_open_breaker_skips_calls_and_says_why_and_for_how_long() -> None:
    clock = Clock()
    breaker = tripped(clock)
    clock.advance(1)
    calls: list[int] = []
    with pytest.raises(VaultError, match=r"left alone for 4\.0 s more, because the store is down: start it"):
        breaker.run(lambda: calls.append(1))
    assert calls == []
    assert breaker.skipped == 1
    assert breaker.failures == 3


def test_a_skipped_call_costs_well_under_a_millisecond() -> None:
    breaker = tripped(Clock())
    started = time.perf_counter()
    for _ in range(200):
        with pytest.raises(VaultError):
            breaker.run(succeed)
    assert (time.perf_counter() - started) / 200 < 0.001


def test_after_the_cool_down_a_probe_that_succeeds_closes_it() -> None:
    clock = Clock()
    breaker = tripped(clock)
    clock.advance(5)
    assert breaker.run(succeed) == "done"
    assert breaker.state == "closed"


def test_a_probe_that_fails_opens_it_for_another_cool_down() -> None:
    clock = Clock()
    breaker = tripped(clock)
    clock.advance(5)
    with pytest.raises(VaultError, match="the store is down"):
        breaker.run(fail)
    assert breaker.state == "open"
    clock.advance(4.9)
    with pytest.raises(VaultError, match="left alone"):
        breaker.run(succeed)
    clock.advance(0.1)
    assert breaker.run(succeed) == "done"


def test_while_the_probe_is_under_way_all_others_are_skipped() -> None:
    clock = Clock()
    breaker = tripped(clock)
    clock.advance(5)

    def probe() -> None:
        assert breaker.state == "half_open"
        with pytest.raises(VaultError, match="left alone"):
            breaker.run(succeed)

    breaker.run(probe)
    assert breaker.state == "closed"


def test_a_probe_that_never_comes_back_is_followed_by_another() -> None:
    clock = Clock()
    breaker = tripped(clock)
    clock.advance(5)

    def hang() -> None:
        clock.advance(5)
        assert breaker.run(succeed) == "done"
        assert breaker.state == "closed"
        fail()

    with pytest.raises(VaultError):
        breaker.run(hang)
    assert breaker.state == "closed", "what the first probe says has been overtaken"


def test_a_late_success_of_a_call_from_before_does_not_close_it() -> None:
    clock = Clock()
    breaker = Breaker(clock, threshold=3, cool_down=5)
    probing, release = threading.Event(), threading.Event()

    def probe() -> None:
        probing.set()
        assert release.wait(timeout=10)

    thread = threading.Thread(target=breaker.run, args=(probe,))

    def slow() -> None:
        for _ in range(3):
            with pytest.raises(VaultError):
                breaker.run(fail)
        clock.advance(5)
        thread.start()
        assert probing.wait(timeout=10)

    breaker.run(slow)
    states = [breaker.state]
    release.set()
    thread.join(timeout=10)
    states.append(breaker.state)
    assert states == ["half_open", "closed"]


def test_a_late_failure_of_a_call_from_before_does_not_prolong_the_cool_down() -> None:
    clock = Clock()
    breaker = Breaker(clock, threshold=3, cool_down=5)

    def slow() -> None:
        for _ in range(3):
            with pytest.raises(VaultError):
                breaker.run(fail)
        clock.advance(4)
        fail()

    with pytest.raises(VaultError):
        breaker.run(slow)
    assert breaker.failures == 4
    clock.advance(1)
    assert breaker.run(succeed) == "done"


def test_an_exception_that_ends_the_thread_counts_as_a_failure_and_leaves_no_probe_pending() -> None:
    clock = Clock()
    breaker = tripped(clock)
    clock.advance(5)

    def killed() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        breaker.run(killed)
    assert breaker.state == "open"
    clock.advance(5)
    assert breaker.run(succeed) == "done"


def test_of_many_threads_exactly_one_is_the_probe() -> None:
    clock = Clock()
    breaker = tripped(clock)
    clock.advance(5)
    barrier = threading.Barrier(16)
    all_skipped = threading.Event()
    probes: list[int] = []
    skipped: list[int] = []

    def probe() -> None:
        probes.append(1)
        assert all_skipped.wait(timeout=10)

    def work() -> None:
        barrier.wait(timeout=10)
        try:
            breaker.run(probe)
        except VaultError:
            skipped.append(1)
            if len(skipped) == 15:
                all_skipped.set()

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert (len(probes), len(skipped)) == (1, 15)
    assert breaker.state == "closed"


class Flaky:
    """A store that fails on demand."""

    unreadable = 7

    def __init__(self) -> None:
        self.down = False
        self.calls = 0

    def remember(self, tenant: str, entries: Mapping[str, str]) -> None:  # noqa: ARG002
        self._call()

    def recall(self, tenant: str, tokens: Collection[str]) -> dict[str, str]:  # noqa: ARG002
        self._call()
        return {}

    def check(self) -> None:
        self._call()

    def close(self) -> None:
        self.calls = -1

    def _call(self) -> None:
        self.calls += 1
        if self.down:
            fail()


def test_the_guarded_vault_counts_what_was_not_stored() -> None:
    clock, store = Clock(), Flaky()
    vault = GuardedVault(store, Breaker(clock, threshold=2, cool_down=5))
    vault.remember("acme", {"a": "1"})
    store.down = True
    for entries in ({"b": "2", "c": "3"}, {"d": "4"}, {"e": "5"}):
        with pytest.raises(VaultError):
            vault.remember("acme", entries)
    with pytest.raises(VaultError):
        vault.recall("acme", ["a"])
    status = vault.status()
    assert (status.state, status.failures, status.skipped, status.lost_entries) == ("open", 2, 2, 4)
    assert status.unreadable == 7
    store.down = False
    clock.advance(5)
    vault.check()
    assert vault.status().state == "closed"


def test_nothing_to_do_is_no_call_even_while_the_store_is_down() -> None:
    store = Flaky()
    store.down = True
    vault = GuardedVault(store, Breaker(Clock()))
    vault.remember("acme", {})
    assert vault.recall("acme", []) == {}
    assert store.calls == 0


def test_a_closed_vault_says_so() -> None:
    store = Flaky()
    vault = GuardedVault(store, Breaker(Clock()))
    vault.close()
    assert store.calls == -1
    for use in (lambda: vault.remember("acme", {"a": "1"}), lambda: vault.recall("acme", ["a"]), vault.check):
        with pytest.raises(VaultError, match="the vault is closed"):
            use()
