"""What the gateway adds to a request, beside a plain reverse proxy on the same route, and what it spends.

Bodies are shaped like Claude Code's. *First* is a body that the gateway has not seen before, *next* the conversation's
next turn. Added is the time through the gateway less the median past it, straight to the upstream.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks import bodies
from benchmarks.clients import in_turn, percentile, side_by_side
from benchmarks.servers import Route, route
from benchmarks.table import Table

KB: Final = 1000
# What stands in the bodies: an output of the AWS CLI, an identifier every 150 bytes; or text, one every 6 KB.
SHAPES: Final = {"dense": bodies.output, "few": bodies.few_output}
# How many clients, and for each size of body how many conversations each of them has.
PLAN: Final = {
    1: {10 * KB: 50, 100 * KB: 40, 350 * KB: 20, 1000 * KB: 12, 5000 * KB: 5},
    8: {10 * KB: 8, 100 * KB: 8, 350 * KB: 6, 1000 * KB: 4},
    32: {10 * KB: 4, 100 * KB: 3, 350 * KB: 2},
}
# Seconds that each of several clients waits before a request. A model takes longer to answer.
PAUSE: Final = 1.0
LOAD: Final = {10 * KB: 400, 100 * KB: 200, 1000 * KB: 24}
LOAD_CLIENTS: Final = 8
DISTINCT: Final = 7000
LARGE: Final = 5000 * KB
WARM_UP: Final = 200 * KB
SMALL: Final = 100


def compact(document: dict[str, object]) -> bytes:
    """Return a document as clients send it."""
    return json.dumps(document, separators=(",", ":")).encode()


def conversation(size: int, seed: int, output: bodies.Output = bodies.output) -> tuple[bytes, bytes]:
    """Return a request of about ``size`` bytes, and the next of the same conversation."""
    document = bodies.request(size, seed, output)
    return compact(document), compact(bodies.next_turn(document, seed + 1, output))


def latency(running: Route, most_clients: int = 32, largest: int = 5000 * KB) -> Table:
    """Return what is added by size and number of clients."""
    rows: list[list[object]] = []
    direct, proxy, through = running.direct.port, running.proxy.port, running.gateway.port
    seed = 100_000
    for shape, output in SHAPES.items():
        for clients, size, count in [(clients, *one) for clients, sizes in PLAN.items() for one in sizes.items()]:
            if clients > most_clients or size > largest:
                continue
            talks = [
                [turn for at in range(count) for turn in conversation(size, seed + 10 * (number * count + at), output)]
                for number in range(clients)
            ]
            seed += 10 * count * clients
            base = percentile(in_turn(direct, talks[0]), 50)
            plain = percentile(in_turn(proxy, talks[0]), 50) - base
            taken = side_by_side(through, talks, PAUSE if clients > 1 else 0.0)
            first = [one - base for client in taken for one in client[::2]]
            later = [one - base for client in taken for one in client[1::2]]
            figures = [percentile(part, of) for part in (first, later) for of in (50, 95, 99)]
            rows.append([f"{size // KB} KB", shape, clients, base, plain, *figures])
    return Table(
        "Added by the gateway, milliseconds",
        (
            "body",
            "identifiers",
            "clients",
            "direct",
            "proxy adds",
            *(f"{turn} {of}" for turn in ("first", "next") for of in _SHARES),
        ),
        rows,
        "dense: outputs of the AWS CLI, an identifier every 150 bytes; few: text, one every 6 KB or less. "
        "direct: the upstream alone, p50. proxy adds: a plain reverse proxy in the gateway's place, p50. One client "
        f"sends without a pause, several wait {PAUSE:g} s on average before each request.",
    )


_SHARES: Final = ("p50", "p95", "p99")


def load(running: Route) -> Table:
    """Return what requests cost as fast as they can be sent, through the gateway and through a plain proxy."""
    rows: list[list[object]] = []
    for size, count in LOAD.items():
        talks = [conversation(size, 500_000 + size + 10 * at) for at in range(count // 2)]
        shares = [[turn for talk in talks[at::LOAD_CLIENTS] for turn in talk] for at in range(LOAD_CLIENTS)]
        for name, server in (("proxy", running.proxy), ("gateway", running.gateway)):
            cpu, began = server.cpu_seconds(), time.perf_counter()
            side_by_side(server.port, shares)
            seconds = time.perf_counter() - began
            spent = (server.cpu_seconds() - cpu) / count * 1000
            rows.append([name, f"{size // KB} KB", count / seconds, spent, server.peak_megabytes()])
    return Table(
        "As fast as it goes",
        ("through", "body", "requests/s", "CPU s per 1,000", "peak memory, MB"),
        rows,
        f"{LOAD_CLIENTS} clients without a pause, each second request the next turn of a conversation.",
    )


def beside(running: Route) -> Table:
    """Return how long small requests take while large ones are masked."""
    large = [compact(bodies.request(LARGE, 700_000 + at)) for at in range(6)]
    rows: list[list[object]] = []
    for count in (0, 1, 2):
        stop = threading.Event()
        sent: list[float] = []

        def send(number: int, stop: threading.Event = stop, sent: list[float] = sent) -> None:
            for body in _until(stop, large[number::2]):
                sent.extend(in_turn(running.gateway.port, [body]))

        senders = [threading.Thread(target=send, args=(number,)) for number in range(count)]
        for sender in senders:
            sender.start()
        smalls = [compact(bodies.request(10 * KB, 800_000 + 1000 * count + at)) for at in range(SMALL)]
        taken = in_turn(running.gateway.port, smalls, 0.02)
        stop.set()
        for sender in senders:
            sender.join()
        rows.append([count, *(percentile(taken, of) for of in (50, 95, 99))])
    return Table(
        "A request of 10 KB while requests of 5 MB are masked, milliseconds",
        ("large ones at a time", *_SHARES),
        rows,
    )


def _until(stop: threading.Event, texts: list[bytes]) -> Iterator[bytes]:
    """Yield ``texts`` again and again, each time changed enough to be new, until it is time to stop."""
    turn = 0
    while not stop.is_set():
        for text in texts:
            if stop.is_set():
                return
            # One letter of the prompt's words: all texts that hold it are others than before.
            yield text.replace(b"InstanceId", b"InstanceId%d" % turn) if turn else text
        turn += 1


def many(running: Route) -> Table:
    """Return how long bodies of 5 MB take, with many identifiers that each stand there several times."""
    rows: list[list[object]] = []
    kinds: tuple[tuple[str, Callable[[int], dict[str, object]]], ...] = (
        ("all different", lambda seed: bodies.request(LARGE, seed)),
        (f"{DISTINCT:,} different, each several times", lambda seed: bodies.repeated(LARGE, DISTINCT, seed)),
        ("a few", lambda seed: bodies.sparse(LARGE, seed)),
    )
    for name, make in kinds:
        documents = [make(900_000 + 10 * at) for at in range(5)]
        turns = [compact(one) for document in documents for one in (document, bodies.next_turn(document))]
        base = percentile(in_turn(running.direct.port, turns), 50)
        taken = in_turn(running.gateway.port, turns)
        rows.append([name, base, percentile(taken[::2], 50), max(taken[::2]), percentile(taken[1::2], 50)])
    return Table(
        "5 MB end to end, milliseconds",
        ("identifiers", "direct p50", "first p50", "first, most", "next p50"),
        rows,
    )


def tables(most_clients: int = 32, largest: int = 5000 * KB) -> Iterator[Table]:
    """Yield all tables."""
    with route() as running:
        # What is slow only once, in the upstream as well.
        for server in (running.direct, running.proxy, running.gateway):
            in_turn(server.port, [turn for at in range(5) for turn in conversation(WARM_UP, 9_000 + 10 * at)])
        yield latency(running, most_clients, largest)
        yield many(running)
        yield beside(running)
    with route() as running:
        yield load(running)
