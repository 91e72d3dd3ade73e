"""Many requests side by side, streams among them."""

import json
import threading
from collections import Counter

from client import ask, message
from stacks import Stack, server_of, warm_server_of

from aws_masker.fake_api import FakeApi

CLIENTS = 8
TURNS = 63
MOST_GROWTH = 16 << 20


def _run(stack: Stack, outcomes: Counter[str]) -> None:
    def client(number: int) -> None:
        for turn in range(TURNS):
            instance = f"i-0{number:04x}{turn:012x}"
            answer = ask(stack.url, "/v1/messages", message(f"stop {instance}", stream=turn % 3 == 0))
            text = answer.body.decode()
            if turn % 3 == 0:
                events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
                text = "".join(one.get("delta", {}).get("text", "") for one in events)
            outcomes[f"{answer.status} {'restored' if instance in text else 'not restored'}"] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_thousand_requests_fail_nowhere_leak_nothing_and_leave_memory_as_it_was(stack: Stack, api: FakeApi) -> None:
    api.requests.clear()
    outcomes: Counter[str] = Counter()
    warm_server_of(stack)
    _run(stack, outcomes)
    before = server_of(stack).resident
    _run(stack, outcomes)
    assert outcomes == {"200 restored": 2 * CLIENTS * TURNS}
    assert not any(b"i-00" in one.body for one in api.requests)
    assert server_of(stack).resident - before < MOST_GROWTH
