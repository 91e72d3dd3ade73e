"""A gateway between a scripted upstream and a client that speaks HTTP by hand: what the gateway tests are made of.

The upstream runs one coroutine per request, which says byte by byte what it answers, and it keeps what it received. The
client shows how an answer was framed and whether it ended properly. Both live in the test's event loop, so a test can
let one side wait for the other instead of sleeping.
"""

import asyncio
import contextlib
import functools
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aws_masker import gateway
from aws_masker.audit import AuditRecord, Bodies
from aws_masker.limits import Limits
from aws_masker.masker import Masker
from aws_masker.settings import Settings

T = TypeVar("T")

KEY = "c0ffee0022446688113355779900aabbccddeeff02468ace13579bdf00112233"
SECONDS = 60.0

INSTANCE = "i-0a1b2c3d4e5f60718"
BUCKET = "arn:aws:s3:::zebrafish-payroll-exports"
TOKEN = re.compile(r"i-x[0-9a-z]{16}")


def run(test: Coroutine[Any, Any, T]) -> T:
    """Run a test to its end, within a bound, and see that it leaves no task behind."""

    async def bounded() -> T:
        async with asyncio.timeout(SECONDS):
            result = await test
            await until(lambda: len(asyncio.all_tasks()) == 1)
            return result

    return asyncio.run(bounded())


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that another task is about to bring about."""
    while not condition():  # noqa: ASYNC110 - the gateway sets no event for a test
        await asyncio.sleep(0.001)


@functools.cache
def shared_masker() -> Masker:
    """Return one masker for all tests that do not look into its vault: to make one takes a while."""
    return Masker(Settings(key=KEY))


@dataclass(slots=True)
class Seen:
    """A request as the upstream received it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Return the values of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)

    def token(self) -> str:
        """Return the token that stands for INSTANCE."""
        found = TOKEN.search(self.body.decode())
        assert found, "no token in what was sent"
        return found[0]


@dataclass(slots=True)
class Answering:
    """The upstream's side of one request."""

    seen: Seen
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes as they stand."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        """Send a whole answer with its length."""
        head = "".join(f"{line}\r\n" for line in [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", ""])
        await self.send(head.encode("latin-1") + (b"" if self.seen.method == "HEAD" else body))

    async def json(self, value: object, *headers: str, status: str = "200 OK") -> None:
        """Send a whole JSON answer."""
        await self.answer(json.dumps(value).encode(), "Content-Type: application/json", *headers, status=status)

    async def begin(self, content_type: str, *headers: str) -> None:
        """Send the head of a chunked answer."""
        lines = ["HTTP/1.1 200 OK", f"Content-Type: {content_type}", "Transfer-Encoding: chunked", *headers, "", ""]
        await self.send("\r\n".join(lines).encode())

    async def chunk(self, data: bytes) -> None:
        """Send one chunk; an empty one ends the answer."""
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def client_closed(self) -> None:
        """Wait until the gateway closes the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(1 << 16):
                pass


Script = Callable[[Answering], Awaitable[None]]


@dataclass(slots=True)
class Upstream:
    """A scripted upstream. ``script`` may be replaced between requests."""

    script: Script
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    faults: list[BaseException] = field(default_factory=list)

    @property
    def received(self) -> bytes:
        """Everything that arrived, heads included: where nothing may have leaked."""
        heads = (f"{one.method} {one.target} {one.headers}".encode() + one.body for one in self.seen)
        return b"\n".join(heads)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        self.connections += 1
        try:
            while not writer.is_closing() and (seen := await _read_request(reader)) is not None:
                self.seen.append(seen)
                await self.script(Answering(seen, reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except Exception as error:
            self.faults.append(error)
            raise
        finally:
            writer.close()


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, list[tuple[str, str]]] | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, [(name, value.strip()) for name, _, value in pairs]


def _value(headers: list[tuple[str, str]], name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name), None)


async def _read_chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)


async def _read_request(reader: asyncio.StreamReader) -> Seen | None:
    head = await _read_head(reader)
    if head is None:
        return None
    method, target, _ = head[0].split(" ")
    seen = Seen(method, target, head[1])
    if _value(head[1], "transfer-encoding"):
        seen.body = b"".join([chunk async for chunk in _read_chunks(reader)])
    elif length := _value(head[1], "content-length"):
        seen.body = await reader.readexactly(int(length))
    return seen


@dataclass(slots=True)
class Answer:
    """An answer whose head has arrived. ``whole`` says whether its body ended as its framing promised."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    reader: asyncio.StreamReader
    method: str
    body: bytes = b""
    whole: bool = False

    def all(self, name: str) -> list[str]:
        """Return the values of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, and note whether it was whole."""
        try:
            if self.method == "HEAD" or self.status in {204, 304}:
                pass
            elif _value(self.headers, "transfer-encoding"):
                async for chunk in _read_chunks(self.reader):
                    self.body += chunk
                    yield chunk
            elif (length := _value(self.headers, "content-length")) is not None:
                self.body = await self.reader.readexactly(int(length))
                yield self.body
            else:
                while data := await self.reader.read(1 << 16):
                    self.body += data
                    yield data
            self.whole = True
        except asyncio.IncompleteReadError as error:
            self.body += error.partial if not _value(self.headers, "transfer-encoding") else b""
        except ConnectionError:
            pass

    async def read(self) -> "Answer":
        """Read to the end, wherever that is."""
        async for _ in self.chunks():
            pass
        return self

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)

    def error(self) -> tuple[int, str, str]:
        """Return status, type and message of an error, after checking that it has the API's shape."""
        body = self.json()
        assert body["type"] == "error"
        assert set(body) <= {"type", "error", "request_id"}
        return self.status, body["error"]["type"], body["error"]["message"]


@dataclass(slots=True)
class Connection:
    """A client's connection to the gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes as they stand."""
        self.writer.write(data)
        await self.writer.drain()

    async def request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: tuple[str, ...] = (),
        host: str = "gw.example",
    ) -> Answer:
        """Send a request with a JSON content type unless ``headers`` name another; return the head of its answer."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
            if not any(line.lower().startswith("content-type:") for line in headers):
                lines.append("Content-Type: application/json")
        await self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b""))
        return await self.head(method)

    async def head(self, method: str = "POST") -> Answer:
        """Read the head of an answer."""
        head = await _read_head(self.reader)
        assert head is not None, "the gateway closed the connection instead of answering"
        _, status, *reason = head[0].split(" ", 2)
        return Answer(int(status), " ".join(reason), head[1], self.reader, method)

    async def closed(self) -> bool:
        """Wait until the gateway closes the connection; tell whether nothing more came before."""
        try:
            return not await self.reader.read()
        except ConnectionError:
            return True

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    def abort(self) -> None:
        """Break the connection off."""
        self.writer.transport.abort()


class Records(logging.Handler):
    """The gateway's records, and its log of faults, parsed."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line of the log."""
        self.lines.append(record.getMessage())

    def take(self, record: AuditRecord, _bodies: Bodies | None) -> None:
        """Keep a record."""
        self.lines.append(record.json())

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The records of requests."""
        return [entry for entry in map(json.loads, self.lines) if entry.get("event") == "request"]

    @property
    def faults(self) -> list[dict[str, Any]]:
        """What was logged of faults."""
        return [entry for entry in map(json.loads, self.lines) if "fault" in entry]


@dataclass(slots=True)
class Lab:
    """A running gateway with its upstream."""

    gateway: gateway.RunningGateway
    upstream: Upstream
    records: Records
    _connections: list[Connection] = field(default_factory=list)

    async def connect(self) -> Connection:
        """Open a connection to the gateway; it is closed with the lab."""
        connection = Connection(*await asyncio.open_connection("127.0.0.1", self.gateway.port))
        self._connections.append(connection)
        return connection

    async def request(self, method: str, target: str, body: bytes | None = None, *headers: str) -> Answer:
        """Send a request over a connection of its own and read the whole answer."""
        connection = await self.connect()
        return await (await connection.request(method, target, body, headers)).read()

    async def post(self, value: object, *headers: str, target: str = "/v1/messages") -> Answer:
        """Post JSON and read the whole answer."""
        return await self.request("POST", target, json.dumps(value).encode(), *headers)

    async def close(self) -> None:
        """Close all connections of clients."""
        for connection in self._connections:
            await connection.close()


@contextlib.contextmanager
def recorded() -> Iterator[Records]:
    """Collect the gateway's log."""
    records = Records()
    log = logging.getLogger("aws_masker.gateway")
    level = log.level
    log.addHandler(records)
    log.setLevel(logging.INFO)
    try:
        yield records
    finally:
        log.removeHandler(records)
        log.setLevel(level)


@contextlib.asynccontextmanager
async def lab(
    script: Script, *, masker: Any = None, limits: Limits | None = None, upstream: str | None = None, **settings: Any
) -> AsyncIterator[Lab]:
    """Run a gateway before an upstream that answers by ``script``. ``masker`` may be a stand-in."""
    server_side = Upstream(script)
    server = await asyncio.start_server(server_side.serve, "127.0.0.1", 0, limit=1 << 20)
    server_side.port = server.sockets[0].getsockname()[1]
    chosen = Settings(
        key=KEY,
        listen="127.0.0.1:0",
        upstream=upstream or f"http://127.0.0.1:{server_side.port}",
        limits=limits or Limits(stop_seconds=5.0),
        **settings,
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(server.wait_closed)
        stack.callback(server.close)
        records = stack.enter_context(recorded())
        running = await gateway.start(chosen, masker=masker or shared_masker())
        running.records.listen(records.take)
        stack.push_async_callback(running.stop, grace=1.0)
        one = Lab(running, server_side, records)
        stack.push_async_callback(one.close)
        yield one
    assert not server_side.faults, server_side.faults


def message(text: str, **more: object) -> dict[str, object]:
    """Return a request to the Messages API."""
    return {"model": "claude-sonnet-4-5", "max_tokens": 16, "messages": [{"role": "user", "content": text}], **more}


def delta(text: str) -> bytes:
    """Return an event of a stream that carries text."""
    data = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return b"event: content_block_delta\ndata: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


def text_of(events: bytes) -> str:
    """Return the text that the deltas in ``events`` carry together."""
    lines = (line.removeprefix("data: ") for line in events.decode().splitlines() if line.startswith("data: "))
    deltas = (json.loads(line).get("delta", {}) for line in lines)
    return "".join(one.get("text", "") for one in deltas)
