"""Clients side by side: how many of their requests fail."""

import threading
from time import perf_counter

from client import ask, message
from whole_chain import Chain

from .exchanges import milliseconds, p50, p95, text_of
from .findings import Check

SECTION = "load"
CLIENTS = 8
MOST_FAILED = 0.01


def test_few_requests_fail(chain: Chain, check: Check, thorough: bool) -> None:  # noqa: FBT001 - a fixture
    turns = 250 if thorough else 10
    seconds: list[float] = []
    failures: list[str] = []

    def client(number: int) -> None:
        for turn in range(turns):
            question = f"stop i-0{number:04x}{turn:012x} of account 481516234217"
            try:
                answer = ask(chain.front.url, "/v1/messages", message(question, stream=turn % 3 == 0))
                assert text_of(answer) == question, "the answer was not restored"
                seconds.append(answer.seconds)
            except Exception as error:  # noqa: BLE001 - whatever it is, the request has failed
                failures.append(type(error).__name__)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    chain.api.requests.clear()
    began = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = perf_counter() - began
    check.name = f"{CLIENTS} clients"
    check.cells = {
        "requests": str(CLIENTS * turns),
        "failed": str(len(failures)),
        "error rate": f"{len(failures) / (CLIENTS * turns):.2%}",
        "p50 ms": milliseconds(p50(seconds)),
        "p95 ms": milliseconds(p95(seconds)),
        "requests a second": f"{CLIENTS * turns / took:.0f}",
    }
    assert not any(b"i-00" in one.body for one in chain.api.requests), "an identifier reached the API"
    assert len(failures) < MOST_FAILED * CLIENTS * turns, f"failed with {', '.join(sorted(set(failures)))}"
