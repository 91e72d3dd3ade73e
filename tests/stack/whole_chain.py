"""The whole chain as a person meets it: nginx, Kong (or its stand-in) with both plugins, Redis, and a fake API."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from choice import start_chosen
from front_door import Nginx, nginx
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

    def written(self) -> Iterator[Path]:
        """Yield every file that a part of the chain has written."""
        for folder in (self.front.folder, self.kong.folder, self.redis.folder):
            yield from (path for path in folder.rglob("*") if path.is_file())


@contextlib.contextmanager
def whole_chain(config: pytest.Config, folders: pytest.TempPathFactory) -> Iterator[Chain]:
    """Run a chain on the stack that ``config`` chooses. Skips where a part of it is not installed."""
    with FakeApi.in_thread() as api, redis_servers(folders) as start_redis:
        vault = start_redis(*KEPT_IN_A_FILE)
        with front_and_kong(config, Setup(api.url, vault=vault.url), folders) as (front, kong):
            yield Chain(front, kong, vault, api)


@contextlib.contextmanager
def front_and_kong(
    config: pytest.Config, setup: Setup, folders: pytest.TempPathFactory
) -> Iterator[tuple[Nginx, Stack]]:
    """Run nginx in front of Kong, or of what stands in for it."""
    kong = start_chosen(config, setup, folders.mktemp("kong"))
    try:
        with nginx(kong.url.removeprefix("http://")) as front:
            yield front, kong
    finally:
        kong.stop()
