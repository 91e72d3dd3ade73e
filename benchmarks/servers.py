"""Servers for benchmarks: each in a process of its own, and what it spent."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.scan_bench import KEY

START_SECONDS: Final = 30.0
# How long a new gateway computes on its own to get ready for its first request.
WARM_UP_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens on ``port`` of loopback."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Return what it has computed so far, on all cores. Linux only."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_megabytes(self) -> float:
        """Return the most memory that it has held. Linux only."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1000

    def until_idle(self) -> None:
        """Wait until it computes nothing."""
        deadline = time.monotonic() + WARM_UP_SECONDS
        before = -1.0
        while time.monotonic() < deadline and (now := self.cpu_seconds()) != before:
            before = now
            time.sleep(0.3)


@dataclass(frozen=True, slots=True)
class Route:
    """The same upstream by three ways: at once, through a plain reverse proxy, and through the gateway."""

    direct: Server
    proxy: Server
    gateway: Server


@contextmanager
def route(vault: str = "memory://") -> Iterator[Route]:
    """Run an upstream, a plain proxy and a gateway before it until the block ends."""
    with running("benchmarks.upstream") as upstream:
        url = f"http://127.0.0.1:{upstream.port}"
        environment = {"AWS_MASKER_KEY": KEY, "AWS_MASKER_VAULT": vault, "AWS_MASKER_UPSTREAM": url}
        with (
            running("benchmarks.plain_proxy", "--upstream", url) as proxy,
            running("aws_masker", "gateway", environment=environment) as gateway,
        ):
            gateway.until_idle()
            yield Route(upstream, proxy, gateway)


@contextmanager
def running(module: str, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[Server]:
    """Run a server until the block ends; it is ready when something listens on its port."""
    port = free_port()
    command = [sys.executable, "-m", module, *arguments, "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(
        command, env=os.environ | (environment or {}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as one:
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _listens(port):
                if time.monotonic() > deadline or one.poll() is not None:
                    message = f"{module} does not listen on port {port}"
                    raise RuntimeError(message)
                time.sleep(0.05)
            yield Server(port, one.pid)
        finally:
            one.terminate()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
