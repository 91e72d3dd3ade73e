"""The stack with the ``kong`` on PATH: its own prefix, loopback ports, and the environment that kong.yml says."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import yaml
from server_process import ServerProcess, find, send, send_to_workers
from stacks import ROOT, SOCKET_TIMEOUT, Setup, free_port, is_served, server_command, wait_for


class RealKong:
    """Kong, started for one test or for several."""

    def __init__(self, setup: Setup, folder: Path) -> None:
        """Start it, and return when it serves, or at least answers where the setup cannot serve."""
        self.folder = folder
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        admin = free_port()
        self.admin_url = f"http://127.0.0.1:{admin}"
        (folder / "kong.yml").write_text(yaml.safe_dump(setup.declared(folder)))
        self._socket = str(folder / "aws-masker.socket")
        server = server_command(folder)
        settings = {
            "PREFIX": str(folder),
            "DATABASE": "off",
            "DECLARATIVE_CONFIG": str(folder / "kong.yml"),
            "PLUGINS": "bundled,aws-masker,aws-masker-filter",
            "LUA_PACKAGE_PATH": f"{ROOT}/?.lua;;",
            "PROXY_LISTEN": f"127.0.0.1:{port}",
            "ADMIN_LISTEN": f"127.0.0.1:{admin}",
            "ADMIN_GUI_LISTEN": "off",
            "STATUS_LISTEN": "off",
            "STREAM_LISTEN": "off",
            "NGINX_WORKER_PROCESSES": "2",
            "ANONYMOUS_REPORTS": "off",
            "MEM_CACHE_SIZE": "16m",
            "TRUSTED_IPS": "127.0.0.1/32",
            "LOG_LEVEL": setup.log_level,
            **{f"ERROR_TEMPLATE_{kind}": f"{ROOT}/kong/error.json" for kind in ("JSON", "PLAIN", "HTML")},
            "PLUGINSERVER_NAMES": "aws-masker",
            "PLUGINSERVER_AWS_MASKER_SOCKET": self._socket,
            "PLUGINSERVER_AWS_MASKER_START_CMD": shlex.join([*server, "--socket", self._socket, *setup.server]),
            "PLUGINSERVER_AWS_MASKER_QUERY_CMD": shlex.join([sys.executable, "-m", "aws_masker.kong.server", "--dump"]),
            "NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE": "1m",
            "NGINX_HTTP_LUA_SOCKET_READ_TIMEOUT": f"{SOCKET_TIMEOUT}s",
            "NGINX_HTTP_LUA_SOCKET_SEND_TIMEOUT": f"{SOCKET_TIMEOUT}s",
        }
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("KONG_", "AWS_MASKER_"))},
            **{f"KONG_{name}": value for name, value in settings.items()},
            **setup.environment(),
        }
        self._run("start")
        with contextlib.ExitStack() as stack:
            stack.callback(self.stop)
            wait_for(lambda: is_served(self) or not setup.serves)
            stack.pop_all()

    def error_log(self) -> str:
        """Return Kong's error log."""
        return (self.folder / "logs/error.log").read_text(errors="replace")

    def server(self) -> ServerProcess | None:
        return find(self._socket)

    def signal_server(self, number: signal.Signals) -> None:
        send(self._socket, number)

    def signal_workers(self, number: signal.Signals, most: int) -> None:
        send_to_workers(int((self.folder / "pids/nginx.pid").read_text()), number, most)

    def stop(self) -> None:
        """Stop Kong, which stops the plugin server."""
        self._run("stop")

    def _run(self, command: str) -> None:
        # No pipes: Kong's workers would keep them open.
        with (self.folder / "command.log").open("a") as log:
            code = subprocess.call(["kong", command], env=self._environment, stdout=log, stderr=log, timeout=60)
        assert code == 0, (self.folder / "command.log").read_text()
