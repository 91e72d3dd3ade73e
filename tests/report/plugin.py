"""What makes pytest write the report: each test of a module with a ``SECTION`` is one check of that section.

A test gets its check as the fixture ``check``, to put into it what it measures. How it went is pytest's to say: the
hooks here take the outcome over. With ``--report FOLDER`` the report is written there when the run ends, and a run
whose criteria are not all met fails even if no test did.
"""

import datetime as dt
from collections.abc import Generator
from pathlib import Path

import pytest

from .document import next_path, render
from .findings import Check, Findings

_FINDINGS = pytest.StashKey[Findings]()
_CHECK = pytest.StashKey[Check]()

__all__ = [
    "check",
    "findings",
    "pytest_collection_modifyitems",
    "pytest_runtest_makereport",
    "pytest_sessionfinish",
    "thorough",
]


def add_option(parser: pytest.Parser) -> None:
    """Add ``--report`` to pytest's options."""
    parser.addoption("--report", metavar="FOLDER", help="measure thoroughly, and write a report into this folder")


def _of(config: pytest.Config) -> Findings:
    return config.stash.setdefault(_FINDINGS, Findings())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Make a check for every test that is to run."""
    for item in items:
        section = getattr(getattr(item, "module", None), "SECTION", None)
        if section is not None and _CHECK not in item.stash:
            name = item.callspec.id if hasattr(item, "callspec") else item.name.removeprefix("test_").replace("_", " ")
            item.stash[_CHECK] = Check(section, name)
            _of(config).checks.append(item.stash[_CHECK])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take the outcome of a phase over into the check. A failure in any phase stays one."""
    report = yield
    found = item.stash.get(_CHECK, None)
    if found is not None and found.outcome != "failed":
        if report.skipped:
            found.outcome, found.problem = "not run", _reason(call)
        elif report.failed:
            found.outcome, found.problem = "failed", _reason(call)
        elif report.when == "call":
            found.outcome, found.problem = "passed", ""
    return report


def _reason(call: pytest.CallInfo[None]) -> str:
    """Return what a test failed with. Of errors that no check raised only the kind: their texts could be anything."""
    error = call.excinfo.value if call.excinfo else None
    told = str(error).strip().partition("\n")[0] if isinstance(error, (AssertionError, pytest.skip.Exception)) else ""
    return told or type(error).__name__


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report, where one is asked for."""
    folder = session.config.getoption("--report")
    if folder is None or session.config.getoption("collectonly"):
        return
    found = _of(session.config)
    Path(folder).mkdir(parents=True, exist_ok=True)
    path = next_path(Path(folder))
    title = f"Proxy integration test {path.stem.rpartition('-')[2]}"
    path.write_text(render(found, title, dt.datetime.now(dt.UTC)))
    if not found.good:
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"\n{path}: {'all criteria met' if found.good else 'FAILED'}")


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Check:
    """Return the check of this test."""
    found: Check = request.node.stash[_CHECK]
    return found


@pytest.fixture(scope="session")
def findings(request: pytest.FixtureRequest) -> Findings:
    """Return all that this run found so far."""
    return _of(request.config)


@pytest.fixture(scope="session")
def thorough(request: pytest.FixtureRequest) -> bool:
    """Return whether a report is written: then everything is measured often enough to mean something."""
    return request.config.getoption("--report") is not None
