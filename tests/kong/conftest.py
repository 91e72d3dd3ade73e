"""Stacks for the tests of the Kong plugins: ``--stack`` chooses, or else the best that is there."""

from collections.abc import Callable, Iterator

import pytest
from choice import stack_kind, start_chosen
from stacks import Setup, Stack

from aws_masker.fake_api import FakeApi

Start = Callable[[Setup], Stack]


def pytest_report_header(config: pytest.Config) -> str:
    return f"aws-masker stack: {stack_kind(config)}"


@pytest.fixture(scope="session")
def session_stacks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    started: list[Stack] = []

    def start(setup: Setup) -> Stack:
        stack = start_chosen(request.config, setup, tmp_path_factory.mktemp("kong"))
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
        stack = start_chosen(request.config, setup, tmp_path_factory.mktemp("kong"))
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
