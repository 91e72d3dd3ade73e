"""What a run ran on: the parts of the stack and their versions; of the machine, only its kind and how busy it was."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from choice import Choice
from whole_chain import Chain

from aws_masker import catalogue

_NUMBER = re.compile(r"\d+(?:\.\d+)+")


def of_chain(choice: Choice, chain: Chain) -> dict[str, str]:
    """Return the parts of a running chain, by name."""
    with chain.redis.admin() as admin:
        server = admin.info("server")
    store = "valkey" if "valkey_version" in server else "redis"
    families = len(catalogue.load().names)
    return {
        "aws-masker": f"{version('kong-aws-masker')}, {families} families of identifiers",
        "nginx": nginx(choice),
        "Kong": kong(choice),
        "Kong's plugin server": f"kong-pdk {version('kong-pdk')}",
        store.capitalize(): server[f"{store}_version"],
        "Python": platform.python_version(),
        "Claude API": "the fake one of this repository",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
    }


def nginx(choice: Choice) -> str:
    """Return which nginx it is."""
    if choice.images is not None:
        return f"image {choice.images.nginx}"
    return printed([str(shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")), "-v"])


def kong(choice: Choice) -> str:
    """Return which Kong it is."""
    if choice.images is not None:
        return f"image {choice.images.base}"
    return f"kong {printed(['kong', 'version'])}" if choice.kind == "kong" else f"{choice.kind} for Kong 3.9"


def claude_code(executable: Path) -> str:
    """Return the version of Claude Code."""
    return printed([str(executable), "--version"])


def printed(command: Sequence[str]) -> str:
    """Return the version number that a command prints."""
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found = _NUMBER.search(run.stdout + run.stderr)
    return found[0] if found else "unknown"
