"""Stacks for the tests of the Kong plugins: ``--stack`` chooses, or else the best that is there."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from choice import Choice, choice, start, start_redis
from stacks import Setup, Stack

from aws_masker.fake_api import FakeApi

__all__ = ["choice", "start_redis"]

Start = Callable[[Setup], Stack]


@contextlib.contextmanager
def _stacks(choice: Choice, folders: pytest.TempPathFactory) -> Iterator[Start]:
    """Give a function that starts stacks; all of them end with the context."""
    with contextlib.ExitStack() as ends:

        def start_one(setup: Setup) -> Stack:
            stack = start(choice, setup, folders.mktemp("kong"))
            ends.callback(stack.stop)
            return stack

        yield start_one


@pytest.fixture(scope="session")
def session_stacks(choice: Choice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return a function that starts stacks; all of them end with the session."""
    with _stacks(choice, tmp_path_factory) as start_one:
        yield start_one


@pytest.fixture
def start_stack(choice: Choice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Return a function that starts stacks; all of them end with the test."""
    with _stacks(choice, tmp_path_factory) as start_one:
        yield start_one


@pytest.fixture(scope="session")
def api() -> Iterator[FakeApi]:
    with FakeApi.in_thread() as api:
        yield api


@pytest.fixture(scope="session")
def stack(session_stacks: Start, api: FakeApi) -> Stack:
    """Return the stack that most tests share. Whoever breaks it mends it."""
    return session_stacks(Setup(api.url))
