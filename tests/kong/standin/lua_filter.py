"""The Lua filter, run as Kong runs it: the files of this repository under LuaJIT, with the ngx and kong they use."""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from lupa.luajit21 import LuaRuntime

ROOT = Path(__file__).resolve().parents[3]

# Builds the tables `kong` and `ngx` over functions of the host, and returns what runs a phase. `exit` leaves the phase.
# Queues are as Kong's: a timer brings what has come meanwhile, and waits twice as long each time that this fails.
GLUE = b"""
return function(host)
  local EXIT = {}
  local function group(names, prefix)
    local made = {}
    for name in names:gmatch("%S+") do
      made[name] = function(...) return host(prefix .. name, ...) end
    end
    return made
  end
  local current
  ngx = { arg = {}, crc32_long = function(text) return host("crc32", text) end }
  function ngx.now() return host("now") end
  ngx.req = { start_time = function() return host("start_time") end }
  ngx.timer = { at = function(seconds, run, ...)
    local arguments = { ... }
    host("timer", seconds, function() run(false, unpack(arguments)) end)
  end }
  local queues = {}
  package.loaded["kong.tools.queue"] = { enqueue = function(queue, bring, conf, entry)
    local waiting = queues[queue.name] or { entries = {}, running = false }
    queues[queue.name] = waiting
    local entries = waiting.entries
    entries[#entries + 1] = entry
    -- Kong gives the oldest up: kong/tools/queue.lua
    if #entries > queue.max_entries then table.remove(entries, 1) end
    local batch, tries
    local function send()
      batch = batch or { unpack(entries, 1, queue.max_batch_size) }
      if bring(conf, batch) ~= true then
        ngx.timer.at(math.min(queue.max_retry_delay, 2 ^ tries * queue.initial_retry_delay), send)
        tries = tries + 1
        return
      end
      for _ = 1, #batch do table.remove(entries, 1) end
      batch, tries, waiting.running = nil, 0, #entries > 0
      if waiting.running then ngx.timer.at(0, send) end
    end
    if not waiting.running then
      waiting.running, tries = true, 0
      ngx.timer.at(queue.max_coalescing_delay, send)
    end
    return true
  end }
  package.loaded["kong.runloop.plugin_servers"] = { load_plugin = function()
    return true, { rpc = { call = function(_, ...) return host("rpc", ...) end } }
  end }
  package.loaded["MessagePack"] = { packers = { binary = function(buffer, text) buffer[#buffer + 1] = text end } }
  package.loaded["cjson.safe"] = {
    encode = function(value) return host("json.encode", value) end,
    decode = function(text) return host("json.decode", text) end,
  }
  ngx.var = setmetatable({}, {
    __index = function(_, name) return host("get_var", name) end,
    __newindex = function(_, name, value) host("var", name, value) end,
  })
  kong = {
    ctx = setmetatable({}, { __index = function(_, name) return current[name] end }),
    log = group("err set_serialize_value", "log."),
    request = group("get_header get_headers get_method get_path get_raw_body get_forwarded_scheme", "request."),
    response = group("get_source get_status get_header set_status set_header clear_header", "response."),
    client = group("get_ip get_consumer", "client."),
    ip = group("is_trusted", "ip."),
    router = { get_route = function() return { preserve_host = false } end, get_service = function()
      return { protocol = host("service.protocol"), host = host("service.host"), port = host("service.port") }
    end },
    service = group("set_target set_upstream", "service."),
  }
  kong.service.request = group("set_raw_body clear_header set_scheme", "service.request.")
  kong.service.response = { get_header = kong.response.get_header }
  function kong.response.set_headers(headers)
    for name, value in pairs(headers) do kong.response.set_header(name, value) end
  end
  function kong.response.exit(status, body, headers)
    kong.response.set_status(status)
    kong.response.set_headers(headers)
    host("response.exit", body)
    error(EXIT)
  end
  local handler = require("kong.plugins.aws-masker-filter.handler")
  return function(phase, plugin, shared, chunk, eof)
    current = { plugin = plugin, shared = shared }
    ngx.arg[1], ngx.arg[2] = chunk, eof
    local ok, err = pcall(handler[phase], handler)
    if not ok and err ~= EXIT then
      return tostring(err), nil, false
    end
    return nil, ngx.arg[1], ngx.arg[2]
  end, handler, function(shared, name, ...)
    current = { shared = shared }
    local texts, bytes = kong.aws_masker[name](...), {}
    for key, value in pairs(texts) do
      if type(value) == "function" then
        local buffer = {}
        value(buffer)
        texts[key], bytes[key] = nil, table.concat(buffer)
      end
    end
    return texts, bytes
  end
end
"""


class LuaError(Exception):
    """An error that a phase ended with."""


@dataclass
class Exchange:
    """A request and its answer, as the plugins see and change them. Header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    scheme: str
    host: str
    port: int
    log: Callable[[str], None]
    shared: Any = None
    plugin: Any = None
    exited: bytes | None = None
    source: str = "error"
    status: int = 0
    # As Kong's authentication left it.
    consumer: Any = None
    answer_headers: dict[str, str] = field(default_factory=dict)
    serialized: dict[str, Any] = field(default_factory=dict)
    service: tuple[str, str, int] = ("", "", 0)
    upstream_host: str = ""
    # The headers that Kong makes of its variables of the same names.
    forwarded: dict[str, str] = field(default_factory=dict)
    # What runs later, in so many seconds.
    timers: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    rpc: Callable[[str, Any], Any] = lambda _method, _argument: None
    started: float = field(default_factory=time.time)
    # As nginx sees it: also where the upstream broke off, but not where the client did.
    complete: bool = False
    request_id: bytes = field(default_factory=lambda: secrets.token_hex(16).encode())

    def __post_init__(self) -> None:
        self.service = (self.scheme, self.host, self.port)
        self.upstream_host = f"{self.host}:{self.port}"
        for name in ("for", "host", "path", "port", "prefix", "proto"):
            self.forwarded[f"x-forwarded-{name}"] = self.headers.get(f"x-forwarded-{name}", "10.9.8.7")
        self.forwarded["via"] = ", ".join(filter(None, (self.headers.get("via"), "1.1 kong/3.9.1")))


class LuaFilter:
    """The filter; one phase at a time."""

    def __init__(self) -> None:
        self._lua = LuaRuntime(encoding=None, unpack_returned_tuples=True)
        self._lua.execute(b"package.path = ...", f"{ROOT}/?.lua;".encode() + self._lua.globals().package.path)
        self._exchange: Exchange | None = None
        made = self._lua.execute(GLUE)(self._host)
        self._run, self.handler, self._call = made

    def table(self) -> Any:
        return self._lua.table()

    def run(
        self, phase: str, exchange: Exchange, chunk: bytes | None = None, *, eof: bool = False
    ) -> tuple[bytes, bool]:
        """Run a phase; return what it made of ``chunk`` and ``eof``. Raises LuaError."""
        self._exchange = exchange
        error, out, ended = self._run(phase.encode(), exchange.plugin, exchange.shared, chunk, eof)
        if error is not None:
            raise LuaError(error.decode())
        return out or b"", bool(ended)

    def call(self, name: str, exchange: Exchange, arguments: list[Any]) -> Any:
        """Call what the filter has put in ``kong.aws_masker``; return what Kong would pack for the plugin server."""
        self._exchange = exchange
        texts, binaries = self._call(exchange.shared, name.encode(), *arguments)
        return {**_plain(texts), **{key.decode(): value for key, value in binaries.items()}}

    def run_later(self, exchange: Exchange, timer: Callable[[], None]) -> None:
        """Run what a timer was set for."""
        self._exchange = exchange
        timer()

    def _host(self, name: bytes, *arguments: Any) -> Any:
        exchange = self._exchange
        assert exchange is not None
        found = _FUNCTIONS[name.decode()](exchange, *arguments)
        return tuple(map(self._lua_of, found)) if isinstance(found, tuple) else self._lua_of(found)

    def _lua_of(self, value: Any) -> Any:
        return self._lua.table_from(value, recursive=True) if isinstance(value, dict | list) else value


def set_target(exchange: Exchange, host: bytes, port: float) -> None:
    exchange.host, exchange.port = host.decode(), int(port)
    exchange.upstream_host = exchange.host  # without the port, as Kong does it


def _set_variable(exchange: Exchange, name: bytes, value: bytes) -> None:
    if name == b"upstream_via" or name.startswith(b"upstream_x_forwarded_"):
        exchange.forwarded[name.decode().removeprefix("upstream_").replace("_", "-")] = value.decode()
        return
    assert name == b"upstream_host"
    # Empty, Kong makes the header of the target.
    exchange.upstream_host = value.decode() or f"{exchange.host}:{exchange.port}"


def _set_header(exchange: Exchange, name: bytes, value: bytes | float) -> None:
    text = value.decode() if isinstance(value, bytes) else str(int(value))
    exchange.answer_headers[name.decode().lower()] = text


def _header(headers: Mapping[str, str], name: bytes) -> bytes | None:
    value = headers.get(name.decode().lower())
    return None if value is None else value.encode("utf-8", "surrogateescape")


def _plain(value: Any) -> Any:
    """Return a Lua value as JSON has it. A table without anything in it is an object, as Kong has it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if not hasattr(value, "items"):
        return value
    keys, values = [_plain(key) for key in value], [_plain(one) for one in value.values()]
    return values if keys and keys[0] == 1 else dict(zip(keys, values, strict=True))


def _get_variable(exchange: Exchange, name: bytes) -> Any:
    if name == b"http_connection":
        return _header(exchange.headers, b"connection")
    return {b"kong_request_id": exchange.request_id, b"request_completion": b"OK" if exchange.complete else b""}[name]


def _one_or_list(value: str) -> str | list[str]:
    """Return a field's value, or its values: the stand-in has fields of one name in lines."""
    values = value.split("\n")
    return values if len(values) > 1 else value


def _headers(exchange: Exchange, most: int) -> tuple[dict[bytes, Any], bytes | None]:
    """Return at most so many fields, and whether there are more, as Kong says it."""
    fields = {name: _one_or_list(value) for name, value in list(exchange.headers.items())[:most]}
    return _as_bytes(fields), b"truncated" if len(exchange.headers) > most else None


def _as_bytes(value: Any) -> Any:
    """Return a value of JSON with bytes for its texts."""
    if isinstance(value, dict):
        return {_as_bytes(key): _as_bytes(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_bytes(one) for one in value]
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "crc32": lambda _, text: crc32(text),
    "log.err": lambda x, *parts: x.log("[aws-masker-filter] " + "".join(str(_plain(part)) for part in parts)),
    "log.set_serialize_value": lambda x, name, value=None: x.serialized.update({name.decode(): _plain(value)}),
    "request.get_header": lambda x, name: _header(x.headers, name),
    "request.get_headers": lambda x, most: _headers(x, int(most)),
    "request.get_method": lambda x: x.method.encode(),
    "request.get_path": lambda x: x.path.partition("?")[0].encode(),
    "request.get_raw_body": lambda x, _most: x.body,
    "request.get_forwarded_scheme": lambda x: _header(x.headers, b"x-forwarded-proto") or b"http",
    "response.get_source": lambda x: x.source.encode(),
    "response.get_status": lambda x: x.status,
    "response.get_header": lambda x, name: _header(x.answer_headers, name),
    "response.set_status": lambda x, status: setattr(x, "status", int(status)),
    "response.set_header": _set_header,
    "response.clear_header": lambda x, name: x.answer_headers.pop(name.decode().lower(), None) and None,
    "response.exit": lambda x, body: setattr(x, "exited", body),
    "client.get_ip": lambda _: b"127.0.0.1",
    "client.get_consumer": lambda x: _as_bytes(x.consumer),
    "ip.is_trusted": lambda _, _ip: True,
    "service.protocol": lambda x: x.service[0].encode(),
    "service.host": lambda x: x.service[1].encode(),
    "service.port": lambda x: x.service[2],
    "var": _set_variable,
    "timer": lambda x, seconds, run: x.timers.append((seconds, run)),
    "rpc": lambda x, method, argument: _as_bytes(x.rpc(method.decode(), _plain(argument))),
    "get_var": _get_variable,
    "now": lambda _: time.time(),
    "start_time": lambda x: x.started,
    "json.encode": lambda _, value: json.dumps(_plain(value)).encode(),
    "json.decode": lambda _, text: _as_bytes(json.loads(text)),
    "service.set_target": set_target,
    "service.set_upstream": lambda _, _name: None,
    "service.request.set_raw_body": lambda x, body: setattr(x, "body", body),
    "service.request.clear_header": lambda x, name: x.headers.pop(name.decode().lower(), None) and None,
    "service.request.set_scheme": lambda x, scheme: setattr(x, "scheme", scheme.decode()),
}
