"""How much later an answer comes because of masking, and whether requests fail under load."""

import json
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain as joined
from typing import NamedTuple, TypeAlias

import pytest
from benchmarks import bodies
from choice import Choice
from client import ask
from front_door import Nginx
from stacks import Setup, ask_until
from whole_chain import Chain, front_and_kong

from aws_masker.fake_api.answers import Block, Request

from .exchanges import milliseconds, p50, p95
from .findings import Check

SECTION = "latency"
MOST_ADDED = 0.100
KB = 1000
# Bytes of a body: conversations for a report, of one client, and of several together.
SIZES = {10 * KB: 30, 100 * KB: 30, 350 * KB: 20, 1000 * KB: 15, 5000 * KB: 6}
# What stands in the bodies: an output of the AWS CLI, an identifier every 150 bytes; or text, one every 6 KB.
SHAPES = {"": bodies.output, ", few identifiers": bodies.few_output}
TOGETHER = {10 * KB: 40, 100 * KB: 40, 350 * KB: 24, 1000 * KB: 24}
CLIENTS = 8
# Seconds, on average, for which one of several clients waits for its model before it sends something.
PAUSE = 1.0
# Beyond this size the promise is not of 100 ms.
PROMISED = 1000 * KB


# The first two requests of a conversation.
Talk: TypeAlias = tuple[bytes, bytes]


class Added(NamedTuple):
    """Seconds of a conversation's first two requests: without masking, and how many more with it."""

    without: list[float]
    first: float
    turn: float


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Measure every size for a report. Otherwise one conversation of small ones shows that it could be measured."""
    if "conversations" in metafunc.fixturenames:
        of_one = [(1, size, count) for size, count in SIZES.items()]
        of_several = [(CLIENTS, size, count) for size, count in TOGETHER.items()]
        rows = [*of_one, *of_several] if metafunc.config.getoption("--report") else [(1, 10 * KB, 1), (2, 100 * KB, 2)]
        shaped = [(*row, output) for output in SHAPES.values() for row in rows]
        names = [f"{size // KB} KB, {_clients(clients)}{shape}" for shape in SHAPES for clients, size, _ in rows]
        metafunc.parametrize(("clients", "size", "conversations", "output"), shaped, ids=names)


def _clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"


@pytest.fixture(scope="module")
def bare(choice: Choice, tmp_path_factory: pytest.TempPathFactory, chain: Chain) -> Iterator[Nginx]:
    """Return the front door of the same chain without the two plugins."""
    setup = Setup(chain.api.url, without=("aws-masker", "aws-masker-filter"))
    with front_and_kong(choice, setup, tmp_path_factory) as (front, kong):
        ask_until(lambda answer: answer.status == 200, lambda: ask(kong.url, "/v1/models"))
        yield front


def test_what_masking_adds(  # noqa: PLR0913, PLR0917 - what is measured, and with what
    chain: Chain, bare: Nginx, check: Check, clients: int, size: int, conversations: int, output: bodies.Output
) -> None:
    before, chain.api.script = chain.api.script, _ok
    # Made beforehand: what a client computes is not to be measured.
    talks = [_conversation(size, 1000 * clients + number, output) for number in range(conversations)]
    shares = [talks[number::clients] for number in range(clients)]
    pause = PAUSE if clients > 1 else 0.0
    try:
        with ThreadPoolExecutor(clients) as pool:
            added = list(joined.from_iterable(pool.map(lambda share: _sent(chain, bare, share, pause), shares)))
    finally:
        chain.api.script = before
    first, turn = [one.first for one in added], [one.turn for one in added]
    check.cells = {
        "pairs": str(len(added)),
        "without p50": milliseconds(p50([seconds for one in added for seconds in one.without])),
        "added p50": milliseconds(p50(first)),
        "added p95": milliseconds(p95(first)),
        "next turn p50": milliseconds(p50(turn)),
        "next turn p95": milliseconds(p95(turn)),
    }
    # One pair measures nothing: the machine may be busy.
    slow = len(added) > CLIENTS and size <= PROMISED and max(p95(first), p95(turn)) >= MOST_ADDED
    assert not slow, f"p95 is not under {1000 * MOST_ADDED:.0f} ms"


def _conversation(size: int, seed: int, output: bodies.Output) -> Talk:
    document = bodies.request(size, seed, output)
    return json.dumps(document).encode(), json.dumps(bodies.next_turn(document, seed + 1000, output)).encode()


def _sent(chain: Chain, bare: Nginx, talks: Sequence[Talk], pause: float) -> list[Added]:
    """Send each request without masking and then with it, and wait ``pause`` seconds on average before that."""
    added: list[Added] = []
    for talk in talks:
        without: list[float] = []
        more: list[float] = []
        for body in talk:
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - nothing secret
            plain = ask(bare.url, "/v1/messages", body)
            masked = ask(chain.front.url, "/v1/messages", body)
            assert (plain.status, masked.status) == (200, 200), f"status {masked.status}, without {plain.status}"
            without.append(plain.seconds)
            more.append(masked.seconds - plain.seconds)
        added.append(Added(without, *more))
        chain.api.requests.clear()
    return added


def _ok(_request: Request) -> list[Block]:
    return [{"type": "text", "text": "ok"}]
