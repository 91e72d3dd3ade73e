"""The HTTP server of the page: static files, the records as a stream of events, and bodies one by one.

==================  ================================================================================================
``/``               the page, with ``page.css``, ``page.js`` and ``icon.svg`` from the folder ``static``
``/events``         server-sent events: ``hello`` (what this page can show), then a ``record`` for each one that is
                    kept and each that comes; ``source`` when records stop coming from where they come from
``/bodies/NUMBER``  the masked bodies of a record, in pieces: ``{"sent": {"pieces": […], "length": n, "shown": n}, …}``
==================  ================================================================================================

Whoever is slow gets the records that are still kept when it reads on; nobody else waits for it.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any, Final

from aiohttp import web

from aws_masker.audit.hub import Bodies
from aws_masker.audit.record import SCHEMA, AuditRecord
from aws_masker.errors import SettingsError
from aws_masker.page import admit
from aws_masker.page.reading import pieces
from aws_masker.page.ring import Entry, Ring
from aws_masker.settings import parse_address

FILES: Final = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
# Unless limits.page_viewers says so.
VIEWERS: Final = 16

# How often a stream says that it is there, when a browser comes back, and how long its sockets may take at the end.
KEEP_ALIVE_SECONDS: Final = 15.0
RETRY_MILLISECONDS: Final = 1000
CLEANUP_SECONDS: Final = 0.1


class PageServer:
    """Serves the page of one ring. ``url`` is where, once it listens."""

    def __init__(
        self,
        ring: Ring,
        source: str,
        elsewhere: Callable[[AuditRecord], Bodies | None] | None = None,
        most: int = VIEWERS,
    ) -> None:
        """Show what ``ring`` keeps. ``source`` says to people where its records come from.

        ``elsewhere`` returns the bodies of exchanges whose records come without them; it may read files. At most so
        many may watch at once.
        """
        self._most = most
        self._ring = ring
        self._elsewhere = elsewhere
        self._source = source
        self._trouble = ""
        self._host = ""
        self._viewers: set[asyncio.Event] = set()
        self._runner: web.ServerRunner | None = None
        self._leave: Callable[[], None] = lambda: None
        self._stopping = False
        self.url = ""

    @property
    def viewers(self) -> int:
        """How many watch just now."""
        return len(self._viewers)

    async def start(self, address: str) -> None:
        """Listen at ``address``, HOST:PORT. Raises SettingsError when it is taken or not this machine's."""
        self._host, port = parse_address(address)
        server = web.Server(self._serve, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=CLEANUP_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            reason = os.strerror(error.errno) if error.errno else "it cannot be used"
            message = f"page: {address} cannot be listened on ({reason}): choose another HOST:PORT"
            raise SettingsError(message) from None
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"http://{shown}:{site.port}/"
        loop = asyncio.get_running_loop()
        self._leave = self._ring.wake(lambda: loop.call_soon_threadsafe(self._wake))

    async def stop(self) -> None:
        """End all streams and close the socket."""
        self._leave()
        self._stopping = True
        self._wake()
        if self._runner is not None:
            await self._runner.cleanup()

    def tell(self, trouble: str) -> None:
        """Tell those who watch that records do not come, and why; "" when they come again. In the event loop."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._wake()

    def _wake(self) -> None:
        for viewer in self._viewers:
            viewer.set()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        refused = admit.refusal(request.method, request.headers, self._host)
        if refused is not None:
            return _text(*refused)
        path = request.path
        if path in FILES:
            name, kind = FILES[path]
            return web.Response(body=_file(name), content_type=kind, charset="utf-8", headers=admit.HEADERS)
        if path == "/events":
            return await self._events(request)
        head, _, number = path.rpartition("/")
        if head == "/bodies" and number.isascii() and number.isdigit():
            return await self._bodies(int(number[:15]))
        return _text(404, "there is nothing here")

    async def _bodies(self, number: int) -> web.Response:
        bodies = self._ring.bodies(number) or await self._bodies_elsewhere(number)
        if bodies is None:
            return _text(404, "the bodies of this request are not kept (any more)")
        shown = {
            "sent": await asyncio.to_thread(_readable, bodies.sent, bodies.sent_length),
            "answered": await asyncio.to_thread(_readable, bodies.answered, bodies.answered_length),
        }
        return web.json_response(shown, headers=admit.HEADERS)

    async def _bodies_elsewhere(self, number: int) -> Bodies | None:
        entry = self._ring.entry(number)
        if entry is None or self._elsewhere is None:
            return None
        return await asyncio.to_thread(self._elsewhere, entry.record)

    async def _events(self, request: web.BaseRequest) -> web.StreamResponse:
        if len(self._viewers) >= self._most:
            return _text(503, f"{self._most} pages are open already: close one, or raise limits.page_viewers")
        response = web.StreamResponse(headers=admit.HEADERS)
        response.content_type, response.charset = "text/event-stream", "utf-8"
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        viewer = asyncio.Event()
        self._viewers.add(viewer)
        try:
            await self._stream(request, response, viewer)
        except ConnectionError:
            pass  # whoever watched has gone
        finally:
            self._viewers.discard(viewer)
        return response

    async def _stream(self, request: web.BaseRequest, response: web.StreamResponse, viewer: asyncio.Event) -> None:
        hello = {"ring": self._ring.name, "keeps": self._ring.capacity, "source": self._source, "schema": SCHEMA}
        await response.write(f"retry: {RETRY_MILLISECONDS}\n".encode() + _event("hello", json.dumps(hello)))
        number, trouble = self._seen(request.headers.get("Last-Event-ID", "")), ""
        while not self._stopping:
            viewer.clear()
            if trouble != self._trouble:
                trouble = self._trouble
                await response.write(_event("source", json.dumps({"trouble": trouble})))
            entries = self._ring.after(number)
            if entries:
                await response.write(b"".join(self._record(entry) for entry in entries))
                number = entries[-1].number
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    await viewer.wait()
                    continue
            await response.write(b": still here\n\n")

    def _seen(self, last: str) -> int:
        """Return the number of the last entry that a viewer has seen before it came back."""
        ring, _, number = last.partition("-")
        return int(number) if ring == self._ring.name and number.isascii() and number.isdigit() else 0

    def _record(self, entry: Entry) -> bytes:
        has_bodies = entry.has_bodies or (self._elsewhere is not None and entry.record.outcome != "refused")
        shown = f'{{"number":{entry.number},"bodies":{json.dumps(has_bodies)},"record":{entry.json}}}'
        return f"id: {self._ring.name}-{entry.number}\n".encode() + _event("record", shown)


def _event(kind: str, data: str) -> bytes:
    return f"event: {kind}\ndata: {data}\n\n".encode()


def _readable(body: bytes, length: int) -> dict[str, Any]:
    return {"pieces": pieces(body), "length": length, "shown": len(body)}


def _text(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"aws-masker: {text}\n", headers=admit.HEADERS)


@cache
def _file(name: str) -> bytes:
    return resources.files("aws_masker.page").joinpath("static", name).read_bytes()
