"""How much later events arrive because they are restored: each carries the time at which the upstream sent it."""

import http.client
import re
import time
from typing import Final

from benchmarks.clients import HEADERS, percentile
from benchmarks.gateway_bench import compact
from benchmarks.servers import Server, route
from benchmarks.table import Table

STREAMS: Final = 15
_SENT: Final = re.compile(rb"sent at ([0-9]+) ns")
# Masked in the request, so that there is something to be restored.
_REQUEST: Final = {
    "stream": True,
    "model": "claude-test",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": "What runs on i-0a1b2c3d4e5f60718?"}],
}


def _delays(server: Server) -> list[float]:
    """Return how many milliseconds each event of a stream was under way."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", "/v1/messages", compact(_REQUEST), HEADERS)
    answer = connection.getresponse()
    delays = []
    while line := answer.readline():
        if sent := _SENT.search(line):
            delays.append((time.monotonic_ns() - int(sent[1])) / 1e6)
    connection.close()
    return delays


def table() -> Table:
    """Return how long events are under way, by three routes in turn."""
    with route() as running:
        servers = {"direct": running.direct, "proxy": running.proxy, "gateway": running.gateway}
        delays: dict[str, list[list[float]]] = {name: [] for name in servers}
        for _ in range(STREAMS):
            for name, server in servers.items():
                delays[name].append(_delays(server))
    rows = []
    for name, streams in delays.items():
        firsts = [stream[0] for stream in streams]
        events = [one for stream in streams for one in stream]
        rows.append([name, *(f"{percentile(values, of):.2f}" for values in (firsts, events) for of in (50, 95, 99))])
    return Table(
        "Events of a stream, milliseconds from the upstream to the client",
        ("route", *(f"{what} {of}" for what in ("first event", "event") for of in ("p50", "p95", "p99"))),
        rows,
    )
