"""How many requests at once: slots, a short queue, and refusals that give nothing away for good."""

import asyncio

import pytest

from aws_masker.errors import Overloaded
from aws_masker.gateway.admission import Admission
from gateway_lab import run, until


def test_a_slot_that_gets_free_goes_to_who_waits() -> None:
    async def test() -> None:
        admission = Admission(1, queue_length=1, queue_seconds=5)
        entered: list[str] = []

        async def second() -> None:
            async with admission.slot():
                entered.append("second")

        async with admission.slot():
            waiting = asyncio.create_task(second())
            await until(lambda: admission.waiting == 1)
            assert entered == []
        await waiting
        assert entered == ["second"]

    run(test())


def test_a_full_queue_refuses_at_once() -> None:
    async def test() -> None:
        admission = Admission(1, queue_length=0, queue_seconds=5)
        async with admission.slot():
            with pytest.raises(Overloaded, match=r"1 requests are open already.*limits\.concurrency"):
                async with admission.slot():
                    pass

    run(test())


def test_who_waits_too_long_is_refused_and_leaves_the_queue() -> None:
    async def test() -> None:
        admission = Admission(1, queue_length=1, queue_seconds=0.02)
        async with admission.slot():
            with pytest.raises(Overloaded):
                async with admission.slot():
                    pass
            assert admission.waiting == 0
        async with admission.slot():
            pass

    run(test())


def test_who_leaves_while_waiting_takes_no_slot() -> None:
    async def test() -> None:
        admission = Admission(1, queue_length=1, queue_seconds=5)

        async def enter() -> None:
            async with admission.slot():
                pass

        async with admission.slot():
            waiting = asyncio.create_task(enter())
            await until(lambda: admission.waiting == 1)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await enter()
        assert admission.waiting == 0

    run(test())


def test_a_request_that_fails_gives_its_slot_back() -> None:
    async def test() -> None:
        admission = Admission(1, queue_length=0, queue_seconds=5)
        for _ in range(3):
            with pytest.raises(KeyError):
                async with admission.slot():
                    raise KeyError

    run(test())
