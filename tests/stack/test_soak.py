"""A soak: many requests, a third of them streams, clients that leave, and a vault that is restarted twice.

``--soak N`` says how many; ``make soak`` sends 10,000 and prints what the plugin server holds meanwhile.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest
from choice import Choice
from load import PREFIX, Load
from stacks import server_of, wait_for, warm_server_of
from whole_chain import Chain, whole_chain

CLIENTS = 8
LEAVING = 0.05
SAMPLES = 12
# The vault is restarted when so many of the samples have been taken; what is held then is compared with the end.
RESTARTS = (4, 8)
# Caches are bounded, but far from full after a third of the requests.
MOST_GROWTH = 32 << 20
MOST_MORE_THREADS = MOST_MORE_DESCRIPTORS = 2 * CLIENTS
PATIENCE_SECONDS = 1800.0


@pytest.fixture(scope="module")
def chain(choice: Choice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with whole_chain(choice, tmp_path_factory) as running:
        yield running


def test_nothing_fails_leaks_or_grows(chain: Chain, pytestconfig: pytest.Config) -> None:
    requests: int = pytestconfig.getoption("--soak")
    load = Load(chain.front.url, requests, LEAVING)
    held = [warm_server_of(chain.kong)]
    _print("requests", "resident MB", "threads", "descriptors")
    with load.running(CLIENTS):
        for sample in range(1, SAMPLES + 1):
            enough = requests * sample // SAMPLES
            wait_for(partial(_has, load, enough), PATIENCE_SECONDS)
            held.append(server_of(chain.kong))
            now = held[-1]
            _print(len(load.outcomes), now.resident >> 20, now.threads, now.descriptors or "unknown")
            if sample in RESTARTS:
                chain.redis.stop()
                chain.redis.start()
    told = Counter(one.told for one in load.outcomes)
    assert told == {"served": requests - told["left"], "left": told["left"]}
    assert told["left"] > requests * LEAVING / 3
    assert not [one.path for one in chain.api.requests if PREFIX.encode() in one.body]
    assert {one.pid for one in held} == {held[0].pid}
    before, after = held[RESTARTS[0]], held[-1]
    assert after.resident - before.resident < MOST_GROWTH
    assert after.threads - before.threads <= MOST_MORE_THREADS
    if before.descriptors is not None and after.descriptors is not None:
        assert after.descriptors - before.descriptors <= MOST_MORE_DESCRIPTORS


def _has(load: Load, enough: int) -> bool:
    return len(load.outcomes) >= enough


def _print(*cells: object) -> None:
    print("".join(f"{cell:>14}" for cell in cells))  # noqa: T201 - `make soak` shows it
