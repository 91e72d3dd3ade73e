"""A relay that keeps what a client sent: the bytes on the wire, to be compared with what came out at the other end."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

_READ_SIZE = 1 << 16


class Tee:
    """Relays connections to ``target`` (a base URL); ``url`` is where it listens, ``sent`` what clients sent."""

    def __init__(self, target: str) -> None:
        """Listen; ``serve`` accepts."""
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sent = bytearray()
        self._connections: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def sent(self) -> bytes:
        """All that clients sent so far."""
        return bytes(self._sent)

    def serve(self) -> None:
        """Accept connections until ``close``."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                connection = threading.Thread(target=self._connect, args=(client,), daemon=True)
                self._connections.append(connection)
                connection.start()

    def _connect(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            forth = threading.Thread(target=_relay, args=(client, server, self._sent), daemon=True)
            forth.start()
            _relay(server, client, bytearray())
            forth.join()

    def close(self) -> None:
        """Stop listening, and wait for the connections, which end when client or server end."""
        # A close alone does not wake a thread that waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.join()


def _relay(source: socket.socket, drain: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_READ_SIZE):
            kept += data
            drain.sendall(data)
    with contextlib.suppress(OSError):
        drain.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def tee(target: str) -> Iterator[Tee]:
    """Run a relay to ``target`` in threads."""
    relay = Tee(target)
    thread = threading.Thread(target=relay.serve, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join()
