"""Runs the command line in this process, in a home of its own."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aws_masker.cli import main


@dataclass(frozen=True)
class Result:
    """What a run of the command line did."""

    code: int
    out: str
    err: str
    raw: bytes


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give the command line a home of its own, without settings from outside."""
    for name in list(os.environ):
        if name.startswith("AWS_MASKER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Iterator[Run]:
    """Return a function that runs the command line in this process."""
    with contextlib.ExitStack() as stack:

        def call(*arguments: str, stdin: str | bytes = "") -> Result:
            file = tmp_path / "stdin"
            file.write_bytes(stdin.encode() if isinstance(stdin, str) else stdin)
            monkeypatch.setattr(sys, "stdin", stack.enter_context(file.open(encoding="utf-8")))
            try:
                code = main(arguments)
            except SystemExit as error:
                code = int(error.code or 0)
            out, err = capfdbinary.readouterr()
            return Result(code, out.decode("utf-8", "replace"), err.decode(), out)

        yield call


def state(home: Path) -> Path:
    return home / "state" / "aws-masker"
