"""The stacks that the same tests run on: what they have in common.

A stack is Kong, or what stands in for it, with this repository's kong.yml and plugins, the real plugin server as a
child process, and an upstream of the test's own.
"""

import json
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol, TypeVar

import yaml
from client import Answer, ask
from server_process import ServerProcess

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
KEY = "7c" + "0123456789abcdef" * 3 + "5e1f9a0b3c4d77"
# The time-outs that kong.yml tells operators to set, in seconds.
SOCKET_TIMEOUT = 5
# A plugin server that has just been started grows by more than this in such a time, in bytes and seconds.
WARM_GROWTH = 1 << 20
WARM_SECONDS = 2.0


@dataclass(frozen=True)
class Setup:
    """How a stack differs from the one that kong.yml declares. ``upstream`` is scheme, host and port."""

    upstream: str
    without: Collection[str] = ()
    """Plugins that are left out."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the plugin's configuration; "{folder}" in a text stands for the stack's folder."""
    service: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the service, such as time-outs."""
    vault: str = ""
    key: str = KEY
    accepted_keys: str = ""
    consumers: Mapping[str, str] = field(default_factory=dict)
    """Names and keys of consumers."""
    log_level: str = "notice"
    log: str = ""
    """The file for Kong's log, if it is to be another than in the stack's folder."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What is in the stack's folder before it starts, by name."""
    server: Sequence[str] = ()
    """More options of the plugin server."""
    refuses: bool = False
    """Whether this stack serves nobody by design, so that nobody can wait for it to."""

    @property
    def serves(self) -> bool:
        """Whether anybody is served without a key."""
        return not (self.refuses or self.without or self.consumers)

    def declared(self, folder: Path) -> dict[str, Any]:
        """Return kong.yml with these differences, and with its log in ``folder``."""
        declared: dict[str, Any] = yaml.safe_load((ROOT / "kong.yml").read_text())
        (service,) = declared["services"]
        # Whatever leaks must end at the test's upstream, so that it is seen there, and nowhere else.
        service |= {**self.service, "url": f"{self.upstream}/v1/"}
        service["plugins"] = [one for one in service["plugins"] if one["name"] not in self.without]
        for one in service["plugins"]:
            if one["name"] == "aws-masker":
                one["config"] |= {name: _placed(value, folder) for name, value in self.config.items()}
        for one in declared["plugins"]:
            if one["name"] == "file-log":
                one["config"] = {"path": self.log or str(folder / "access.json"), "reopen": True}
        if self.consumers:
            key_auth = {"name": "key-auth", "config": {"key_names": ["x-gateway-key"], "hide_credentials": True}}
            service["plugins"].append(key_auth)
            declared["consumers"] = [
                {"username": name, "keyauth_credentials": [{"key": key}]} for name, key in self.consumers.items()
            ]
        return declared

    def environment(self) -> dict[str, str]:
        """Return what kong.yml refers to."""
        given = {
            "AWS_MASKER_KEY": self.key,
            "AWS_MASKER_ACCEPTED_KEYS": self.accepted_keys,
            "AWS_MASKER_VAULT": self.vault,
        }
        return {name: value for name, value in given.items() if value}


def _placed(value: Any, folder: Path) -> Any:
    return value.replace("{folder}", str(folder)) if isinstance(value, str) else value


class Stack(Protocol):
    """A running stack. ``folder`` is Kong's prefix."""

    url: str
    folder: Path

    def error_log(self) -> str:
        """Return what has been logged."""
        ...

    def server(self) -> ServerProcess | None:
        """Return the plugin server's process, or None while there is none."""
        ...

    def signal_server(self, number: signal.Signals) -> None:
        """Signal the plugin server, which must be there."""
        ...

    def signal_workers(self, number: signal.Signals, most: int) -> None:
        """Signal at most so many of Kong's worker processes. Raises NotImplementedError where there are none."""
        ...

    def stop(self) -> None:
        """End it and all its processes."""
        ...


def server_command(folder: Path, python: str = sys.executable) -> list[str]:
    """Return what starts the plugin server, with the control of its faults."""
    control = folder / "fault"
    control.touch()
    return [python, str(ROOT / "tests/kong/faulty_plugin.py"), str(control)]


def set_fault(stack: Stack, fault: str) -> None:
    """Have every request fail in the plugin in this way; "" heals it."""
    (stack.folder / "fault").write_text(fault)


def server_of(stack: Stack) -> ServerProcess:
    """Return the stack's plugin server; waits until there is one."""
    return wait_for(stack.server)


def warm_server_of(stack: Stack) -> ServerProcess:
    """Return the stack's plugin server once it has met all families, which it does after its start, growing."""
    before = 0

    def look() -> ServerProcess | None:
        nonlocal before
        time.sleep(WARM_SECONDS)
        now = server_of(stack)
        grown, before = now.resident - before, now.resident
        return now if grown < WARM_GROWTH else None

    return wait_for(look, 60)


def free_port() -> int:
    """Return a port of this machine's loopback that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(look: Callable[[], T | None], seconds: float = 20.0) -> T:
    """Return what ``look`` returns as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {look}"
        time.sleep(0.02)
    return found


def ask_until(good: Callable[[Answer], bool], ask_once: Callable[[], Answer]) -> Answer:
    """Ask again and again until the answer is good, and return it."""
    answers: list[Answer] = []

    def look() -> bool:
        answers.append(ask_once())
        return good(answers[-1])

    wait_for(look)
    return answers[-1]


def is_served(stack: Stack) -> bool:
    """Tell whether both plugins work just now: they refuse what is no JSON, and nothing has to go upstream for that."""
    try:
        return ask(stack.url, "/v1/messages", b"[").status == HTTPStatus.BAD_REQUEST
    except (OSError, HTTPException):
        return False


def answers(stack: Stack) -> bool:
    """Tell whether it answers anything at all."""
    try:
        return bool(ask(stack.url, "/").status)
    except (OSError, HTTPException):
        return False


def records(stack: Stack) -> list[dict[str, Any]]:
    """Return what is in the log of requests that the filter has seen: all but those before Kong had its route."""
    path = stack.folder / "access.json"
    # A header may hold bytes that are no UTF-8, and Kong writes them as they are.
    lines = path.read_text(errors="replace").split("\n")[:-1] if path.exists() else []
    return [one for one in map(json.loads, lines) if "aws_masker" in one]


def record_of(stack: Stack, send: Callable[[Mapping[str, str]], object]) -> dict[str, Any]:
    """Have ``send`` send a request with the headers that it is given, and return its record."""
    given = secrets.token_hex(16)
    send({"X-Request-ID": given})

    def look() -> dict[str, Any] | None:
        return next((one for one in records(stack) if one["aws_masker"]["request_id"] == given), None)

    return wait_for(look)
