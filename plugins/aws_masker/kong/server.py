"""The plugin server: the process that Kong starts, and talks to over a unix socket, MessagePack-RPC both ways.

The calls that a plugin makes (``kong.request.…``) go through kong-pdk. Its server does not serve here, since with 0.36
each of these ended in a request that Kong forwards as it came, or in a process that serves no more:

=============================================  ========================================================================
in kong-pdk                                    here
=============================================  ========================================================================
a handler that raises never answers            every handler ends in an answer; the fault is logged by kind and place
one lock is held while handlers run            handlers share nothing but a counter
a handler that takes too long answers late,    Kong is answered before its time-out: to wait on while a body is being
to the connection's next user                  masked, else without a result (``events``); where the whole process stood
                                               still, what Kong asked last is answered (``connections``)
handlers wait for ever where Kong has gone     they end after a time (``events``)
a thread is made for each event, without end   threads are used again, as many as ``--requests`` says
ids begin at 0 in each process, so Kong's      ids begin at random, so that an id of an earlier process is unknown, and
old ones name other instances and events       Kong asks for a new instance
any method name reaches any function           those of the protocol only
a message may be sent in part (gevent)         ``sendall``
text that is not UTF-8 ends the connection     it is kept, with surrogate escapes
ends only under a parent whose id is not 1     ends when its parent is another than at the start
configurations are sent back to Kong, bodies   nothing is sent back or printed
are logged with ``-v``
=============================================  ========================================================================

Faults of requests go through ``kong.log.err``, all others by way of ``errorlog`` or, where that does not lead to Kong's
error log, with the answer to the filter's next records.

Threads, not gevent: masking is computation, in which a greenlet holds up all others (measured: beside bodies of 5 MB,
small ones had to wait ten times as long), and Redis would need every socket of the process to be patched.

Protocol (Kong: runloop/plugin_servers/rpc/mp_rpc.lua): ``[0, id, "plugin.HandleEvent", [{InstanceId, EventName}]]`` is
answered by ``[1, id, error, {EventId, Data}]``. Data is a call, ``{Method, Args}``, which Kong makes and whose result
it brings with ``plugin.Step…``, and so on until it is ``"ret"``.
"""

import argparse
import contextlib
import itertools
import json
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from kong_pdk.pdk import Kong

from aws_masker import coredumps
from aws_masker.errors import SettingsError
from aws_masker.faults import describe, tell_no_values
from aws_masker.kong import errorlog, plugin, schema
from aws_masker.kong.connections import MAX_CONNECTIONS, Connections, ProtocolError
from aws_masker.kong.events import RETURN, AbandonedError, Event
from aws_masker.kong.journal import NotReadyError
from aws_masker.kong.maskers import CONFIGURATIONS, TENANTS
from aws_masker.masker import Masker, settle
from aws_masker.settings import Settings

# Requests at once, each in a thread, unless the command line says so.
MAX_EVENTS: Final = 512
# So long may the last records take.
FLUSH_SECONDS: Final = 2.0

# The phases in which Kong calls plugin servers: kong/runloop/plugin_servers/plugin.lua
PHASES: Final = ("certificate", "rewrite", "access", "preread", "response", "log")

# What is the whole process's, and so no setting of one entry of the plugin.
_BOUNDS: Final = (
    ("requests", MAX_EVENTS, "how many requests are served at once; further ones get 503"),
    ("configurations", CONFIGURATIONS, "of how many configurations maskers are kept, and audits written"),
    ("tenants", TENANTS, "of how many tenants of each maskers are kept; those used longest ago go"),
)
_ID_BITS: Final = 48  # Lua counts exactly to 2**53
_WATCH_SECONDS: Final = 1.0


class PluginServer:
    """The protocol's methods, for one plugin class. Its methods may be called from any thread."""

    def __init__(self, kind: type[Any], requests: int = MAX_EVENTS) -> None:
        """Serve ``kind``: made with a configuration, and with a method for each of its phases.

        It serves so many ``requests`` at once.
        """
        self._kind = kind
        self._most = requests
        self._ids = itertools.count(secrets.randbits(_ID_BITS))
        self._instances: dict[int, Any] = {}
        self._events: dict[int, Event] = {}
        self._handlers = ThreadPoolExecutor(requests, "handler")

    def info(self) -> dict[str, Any]:
        """Return what Kong asks for with ``--dump``."""
        config = {"type": "record", "fields": schema.fields()}
        return {
            "Name": plugin.NAME,
            "Phases": [phase for phase in PHASES if hasattr(self._kind, phase)],
            "Priority": plugin.PRIORITY,
            "Version": plugin.VERSION,
            "Schema": {"name": plugin.NAME, "fields": [{"config": config}]},
        }

    def tell(self, text: str) -> None:
        """Have Kong log ``text`` as an error: at once, or else when it next brings records."""
        if not errorlog.tell(text):
            self._kind.journal.tell(text)

    def close(self) -> None:
        """Have the last records written."""
        self._kind.close(FLUSH_SECONDS)

    def call(self, method: str, argument: Any) -> Any:
        """Return the answer to a call from Kong. Raises ProtocolError."""
        if method == "plugin.HandleEvent":
            return self._handle(argument)
        if method.startswith("plugin.Step"):
            return self._step(argument, failed=method == "plugin.StepError")
        if method == "plugin.StartInstance":
            return self._start(argument)
        if method == "plugin.CloseInstance":
            self._instances.pop(argument, None)
            return {"Name": plugin.NAME, "Id": argument}
        if method == "plugin.RememberBatch":  # from our own filter, see batches
            return self._kind.remember_batch(argument["Rules"], argument["Tokens"], argument["Batch"])
        if method == "plugin.TakeRecords":  # from our own filter, see journal
            return self._take(argument["Records"])
        if method == "plugin.TakeBodies":  # from our own filter, see bodies
            return self._kind.take_bodies(argument["Bodies"])
        message = f"{method} is not served"
        raise ProtocolError(message)

    def _take(self, entries: Sequence[str]) -> list[str]:
        try:
            found: list[str] = self._kind.take_records(entries)
        except NotReadyError:
            message = "no configuration has come yet: bring the records again"
            raise ProtocolError(message) from None
        return found

    def _start(self, argument: Mapping[str, Any]) -> dict[str, Any]:
        if argument["Name"] != plugin.NAME:
            message = "another plugin than aws-masker is not served"
            raise ProtocolError(message)
        number = next(self._ids)
        self._instances[number] = self._kind(json.loads(argument["Config"]))
        return {"Name": plugin.NAME, "Id": number, "StartTime": time.time()}

    def _handle(self, argument: Mapping[str, Any]) -> dict[str, Any]:
        number = argument["InstanceId"]
        instance = self._instances.get(number)
        if instance is None:
            # Kong knows this wording, and starts an instance: mp_rpc.lua, Rpc:handle_event.
            message = f"no plugin instance {number}"
            raise ProtocolError(message)
        phase = argument["EventName"]
        if phase not in PHASES or not hasattr(instance, phase):
            message = "the plugin has no such phase"
            raise ProtocolError(message)
        if len(self._events) >= self._most:
            self._forget_those_left()
        if len(self._events) >= self._most:
            self.tell(f"{self._most} requests are open already: one was refused; raise --requests of the plugin server")
            return {"Data": RETURN, "EventId": 0}  # without a result the filter refuses
        opening = instance.opening() if hasattr(instance, "opening") else None
        number, event = next(self._ids), Event(getattr(instance, phase), opening)
        self._events[number] = event
        if opening is not None:
            return {"Data": opening, "EventId": number}
        return self._go_on(number, event)

    def _step(self, argument: Mapping[str, Any], *, failed: bool) -> dict[str, Any]:
        number = argument["EventId"]
        event = self._events.get(number)
        if event is None:
            message = "no such event"
            raise ProtocolError(message)
        data = argument.get("Data")
        event.step(None if failed else data, data if failed else None)
        return self._go_on(number, event)

    def _go_on(self, number: int, event: Event) -> dict[str, Any]:
        """Return what Kong is to do next. An event whose handler has ended leaves when Kong is told so."""
        if not event.has_begun:
            event.has_begun = event.is_running = True
            self._handlers.submit(self._run, number, event)
        data = event.next()
        if data == RETURN and not event.is_running:
            self._events.pop(number, None)
        return {"Data": data, "EventId": number}

    def _forget_those_left(self) -> None:
        for number, event in tuple(self._events.items()):
            if event.is_left:
                self._events.pop(number, None)

    def _run(self, number: int, event: Event) -> None:
        kong = Kong(event, lua_style=False).kong
        with contextlib.suppress(AbandonedError), event.handled():
            try:
                event.handler(kong)
            except AbandonedError:
                raise
            except BaseException as error:  # noqa: BLE001 - whatever it is, Kong has to be answered
                kong.log.err(f"internal error: {describe(error)}")
            finally:
                event.is_running = False
                if event.is_abandoned:
                    self._events.pop(number, None)
                event.put(RETURN)


def bind(path: Path) -> socket.socket:
    """Return a socket bound to ``path``, for this user only, in place of one that an earlier process left.

    Raises SettingsError.
    """
    with contextlib.ExitStack() as undo:
        listener = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        before = os.umask(0o177)
        try:
            path.unlink(missing_ok=True)
            listener.bind(str(path))
        except OSError as error:
            message = (
                f"{path} cannot be listened at ({error.strerror or error}): name Kong's prefix with -p, or with "
                "--socket another path in a folder that Kong's user may write to"
            )
            raise SettingsError(message) from None
        finally:
            os.umask(before)
        undo.pop_all()
    return listener


def warm() -> None:
    """Compile the catalogue, so that the first request does not wait for it, and let it meet every family meanwhile."""
    with Masker(Settings(key=secrets.token_bytes(32))) as masker:
        threading.Thread(target=masker.warm_up, name="warm-up", daemon=True).start()
    settle()


def _number(text: str) -> int:
    """Return the number above 0 that an option gives. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdecimal() or not int(text):
        message = "expected a number above 0"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``aws-masker plugin-server``."""
    parser.add_argument("--dump", action="store_true", help="print the plugin's description, for Kong, and end")
    parser.add_argument("-p", "--prefix", type=Path, default=Path("/usr/local/kong"), help="Kong's prefix (its folder)")
    # Kong starts this process with an empty environment.
    parser.add_argument("--config", type=Path, help="a YAML file of settings, for what Kong's configuration leaves out")
    for name, default, text in _BOUNDS:
        about = f"{text} (default: {default})"
        parser.add_argument(f"--{name}", type=_number, default=default, metavar="N", help=about)
    parser.add_argument("--socket", type=Path, help=f"where to listen (default: {plugin.NAME}.socket in the prefix)")


def command(options: argparse.Namespace, kind: type[Any] = plugin.Plugin) -> int:
    """Serve ``kind`` until the process that started this one has ended, then end too.

    Raises SettingsError where that cannot begin.
    """
    server = PluginServer(kind, options.requests)
    if options.dump:
        json.dump([server.info()], sys.stdout)
        return 0
    coredumps.forbid()
    if options.config:
        os.environ["AWS_MASKER_CONFIG"] = str(options.config)
    path = options.socket or options.prefix / f"{plugin.NAME}.socket"
    tell_no_values(lambda error: server.tell(f"internal error: {describe(error)}"))
    kind.bound(options.configurations, options.tenants)
    parent = os.getppid()
    listener = bind(path)
    with contextlib.suppress(KeyboardInterrupt):
        # Kong ends it with SIGTERM.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        warm()
        listener.listen(MAX_CONNECTIONS)
        _follow(parent, server)
        print(f"aws-masker plugin-server: serving at {path}", flush=True)  # noqa: T201 - Kong logs it at `info`
        Connections(server).serve(listener)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    server.close()
    # Not the interpreter's way: it waits for handlers, and a thread that it ends within RE2 aborts the process (CPython
    # before 3.14 unwinds it through C++ that lets nothing through: "terminate called without an active exception").
    os._exit(0)


def run(arguments: Sequence[str] | None = None, kind: type[Any] = plugin.Plugin) -> int:
    """Run ``aws-masker plugin-server`` with ``arguments`` and return its exit code."""
    errorlog.take_over()
    parser = argparse.ArgumentParser("aws-masker plugin-server", description="Serves the plugin to Kong.")
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        return command(options, kind)
    except SettingsError as error:
        errorlog.tell(str(error))
        return 2


def _follow(parent: int, server: PluginServer) -> None:
    """End this process when its parent is no longer ``parent``: Kong is gone, and a socket would stay."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        server.close()
        os._exit(0)

    threading.Thread(target=watch, name="watch", daemon=True).start()


if __name__ == "__main__":
    sys.exit(run())
