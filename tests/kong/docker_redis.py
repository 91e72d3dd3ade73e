"""Redis in a container, with what the tests do to the one that is a process of their own."""

import signal
from pathlib import Path

import redis
from containers import Contained, Images
from stacks import wait_for

from redis_fixture import RedisServer


class DockerRedis(RedisServer):
    """A container of the image that docker-compose.yml names, with the command line of the test's choice."""

    def __init__(self, images: Images, folder: Path, *options: str) -> None:
        self._images = images
        self._container: Contained | None = None
        super().__init__(folder, *options)

    def start(self) -> None:
        if self._container is None:
            command = self.command("redis-server")
            self._container = Contained("redis", self._images.redis, self.folder, environment={}, command=command)
        else:
            self._container.start()
        wait_for(self._is_ready)

    def freeze(self) -> None:
        self._running.pause()

    def thaw(self) -> None:
        self._running.unpause()

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it; its files stay, for ``start``."""
        self._running.unpause()
        self._running.kill(how)

    def end(self) -> None:
        self._running.stop()

    def told(self) -> str:
        self.stop(signal.SIGTERM)
        return self._running.log()

    @property
    def _running(self) -> Contained:
        assert self._container is not None
        return self._container

    def _is_ready(self) -> bool:
        assert self._running.is_running, self._running.log()
        try:
            with self.admin() as admin:
                return bool(admin.ping())
        except redis.AuthenticationError:  # it wants a password of those whom it serves
            return True
        except redis.RedisError:
            return False
