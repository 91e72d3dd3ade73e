"""The report says what happened: failures as failures, and nothing that was planted."""

import datetime as dt
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from .document import is_untouched, next_path, render
from .findings import CRITERIA, Check, Findings

TESTS = Path(__file__).resolve().parents[1]
REPORTS = TESTS / "test-report"
WHEN = dt.datetime(2026, 1, 31, 10, 11, tzinfo=dt.UTC)


def _findings(*changed: Check) -> Findings:
    """Return findings in which all is well, but for what is ``changed``."""
    found = Findings(facts={"nginx": "1.2.3"})
    for criterion in CRITERIA:
        found.checks += [Check(criterion.section, f"check {n}", {}, "passed", "") for n in range(criterion.least)]
    found.checks += changed
    return found


def _lines(found: Findings) -> list[str]:
    return render(found, "Test", WHEN).splitlines()


def test_when_all_is_well_every_criterion_is_met() -> None:
    found = _findings()
    text = render(found, "Test", WHEN)
    assert found.good
    assert "FAIL" not in text
    assert "**passed**" in text
    assert "| nginx | 1.2.3 |" in text


def test_a_failed_check_shows_as_failed_everywhere() -> None:
    found = _findings(Check("patterns", "VPC", {"masked": "**NO**"}, "failed", "not masked"))
    lines = _lines(found)
    assert not found.good
    assert any("**FAILED**: " in line for line in lines)
    assert any(line.startswith("| VPC |") and line.endswith("| **FAIL** |") for line in lines)
    assert any("50 patterns" in line and line.endswith("| 50 of 51 | **FAIL** |") for line in lines)
    assert "- **patterns, VPC**: not masked" in lines


def test_what_never_ran_is_no_success() -> None:
    lines = _lines(_findings(Check("hops", "Kong")))
    assert any(line.startswith("| Kong |") and line.endswith("| **NOT RUN** |") for line in lines)
    assert any("all hops" in line and line.endswith("| **FAIL** |") for line in lines)


@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda criterion: criterion.section)
def test_too_few_checks_do_not_meet_a_criterion(criterion: object) -> None:
    found = _findings()
    found.checks = [check for check in found.checks if check.section != criterion.section]  # type: ignore[attr-defined]
    assert not found.good
    assert sum(line.endswith("| **FAIL** |") for line in _lines(found)) == 1


def test_what_was_planted_does_not_stand_in_it() -> None:
    found = _findings(
        Check("patterns", "VPC", {"as it arrived at the API": "vpc-0a1b"}, "failed", "vpc-0a1b | was seen")
    )
    found.originals = ("vpc-0a1b",)
    text = render(found, "Test", WHEN)
    assert "vpc-0a1b" not in text
    assert r"(an original) \| was seen" in text


def test_a_change_by_hand_is_seen() -> None:
    text = render(_findings(), "Test", WHEN)
    assert is_untouched(text)
    assert not is_untouched(text.replace("pass", "fail", 1))
    assert not is_untouched(text + "\n")
    assert not is_untouched("all is well\n")


def test_the_next_number_is_free(tmp_path: Path) -> None:
    assert next_path(tmp_path).name == "proxy-integration-test-001.md"
    (tmp_path / "proxy-integration-test-009.md").touch()
    (tmp_path / "README.md").touch()
    assert next_path(tmp_path).name == "proxy-integration-test-010.md"


def test_the_reports_that_are_kept_are_as_the_run_wrote_them() -> None:
    assert [path.name for path in REPORTS.glob("*.md") if not is_untouched(path.read_text())] == []


SUITE = """
import pytest

SECTION = "hops"

def test_it_works(check):
    check.cells["median ms"] = "1.0"

def test_it_fails():
    assert False, "status 502"

def test_it_dies():
    raise ValueError("a value that nobody should see")

@pytest.fixture
def broken():
    raise OSError

def test_it_has_nothing_to_stand_on(broken):
    pass

@pytest.fixture
def breaks_later():
    yield
    raise OSError

def test_it_cannot_clean_up(breaks_later):
    pass

def test_it_is_skipped():
    pytest.skip("install nginx")
"""
CONFTEST = """
from report.plugin import *
from report.plugin import add_option as pytest_addoption
"""


def _run(folder: Path, suite: str, *arguments: str) -> tuple[int, Sequence[str]]:
    """Run a suite of its own with the plugin; return the exit code and the report's lines."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_suite.py").write_text(suite)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--report", "out", "test_suite.py"]
    run = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    (report,) = (folder / "out").glob("*.md")
    assert is_untouched(report.read_text())
    return run.returncode, report.read_text().splitlines()


def test_a_run_writes_each_outcome_as_it_was_and_fails(tmp_path: Path) -> None:
    code, lines = _run(tmp_path, SUITE)
    assert code == 1
    results = {line.split(" | ")[0].removeprefix("| "): line.split(" | ")[-1].removesuffix(" |") for line in lines}
    assert {name: results[name] for name in results if name.startswith("it ")} == {
        "it works": "pass",
        "it fails": "**FAIL**",
        "it dies": "**FAIL**",
        "it has nothing to stand on": "**FAIL**",
        "it cannot clean up": "**FAIL**",
        "it is skipped": "**NOT RUN**",
    }
    assert "- **hops, it fails**: status 502" in lines
    assert "- **hops, it dies**: ValueError" in lines
    assert "- **hops, it is skipped**: install nginx" in lines


def test_a_run_in_which_no_test_fails_but_something_is_missing_fails(tmp_path: Path) -> None:
    code, lines = _run(tmp_path, SUITE, "-k", "works")
    assert code == 1
    assert any("all hops" in line and line.endswith("**FAIL** |") for line in lines)
