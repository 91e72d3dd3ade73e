"""Kong's connections to the plugin server: reads messages, has them answered, writes the answers.

Kong asks one thing at a time on a connection. After its time-out it asks the next one on the same connection, and an
answer to the one before then costs the request that asks. Handlers are bounded (``events``), but a whole process may
stand still for longer than that: stopped, or in a container that is frozen. So of what Kong has asked on a connection
meanwhile, only the last is taken up, and after such a time an answer is sent only if nothing else was asked since. That
last one Kong may still wait for; if not, the answer has Kong's nginx close the connection, which nobody uses then.
"""

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Final, Protocol

import msgpack

from aws_masker.faults import describe
from aws_masker.kong import schema
from aws_masker.kong.events import ANSWER_SECONDS

# A body, and little else. Kong's side holds no more of them than requests.
MAX_MESSAGE: Final = schema.MAX_MESSAGE
# Kong has one for each request, and keeps some. What comes beyond waits for one to end.
MAX_CONNECTIONS: Final = 4096
_READ: Final = 1 << 18


class ProtocolError(Exception):
    """A message that this server does not take; its text goes to Kong."""


class Server(Protocol):
    """What answers. Its methods may be called from any thread."""

    def call(self, method: str, argument: Any) -> Any:
        """Return the answer to a call from Kong. Raises ProtocolError."""
        ...

    def tell(self, text: str) -> None:
        """Have Kong log ``text`` as an error."""
        ...


class Connections:
    """The listener's side."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)

    def serve(self, listener: socket.socket) -> None:
        """Take connections, each in a thread of its own, until the listener is closed."""
        while True:
            self._places.acquire()
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            try:
                before = time.monotonic()
                for message in _messages(connection):
                    answer = self._answer(message)
                    # To look each time would let other threads compute first.
                    if time.monotonic() - before < ANSWER_SECONDS or _is_awaited(connection):
                        connection.sendall(answer)
                    before = time.monotonic()
            except (ValueError, TypeError, msgpack.UnpackException) as error:
                self._server.tell(f"a connection sent what is no message: {describe(error)}")
            finally:
                self._places.release()

    def _answer(self, message: Any) -> bytes:
        _, number, method, (argument,) = message
        error = result = None
        try:
            result = self._server.call(method, argument)
        except ProtocolError as failure:
            error = str(failure)
        except Exception as failure:  # noqa: BLE001 - Kong waits
            error = f"internal error: {describe(failure)}"
        packed: bytes = msgpack.packb([1, number, error, result], unicode_errors="surrogateescape")
        return packed


def _messages(connection: socket.socket) -> Iterator[Any]:
    """Yield what Kong may still wait for of what ``connection`` brings."""
    unpacker = msgpack.Unpacker(
        strict_map_key=False, max_buffer_size=MAX_MESSAGE, unicode_errors="surrogateescape", use_list=True
    )
    while data := connection.recv(_READ):
        unpacker.feed(data)
        yield from deque(unpacker, maxlen=1)


def _is_awaited(connection: socket.socket) -> bool:
    """Tell whether Kong has asked nothing more, and is there."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    return False
