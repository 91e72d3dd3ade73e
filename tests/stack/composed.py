"""The stack in containers, as ``make up`` starts it: from a copy of what it needs, as a project of its own."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from front_door import ROOT
from stacks import free_port

NEEDED: tuple[str, ...] = (
    "scripts",
    "kong",
    "nginx",
    "plugins",
    "claude-code",
    "docker-compose.yml",
    "kong.yml",
    "stack.mk",
)
NEEDED += ("pyproject.toml", "requirements-kong.lock", "README.md", "LICENSE", ".dockerignore", "observability")
PORTS: Mapping[str, str] = {
    "nginx": "AWS_MASKER_PORT",
    "page": "AWS_MASKER_PAGE_PORT",
    "prometheus": "PROMETHEUS_PORT",
    "grafana": "GRAFANA_PORT",
}
START_SECONDS = 900
NO_IMAGES = "pull access denied|no such host|manifest unknown|dial tcp"


def copy_checkout(folder: Path) -> Path:
    """Copy what the stack needs of this repository to ``folder``, and return that."""
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def script(checkout: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run scripts/stack.sh, as the Makefile does."""
    return subprocess.run(
        ["sh", str(checkout / "scripts/stack.sh"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def compose() -> list[str]:
    """Return the command that is Compose here. Skips where there is none."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0
        ):
            return command
    return pytest.skip("stack: this needs Docker Compose")


@dataclass(frozen=True)
class Composed:
    """The stack with the fake API, in a project of its own. ``ports`` are those of its services."""

    folder: Path
    environment: Mapping[str, str]
    ports: Mapping[str, int]

    @property
    def url(self) -> str:
        return self.at("nginx")

    def at(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def run(self, *arguments: str) -> str:
        """Return what Compose prints."""
        done = self.tried(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def inside(self, service: str, *command: str) -> str:
        """Return what a command prints in the container of a service."""
        done = self.tried("exec", "-T", service, *command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, service: str) -> None:
        """Start a service that ``make up`` leaves out. Skips where its image cannot be had."""
        done = self.tried("up", "-d", service)
        if done.returncode != 0 and re.search(NO_IMAGES, done.stderr):
            pytest.skip(f"stack: the image of {service} cannot be had here")
        assert done.returncode == 0, done.stderr

    def script(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run scripts/stack.sh for this project."""
        return script(self.folder, *arguments, **self.environment)

    def tried(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        every = {**os.environ, **self.environment}
        command = [*compose(), *arguments]
        return subprocess.run(command, cwd=self.folder, env=every, capture_output=True, text=True, check=False)


@contextmanager
def composed_stack(folder: Path) -> Iterator[Composed]:
    """Start the stack with the fake API, which keeps masked bodies. Nothing of it is left at the end."""
    compose()
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        pytest.skip("stack: this needs a Docker daemon")
    ports = {service: free_port() for service in PORTS}
    environment = {PORTS[service]: str(port) for service, port in ports.items()}
    environment |= {"COMPOSE_PROJECT_NAME": f"aws-masker-test-{ports['nginx']}", "DEMO": "1"}
    environment["AWS_MASKER_RECORD_BODIES"] = "masked"
    stack = Composed(copy_checkout(folder), environment, ports)
    try:
        done = stack.script("up")
        if done.returncode != 0 and re.search(NO_IMAGES, done.stderr):
            pytest.skip("stack: the images cannot be had here")
        assert done.returncode == 0, done.stderr
        yield stack
    finally:
        stack.script("down")
        stack.tried("down", "--volumes")
