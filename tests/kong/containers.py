"""Containers of the real images, for the stack "docker": started as docker-compose.yml declares them, but on loopback.

They share this machine's network, so that a test's own upstream and vault on 127.0.0.1 are theirs too, and each gets
a folder of the test's, at the same path, for what it has to write.
"""

import contextlib
import gc
import os
import signal
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import docker
import yaml
from docker.errors import APIError, BuildError, DockerException, ImageNotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.image import DockerImage

ROOT: Final = Path(__file__).resolve().parents[2]
# The variables of docker-compose.yml, and its defaults.
IMAGES: Final = {"KONG_IMAGE": "kong:3.9.2", "NGINX_IMAGE": "nginx:1.28-alpine", "REDIS_IMAGE": "redis:8-alpine"}
# The image that test runs make of kong/Dockerfile; that of `make up` stays as it is.
KONG_TAG: Final = "aws-masker-kong-test"
# Where a container ends with its test, and needs no other container to see to it.
testcontainers_config.ryuk_disabled = True


@dataclass(frozen=True)
class Images:
    """The images that the stack is made of. ``kong`` has both halves of aws-masker in it."""

    kong: str
    nginx: str
    redis: str
    base: str

    def __str__(self) -> str:
        return f"{self.base}, {self.nginx}, {self.redis}"


class Missing(Exception):
    """There is no Docker, or an image cannot be had. The message says which."""


def images() -> Images:
    """Return the images, pulled and built where they are not here yet. Raises Missing."""
    base, nginx, redis = names = [os.environ.get(variable, default) for variable, default in IMAGES.items()]
    with warnings.catch_warnings():
        # The library leaves a socket open with which it found nobody.
        warnings.simplefilter("ignore", ResourceWarning)
        missing = _missing(names)
        gc.collect()
    if missing:
        raise Missing(missing)
    return Images(_built(base), nginx, redis, base)


def _missing(names: Sequence[str]) -> str:
    """Return "" once there are images of these names here, or else why not."""
    try:
        with contextlib.closing(docker.from_env()) as client:
            if client.info().get("OperatingSystem") == "Docker Desktop":
                return "Docker Desktop's containers have no loopback in common with the tests"
            return next((f"Docker is here, but not the image {name}" for name in names if not _have(client, name)), "")
    except DockerException as error:
        return f"no Docker daemon answers: {type(error).__name__}"


def _have(client: docker.DockerClient, name: str) -> bool:
    """Tell whether there is an image of this name here, or has been brought here now."""
    try:
        client.images.get(name)
    except ImageNotFound:
        try:
            client.images.pull(name)
        except APIError:
            return False
    return True


def _built(base: str) -> str:
    image = DockerImage(
        ROOT, tag=KONG_TAG, clean_up=False, dockerfile_path="kong/Dockerfile", buildargs={"KONG_IMAGE": base}, rm=True
    )
    try:
        image.build()
    except (BuildError, APIError) as error:
        message = f"Docker is here, but kong/Dockerfile cannot be built from {base}: {error}"
        raise Missing(message) from None
    finally:
        image.get_docker_client().client.close()
    return KONG_TAG


class Contained:
    """A running container."""

    def __init__(
        self,
        service: str,
        image: str,
        folder: Path,
        *,
        environment: Mapping[str, str],
        command: Sequence[str] | None = None,
        shown: Mapping[Path, str] | None = None,
    ) -> None:
        """Start ``image`` as docker-compose.yml declares ``service``.

        The container may write to ``folder``; ``shown`` are files and folders that it may read, and where.
        """
        self._folder = folder
        folder.chmod(0o777)
        declared = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]
        self._container = (
            DockerContainer(image)
            .with_envs(**environment)
            .with_volume_mapping(folder, str(folder), "rw")
            .with_kwargs(network_mode="host", healthcheck={"test": ["NONE"]}, **_restrictions(declared))
        )
        for path, place in (shown or {}).items():
            self._container.with_volume_mapping(path, place)
        for mount in declared["tmpfs"]:
            place, _, options = mount.partition(":")
            self._container.with_tmpfs_mount(place, options)
        if command := command or declared.get("command"):
            self._container.with_command(list(command))
        self._container.start()

    @property
    def _wrapped(self) -> Any:
        return self._container.get_wrapped_container()

    def log(self, *, stdout: bool = True, stderr: bool = True) -> str:
        """Return what it has printed."""
        printed: bytes = self._wrapped.logs(stdout=stdout, stderr=stderr)
        return printed.decode(errors="replace")

    def run(self, *command: str) -> str:
        """Run a program in it and return what that prints."""
        done = self._container.exec(list(command))
        assert done.exit_code == 0, done.output
        return done.output.decode()

    def signal_children(self, number: signal.Signals, most: int) -> None:
        """Signal at most so many of the processes that its first one has started."""
        children = self.run("cat", "/proc/1/task/1/children").split()
        for child in children[:most]:
            self.run("sh", "-c", f"kill -s {number.name.removeprefix('SIG')} {child}")

    @property
    def is_running(self) -> bool:
        self._container.reload()
        return self._container.status == "running"

    def start(self) -> None:
        """Start it again after ``kill``."""
        self._wrapped.start()

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, at once by default, and return when it has ended; it can be started again."""
        if self.is_running:
            self._wrapped.kill(how.name)
            self._wrapped.wait()

    def pause(self) -> None:
        """Freeze all its processes."""
        self._wrapped.pause()

    def unpause(self) -> None:
        """End ``pause``, if it is paused."""
        self._container.reload()
        if self._container.status == "paused":
            self._wrapped.unpause()

    def stop(self) -> None:
        """End it and remove it. What it wrote, everybody may read and remove."""
        with contextlib.suppress(APIError, AssertionError):
            self.run("sh", "-c", f"chmod -R a+rwX {self._folder}/*")
        self._container.stop()


def _restrictions(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return what docker-compose.yml denies a service, as the engine's API names it."""
    names = ("cap_drop", "security_opt", "read_only", "mem_limit", "pids_limit", "user")
    return {name: declared[name] for name in names if name in declared}
