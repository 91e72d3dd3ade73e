"""An upstream that says exactly what a test has it say, piece by piece, and breaks off when told to."""

import contextlib
import socket
import threading
from collections.abc import Iterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class RawUpstream:
    """Takes one request after the other. ``received`` is what came in on each connection."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.received: list[bytes] = []

    def take(self) -> socket.socket:
        """Return the connection of the next request, once all of the request has arrived."""
        connection, _ = self._listener.accept()
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(1 << 16)
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(body) < int(fields.get(b"content-length", b"0")):
            body += connection.recv(1 << 16)
        self.received.append(head + b"\r\n\r\n" + body)
        return connection

    @contextlib.contextmanager
    def answering(self, answer: bytes) -> Iterator[None]:
        """Answer the next request with ``answer``, and close the connection."""

        def run() -> None:
            with self.take() as connection:
                connection.sendall(answer)

        thread = threading.Thread(target=run)
        thread.start()
        yield
        thread.join()

    def close(self) -> None:
        self._listener.close()


def chunk(data: bytes) -> bytes:
    """Return ``data`` as a chunk of a body."""
    return b"%x\r\n%b\r\n" % (len(data), data)
