"""What the end-to-end tests share: the clients from npm, the fake API, and the gateway as a process of its own."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from aws_masker.audit import parse
from aws_masker.fake_api import FakeApi, Received

from . import estate
from .npm_clients import claude_executable, node_modules

__all__ = ["claude_executable", "node_modules"]

START_SECONDS = 30
STOP_SECONDS = 60
RECORD_SECONDS = 20


class Gateways(Protocol):
    """Starts a gateway towards ``upstream`` with further environment variables; returns its base URL."""

    def __call__(self, upstream: str, **environment: str) -> str: ...


@pytest.fixture(scope="module")
def api() -> Iterator[FakeApi]:
    """Run a fake Anthropic API."""
    with FakeApi.in_thread() as running:
        yield running


@pytest.fixture(scope="module")
def start_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateways]:
    """Start ``aws-masker gateway`` as a person would."""
    with contextlib.ExitStack() as stack:

        def start(upstream: str, **environment: str) -> str:
            return stack.enter_context(_gateway(upstream, tmp_path_factory.mktemp("gateway"), environment))

        yield start


@pytest.fixture(scope="module")
def gateway(start_gateway: Gateways, api: FakeApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the base URL of a gateway in front of ``api``. In the end, what ``api`` got must have been recorded."""
    audit = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    yield start_gateway(api.url, AWS_MASKER_AUDIT=f"file://{audit}")
    assert_recorded(audit, api.requests)


def assert_recorded(audit: Path, received: Sequence[Received]) -> None:
    """See that each request that the API received has its record, by its size there."""
    deadline = time.monotonic() + RECORD_SECONDS
    while True:
        records = [parse(line) for line in audit.read_bytes().splitlines()] if audit.exists() else []
        recorded = Counter(one.bytes_up for one in records if one.bytes_up)
        wanted = Counter(len(one.body) for one in received if one.body)
        if wanted <= recorded or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert wanted <= recorded
    assert sum(one.edits for one in records)


@contextlib.contextmanager
def _gateway(upstream: str, folder: Path, further: Mapping[str, str]) -> Iterator[str]:
    address = f"127.0.0.1:{_free_port()}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AWS_MASKER_KEY": secrets.token_hex(32),
        "AWS_MASKER_UPSTREAM": upstream,
        "AWS_MASKER_VAULT": "memory://",
        **further,
    }
    with (folder / "gateway.log").open("w+b") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("aws-masker"), "gateway", "--listen", address],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_healthy(process, f"http://{address}", folder / "gateway.log")
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
    # Whatever the client did, nothing of it may stand in what the gateway wrote.
    written = (folder / "gateway.log").read_text().lower()
    assert [original for original in estate.ORIGINALS if original.lower() in written] == []


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_until_healthy(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"{url}/_aws-masker/health", timeout=1).close()
            return
        # The process is given its share of the processor between two tries.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    pytest.fail(f"aws-masker gateway did not start:\n{log.read_text()}")
