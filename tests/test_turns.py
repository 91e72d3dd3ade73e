"""Turns: of one size one at a time, in order; others beside it; and nobody waits for the vault."""

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from aws_masker import Masker, Settings, turns
from aws_masker.edits import MaskedBody
from aws_masker.found import Text
from aws_masker.text import Result, TextMasker
from aws_masker.vault.memory import MemoryVault
from waiting import wait_until

SECONDS = 10.0
KEY = bytes(range(32))
MEMORY = "memory://"


class Threads:
    """Threads whose faults are the test's."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._faults: deque[BaseException] = deque()

    def start(self, call: Callable[[], object]) -> None:
        """Run ``call`` in a thread."""

        def run() -> None:
            try:
                call()
            except BaseException as error:  # noqa: BLE001 - raised where the test can see it
                self._faults.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._threads.append(thread)

    def join(self) -> None:
        """Wait for all of them."""
        for thread in self._threads:
            thread.join(SECONDS)
            assert not thread.is_alive(), "a thread waits for ever"
        if self._faults:
            raise self._faults[0]


@pytest.fixture
def threads() -> Threads:
    return Threads()


def body(size: int) -> bytes:
    empty = json.dumps({"messages": [{"role": "user", "content": ""}]})
    return empty.replace('""', f'"{"a " * ((size - len(empty)) // 2)}"').encode()


def test_whoever_comes_first_is_served_first(threads: Threads) -> None:
    one = turns.Turn()
    served: list[int] = []

    def wait(number: int) -> None:
        with one:
            served.append(number)

    with one:
        for number in range(5):
            threads.start(lambda number=number: wait(number))  # type: ignore[misc]
            wait_until(lambda: one.waiting == number + 1)  # noqa: B023 - called at once
        assert served == []
    threads.join()
    assert served == [0, 1, 2, 3, 4]
    with one:
        assert one.waiting == 0


def test_a_fault_within_a_turn_passes_it_on() -> None:
    one = turns.Turn()
    with contextlib.suppress(KeyError), one:
        raise KeyError
    with one:
        pass


@pytest.mark.parametrize("comes_first", ["the fault", "the turn"])
def test_a_wait_that_is_ended_keeps_nobody_waiting(
    comes_first: str, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = turns.Turn()
    arrived, go_on = threading.Event(), threading.Event()

    class Ended(BaseException):
        pass

    class Call:
        """What a waiting thread is called with: its wait ends with an exception."""

        asked = False

        def acquire(self) -> None:
            if self.asked:
                arrived.set()
                assert go_on.wait(SECONDS)
                raise Ended
            self.asked = True

        def release(self) -> None:
            pass

    def wait() -> None:
        with pytest.raises(Ended), one:
            pytest.fail("it was not its turn")

    with one:
        monkeypatch.setattr(turns, "_called", Call)
        threads.start(wait)
        assert arrived.wait(SECONDS)
        monkeypatch.undo()
        if comes_first == "the fault":
            go_on.set()
            threads.join()
    go_on.set()
    threads.join()
    with one:
        assert one.waiting == 0


@pytest.mark.parametrize("size", [*turns.BOUNDS, 2 * turns.BOUNDS[-1]])
def test_bodies_of_one_size_are_masked_one_at_a_time(
    size: int, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[None] = []
    most = 0

    def mask(_self: TextMasker, texts: Sequence[Text]) -> Result:
        nonlocal most
        running.append(None)
        most = max(most, len(running))
        threading.Event().wait(0.02)
        running.pop()
        return original(_self, texts)

    original = TextMasker.mask
    monkeypatch.setattr(TextMasker, "mask", mask)
    raw = body(size)
    settings = Settings(key=KEY, vault=MEMORY)
    with Masker(settings) as masker, Masker(replace(settings, tenant="another")) as another:
        for one in (masker, another, masker, another):
            threads.start(lambda one=one: one.mask_body(raw, "/v1/messages"))  # type: ignore[misc]
        threads.join()
    assert most == 1


def test_bodies_of_different_sizes_are_masked_beside_each_other(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(len(turns.BOUNDS) + 1)
    original = TextMasker.mask

    def mask(_self: TextMasker, texts: Sequence[Text]) -> Result:
        together.wait(SECONDS)
        return original(_self, texts)

    monkeypatch.setattr(TextMasker, "mask", mask)
    with Masker(Settings(key=KEY, vault=MEMORY)) as masker:
        for size in (1000, *(bound + 1000 for bound in turns.BOUNDS)):
            raw = body(size)
            threads.start(lambda raw=raw: masker.mask_body(raw, "/v1/messages"))  # type: ignore[misc]
        threads.join()


class SlowVault(MemoryVault):
    """A vault that answers when two wait for it."""

    together = threading.Barrier(2)

    def remember(self, tenant: str, entries: Mapping[str, str]) -> None:
        self.together.wait(SECONDS)
        super().remember(tenant, entries)


def test_nobody_waits_for_the_vault_of_another(threads: Threads) -> None:
    masked: list[MaskedBody] = []
    with Masker(Settings(key=KEY), SlowVault(60)) as masker:
        for text in ("stop i-0123456789abcdef0", "stop i-0fedcba9876543210"):
            raw = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
            threads.start(lambda raw=raw: masked.append(masker.mask_body(raw, "/v1/messages")))  # type: ignore[misc]
        threads.join()
    assert [len(one.dictionary) for one in masked] == [1, 1]
    assert [one.vault.lost for one in masked] == [0, 0]
