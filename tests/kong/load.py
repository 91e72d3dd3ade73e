"""Clients that send without end, streams among what they send, and what became of each request."""

import contextlib
import itertools
import json
import math
import random
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPException

from client import Answer, ask, begin, message, streaming

# Every identifier that the clients send begins so, and nothing else does.
PREFIX = "i-0fa17"
TOKEN = re.compile(r"i-x[0-9a-z]{16}")


@dataclass(frozen=True)
class Outcome:
    """What became of a request: "served", "broken off", or a status; when it began, and how many seconds it took."""

    told: str
    began: float
    seconds: float


def send(url: str, instance: str, *, stream: bool) -> Outcome:
    """Send a request about ``instance`` and say what became of it."""
    began = time.monotonic()
    try:
        told = _told(ask(url, "/v1/messages", message(f"stop {instance}", stream=stream)), instance, stream=stream)
    except (OSError, HTTPException):
        told = "broken off"
    return Outcome(told, began, time.monotonic() - began)


def leave(url: str, instance: str, *, stream: bool) -> Outcome:
    """Send a request about ``instance``, and go away at the first piece of its answer, or before."""
    began = time.monotonic()
    body = message(f"stop {instance}", stream=stream)
    with contextlib.suppress(OSError, HTTPException, AssertionError):
        if stream:
            with streaming(url, "/v1/messages", body) as pieces:
                next(pieces)
        else:
            begin(url, "/v1/messages", body).close()
    return Outcome("left", began, time.monotonic() - began)


def text_of(answer: Answer, *, stream: bool) -> str:
    """Return the text of an answer."""
    if not stream:
        return "".join(block.get("text", "") for block in answer.json()["content"])
    events = [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: ")]
    return "".join(one.get("delta", {}).get("text", "") for one in events)


def _told(answer: Answer, instance: str, *, stream: bool) -> str:
    if answer.status == 200:
        text = text_of(answer, stream=stream)
        return "served" if instance in text and not TOKEN.search(text) else "not restored"
    with contextlib.suppress(ValueError, KeyError):
        if answer.is_error:
            return str(answer.status)
    return f"{answer.status} in another shape than the API's errors"


@dataclass
class Load:
    """What clients do to ``url``. ``outcomes`` grows meanwhile.

    ``most`` is after how many requests the clients stop. Of ``leaving`` requests (a share) the clients go away.
    """

    url: str
    most: float = math.inf
    leaving: float = 0.0
    outcomes: list[Outcome] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _stop: threading.Event = field(default_factory=threading.Event)

    def since(self, moment: float) -> list[Outcome]:
        """Return what became of the requests that began at ``moment`` (of the monotonic clock) or later."""
        return [one for one in list(self.outcomes) if one.began >= moment]

    @contextlib.contextmanager
    def running(self, clients: int, pause: float = 0.0) -> Iterator[None]:
        """Have so many clients send one request after the other, with a pause of so many seconds between two."""
        threads = [threading.Thread(target=self._client, args=(pause,), daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _client(self, pause: float) -> None:
        while not self._stop.is_set() and (number := next(self._numbers)) < self.most:
            leaves = random.Random(number).random() < self.leaving  # noqa: S311 - no secret
            made = leave if leaves else send
            self.outcomes.append(made(self.url, f"{PREFIX}{number:012x}", stream=number % 3 == 0))
            self._stop.wait(pause)
