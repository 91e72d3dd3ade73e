"""A gateway as a process of its own, for what only a process shows: signals, output, and its environment."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import IO, Any

from gateway_lab import KEY

_CODE = (
    "import sys; from aws_masker.gateway import run; from aws_masker.limits import Limits; "
    "from aws_masker.settings import Settings; "
    "key, listen, upstream = sys.argv[1:4]; limits = Limits(stop_seconds=20); "
    "sys.exit(run(Settings(key=key, listen=listen, upstream=upstream, limits=limits)))"
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@contextlib.contextmanager
def process(listen: str, upstream: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a gateway in this environment, without any proxy that it does not name, and end it."""
    inherited = {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", _CODE, KEY, listen, upstream]
    with subprocess.Popen(command, env=inherited | environment, **pipes) as running:
        try:
            yield running
        finally:
            running.kill()


def lines(stream: IO[str] | None) -> Iterator[str]:
    """Return the lines of a stream of the process as they come."""
    assert stream is not None
    return iter(stream.readline, "")


def listening_port(running: subprocess.Popen[str]) -> int:
    """Return the port that the process tells people to use."""
    errors = lines(running.stderr)
    first = next(errors)
    assert first.startswith("aws-masker listens on http://127.0.0.1:"), first
    url = next(errors).removeprefix("  export ANTHROPIC_BASE_URL=")
    return int(url.rpartition(":")[2])


async def listening_port_of(running: subprocess.Popen[str]) -> int:
    """Return the same without holding up the event loop."""
    return await asyncio.to_thread(listening_port, running)
