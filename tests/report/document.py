"""Findings as a document, which ends in a checksum of itself: what somebody changed by hand does not verify."""

import datetime as dt
import hashlib
import re
from pathlib import Path

from .findings import CRITERIA, SECTIONS, Check, Criterion, Findings, Section

NAME = "proxy-integration-test-{:03}.md"
_NUMBERED = re.compile(r"proxy-integration-test-(\d{3,})\.md")
_CHECKSUM = "<!-- sha256 of all above: {} -->\n"
_HIDDEN = "(an original)"


def next_path(folder: Path) -> Path:
    """Return the path of the next report: the number after the highest one that there is."""
    numbers = [int(found[1]) for path in folder.glob("*.md") if (found := _NUMBERED.fullmatch(path.name))]
    return folder / NAME.format(max(numbers, default=0) + 1)


def render(findings: Findings, title: str, when: dt.datetime) -> str:
    """Return the report as Markdown."""
    passed = len(findings.checks) - len(findings.problems)
    verdict = f"**{'passed' if findings.good else 'FAILED'}**: {passed} of {len(findings.checks)} checks passed."
    parts = [
        f"# {title}",
        f"Written by `make report` on {when:%Y-%m-%d %H:%M} UTC from what the run measured. {verdict}",
        "## Success criteria",
        _table(("criterion", "checks that passed", "result"), [_met(findings, one) for one in CRITERIA]),
        "## Stack",
        _table(("part", "version"), list(findings.facts.items())),
        *(part for section in SECTIONS for part in _section(section, list(findings.of(section.key)))),
        "## Issues found",
        _issues(findings),
    ]
    text = "\n\n".join(parts) + "\n"
    for original in sorted(findings.originals, key=len, reverse=True):
        text = text.replace(original, _HIDDEN)
    return text + "\n" + _CHECKSUM.format(hashlib.sha256(text.encode()).hexdigest())


def is_untouched(report: str) -> bool:
    """Tell whether the checksum at the end of a report is that of the rest."""
    text, _, last = report.rpartition("\n<!--")
    return "<!--" + last == _CHECKSUM.format(hashlib.sha256(text.encode()).hexdigest())


def _met(findings: Findings, criterion: Criterion) -> tuple[str, str, str]:
    checks = list(findings.of(criterion.section))
    passed = sum(one.outcome == "passed" for one in checks)
    return criterion.text, f"{passed} of {len(checks)}", "pass" if criterion.met(checks) else "**FAIL**"


def _section(section: Section, checks: list[Check]) -> list[str]:
    rows = [(one.name, *(one.cells.get(column, "") for column in section.columns), _result(one)) for one in checks]
    table = _table((section.of, *section.columns, "result"), rows) if rows else "**Nothing was checked.**"
    return [f"## {section.title}", section.intro, table]


def _result(check: Check) -> str:
    return "pass" if check.outcome == "passed" else f"**{'FAIL' if check.outcome == 'failed' else 'NOT RUN'}**"


def _issues(findings: Findings) -> str:
    if not findings.problems:
        return "None in this run. What is known not to be covered stands in [docs/gaps.md](../../docs/gaps.md)."
    return "\n".join(f"- **{one.section}, {_cell(one.name)}**: {_cell(one.problem)}" for one in findings.problems)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
