"""The clients of package-lock.json, installed once into the user's cache, outside the checkout."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INSTALL_SECONDS = 600


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Return the folder of the clients. Skips where there is no Node.js."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are missing: install Node.js 20 or newer (https://nodejs.org)")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aws-masker-e2e"
    lock = (HERE / "package-lock.json").read_bytes()
    installed = cache / hashlib.sha256(lock).hexdigest()[:16]
    if not installed.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as building:
            _install(npm, Path(building))
            # Whole or not at all; where another run was faster, its result is as good.
            with contextlib.suppress(OSError):
                Path(building).rename(installed)
                Path(building).mkdir()
    return installed / "node_modules"


@pytest.fixture(scope="session")
def claude_executable(node_modules: Path) -> Path:
    """Return the Claude Code command line."""
    return node_modules / ".bin" / "claude"


def _install(npm: str, folder: Path) -> None:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, folder)
    subprocess.run([npm, "ci"], cwd=folder, check=True, timeout=INSTALL_SECONDS, capture_output=True)
    # npm may hold install scripts back; this one puts the native executable in its place, and may run twice.
    script = folder / "node_modules/@anthropic-ai/claude-code/install.cjs"
    subprocess.run(["node", script], check=True, timeout=INSTALL_SECONDS, capture_output=True)
