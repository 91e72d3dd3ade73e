"""The fault matrix: each fault is made while clients send requests; what becomes of these is held against the table."""

import re
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from choice import Choice
from client import ask, message
from fault_table import CELLS, PAGE, Cell, page
from faults import FAULTS, LASTING, FragileChain, fragile_chain
from load import PREFIX, Load, send, text_of
from stacks import is_served, wait_for

CLIENTS = 4
PAUSE = 0.02
RECOVERY_SECONDS = 15.0
PATIENCE_SECONDS = 60.0
STEADY_SECONDS = 3.0
# As long as a fault is seen to bite, or longer than the longest time-out.
BITE_SECONDS = 12.0
TOKEN = re.compile(r"i-x[0-9a-z]{16}")


@pytest.fixture(scope="module")
def chain(choice: Choice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FragileChain]:
    """Run the chain that all faults are made on. Each is mended before the next."""
    with fragile_chain(choice, tmp_path_factory) as running:
        yield running


@pytest.mark.parametrize("cell", [one for one in CELLS if one.name in FAULTS], ids=lambda cell: cell.name)
def test_a_fault_under_load(chain: FragileChain, cell: Cell) -> None:
    # Where the fault before was not mended in time, it has failed for that.
    wait_for(lambda: is_served(chain.kong), PATIENCE_SECONDS)
    chain.api.requests.clear()
    kept = f"i-0a1b2c3d4e5f607{CELLS.index(cell):02x}"
    token = _token_of(kept, chain)
    load = Load(chain.front.url)
    with load.running(CLIENTS, PAUSE):
        wait_for(lambda: len(load.outcomes) >= CLIENTS)
        broken = time.monotonic()
        try:
            with FAULTS[cell.name](chain):
                _wait_until_it_bites(load, cell, broken)
        except NotImplementedError:
            pytest.skip("stack: the stand-in for Kong has no workers")
        mended = time.monotonic()
        wait_for(lambda: is_served(chain.kong), RECOVERY_SECONDS)
        wait_for(lambda: send(chain.front.url, f"{PREFIX}{0:012x}", stream=False).told == "served", RECOVERY_SECONDS)
        if cell.lingers:
            wait_for(lambda: _is_steady(load, mended), RECOVERY_SECONDS)
        recovered = time.monotonic()
        wait_for(lambda: len(load.since(recovered)) >= 2 * CLIENTS)
    _judge(load, cell)
    assert Counter(one.told for one in load.since(recovered)) == {"served": len(load.since(recovered))}
    assert recovered - mended < RECOVERY_SECONDS
    assert not _leaked(chain)
    if not cell.forgets:
        asked = message(f"what is {token}?")
        wait_for(lambda: kept in text_of(ask(chain.front.url, "/v1/messages", asked), stream=False), RECOVERY_SECONDS)


@pytest.mark.parametrize("cell", [one for one in CELLS if one.name in LASTING], ids=lambda cell: cell.name)
def test_a_fault_from_the_beginning(choice: Choice, tmp_path_factory: pytest.TempPathFactory, cell: Cell) -> None:
    with fragile_chain(choice, tmp_path_factory, **LASTING[cell.name]) as chain:
        wait_for(lambda: is_served(chain.kong))
        load = Load(chain.front.url)
        with load.running(CLIENTS, PAUSE):
            wait_for(lambda: len(load.outcomes) >= 3 * CLIENTS)
        _judge(load, cell)
        assert not _leaked(chain)


def test_the_table_in_the_documentation_is_this_one() -> None:
    assert PAGE.read_text() == page(), "run `make faults`"
    assert {one.name for one in CELLS} == {*FAULTS, *LASTING}


def _token_of(original: str, chain: FragileChain) -> str:
    answer = ask(chain.front.url, "/v1/messages", message(f"stop {original}"))
    assert answer.status == 200, answer.body
    return str(TOKEN.findall(chain.api.requests[-1].body.decode())[0])


def _wait_until_it_bites(load: Load, cell: Cell, broken: float) -> None:
    """Return when each client has met the fault, and, where requests are to fail, some have."""
    deadline = broken + BITE_SECONDS

    def look() -> bool:
        met = load.since(broken)
        bitten = not cell.bites or any(one.told in cell.bites for one in met)
        return (len(met) >= CLIENTS and bitten) or time.monotonic() > deadline

    wait_for(look, BITE_SECONDS + 1)


def _is_steady(load: Load, mended: float) -> bool:
    """Tell whether nothing has failed for some time."""
    since = time.monotonic() - STEADY_SECONDS
    return since > mended and all(one.told == "served" for one in load.since(since))


def _judge(load: Load, cell: Cell) -> None:
    told = Counter(one.told for one in load.outcomes)
    assert set(told) <= {"served", *cell.meanwhile}, told
    assert not cell.bites or set(cell.bites) & set(told), told
    assert max(one.seconds for one in load.outcomes) < cell.seconds


def _leaked(chain: FragileChain) -> list[str]:
    return [one.path for one in chain.api.requests if PREFIX.encode() in one.body]
