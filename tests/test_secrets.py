"""Secrets: the key and Redis's password are seen by nobody whom they were not given to."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aws_masker.errors import SettingsError
from aws_masker.settings_load import load
from gateway_lab import KEY
from masking import OTHER_KEY

PASSWORD = "made-up-password-of-redis"
SECONDS = 30
linux = pytest.mark.skipif(sys.platform != "linux", reason="this machine is no Linux: it has no /proc")


@contextmanager
def running_gateway(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `aws-masker gateway` with all its secrets in the environment, until it listens, and end it."""
    environment = {
        **os.environ,
        "AWS_MASKER_KEY": KEY,
        "AWS_MASKER_ACCEPTED_KEYS": OTHER_KEY,
        # Nobody is there; nobody has to be.
        "AWS_MASKER_VAULT": f"redis://default:{PASSWORD}@127.0.0.1:1/0",
        "AWS_MASKER_UPSTREAM": "http://127.0.0.1:1",
        "XDG_STATE_HOME": str(tmp_path),
    }
    command = [sys.executable, "-m", "aws_masker", "gateway", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def told_until_listening(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    told = ""
    for line in process.stderr:
        told += line
        if "export ANTHROPIC_BASE_URL" in line:
            return told
    raise AssertionError(told)


@linux
def test_neither_the_list_of_processes_nor_the_output_shows_a_secret(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as process:
        told = told_until_listening(process)
        status = b"".join(Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("cmdline", "comm", "status"))
        process.send_signal(signal.SIGTERM)
        told += "".join(process.communicate(timeout=SECONDS))
    for secret in (KEY, OTHER_KEY, PASSWORD):
        assert secret not in told
        assert secret.encode() not in status


@linux
def test_the_gateway_leaves_no_image_of_its_memory_and_hides_its_environment(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as process:
        told_until_listening(process)
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        (core,) = (line.split() for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core[4:6] == ["0", "0"]
        process.send_signal(signal.SIGABRT)
        process.communicate(timeout=SECONDS)
        assert process.returncode == -signal.SIGABRT
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("core")] == []


@linux
def test_a_process_that_forbids_it_is_not_dumped_whatever_the_kernel_does_with_core_files() -> None:
    program = (
        "import ctypes, resource; from aws_masker import coredumps; coredumps.forbid();"
        "print(ctypes.CDLL(None).prctl(3), *resource.getrlimit(resource.RLIMIT_CORE))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["0", "0", "0"]


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{PASSWORD}@127.0.0.1:6379/0",
        f"rediss://user:{PASSWORD}@redis.example/1",
        f"redis+sentinel://:{PASSWORD}@a.example,b.example/main",
    ],
)
def test_a_password_on_the_command_line_is_refused_with_the_remedy(url: str) -> None:
    with pytest.raises(SettingsError, match="AWS_MASKER_VAULT_PASSWORD") as caught:
        load({"vault": url}, {"AWS_MASKER_KEY": KEY})
    assert PASSWORD not in str(caught.value)
    assert load({}, {"AWS_MASKER_KEY": KEY, "AWS_MASKER_VAULT": url}).settings.vault == url
    named = url.replace(f":{PASSWORD}@", "@")
    assert load({"vault": named}, {"AWS_MASKER_KEY": KEY}).settings.vault == named


def test_the_doctor_takes_no_password_on_the_command_line_either() -> None:
    command = [sys.executable, "-m", "aws_masker", "doctor", "--redis", f"redis://:{PASSWORD}@127.0.0.1:1/0"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, PASSWORD in ended.stderr + ended.stdout) == (2, False)
    assert "AWS_MASKER_VAULT" in ended.stderr
