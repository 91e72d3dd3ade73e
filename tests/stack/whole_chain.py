"""The whole chain as a person meets it: nginx, Kong (or its stand-in) with both plugins, Redis, and a fake API."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from choice import Choice, redis_kind, start
from front_door import Nginx, front_door
from stacks import Setup, Stack

from aws_masker.fake_api import FakeApi
from redis_fixture import KEPT_IN_A_FILE, RedisServer, redis_servers


@dataclass(frozen=True)
class Chain:
    """Every part of the chain, in the order in which a request meets them."""

    front: Nginx
    kong: Stack
    redis: RedisServer
    api: FakeApi

    def written(self) -> Iterator[tuple[str, str]]:
        """Yield what the parts of the chain have printed and every file that they have written, by name."""
        yield "nginx's output", self.front.printed("stdout") + self.front.printed("stderr")
        yield "Kong's log", self.kong.error_log()
        for folder in (self.front.folder, self.kong.folder, self.redis.folder):
            yield from ((str(one), one.read_bytes().decode("latin-1")) for one in folder.rglob("*") if one.is_file())


@contextlib.contextmanager
def whole_chain(choice: Choice, folders: pytest.TempPathFactory) -> Iterator[Chain]:
    """Run a chain on the stack that was chosen, its audit a stream in Redis.

    Skips where a part of it is not installed.
    """
    with FakeApi.in_thread() as api, redis_servers(folders, redis_kind(choice)) as start_redis:
        vault = start_redis(*KEPT_IN_A_FILE)
        setup = Setup(api.url, vault=vault.url, config={"audit": vault.url})
        with front_and_kong(choice, setup, folders) as (front, kong):
            yield Chain(front, kong, vault, api)


@contextlib.contextmanager
def front_and_kong(choice: Choice, setup: Setup, folders: pytest.TempPathFactory) -> Iterator[tuple[Nginx, Stack]]:
    """Run nginx in front of Kong, or of what stands in for it."""
    kong = start(choice, setup, folders.mktemp("kong"))
    try:
        with front_door(choice, kong.url.removeprefix("http://")) as front:
            yield front, kong
    finally:
        kong.stop()
