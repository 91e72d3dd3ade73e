"""The command that reads the audit: who sent what when, as a table, as JSON, or in sums."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aws_masker.audit.events import Event, Gap, Restored, line_of
from aws_masker.audit.read import events, file_lines, lines
from aws_masker.audit.record import OUTCOMES, AuditRecord
from aws_masker.audit.summary import BY, Wanted, moment_of, summary_of
from aws_masker.cli.bodies import show
from aws_masker.cli.settings import given_value
from aws_masker.errors import SettingsError

# Column and width; the last one takes the rest of the line.
_COLUMNS: Final = (
    ("time", 19), ("request", 8), ("session", 8), ("tenant", 12), ("model", 24), ("outcome", 28), ("masked", 6),
    ("restored", 8), ("unresolved", 10), ("ms", 7), ("families", 0),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``aws-masker audit``."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="a file of records or Kong's log, - for standard input")
    parser.add_argument(
        "--since", metavar="WHEN", help="a time (2026-03-01, 2026-03-01T12:00) or how long ago (12h, 7d)"
    )
    parser.add_argument("--until", metavar="WHEN", help="likewise; this moment itself is left out")
    parser.add_argument("--session", action="append", default=[], metavar="ID", help="an id, or how it begins")
    parser.add_argument(
        "--tenant", dest="of_tenant", action="append", default=[], metavar="NAME", help="whose identifiers"
    )
    parser.add_argument("--kind", action="append", default=[], metavar="NAME", help="a kind or family that was masked")
    parser.add_argument(
        "--outcome", action="append", default=[], metavar="NAME", help=f"{', '.join(OUTCOMES)}; a reason"
    )
    parser.add_argument("--by", choices=tuple(BY), help="print sums instead of records")
    parser.add_argument("--follow", action="store_true", help="go on with what comes")
    parser.add_argument("--body", metavar="ID", help="print what is kept of the request with this id (record_bodies)")
    parser.add_argument("--part", choices=("sent", "answered"), default="sent", help="of a body (default: sent)")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each record or sum")


def audit(parsed: argparse.Namespace) -> int:
    """Print the records, or sums of them, that the arguments ask for."""
    if parsed.body:
        return show(parsed)
    if parsed.follow and parsed.by:
        message = "--follow goes with records, not with sums: leave --by out"
        raise SettingsError(message)
    damaged = _Damaged()
    wanted = _wanted(parsed)
    found = (one for one in events(_lines(parsed), damaged.count) if one in wanted)
    if parsed.by:
        _print_sums(summary_of(parsed.by, found).rows(), as_json=parsed.json)
    elif parsed.json:
        for one in found:
            print(line_of(one), flush=parsed.follow)
    else:
        _print_events(found, flush=parsed.follow)
    damaged.tell()
    return 0


class _Damaged:
    """Counts lines that say nothing."""

    def __init__(self) -> None:
        self._number = 0

    def count(self) -> None:
        self._number += 1

    def tell(self) -> None:
        if self._number:
            print(f"aws-masker: {self._number} lines are no records, and were left out", file=sys.stderr)


def _lines(parsed: argparse.Namespace) -> Iterable[bytes]:
    if parsed.file == "-":
        return sys.stdin.buffer
    if parsed.file:
        return file_lines(Path(parsed.file).expanduser(), follow=parsed.follow)
    return lines(given_value(parsed, "audit"), follow=parsed.follow)


def _wanted(parsed: argparse.Namespace) -> Wanted:
    return Wanted(
        _moment(parsed, "since"),
        _moment(parsed, "until"),
        tuple(parsed.session),
        tuple(parsed.of_tenant),
        tuple(parsed.kind),
        tuple(parsed.outcome),
    )


def _moment(parsed: argparse.Namespace, name: str) -> datetime | None:
    text = getattr(parsed, name)
    try:
        return moment_of(text, datetime.now(UTC)) if text else None
    except ValueError:
        message = f"--{name}: expected a time such as 2026-03-01 or 2026-03-01T12:00, or how long ago: 12h, 7d"
        raise SettingsError(message) from None


def _print_events(found: Iterable[Event], *, flush: bool) -> None:
    print("  ".join(name.ljust(width) for name, width in _COLUMNS).rstrip(), flush=flush)
    for one in found:
        cells = _cells(one)
        row = "  ".join(str(cells.get(name, "")).ljust(width) for name, width in _COLUMNS)
        print(row.rstrip(), flush=flush)


def _cells(event: Event) -> dict[str, Any]:
    cells: dict[str, Any] = {"time": event.time[:19]}
    if isinstance(event, Gap):
        cells |= {"outcome": f"gap: {event.lost} records lost"}
    elif isinstance(event, Restored):
        cells |= {"request": event.request_id[:8], "tenant": event.tenant, "outcome": f"shown in clear to {event.by}"}
        cells |= {"restored": event.restored, "unresolved": event.unresolved}
    else:
        cells |= _cells_of_record(event)
    return cells


def _cells_of_record(record: AuditRecord) -> dict[str, Any]:
    families = sorted(record.families.items(), key=lambda one: (-one[1], one[0]))
    return {
        "request": record.request_id[:8],
        "session": (record.session or "-")[:8],
        "tenant": record.tenant or "-",
        "model": record.model or "-",
        "outcome": record.outcome + (f" ({record.reason})" if record.reason else ""),
        "masked": record.masked,
        "restored": record.restored,
        "unresolved": record.unresolved,
        "ms": round(record.ms.get("total", 0)),
        "families": ", ".join(f"{name} {count}" for name, count in families),
    }


def _print_sums(rows: Iterator[dict[str, Any]], *, as_json: bool) -> None:
    found: Sequence[dict[str, Any]] = list(rows)
    if as_json:
        for row in found:
            print(json.dumps(row, separators=(",", ":")))
        return
    if not found:
        print("no records")
        return
    table = [list(found[0]), *([str(cell) for cell in row.values()] for row in found)]
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    for first, *numbers in table:
        cells = (cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True))
        print("  ".join((first.ljust(widths[0]), *cells)))
