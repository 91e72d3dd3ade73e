"""The stack with Kong in a container: the image that kong/Dockerfile makes, with its own settings and user."""

import contextlib
import json
import shlex
import signal
from pathlib import Path

import yaml
from containers import ROOT, Contained, Images
from server_process import ServerProcess
from stacks import Setup, answers, free_port, is_served, server_command, wait_for

PYTHON = "/opt/aws-masker/bin/python"
TESTS = ROOT / "tests/kong"
START_SECONDS = 60.0


class DockerKong:
    """A container of Kong's, for one test or for several."""

    def __init__(self, setup: Setup, folder: Path, images: Images) -> None:
        """Start it, and return when it serves, or at least answers where the setup cannot serve."""
        self.folder = folder
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        (folder / "kong.yml").write_text(yaml.safe_dump(setup.declared(folder)))
        self._socket = str(folder / "aws-masker.socket")
        settings = {
            "PREFIX": str(folder),
            "DECLARATIVE_CONFIG": str(folder / "kong.yml"),
            "PROXY_LISTEN": f"127.0.0.1:{port}",
            "ADMIN_LISTEN": "off",
            "STATUS_LISTEN": "off",
            "MEM_CACHE_SIZE": "16m",
            "LOG_LEVEL": setup.log_level,
            "TRUSTED_IPS": "127.0.0.1/32",
            "PLUGINSERVER_AWS_MASKER_SOCKET": self._socket,
            "PLUGINSERVER_AWS_MASKER_START_CMD": shlex.join(
                [*server_command(folder, PYTHON), "--socket", self._socket, *setup.server]
            ),
        }
        environment = {**{f"KONG_{name}": value for name, value in settings.items()}, **setup.environment()}
        self._container = Contained("kong", images.kong, folder, environment=environment, shown={TESTS: str(TESTS)})
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            wait_for(lambda: self._is_ready(setup), START_SECONDS)
            undo.pop_all()

    def error_log(self) -> str:
        """Return what the container has printed: Kong's error log is linked there."""
        return self._container.log()

    def server(self) -> ServerProcess | None:
        found = json.loads(self._look())
        return found and ServerProcess(**found)

    def signal_server(self, number: signal.Signals) -> None:
        self._look(str(number.value))

    def signal_workers(self, number: signal.Signals, most: int) -> None:
        self._container.signal_children(number, most)

    def stop(self) -> None:
        self._container.stop()

    def _is_ready(self, setup: Setup) -> bool:
        assert self._container.is_running, self.error_log()
        return is_served(self) if setup.serves else answers(self)

    def _look(self, *arguments: str) -> str:
        return self._container.run(PYTHON, "-I", str(TESTS / "server_process.py"), self._socket, *arguments)
