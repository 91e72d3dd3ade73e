"""``aws-masker gateway``: masking in one process, without Kong, nginx or Redis. Starts, announces and stops it.

Requests are served by ``gateway.exchange``. To stop is to take no more requests, to finish the answers that are
streaming, and to break off what is left after ``limits.stop_seconds``, or at the second signal.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, Final

from aiohttp import web

from aws_masker.audit import targets
from aws_masker.audit.bodies import BodyKeeper, folder_of
from aws_masker.audit.hub import Records
from aws_masker.audit.writer import Target, Writer
from aws_masker.errors import MaskerError
from aws_masker.faults import tell_no_values
from aws_masker.gateway.exchange import Exchanges
from aws_masker.gateway.record import LogLines, log, log_fault, notice
from aws_masker.gateway.server import Server
from aws_masker.gateway.upstream import Upstream
from aws_masker.limits import Limits
from aws_masker.masker import Masker, settle
from aws_masker.metrics import Metrics, Parts
from aws_masker.page import PageServer, Ring
from aws_masker.settings import Settings, parse_address

# After all requests have ended, and limits.stop_seconds, there is nothing left to wait for but the sockets.
CLEANUP_SECONDS: Final = 1.0
# So long may the last records take.
FLUSH_SECONDS: Final = 2.0


class RunningGateway:
    """A gateway that listens, on ``port``. Made by ``start``; ``stop`` it."""

    def __init__(self, settings: Settings, masker: Masker, *, owns_masker: bool) -> None:
        """Prepare without listening. With ``owns_masker``, stopping closes the masker."""
        self._settings = settings
        self._masker = masker
        self._owns_masker = owns_masker
        # One for each request, as they wait for their turn, and for the vault, in their threads.
        self._pool = ThreadPoolExecutor(settings.limits.concurrency, thread_name_prefix="aws-masker")
        self._upstream = Upstream(settings)
        self.records = Records()
        self._writers: list[Writer] = []
        target = None if settings.audit == targets.STDOUT else targets.open_target(settings.audit)
        if target is not None:  # standard output belongs to the process, see run
            self.write_to(_writer(target, notice, settings.limits))
        if settings.record_bodies == "masked":
            folder = folder_of(settings.bodies)
            limits = settings.limits
            keeper = BodyKeeper(folder, limits.recorded_bodies, settings.bodies_ttl, notice, room=limits.waiting_bytes)
            self._writers.append(keeper.writer)
            self.records.listen(keeper)
        self._metrics = Metrics(self._parts)
        self.records.listen(self._metrics)
        self._stop_metrics: Callable[[], None] = lambda: None
        self.page: PageServer | None = None
        if settings.page:
            ring = Ring(settings.limits.page_requests, settings.limits.page_bodies)
            self.records.listen(ring)
            self.page = PageServer(ring, "this gateway", most=settings.limits.page_viewers)
        self._exchanges = Exchanges(settings, masker, self._upstream, self._pool, self.records)
        self._runner = web.ServerRunner(
            Server(self._exchanges.serve, self.records, settings.limits), shutdown_timeout=CLEANUP_SECONDS
        )
        self._site: web.TCPSite | None = None
        self._closing = asyncio.Lock()
        self._closed = False
        self.port = 0

    @property
    def url(self) -> str:
        """The base URL for clients on this machine."""
        host, _ = parse_address(self._settings.listen)
        if host in {"", "0.0.0.0", "::"}:  # noqa: S104 - compared, not bound to
            host = "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def in_flight(self) -> int:
        """How many requests are being served."""
        return self._exchanges.in_flight

    def write_to(self, writer: Writer) -> None:
        """Have every record written by ``writer``, which is closed with the gateway."""
        self._writers.append(writer)
        self.records.listen(lambda record, _: writer.put(record.json()))

    def _parts(self) -> Parts:
        masker = self._masker
        return Parts([masker.vault], [masker.cache], self._writers, self.in_flight)

    async def listen(self) -> None:
        """Begin to listen.

        Raises OSError when the address is taken or not this machine's, SettingsError for those of metrics and page.
        """
        host, port = parse_address(self._settings.listen)
        if self._settings.metrics:
            self._stop_metrics = self._metrics.serve(self._settings.metrics)
        if self.page is not None:
            await self.page.start(self._settings.page)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, host, port)
        await self._site.start()
        self.port = self._site.port

    async def stop(self, grace: float | None = None) -> None:
        """Let open requests finish for ``grace`` seconds (default: ``limits.stop_seconds``), break off what is left.

        It may be called again, also while it runs: the shortest grace counts.
        """
        site, self._site = self._site, None
        if site is not None:
            await site.stop()
        seconds = self._settings.limits.stop_seconds if grace is None else grace
        try:
            async with asyncio.timeout(seconds):
                await self._exchanges.drain()
        except TimeoutError:
            self.break_off()
            await self._exchanges.drain()
        await self.close()

    def break_off(self) -> None:
        """End all open requests at once."""
        self._exchanges.break_off()

    async def close(self) -> None:
        """Free everything, once."""
        async with self._closing:
            if self._closed:
                return
            self._closed = True
            await self._runner.cleanup()
            await self._upstream.close()
            await asyncio.to_thread(self._stop_metrics)
            if self.page is not None:
                await self.page.stop()
            for writer in self._writers:
                await asyncio.to_thread(writer.close, FLUSH_SECONDS)
            self._pool.shutdown(wait=False, cancel_futures=True)
            if self._owns_masker:
                await asyncio.to_thread(self._masker.close)


async def start(settings: Settings, *, masker: Masker | None = None) -> RunningGateway:
    """Start a gateway in the running event loop; stop it with ``await gateway.stop()``.

    A ``masker`` that is given is used and not closed; it must have been made from the same settings. Raises
    SettingsError, VaultError when the vault cannot be opened, OSError when the address cannot be listened on.
    """
    owns_masker = masker is None
    if masker is None:
        masker = await asyncio.to_thread(Masker, settings)
    try:
        gateway = RunningGateway(settings, masker, owns_masker=owns_masker)
    except BaseException:
        if owns_masker:
            masker.close()
        raise
    try:
        await gateway.listen()
    except BaseException:
        await gateway.close()
        raise
    return gateway


def run(settings: Settings) -> int:
    """Run a gateway until SIGTERM or SIGINT; return the exit status of the process.

    Records, unless the settings send them elsewhere, and faults go to standard output, one line of JSON each;
    everything for people goes to standard error.
    """
    stdout = _writer(targets.StdoutTarget(), _say, settings.limits)
    handler = LogLines(stdout)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    tell_no_values(lambda error: log_fault(error, "a thread"))
    try:
        return asyncio.run(_serve(settings, stdout))
    except KeyboardInterrupt:  # before there was anything to stop
        return 130
    except MaskerError as error:
        _say(f"aws-masker gateway: {error}")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "the address cannot be used"
        _say(f"aws-masker gateway: cannot listen on {settings.listen} ({reason}): choose another with --listen")
    finally:
        stdout.close(FLUSH_SECONDS)
        log.removeHandler(handler)
    return 1


async def _serve(settings: Settings, stdout: Writer) -> int:
    asyncio.get_running_loop().set_exception_handler(_uncaught)
    masker = await asyncio.to_thread(Masker, settings)
    try:
        return await _until_stopped(settings, masker, stdout)
    finally:
        await asyncio.to_thread(masker.close)


async def _until_stopped(settings: Settings, masker: Masker, stdout: Writer) -> int:
    gateway = await start(settings, masker=masker)
    if settings.audit == targets.STDOUT:
        gateway.write_to(stdout)
    settle()
    ended = threading.Event()
    warming = asyncio.create_task(asyncio.to_thread(masker.warm_up, ended.is_set))
    _say(f"aws-masker listens on {gateway.url} and forwards to {settings.upstream}. In the shell of your client:")
    _say(f"  export ANTHROPIC_BASE_URL={gateway.url}")
    if gateway.page is not None:
        _say(f"what leaves is shown at {gateway.page.url}")
    if masker.known:
        _say(f"{masker.known} names are known from the inventory; what is learned from now on counts after a restart")
    signals: asyncio.Queue[int] = asyncio.Queue()
    with _signals_into(signals):
        await signals.get()
        ended.set()
        _say(f"stopping: open answers get {settings.limits.stop_seconds:g} s to finish; press again to stop at once")
        stopping = asyncio.create_task(gateway.stop())
        second = asyncio.create_task(signals.get())
        await asyncio.wait({stopping, second}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            gateway.break_off()
        second.cancel()
        await stopping
    await warming
    return 0


def _writer(target: Target, tell: Callable[[str], None], limits: Limits) -> Writer:
    return Writer(target, tell, capacity=limits.waiting_records, room=limits.waiting_bytes)


def _uncaught(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what no task caught. asyncio's own log would quote it."""
    error = context.get("exception")
    if isinstance(error, BaseException):
        log_fault(error, "the event loop")


@contextlib.contextmanager
def _signals_into(queue: asyncio.Queue[int]) -> Iterator[None]:
    """Put SIGINT and SIGTERM into ``queue`` while the block runs."""
    loop = asyncio.get_running_loop()

    def put(number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, number)

    before = {number: signal.signal(number, put) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the command line's own output
