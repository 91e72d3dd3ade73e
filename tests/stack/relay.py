"""A relay between two parts of the chain, which fails when it is told to: the wire as a place of faults."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Literal

Fault = Literal["refuses", "silent", "slow", "garbage", "breaks off"]
READ = 1 << 16
SLOW_SECONDS = 0.1
GARBAGE = b"\x00\xffthis is nothing that anybody asked for\r\n\r\n"


class Relay:
    """Passes connections on to ``target``. ``address`` is where it listens; both are "HOST:PORT"."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._fault: Fault | None = None
        self._open: set[socket.socket] = set()
        self._healed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self._port}"
        self._listen()

    @contextlib.contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """Fail in this way meanwhile."""
        self._healed.clear()
        self._fault = fault
        if fault == "refuses":
            self._deafen()
        try:
            yield
        finally:
            self._fault = None
            self._healed.set()
            if fault == "refuses":
                self._listener = socket.create_server(("127.0.0.1", self._port))
                self._listen()

    def close(self) -> None:
        """Listen no longer, and drop all connections."""
        self._healed.set()
        self._deafen()

    def _deafen(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or else `accept` goes on
        self._listener.close()
        self._drop()

    def _listen(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _drop(self) -> None:
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self._target) as server:
            self._open |= {client, server}
            forth = threading.Thread(target=self._pass, args=(client, server), daemon=True)
            forth.start()
            self._pass(server, client, answers=True)
            forth.join()
            self._open -= {client, server}

    def _pass(self, source: socket.socket, sink: socket.socket, *, answers: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(READ):
                fault = self._fault
                if fault == "silent":
                    self._healed.wait()
                    break
                if fault == "slow":
                    self._healed.wait(SLOW_SECONDS)
                if answers and fault == "garbage":
                    sink.sendall(GARBAGE)
                    break
                if answers and fault == "breaks off":
                    sink.sendall(data[: len(data) // 2])
                    break
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
