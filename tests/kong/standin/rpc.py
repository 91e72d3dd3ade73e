"""Kong's end of the plugin server's socket: MessagePack-RPC with a pool of connections, and Kong's faults.

As in kong/runloop/plugin_servers of Kong 3.9: a time-out or a lost connection is logged, and the request goes on as it
is; the connection on which an answer is late goes back to the pool, and if somebody uses it when the answer comes, that
is the wrong one; if nobody does, nginx closes it; a server that cannot start an instance is an error 500.
"""

import asyncio
import itertools
import json
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgpack

Call = Callable[[str, list[Any]], Any]
READ = 1 << 16
BRIEF_SECONDS = 0.3
QUIET_SECONDS = 3.0


class PluginError(Exception):
    """What Kong answers with a 500."""


class Connection:
    """One connection to the plugin server."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(0)
        self._unpacker = msgpack.Unpacker(raw=True)

    async def open(self, path: str) -> None:
        await asyncio.get_running_loop().sock_connect(self._socket, path)

    async def call(self, message: bytes) -> list[Any]:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._socket, message)
        while True:
            for answer in self._unpacker:
                return list(answer)
            data = await loop.sock_recv(self._socket, READ)
            if not data:
                raise ConnectionResetError
            self._unpacker.feed(data)

    @property
    def is_idle(self) -> bool:
        """Whether nothing has come that nobody asked for, nor the end."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        self._socket.close()


class BriefCaller:
    """Makes single calls, each on a connection of its own, for timers of the filter.

    The stand-in has one thread, which these hold up. So they are brief, and where the server hangs they are not tried
    for a while; the filter tries again by itself.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._not_before = 0.0

    def call(self, method: str, argument: Any) -> Any:
        """Return the result, or None where the call fails."""
        if time.monotonic() < self._not_before:
            return None
        try:
            return self._call(msgpack.packb([0, 1, method, [argument]], unicode_errors="surrogateescape"))
        except TimeoutError:
            self._not_before = time.monotonic() + QUIET_SECONDS
        except OSError:
            pass
        return None

    def _call(self, message: bytes) -> Any:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(BRIEF_SECONDS)
            connection.connect(self._path)
            connection.sendall(message)
            unpacker = msgpack.Unpacker()
            while data := connection.recv(READ):
                unpacker.feed(data)
                for _, _, error, result in unpacker:
                    return None if error else result
        return None


class PluginClient:
    """Runs the plugin's handlers; ``log`` takes what Kong would log as errors."""

    def __init__(self, path: str, config: Mapping[str, Any], timeout: float, log: Callable[[str], None]) -> None:
        self._path = path
        self._config = json.dumps({**config, "__plugin_id": "stand-in", "__seq__": 1})
        self._timeout = timeout
        self._log = log
        self._pool: list[Connection] = []
        self._ids = itertools.count(1)
        self._instance: int | None = None

    async def handle(self, phase: str, call: Call) -> None:
        """Run the handler of ``phase``; ``call`` is what makes its PDK calls. Raises PluginError."""
        try:
            if self._instance is None:
                self._instance = await self._start()
            argument = {"InstanceId": self._instance, "EventName": phase}
            step = await self.rpc("plugin.HandleEvent", argument)
            while (data := step[b"Data"]) != b"ret":
                method, arguments = data[b"Method"].decode(), data[b"Args"]
                result = call(method, arguments)
                step = await self.rpc("plugin.Step", {"EventId": step[b"EventId"], "Data": result})
        except RuntimeError as error:  # what the server answers as an error
            if "no plugin instance" in str(error):
                self._instance = None
                await self.handle(phase, call)
                return
            self._log(f"[aws-masker] {error}")
        except (OSError, TimeoutError) as error:
            self._log(f"[aws-masker] {type(error).__name__}")

    async def _start(self) -> int:
        try:
            started = await self.rpc("plugin.StartInstance", {"Name": "aws-masker", "Config": self._config})
        except (OSError, TimeoutError, RuntimeError) as error:
            self._log(f"[aws-masker] starting instance: {type(error).__name__}")
            raise PluginError from None
        return int(started[b"Id"])

    async def rpc(self, method: str, argument: Any) -> Any:
        number = next(self._ids)
        connection = self._pooled() or await self._opened()
        packed = msgpack.packb([0, number, method, [argument]], unicode_errors="surrogateescape")
        try:
            answer = await asyncio.wait_for(connection.call(packed), self._timeout)
        except TimeoutError:
            self._pool.append(connection)
            raise
        except BaseException:
            connection.close()
            raise
        _, found, error, result = answer
        if found != number:
            connection.close()
            self._log("unexpected RPC response ID from Go plugin server")
            raise PluginError
        self._pool.append(connection)
        if error is not None:
            raise RuntimeError(error.decode())
        return result

    def _pooled(self) -> Connection | None:
        while self._pool:
            connection = self._pool.pop()
            if connection.is_idle:
                return connection
            connection.close()
        return None

    async def _opened(self) -> Connection:
        connection = Connection()
        try:
            await connection.open(self._path)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        for connection in self._pool:
            connection.close()
