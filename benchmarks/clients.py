"""Clients for benchmarks: each a thread with a connection of its own, which sends one request after the other."""

import http.client
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

HEADERS = {"content-type": "application/json", "x-api-key": "dummy"}


def timed(connection: http.client.HTTPConnection, body: bytes) -> float:
    """Send ``body`` and return the milliseconds until the whole answer is there."""
    began = time.perf_counter()
    connection.request("POST", "/v1/messages", body, HEADERS)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        message = f"status {answer.status}"
        raise RuntimeError(message)
    return (time.perf_counter() - began) * 1000


def side_by_side(port: int, shares: Sequence[Sequence[bytes]], pause: float = 0.0) -> list[list[float]]:
    """Send each share of bodies by a client of its own, at once; return the milliseconds of each. See in_turn."""
    with ThreadPoolExecutor(len(shares)) as pool:
        return list(pool.map(lambda client: in_turn(port, shares[client], pause, client), range(len(shares))))


def in_turn(port: int, bodies: Sequence[bytes], pause: float = 0.0, client: int = 0) -> list[float]:
    """Send ``bodies`` over one connection; return the milliseconds of each.

    ``pause`` is the mean of the seconds before each, as long as a client waits for its model; no two wait alike.
    """
    chance = random.Random(client)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    taken = []
    for body in bodies:
        if pause:
            time.sleep(pause * chance.uniform(0.5, 1.5))
        taken.append(timed(connection, body))
    connection.close()
    return taken


def percentile(values: Sequence[float], of: int) -> float:
    """Return the ``of``-th percentile."""
    return sorted(values)[min(len(values) - 1, len(values) * of // 100)]
