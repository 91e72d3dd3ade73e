"""Fixtures for all tests, and the rule that CI skips nothing that it could have run.

With ``AWS_MASKER_CI`` set, a skipped test is a failed one: what was missing, ``.ci/run`` has to install. Only what
needs a machine that CI is not (a reason that begins with one of ``ALLOWED_SKIPS``) stays a skip.
"""

import os
from collections.abc import Generator

import hypothesis
import pytest

from aws_masker import Masker
from masking import masker
from redis_fixture import redis_server, start_redis
from report import plugin as report

__all__ = ["redis_server", "start_redis"]

# Tests that stand in a class for several modules; pytest would not explain their assertions otherwise.
pytest.register_assert_rewrite("e2e.conversation_tests")

# No example has a deadline: the first one of a process compiles the catalogue, and the machine may be busy.
hypothesis.settings.register_profile("suite", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("suite")
# Many times as many examples as usual, for `make fuzz`.
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=5_000, print_blob=True)

ALLOWED_SKIPS = ("stack: ", "this machine has no IPv6")
"""``stack``: what needs the containers of the whole chain."""


@pytest.fixture(scope="module")
def one() -> Generator[Masker, None, None]:
    """Return a masker with the default settings, for the tests of one module."""
    with masker() as made:
        yield made


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of what stands in Kong's place (by default the best that is there), and of a report."""
    parser.addoption(
        "--stack", choices=("docker", "kong", "stand-in"), help="what the tests of the Kong plugins run on"
    )
    parser.addoption("--soak", type=int, default=240, metavar="N", help="how many requests the soak is of")
    report.add_option(parser)


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> str:
    """Say what the tests of the Kong plugins run on, and why, where there are such."""
    if not any("choice" in getattr(item, "fixturenames", ()) for item in items):
        return ""
    from choice import described  # noqa: PLC0415 - from tests/kong, which such tests have put on the path

    return f"aws-masker stack: {described(config)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where ``AWS_MASKER_CI`` asks for it."""
    report = yield
    if not hasattr(report, "wasxfail"):
        _no_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for modules that skip themselves."""
    report = yield
    _no_skip(report)
    return report


def _no_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or not os.environ.get("AWS_MASKER_CI"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(ALLOWED_SKIPS):
        report.outcome = "failed"
        report.longrepr = f"skipped, and AWS_MASKER_CI allows no skip that an installation prevents: {reason}"
