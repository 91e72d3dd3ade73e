"""The real nginx with this repository's template, on loopback and without root, and an upstream in Kong's place."""

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from choice import Choice
from containers import Contained
from server_process import send_to_workers
from stacks import free_port

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "nginx/nginx.conf.template"
START_SECONDS = 10.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Nginx:
    """One nginx. Its folder stands in the place of /tmp."""

    def __init__(self, folder: Path, port: int, pid: int = 0) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.pid = pid

    def log(self) -> list[dict[str, Any]]:
        """Return the access log's records."""
        return [json.loads(line) for line in self.printed("stdout").splitlines()]

    def error_log(self) -> str:
        return self.printed("stderr")

    def printed(self, stream: str) -> str:
        """Return what it has printed to "stdout" or "stderr"."""
        return (self.folder / stream).read_text()

    async def logged(self, number: int) -> list[dict[str, Any]]:
        """Return the access log's records as soon as there are ``number``; a record follows its answer."""
        async with asyncio.timeout(START_SECONDS):
            while len(records := self.log()) < number:  # noqa: ASYNC110 - it is a file, which tells nobody
                await asyncio.sleep(0.01)
        return records

    def signal_workers(self, number: signal.Signals, most: int) -> None:
        """Signal at most so many of its worker processes."""
        send_to_workers(self.pid, number, most)


class ContainedNginx(Nginx):
    """One in a container of ``image``, whose own entry point fills in the template."""

    def __init__(self, folder: Path, image: str, kong: str) -> None:
        super().__init__(folder, free_port())
        environment = {
            "NGINX_LISTEN": f"127.0.0.1:{self.port}",
            "NGINX_KONG": kong,
            "NGINX_RESOLVER": "127.0.0.1",
            "NGINX_PROBE_KEY": "",
            "NGINX_ENVSUBST_OUTPUT_DIR": "/tmp",  # noqa: S108 - the container's
            "NGINX_ENVSUBST_FILTER": "^NGINX_",
            "NGINX_ENTRYPOINT_QUIET_LOGS": "1",
        }
        shown = {TEMPLATE: "/etc/nginx/templates/nginx.conf.template"}
        self.container = Contained("nginx", image, folder, environment=environment, shown=shown)

    def signal_workers(self, number: signal.Signals, most: int) -> None:
        self.container.signal_children(number, most)

    def printed(self, stream: str) -> str:
        return self.container.log(stdout=stream == "stdout", stderr=stream == "stderr")


def executable() -> str:
    """Return nginx's path. Skips where there is none."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("install nginx (Debian: nginx-light)")
    return found


@contextlib.contextmanager
def nginx(
    kong: str, edits: Mapping[str, str] | None = None, probe_key: str = "", options: Sequence[str] = ()
) -> Iterator[Nginx]:
    """Start nginx in front of ``kong`` (host and port), with ``edits`` (old text -> new text) made in the template.

    ``options`` are more of its command line.
    """
    path = executable()
    with (
        tempfile.TemporaryDirectory(prefix="nginx-", ignore_cleanup_errors=True) as name,
        contextlib.ExitStack() as stack,
    ):
        folder, port = Path(name), free_port()
        (folder / "nginx.conf").write_text(render(folder, port, kong, edits or {}, probe_key))
        user: dict[str, Any] = {}
        outputs = [stack.enter_context((folder / stream).open("wb")) for stream in ("stdout", "stderr")]
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for one in (folder, *folder.iterdir()):
                os.chown(one, nobody.pw_uid, nobody.pw_gid)
        command = [path, "-p", name, "-e", "stderr", "-c", str(folder / "nginx.conf"), *options]
        process = subprocess.Popen(command, stdout=outputs[0], stderr=outputs[1], **user)
        try:
            running = Nginx(folder, port, process.pid)
            _wait_for(running, lambda: process.poll() is None)
            yield running
        finally:
            process.terminate()
            process.wait(timeout=10)


@contextlib.contextmanager
def contained_nginx(image: str, kong: str) -> Iterator[Nginx]:
    """Start nginx in front of ``kong`` in a container."""
    with tempfile.TemporaryDirectory(prefix="nginx-", ignore_cleanup_errors=True) as name:
        running = ContainedNginx(Path(name), image, kong)
        try:
            _wait_for(running, lambda: running.container.is_running)
            yield running
        finally:
            running.container.stop()


@contextlib.contextmanager
def front_door(choice: Choice, kong: str) -> Iterator[Nginx]:
    """Start nginx in front of ``kong``, in a container where the stack is in containers."""
    with nginx(kong) if choice.images is None else contained_nginx(choice.images.nginx, kong) as running:
        yield running


def render(folder: Path, port: int, kong: str, edits: Mapping[str, str], probe_key: str = "") -> str:
    """Return the template as the image's entry point would fill it in, with its files in ``folder``."""
    text = TEMPLATE.read_text()
    for old, new in edits.items():
        assert old in text, old
        text = text.replace(old, new)
    values = {
        "NGINX_LISTEN": f"127.0.0.1:{port}",
        "NGINX_KONG": kong,
        "NGINX_RESOLVER": "127.0.0.1",
        "NGINX_PROBE_KEY": probe_key,
    }
    for variable, value in values.items():
        assert f"${{{variable}}}" in text, variable
        text = text.replace(f"${{{variable}}}", value)
    return text.replace("/tmp/", f"{folder}/")  # noqa: S108 - it is the container's


def _wait_for(running: Nginx, is_alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert is_alive(), running.error_log()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", running.port), timeout=1):
            return
        time.sleep(0.01)
    pytest.fail(f"nginx does not listen: {running.error_log()}")


@dataclass
class Seen:
    """A request as the upstream got it. ``connection`` tells connections apart."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


@dataclass
class Lab:
    """Nginx, the upstream behind it and a client."""

    nginx: Nginx
    client: ClientSession
    seen: list[Seen] = field(default_factory=list)


@contextlib.asynccontextmanager
async def lab(answer: Handler, **options: Any) -> AsyncIterator[Lab]:
    """Run nginx (with the ``options`` of ``nginx``) in front of an upstream that answers with ``answer``."""
    seen: list[Seen] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()
        seen.append(Seen(request.method, request.path_qs, request.headers, body, id(request.transport)))
        return await answer(request)  # type: ignore[arg-type]

    runner = web.ServerRunner(web.Server(handle, handler_cancellation=True), shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        with nginx(f"127.0.0.1:{port}", **options) as front:
            async with ClientSession(auto_decompress=False) as client:
                yield Lab(front, client, seen)
    finally:
        await runner.cleanup()


async def exchange(port: int, raw: bytes) -> bytes:
    """Send ``raw`` and return all that comes back until the connection is closed."""
    async with asyncio.timeout(START_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(raw)
            await writer.drain()
            return await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
