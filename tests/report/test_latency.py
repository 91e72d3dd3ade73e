"""How much later an answer comes because of masking, and whether requests fail under load."""

import json
from collections.abc import Iterator

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
# Bytes of a body: pairs of requests for a report.
SIZES = {10 * KB: 30, 100 * KB: 30, 350 * KB: 20, 1000 * KB: 15, 5000 * KB: 6}
# Beyond this size the promise is not of 100 ms.
PROMISED = 1000 * KB


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Measure every size for a report. Otherwise one pair of small ones shows that it could be measured."""
    if "pairs" in metafunc.fixturenames:
        sizes = SIZES if metafunc.config.getoption("--report") else dict.fromkeys(list(SIZES)[:2], 1)
        metafunc.parametrize(("size", "pairs"), sizes.items(), ids=[f"{size // KB} KB" for size in sizes])


@pytest.fixture(scope="module")
def bare(choice: Choice, tmp_path_factory: pytest.TempPathFactory, chain: Chain) -> Iterator[Nginx]:
    """Return the front door of the same chain without the two plugins."""
    setup = Setup(chain.api.url, without=("aws-masker", "aws-masker-filter"))
    with front_and_kong(choice, setup, tmp_path_factory) as (front, kong):
        ask_until(lambda answer: answer.status == 200, lambda: ask(kong.url, "/v1/models"))
        yield front


def test_what_masking_adds(chain: Chain, bare: Nginx, check: Check, size: int, pairs: int) -> None:
    before, chain.api.script = chain.api.script, _ok
    without: list[float] = []
    first: list[float] = []
    turn: list[float] = []
    try:
        for seed in range(pairs):
            document = bodies.request(size, seed=1000 + seed)
            for added, one in ((first, document), (turn, bodies.next_turn(document, seed=2000 + seed))):
                body = json.dumps(one).encode()
                plain = ask(bare.url, "/v1/messages", body)
                masked = ask(chain.front.url, "/v1/messages", body)
                assert (plain.status, masked.status) == (200, 200), f"status {masked.status}, without {plain.status}"
                added.append(masked.seconds - plain.seconds)
                without.append(plain.seconds)
            chain.api.requests.clear()
    finally:
        chain.api.script = before
    check.cells = {
        "pairs": str(pairs),
        "without p50": milliseconds(p50(without)),
        "added p50": milliseconds(p50(first)),
        "added p95": milliseconds(p95(first)),
        "next turn p50": milliseconds(p50(turn)),
        "next turn p95": milliseconds(p95(turn)),
    }
    # One pair measures nothing: the machine may be busy.
    slow = pairs > 1 and size <= PROMISED and max(p95(first), p95(turn)) >= MOST_ADDED
    assert not slow, f"p95 is not under {1000 * MOST_ADDED:.0f} ms"


def _ok(_request: Request) -> list[Block]:
    return [{"type": "text", "text": "ok"}]
