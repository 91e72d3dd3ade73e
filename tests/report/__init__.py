"""The end-to-end run that writes the report: ``make report``.

It has no harness of its own: nginx and the whole chain come from tests/stack, Kong and what stands in for it from
tests/kong, Claude Code from tests/e2e, bodies from benchmarks.
"""

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(_TESTS / "kong"), str(_TESTS / "stack"), str(_TESTS.parent)]
