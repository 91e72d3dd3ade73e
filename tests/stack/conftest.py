"""Kong, or what stands in for it, comes from the tests of the Kong plugins, Claude Code from the end-to-end tests."""

import sys
from pathlib import Path

from e2e.npm_clients import claude_executable, node_modules

sys.path.append(str(Path(__file__).resolve().parents[1] / "kong"))

from choice import choice, start_redis

__all__ = ["choice", "claude_executable", "node_modules", "start_redis"]
