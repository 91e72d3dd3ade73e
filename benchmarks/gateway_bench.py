"""What the gateway adds to a request: through it and past it, to the same upstream, in turn.

Bodies are shaped like Claude Code's. *First* is a body that the gateway has not seen before, *next* the conversation's
next turn. Milliseconds; added is the difference of the medians.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import bodies
from benchmarks.scan_bench import KEY

# Size of the body, and how many conversations of it.
PLAN = ((10_000, 40), (100_000, 30), (350_000, 20), (1_000_000, 10), (5_000_000, 4))
START_SECONDS = 30.0


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def process(command: list[str], port: int, **environment: str) -> Iterator[int]:
    """Run a server until the block ends; it is ready when something listens on ``port``."""
    with subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as one:
        try:
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if time.monotonic() > deadline or one.poll() is not None:
                        message = f"{command[-1]} does not listen on port {port}"
                        raise RuntimeError(message) from None
                    time.sleep(0.05)
            yield port
        finally:
            one.terminate()


def timed(connection: http.client.HTTPConnection, body: bytes) -> float:
    """Send ``body`` and return the milliseconds until the answer is there."""
    began = time.perf_counter()
    connection.request("POST", "/v1/messages", body, {"content-type": "application/json", "x-api-key": "dummy"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        message = f"status {answer.status}"
        raise RuntimeError(message)
    return (time.perf_counter() - began) * 1000


def percentile(values: list[float], of: int) -> float:
    """Return the ``of``-th percentile."""
    return sorted(values)[min(len(values) - 1, len(values) * of // 100)]


def measure(
    direct: int, through: int, size: int, count: int, seed: int
) -> tuple[list[float], list[float], list[float]]:
    """Return the milliseconds past the gateway, and through it for first and next turns."""
    past = http.client.HTTPConnection("127.0.0.1", direct)
    gate = http.client.HTTPConnection("127.0.0.1", through)
    plain, first, second = [], [], []
    for number in range(count):
        document = bodies.request(size, seed + number)
        raw = json.dumps(document, separators=(",", ":")).encode()
        more = json.dumps(bodies.next_turn(document, seed + number + 1), separators=(",", ":")).encode()
        plain.append(timed(past, raw))
        first.append(timed(gate, raw))
        second.append(timed(gate, more))
    return plain, first, second


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=PLAN[-1][0], help="leave out larger bodies (bytes)")
    arguments = parser.parse_args(argv)
    upstream, gateway = free_port(), free_port()
    command = [sys.executable, "-m", "aws_masker", "gateway", "--listen", f"127.0.0.1:{gateway}"]
    settings = {
        "AWS_MASKER_KEY": KEY,
        "AWS_MASKER_VAULT": "memory://",
        "AWS_MASKER_UPSTREAM": f"http://127.0.0.1:{upstream}",
    }
    with (
        process([sys.executable, "-m", "benchmarks.upstream", "--port", str(upstream)], upstream),
        process(command, gateway, **settings),
    ):
        measure(upstream, gateway, 200_000, 5, 9_000)
        print("\nAdded by the gateway, ms\n")
        print(f"{'body':>8}{'direct p50':>12}{'first p50':>11}{'p95':>8}{'next p50':>11}{'p95':>8}")
        for size, count in PLAN:
            if size > arguments.largest:
                continue
            plain, first, second = measure(upstream, gateway, size, count, 1000)
            base = statistics.median(plain)
            cells = [statistics.median(first) - base, percentile(first, 95) - base]
            cells += [statistics.median(second) - base, percentile(second, 95) - base]
            print(
                f"{size // 1000:>6} KB{base:>10.1f}{cells[0]:>11.1f}{cells[1]:>8.1f}{cells[2]:>11.1f}{cells[3]:>8.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
