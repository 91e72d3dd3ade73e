"""The chain that the end-to-end run measures. The API behind it says back what it was told, word for word."""

from collections.abc import Iterator

import pytest
from choice import Choice, choice
from whole_chain import Chain, whole_chain

from aws_masker.fake_api.answers import Block, Request, last_text
from e2e import estate
from e2e.npm_clients import claude_executable, node_modules
from patterns import PATTERNS

from . import versions
from .findings import Findings
from .plugin import (
    check,
    findings,
    pytest_collection_modifyitems,
    pytest_runtest_makereport,
    pytest_sessionfinish,
    thorough,
)

__all__ = [
    "check",
    "choice",
    "claude_executable",
    "findings",
    "node_modules",
    "pytest_collection_modifyitems",
    "pytest_runtest_makereport",
    "pytest_sessionfinish",
    "thorough",
]


@pytest.fixture(scope="session")
def chain(choice: Choice, tmp_path_factory: pytest.TempPathFactory, findings: Findings) -> Iterator[Chain]:
    """Run the chain that all tests here share. Whoever breaks it mends it."""
    findings.originals = (*{one for pattern in PATTERNS for one in pattern.originals}, *estate.ORIGINALS)
    with whole_chain(choice, tmp_path_factory) as running:
        running.api.script = say_back
        findings.facts.update(versions.of_chain(choice, running))
        yield running


def say_back(request: Request) -> list[Block]:
    """Answer with what the user said."""
    return [{"type": "text", "text": last_text(request)}]
