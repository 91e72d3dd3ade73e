"""How each fault of the matrix is made, on a chain with a relay before each part that is reached by the network."""

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any

import pytest
from choice import Choice, redis_kind, start
from front_door import Nginx, front_door
from relay import Fault, Relay
from stacks import Setup, Stack, set_fault

from aws_masker.fake_api import FakeApi
from aws_masker.fake_api.answers import ApiError, Block, Request
from redis_fixture import KEPT_IN_A_FILE, RedisServer, redis_servers

READ_SECONDS = 2
ALL = 100


@dataclass(frozen=True)
class FragileChain:
    """Every part of a chain, and the relays before Kong, Redis and the API."""

    front: Nginx
    kong: Stack
    redis: RedisServer
    api: FakeApi
    before: Mapping[str, Relay] = field(default_factory=dict)


Break = Callable[[FragileChain], AbstractContextManager[None]]


@contextlib.contextmanager
def fragile_chain(choice: Choice, folders: pytest.TempPathFactory, **setup: Any) -> Iterator[FragileChain]:
    """Run a chain; ``setup`` are fields of Setup."""
    with contextlib.ExitStack() as ends:

        def relay(target: str) -> Relay:
            made = Relay(target)
            ends.callback(made.close)
            return made

        api = ends.enter_context(FakeApi.in_thread())
        redis = ends.enter_context(redis_servers(folders, redis_kind(choice)))(*KEPT_IN_A_FILE)
        before = {"API": relay(api.url.removeprefix("http://")), "Redis": relay(f"127.0.0.1:{redis.port}")}
        given = {
            "upstream": f"http://{before['API'].address}",
            "vault": f"redis://{before['Redis'].address}/0",
            "service": {"read_timeout": 1000 * READ_SECONDS},
        }
        kong = start(choice, Setup(**{**given, **setup}), folders.mktemp("kong"))
        ends.callback(kong.stop)
        before["Kong"] = relay(kong.url.removeprefix("http://"))
        front = ends.enter_context(front_door(choice, before["Kong"].address))
        yield FragileChain(front, kong, redis, api, before)


@contextlib.contextmanager
def _plugin(fault: str, chain: FragileChain) -> Iterator[None]:
    set_fault(chain.kong, fault)
    try:
        yield
    finally:
        set_fault(chain.kong, "")


@contextlib.contextmanager
def _server_killed(chain: FragileChain) -> Iterator[None]:
    chain.kong.signal_server(signal.SIGKILL)
    yield


@contextlib.contextmanager
def _server_stopped(chain: FragileChain) -> Iterator[None]:
    chain.kong.signal_server(signal.SIGSTOP)
    try:
        yield
    finally:
        chain.kong.signal_server(signal.SIGCONT)


@contextlib.contextmanager
def _relay(part: str, fault: Fault, chain: FragileChain) -> Iterator[None]:
    with chain.before[part].failing(fault):
        yield


@contextlib.contextmanager
def _worker_killed(part: str, chain: FragileChain) -> Iterator[None]:
    _part(part, chain).signal_workers(signal.SIGKILL, 1)
    yield


@contextlib.contextmanager
def _workers_stopped(part: str, chain: FragileChain) -> Iterator[None]:
    _part(part, chain).signal_workers(signal.SIGSTOP, ALL)
    try:
        Event().wait(1)
    finally:
        _part(part, chain).signal_workers(signal.SIGCONT, ALL)
    yield


def _part(part: str, chain: FragileChain) -> Nginx | Stack:
    return chain.front if part == "nginx" else chain.kong


@contextlib.contextmanager
def _redis_killed(chain: FragileChain) -> Iterator[None]:
    chain.redis.stop()
    try:
        yield
    finally:
        chain.redis.start()


@contextlib.contextmanager
def _redis_stopped(chain: FragileChain) -> Iterator[None]:
    chain.redis.freeze()
    try:
        yield
    finally:
        chain.redis.thaw()


@contextlib.contextmanager
def _redis_full(chain: FragileChain) -> Iterator[None]:
    with chain.redis.admin() as admin:
        admin.config_set("maxmemory", 1)
        try:
            yield
        finally:
            admin.config_set("maxmemory", 0)


@contextlib.contextmanager
def _redis_emptied(chain: FragileChain) -> Iterator[None]:
    with chain.redis.admin() as admin:
        admin.flushall()
    yield


@contextlib.contextmanager
def _api_full(chain: FragileChain) -> Iterator[None]:
    def overloaded(_request: Request) -> list[Block]:
        raise ApiError(529, "overloaded_error", "made up")

    before, chain.api.script = chain.api.script, overloaded
    try:
        yield
    finally:
        chain.api.script = before


FAULTS: Mapping[str, Break] = {
    "plugin server: killed": _server_killed,
    "plugin server: stopped": _server_stopped,
    "plugin server: slow: no decision within 4 s": partial(_plugin, "hang"),
    "plugin server: refuses: every request raises an error in it": partial(_plugin, "raise-later"),
    "plugin server: full: as many requests as it may have are under way": partial(_plugin, "full"),
    "plugin server: garbage: its result cannot be read": partial(_plugin, "garbage"),
    "Kong: a worker is killed": partial(_worker_killed, "Kong"),
    "Kong: its workers are stopped for a second": partial(_workers_stopped, "Kong"),
    "Kong: refuses connections": partial(_relay, "Kong", "refuses"),
    "Kong: slow": partial(_relay, "Kong", "slow"),
    "Kong: garbage in place of HTTP": partial(_relay, "Kong", "garbage"),
    "Kong: breaks off": partial(_relay, "Kong", "breaks off"),
    "Redis: killed": _redis_killed,
    "Redis: stopped": _redis_stopped,
    "Redis: slow": partial(_relay, "Redis", "slow"),
    "Redis: refuses connections": partial(_relay, "Redis", "refuses"),
    "Redis: full": _redis_full,
    "Redis: garbage in place of its protocol": partial(_relay, "Redis", "garbage"),
    "Redis: emptied": _redis_emptied,
    "nginx: a worker is killed": partial(_worker_killed, "nginx"),
    "nginx: its workers are stopped for a second": partial(_workers_stopped, "nginx"),
    "API: refuses connections": partial(_relay, "API", "refuses"),
    "API: silent: no answer within `read_timeout` (2 s in the test)": partial(_relay, "API", "silent"),
    "API: slow": partial(_relay, "API", "slow"),
    "API: full: answers 529": _api_full,
    "API: garbage in place of HTTP": partial(_relay, "API", "garbage"),
    "API: breaks off": partial(_relay, "API", "breaks off"),
    "clock: jumps a year ahead in the plugin server": partial(_plugin, "year-ahead"),
    "clock: jumps a year back in the plugin server": partial(_plugin, "year-back"),
}
# Faults that a chain has from its beginning, and for good.
LASTING: Mapping[str, Mapping[str, Any]] = {
    "disk: full, where Kong's log is": {"log": "/dev/full"},
    "DNS: the API's name is not found": {"upstream": "http://api.invalid", "refuses": True},
}
