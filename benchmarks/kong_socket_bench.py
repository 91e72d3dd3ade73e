"""What a body costs on the plugin server's socket: read, read and answered with edits, read and sent back whole.

It needs the extra ``kong``. The real plugin server runs in a process of its own; this one stands at Kong's end and
takes messages in as Kong 3.9 does, 4096 bytes at a time, each appended to what it has (mp_rpc.lua in
kong/runloop/plugin_servers/rpc). What masking itself costs is not in it. A figure is the best of RUNS.
"""

import argparse
import contextlib
import itertools
import math
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgpack

from aws_masker.edits import Edit, MaskedBody
from aws_masker.kong import exchange, server
from aws_masker.kong.journal import Part
from benchmarks.table import Table

SIZES: Final = (10_000, 100_000, 1_000_000, 5_000_000)
EDITS: Final = 500
RUNS: Final = 7
# As Kong's: see above.
READ: Final = 4096
START_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 60.0


class Plugin:
    """What every kind does: reads the body."""

    def __init__(self, config: Any) -> None:
        """Take a configuration, and need none."""

    @classmethod
    def bound(cls, configurations: int, tenants: int) -> None:
        """Take bounds of what is kept, and keep nothing."""

    @classmethod
    def close(cls, seconds: float) -> None:
        """Have nothing written."""

    def access(self, kong: Any) -> None:
        """Read the body, and do with it what this kind does."""
        self.tell(kong, kong.request.get_raw_body(0))

    def tell(self, kong: Any, raw: bytes) -> None:
        """Tell Kong nothing."""


class WithEdits(Plugin):
    """Sends what aws-masker sends: EDITS edits, and the dictionary."""

    def tell(self, kong: Any, raw: bytes) -> None:
        """Tell Kong the edits."""
        masked = _masked(len(raw))
        for key, piece in exchange.pieces(exchange.forward(raw, masked, exchange.Order(), Part(masked=masked))):
            kong.ctx.shared.set(key, piece)


class WithBody(Plugin):
    """Sends the body back, as plugins commonly do."""

    def tell(self, kong: Any, raw: bytes) -> None:
        """Tell Kong the whole body."""
        kong.service.request.set_raw_body(raw)


KINDS: Final = {"read": Plugin, "read, edits back": WithEdits, "read, body back": WithBody}


def _masked(size: int) -> MaskedBody:
    tokens = [f"i-x{number:016d}" for number in range(EDITS)]
    step = size // EDITS
    edits = tuple(Edit(number * step, 19, token.encode()) for number, token in enumerate(tokens))
    return MaskedBody(
        edits, {token: f"i-{number:017x}" for number, token in enumerate(tokens)}, {"ec2-instance": EDITS}
    )


class KongsEnd:
    """One connection, which counts what comes from the plugin server."""

    def __init__(self, path: Path) -> None:
        """Connect. Raises OSError where nobody listens yet."""
        with contextlib.ExitStack() as undo:
            self._socket = undo.enter_context(socket.socket(socket.AF_UNIX))
            self._socket.settimeout(ANSWER_SECONDS)
            self._socket.connect(str(path))
            undo.pop_all()
        self._ids = itertools.count(1)
        self.received = 0
        self._instance = self._call("plugin.StartInstance", {"Name": "aws-masker", "Config": "{}"})["Id"]

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def seconds(self, body: bytes) -> float:
        """Return how long the handler takes for a request with this body.

        Raises OSError where the plugin server ends the connection, or gives no answer.
        """
        self.received = 0
        began = time.perf_counter()
        step = self._call("plugin.HandleEvent", {"InstanceId": self._instance, "EventName": "access"})
        while step["Data"] != "ret":
            result = body if step["Data"]["Method"] == "kong.request.get_raw_body" else None
            step = self._call("plugin.Step", {"EventId": step["EventId"], "Data": result})
        return time.perf_counter() - began

    def _call(self, method: str, argument: Any) -> Any:
        self._socket.sendall(msgpack.packb([0, next(self._ids), method, [argument]]))
        data = b""
        while True:
            piece = self._socket.recv(READ)
            if not piece:
                message = "the plugin server ended the connection: see what it wrote above"
                raise ConnectionError(message)
            self.received += len(piece)
            data += piece
            with contextlib.suppress(ValueError):
                return msgpack.unpackb(data)[3]


@contextlib.contextmanager
def plugin_server(kind: str, path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a plugin server with a kind of plugin on the socket ``path``. What goes wrong there it writes to stderr."""
    command = [sys.executable, "-m", "benchmarks.kong_socket_bench", "--kind", kind, "--socket", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def connected(path: Path, process: "subprocess.Popen[bytes]") -> KongsEnd:
    """Return Kong's end of the socket ``path``, as soon as ``process`` listens. Raises OSError if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return KongsEnd(path)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > deadline or process.poll() is not None:
                raise
        time.sleep(0.05)


@contextlib.contextmanager
def ends() -> Iterator[dict[str, KongsEnd]]:
    """Run a plugin server with each kind of plugin, and give Kong's ends of their sockets."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        paths = {kind: Path(folder) / str(number) for number, kind in enumerate(KINDS)}
        # All of them get ready at once.
        started = {kind: stack.enter_context(plugin_server(kind, path)) for kind, path in paths.items()}
        yield {
            kind: stack.enter_context(contextlib.closing(connected(path, started[kind])))
            for kind, path in paths.items()
        }


def table() -> Table:
    """Return milliseconds by kind and size."""
    best: dict[tuple[str, int], float] = {}
    with ends() as of_kinds:
        # In turn, so that what else the machine does at a moment falls upon all kinds alike.
        for size, _, (kind, end) in itertools.product(SIZES, range(RUNS), of_kinds.items()):
            best[kind, size] = min(best.get((kind, size), math.inf), end.seconds(b"x" * size))
        rows = [
            [kind, *(1000 * best[kind, size] for size in SIZES), f"{end.received:,}"] for kind, end in of_kinds.items()
        ]
    return Table(
        f"A body on the plugin server's socket, ms, with {EDITS} edits",
        ("what it does", *(f"{size // 1000:,} KB" for size in SIZES), "bytes sent back for the last"),
        rows,
        "Without masking. Bodies are not sent back: Kong takes them in in quadratic time.",
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--socket", required=True)
    options = parser.parse_args()
    sys.exit(server.run(["--socket", options.socket], KINDS[options.kind]))
