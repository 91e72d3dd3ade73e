"""Stacks for the tests of the Kong plugins: ``--stack`` chooses, or else the best that is there."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from real_kong import RealKong
from stacks import Setup, Stack

from aws_masker.fake_api import FakeApi

Start = Callable[[Setup], Stack]


def stack_kind(config: pytest.Config) -> str:
    chosen: str | None = config.getoption("--stack")
    return chosen or ("kong" if shutil.which("kong") else "stand-in")


def pytest_report_header(config: pytest.Config) -> str:
    return f"aws-masker stack: {stack_kind(config)}"


def _start(kind: str, setup: Setup, folder: Path) -> Stack:
    if kind == "kong":
        if shutil.which("kong") is None:
            pytest.skip("install Kong Gateway 3.9 so that `kong` is on PATH")
        return RealKong(setup, folder)
    if kind == "docker":
        pytest.skip("stack: the containers of the whole chain have tests of their own")
    from standin.gateway import StandIn  # noqa: PLC0415 - needs lupa

    return StandIn(setup, folder)


@pytest.fixture(scope="session")
def session_stacks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    started: list[Stack] = []

    def start(setup: Setup) -> Stack:
        stack = _start(stack_kind(request.config), setup, tmp_path_factory.mktemp("kong"))
        started.append(stack)
        return stack

    yield start
    for stack in started:
        stack.stop()


@pytest.fixture
def start_stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return a function that starts stacks; all of them end with the test."""
    started: list[Stack] = []

    def start(setup: Setup) -> Stack:
        stack = _start(stack_kind(request.config), setup, tmp_path_factory.mktemp("kong"))
        started.append(stack)
        return stack

    yield start
    for stack in started:
        stack.stop()


@pytest.fixture(scope="session")
def api() -> Iterator[FakeApi]:
    with FakeApi.in_thread() as api:
        yield api


@pytest.fixture(scope="session")
def stack(session_stacks: Start, api: FakeApi) -> Stack:
    """Return the stack that most tests share. Whoever breaks it mends it."""
    return session_stacks(Setup(api.url))
