"""Which stack the tests run on: ``--stack`` chooses, or else the best that is there."""

import shutil
from pathlib import Path

import pytest
from real_kong import RealKong
from stacks import Setup, Stack


def stack_kind(config: pytest.Config) -> str:
    """Return "docker", "kong" or "stand-in"."""
    chosen: str | None = config.getoption("--stack")
    return chosen or ("kong" if shutil.which("kong") else "stand-in")


def start_chosen(config: pytest.Config, setup: Setup, folder: Path) -> Stack:
    """Start a stack with its prefix in ``folder``. Skips where what was chosen is not there."""
    kind = stack_kind(config)
    if kind == "kong":
        if shutil.which("kong") is None:
            pytest.skip("install Kong Gateway 3.9 so that `kong` is on PATH")
        return RealKong(setup, folder)
    if kind == "docker":
        pytest.skip("stack: the containers of the whole chain have tests of their own")
    from standin.gateway import StandIn  # noqa: PLC0415 - needs lupa

    return StandIn(setup, folder)
