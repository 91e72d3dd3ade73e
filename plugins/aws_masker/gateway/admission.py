"""How many requests are served at once: a fixed number, a short queue behind it, and a refusal beyond."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aws_masker.errors import Overloaded


class Admission:
    """Admits ``limit`` requests at once. One event loop only.

    The queue is short on purpose: answers stream for minutes, and a long one would only hide the overload from a client
    that can back off by itself.
    """

    def __init__(self, limit: int, queue_length: int, queue_seconds: float) -> None:
        """Start empty."""
        self._limit = limit
        self._queue_length = queue_length
        self._queue_seconds = queue_seconds
        self._slots = asyncio.Semaphore(limit)
        self.waiting = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot. Raises Overloaded when the queue is full, or no slot gets free in time."""
        if self._slots.locked() and self.waiting >= self._queue_length:
            raise self._overloaded()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._queue_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise self._overloaded() from None
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    def _overloaded(self) -> Overloaded:
        return Overloaded(f"{self._limit} requests are open already: try again, or raise limits.concurrency")
