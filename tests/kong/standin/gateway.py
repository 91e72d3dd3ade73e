"""What stands in for Kong where there is none: an HTTP server that does to requests what Kong 3.9.1 does to them.

It reads kong.yml as it is, starts the real plugin server and respawns it, runs the real Lua filter, and FAILS OPEN: a
plugin server that is gone, hangs or fails changes nothing about a request but what it had done before, so that only the
filter keeps the original body from the upstream.
"""

import asyncio
import contextlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from server_process import ServerProcess, find, send
from stacks import ROOT, SOCKET_TIMEOUT, Setup, is_served, server_command, wait_for

from standin.lua_filter import Exchange, LuaError, LuaFilter, set_target
from standin.rpc import BriefCaller, PluginClient, PluginError

REFERENCE = re.compile(r"\{vault://env/([a-z0-9-]+)\}")
RESPAWN_SECONDS = 1.0
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length", "host"})
UNEXPECTED = "An unexpected error occurred"
ERROR = (ROOT / "kong/error.json").read_text()
UNREACHABLE = "An invalid response was received from the upstream server"
SILENT = "The upstream server is timing out"


class StandIn:
    """The stand-in, in a thread with its own event loop."""

    def __init__(self, setup: Setup, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._errors: list[str] = []
        declared = setup.declared(folder)
        (service,) = declared["services"]
        self._route = service["routes"][0]
        self._service = urlsplit(service["url"])
        self._read_seconds = service["read_timeout"] / 1000
        self._consumers = {
            credential["key"]: {"id": f"id-of-{one['username']}", "username": one["username"]}
            for one in declared.get("consumers", [])
            for credential in one["keyauth_credentials"]
        }
        plugins = {one["name"]: one.get("config", {}) for one in service["plugins"]}
        self._has_filter = "aws-masker-filter" in plugins
        self._environment = setup.environment()
        config = {name: self._resolved(value) for name, value in plugins.get("aws-masker", {}).items()}
        self._socket = socket = str(folder / "aws-masker.socket")
        self._plugin = PluginClient(socket, config, SOCKET_TIMEOUT, self._log) if "aws-masker" in plugins else None
        self._filter = LuaFilter()
        self._command = _worker(folder, [*server_command(folder), "--socket", socket, *setup.server])
        self._caller = BriefCaller(socket)
        self._stopped = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper = threading.Thread(target=self._keep_server, daemon=True)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._keeper.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            wait_for(lambda: is_served(self) or not setup.serves)
            undo.pop_all()

    def error_log(self) -> str:
        return "\n".join(self._errors) + (self.folder / "error.log").read_text()

    def server(self) -> ServerProcess | None:
        return find(self._socket)

    def signal_server(self, number: signal.Signals) -> None:
        send(self._socket, number)

    def signal_workers(self, number: signal.Signals, most: int) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        self._stopped.set()
        while self._keeper.is_alive():
            if self._process is not None and self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._keeper.join(0.1)
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _log(self, text: str) -> None:
        self._errors.append(text)

    def _resolved(self, value: Any) -> Any:
        found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        return self._environment.get(found[1].upper().replace("-", "_"), "") if found else value

    def _keep_server(self) -> None:
        while not self._stopped.is_set():
            with (self.folder / "error.log").open("a") as log:
                self._process = subprocess.Popen(self._command, stderr=log, start_new_session=True)
            self._process.wait()
            self._stopped.wait(RESPAWN_SECONDS)

    async def _listen(self) -> None:
        # Requests end when their client does, as in nginx.
        self._runner = web.ServerRunner(web.Server(self._serve, auto_decompress=False, handler_cancellation=True))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._client = aiohttp.ClientSession(
            auto_decompress=False,
            skip_auto_headers={"User-Agent", "Accept-Encoding"},
            timeout=aiohttp.ClientTimeout(total=None, sock_read=self._read_seconds),
        )

    async def _close(self) -> None:
        await self._client.close()
        await self._runner.cleanup()
        if self._plugin:
            self._plugin.close()

    # One request

    async def _serve(self, http: web.BaseRequest) -> web.StreamResponse:
        path = http.raw_path
        prefix = next((one for one in self._route["paths"] if path.startswith(one)), None)
        if prefix is None:
            return web.json_response({"message": "no Route matched with those values"}, status=404)
        port = self._service.port or {"http": 80, "https": 443}[self._service.scheme]
        exchange = Exchange(
            http.method,
            path,
            {name.lower(): value for name, value in http.headers.items()},
            await http.content.read(),
            self._service.scheme,
            self._service.hostname or "",
            port,
            self._log,
            self._filter.table(),
            self._filter.table(),
            rpc=self._caller.call,
        )
        if self._consumers and exchange.headers.get("x-gateway-key") not in self._consumers:
            return web.json_response({"message": "Unauthorized"}, status=401)
        exchange.consumer = self._consumers.get(exchange.headers.pop("x-gateway-key", ""))
        try:
            return await self._answer(http, exchange, self._service.path + path.removeprefix(prefix))
        finally:
            self._record(exchange)
            self._set_timers(exchange)

    def _set_timers(self, exchange: Exchange) -> None:
        def run(timer: Callable[[], None]) -> None:
            self._filter.run_later(exchange, timer)
            self._set_timers(exchange)

        while exchange.timers:
            self._loop.call_later(exchange.timers[0][0], run, exchange.timers.pop(0)[1])

    async def _answer(self, http: web.BaseRequest, exchange: Exchange, path: str) -> web.StreamResponse:
        try:
            if self._plugin:
                calls = PdkCalls(exchange, self._filter)
                await self._plugin.handle("access", calls)
            if self._has_filter:
                self._filter.run("access", exchange)
        except (PluginError, LuaError) as error:
            self._log(f"{type(error).__name__}: {error}")
            return _own_error(exchange, 500, UNEXPECTED)
        if exchange.exited is not None:
            exchange.source = "exit"
            self._filter.run("header_filter", exchange)
            self._body_filter(exchange, exchange.exited, eof=True)
            return web.Response(status=exchange.status, body=exchange.exited, headers=exchange.answer_headers)
        headers = {name: value for name, value in exchange.headers.items() if name not in HOP_BY_HOP}
        headers["host"] = exchange.upstream_host
        headers = {name: value for name, value in (headers | exchange.forwarded).items() if value}
        url = f"{exchange.scheme}://{exchange.host}:{exchange.port}{path}"
        try:
            async with self._client.request(
                exchange.method,
                url,
                data=io.BytesIO(exchange.body) if exchange.body else None,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                return await self._pass_on(http, exchange, answer)
        except TimeoutError:
            return _own_error(exchange, 504, SILENT)
        except aiohttp.ClientError:
            return _own_error(exchange, 502, UNREACHABLE)

    async def _pass_on(
        self, http: web.BaseRequest, exchange: Exchange, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        exchange.source, exchange.status = "service", answer.status
        drop = HOP_BY_HOP - {"content-length"}
        exchange.answer_headers = {n.lower(): v for n, v in answer.headers.items() if n.lower() not in drop}
        if self._has_filter:
            self._filter.run("header_filter", exchange)
        response = web.StreamResponse(status=exchange.status, headers=CIMultiDict(exchange.answer_headers))
        await response.prepare(http)
        try:
            async for chunk in answer.content.iter_any():
                out, ended = self._body_filter(exchange, chunk, eof=False)
                await response.write(out)
                if ended:
                    break
            else:
                await response.write(self._body_filter(exchange, b"", eof=True)[0])
            await response.write_eof()
            exchange.complete = True
        except (aiohttp.ClientError, LuaError) as error:
            self._log(f"broken off: {error if isinstance(error, LuaError) else type(error).__name__}")
            exchange.complete = not isinstance(error, LuaError | ConnectionResetError)
            with contextlib.suppress(AttributeError):
                http.transport.abort()  # type: ignore[union-attr]  # gone where the client has gone
        return response

    def _body_filter(self, exchange: Exchange, chunk: bytes, *, eof: bool) -> tuple[bytes, bool]:
        return self._filter.run("body_filter", exchange, chunk, eof=eof) if self._has_filter else (chunk, eof)

    def _record(self, exchange: Exchange) -> None:
        record: dict[str, Any] = {
            "request": {
                "method": exchange.method,
                "uri": exchange.path,
                "url": f"{self.url}{exchange.path}",
                "querystring": dict(parse_qsl(urlsplit(exchange.path).query)),
                "headers": dict(exchange.headers),
            },
            "upstream_uri": exchange.path,
            "response": {"status": exchange.status, "headers": dict(exchange.answer_headers)},
        }
        if self._has_filter:
            self._filter.run("log", exchange)
        for name, value in exchange.serialized.items():
            *above, last = name.split(".", 2)
            place = record
            for one in above:
                place = place.setdefault(one, {})
            if value is None:
                place.pop(last, None)
            else:
                place[last] = value
        with (self.folder / "access.json").open("a") as log:
            log.write(json.dumps(record) + "\n")


def _worker(folder: Path, command: Sequence[str]) -> list[str]:
    """Return what starts a plugin server as a worker of Kong's does.

    Its own standard error is the error log, and what the server prints comes through a pipe, for the level `info`.
    """
    (folder / "nginx").symlink_to("/bin/sh")
    (folder / "start").write_text(f"{shlex.join(command)} 2>&1 | cat >>{shlex.quote(str(folder / 'info.log'))}\n")
    (folder / "error.log").touch()
    return [str(folder / "nginx"), str(folder / "start")]


def _own_error(exchange: Exchange, status: int, text: str) -> web.Response:
    exchange.status = status
    return web.Response(status=status, text=ERROR % (text, "none"), content_type="application/json")


class PdkCalls:
    """The PDK's functions, as far as the Python plugin and its tests use them, and what the filter adds to them.

    Results are as Kong packs them.
    """

    def __init__(self, exchange: Exchange, lua_filter: LuaFilter) -> None:
        self._exchange = exchange
        self._filter = lua_filter

    def __call__(self, method: str, arguments: list[Any]) -> Any:
        exchange = self._exchange
        match method:
            case "kong.aws_masker.take":
                return self._filter.call("take", exchange, arguments)
            case "kong.request.get_raw_body":
                return exchange.body
            case "kong.ctx.shared.get":
                return exchange.shared[arguments[0]]
            case "kong.ctx.shared.set":
                exchange.shared[arguments[0]] = arguments[1]
            case "kong.service.set_target":
                set_target(exchange, *arguments)
            case "kong.log.err":
                exchange.log("[aws-masker] " + arguments[0].decode())
            case _:
                message = f"the stand-in has no {method}"
                raise NotImplementedError(message)
        return None
