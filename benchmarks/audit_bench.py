"""What records cost a request: the same bodies in turn through gateways that differ in nothing else.

Milliseconds at 100 KB, for a body that has been seen before. Each is the difference to the gateway without any, of the
medians and of the fastest tenth, which what else the machine does disturbs least. Below it, what a request itself waits
for: making a record and handing it on, without what the writer's thread does.
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
from benchmarks.servers import free_port, running

SIZE = 100_000
ROUNDS = 200


@contextlib.contextmanager
def gateways(upstream: int, folder: str) -> Iterator[dict[str, int]]:
    """Run a gateway for each way of keeping records; yield their ports."""
    kinds = {
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
    shared = {
        "AWS_MASKER_KEY": KEY,
        "AWS_MASKER_VAULT": "memory://",
        "AWS_MASKER_UPSTREAM": f"http://127.0.0.1:{upstream}",
    }
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(running("aws_masker", "gateway", environment={**shared, **settings}))
            for name, settings in kinds.items()
        }
        for one in servers.values():
            one.until_idle()
        yield {name: one.port for name, one in servers.items()}


def main() -> None:
    """Print the table."""
    document = bodies.request(SIZE, 1)
    raw = json.dumps(document, separators=(",", ":")).encode()
    with (
        tempfile.TemporaryDirectory() as folder,
        running("benchmarks.upstream") as upstream,
        gateways(upstream.port, folder) as ports,
    ):
        connections = {name: http.client.HTTPConnection("127.0.0.1", port) for name, port in ports.items()}
        times: dict[str, list[float]] = {name: [] for name in ports}
        for number in range(ROUNDS + 20):
            for name, connection in connections.items():
                taken = timed(connection, raw)
                if number >= 20:
                    times[name].append(taken)
    base = _figures(times.pop("off"))
    print(f"\nAdded by records at {SIZE // 1000} KB, ms (without any: {base[0]:.2f}, {base[1]:.2f})\n")
    print(f"{'':>18}{'p50':>8}{'p10':>8}")
    for name, found in times.items():
        middle, fast = _figures(found)
        print(f"{name:>18}{middle - base[0]:>8.2f}{fast - base[1]:>8.2f}")
    with tempfile.TemporaryDirectory() as folder:
        print(f"\nA request waits {1000 * handing_on(folder):.0f} µs for its record\n")


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
    for _ in range(5000):
        draft = Draft("POST", "/v1/messages", masked=MaskedBody((), {}, {"ec2-instance": 30, "arn": 10}))
        began = time.perf_counter()
        records.publish(draft.finish())
        taken.append(time.perf_counter() - began)
    writer.close(10)
    return 1000 * statistics.median(taken)


if __name__ == "__main__":
    main()
