"""Which stack the tests run on: ``--stack`` chooses, or else the best that is there."""

import functools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from containers import Images, Missing, images
from docker_kong import DockerKong
from docker_redis import DockerRedis
from real_kong import RealKong
from stacks import Setup, Stack

from redis_fixture import RedisServer, redis_servers


@dataclass(frozen=True)
class Choice:
    """``kind`` is "docker", "kong" or "stand-in", ``told`` says which and why. ``images`` are those of "docker"."""

    kind: str
    told: str
    images: Images | None = None


def chosen(config: pytest.Config) -> Choice:
    """Return what the tests run on. Has the images made where that is Docker.

    Raises Missing where ``--stack`` asks for what is not there.
    """
    return _chosen(config.getoption("--stack"))


def described(config: pytest.Config) -> str:
    """Return what the tests run on, and why it is nothing better, in words."""
    try:
        return chosen(config).told
    except Missing as missing:
        return f"none ({missing})"


@functools.cache
def _chosen(asked: str | None) -> Choice:
    because = ""
    if asked in {None, "docker"}:
        try:
            found = images()
        except Missing as missing:
            if asked:
                raise
            because = f" ({missing})"
        else:
            return Choice("docker", f"docker ({found})", found)
    if asked == "kong" and shutil.which("kong") is None:
        message = "install Kong Gateway 3.9 so that `kong` is on PATH"
        raise Missing(message)
    kind = asked or ("kong" if shutil.which("kong") else "stand-in")
    return Choice(kind, f"{kind}{because}")


@pytest.fixture(scope="session")
def choice(request: pytest.FixtureRequest) -> Choice:
    """Return what the tests run on. Skips where what was asked for is not there."""
    try:
        return chosen(request.config)
    except Missing as missing:
        pytest.skip(f"stack: {missing}")


def start(choice: Choice, setup: Setup, folder: Path) -> Stack:
    """Start a stack with its prefix in ``folder``."""
    for name, content in setup.files.items():
        (folder / name).write_bytes(content)
    if choice.images is not None:
        return DockerKong(setup, folder, choice.images)
    if choice.kind == "kong":
        return RealKong(setup, folder)
    from standin.gateway import StandIn  # noqa: PLC0415 - needs lupa

    return StandIn(setup, folder)


def redis_kind(choice: Choice) -> Callable[..., RedisServer]:
    """Return what starts a Redis: in a container where the stack is in containers."""
    return RedisServer if choice.images is None else functools.partial(DockerRedis, choice.images)


@pytest.fixture
def start_redis(choice: Choice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RedisServer]]:
    """Return a function that starts Redis servers, in containers where the stack is in containers."""
    with redis_servers(tmp_path_factory, redis_kind(choice)) as start_one:
        yield start_one
