"""What records cost a request: the same bodies in turn through gateways that differ in nothing else.

The body has been seen before. Beside the time until the answer stands that of the processor, and below the table what a
request itself waits for: making a record and handing it on, without what the writer's thread does.
"""

import contextlib
import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Iterator

from aws_masker.audit import Records
from aws_masker.audit.targets import open_target
from aws_masker.audit.writer import Writer
from aws_masker.edits import MaskedBody
from aws_masker.gateway.record import Draft
from aws_masker.metrics import Metrics
from benchmarks import bodies
from benchmarks.clients import timed
from benchmarks.scan_bench import KEY
from benchmarks.servers import Server, free_port, running
from benchmarks.table import Table

SIZE = 100_000
ROUNDS = 200
WARM_UP = 20
# Records that are made and handed on.
HANDED = 5000


def kinds(folder: str) -> dict[str, dict[str, str]]:
    """Return the ways of keeping records, each as the environment of a gateway, with what is kept in ``folder``."""
    return {
        "off": {"AWS_MASKER_AUDIT": "off"},
        "file": {"AWS_MASKER_AUDIT": f"file://{folder}/audit.jsonl"},
        "a full disk": {"AWS_MASKER_AUDIT": "file:///dev/full"},
        "no redis": {"AWS_MASKER_AUDIT": "redis://127.0.0.1:9/0"},
        "file and bodies": {
            "AWS_MASKER_AUDIT": f"file://{folder}/too.jsonl",
            "AWS_MASKER_RECORD_BODIES": "masked",
            "AWS_MASKER_BODIES": f"{folder}/bodies",
        },
        "file and metrics": {
            "AWS_MASKER_AUDIT": f"file://{folder}/three.jsonl",
            "AWS_MASKER_METRICS": f"127.0.0.1:{free_port()}",
        },
    }


@contextlib.contextmanager
def gateways(upstream: int, folder: str) -> Iterator[dict[str, Server]]:
    """Run a gateway for each way of keeping records; yield them."""
    shared = {
        "AWS_MASKER_KEY": KEY,
        "AWS_MASKER_VAULT": "memory://",
        "AWS_MASKER_UPSTREAM": f"http://127.0.0.1:{upstream}",
    }
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(running("aws_masker", "gateway", environment={**shared, **settings}))
            for name, settings in kinds(folder).items()
        }
        for one in servers.values():
            one.until_idle()
        yield servers


def table() -> Table:
    """Return what each way of keeping records adds."""
    document = bodies.request(SIZE, 1)
    raw = json.dumps(document, separators=(",", ":")).encode()
    with (
        tempfile.TemporaryDirectory() as folder,
        running("benchmarks.upstream") as upstream,
        gateways(upstream.port, folder) as servers,
    ):
        connections = {name: http.client.HTTPConnection("127.0.0.1", one.port) for name, one in servers.items()}
        times: dict[str, list[float]] = {name: [] for name in servers}
        spent: dict[str, float] = {}
        for number in range(ROUNDS + WARM_UP):
            if number == WARM_UP:
                spent = {name: -one.cpu_seconds() for name, one in servers.items()}
            for name, connection in connections.items():
                taken = timed(connection, raw)
                if number >= WARM_UP:
                    times[name].append(taken)
        spent = {name: 1000 * (one.cpu_seconds() + spent[name]) / ROUNDS for name, one in servers.items()}
        for connection in connections.values():
            connection.close()
        handed = 1000 * handing_on(folder)
    base = (*_figures(times["off"]), spent["off"])
    rows = []
    for name in servers:
        found = (*_figures(times[name]), spent[name])
        of_none = name == "off"
        rows.append([name, *(f"{one - (0 if of_none else none):.2f}" for one, none in zip(found, base, strict=True))])
    return Table(
        f"Records at {SIZE // 1000} KB, milliseconds",
        ("records", "p50", "p10", "CPU"),
        rows,
        "off: a request without any. Below: what they add to it, in time until the answer (the median, and the fastest "
        "tenth, which what else the machine does disturbs least) and in time of the processor, the writer's included. "
        f"A request itself waits {handed:.0f} µs for its record.",
    )


def _figures(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), sorted(times)[len(times) // 10]


def handing_on(folder: str) -> float:
    """Return the milliseconds that it takes to make a record and to hand it to file and figures; the median."""
    records, metrics = Records(), Metrics()
    target = open_target(f"file://{folder}/audit.jsonl")
    if target is None:
        raise AssertionError
    writer = Writer(target, print)
    records.listen(metrics)
    records.listen(lambda record, _: writer.put(record.json()))
    taken = []
    for _ in range(HANDED):
        draft = Draft("POST", "/v1/messages", masked=MaskedBody((), {}, {"ec2-instance": 30, "arn": 10}))
        began = time.perf_counter()
        records.publish(draft.finish())
        taken.append(time.perf_counter() - began)
    writer.close(10)
    return 1000 * statistics.median(taken)
