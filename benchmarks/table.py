"""Tables of figures: made once, printed as text or written as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """A title, columns, rows of cells, and what a reader has to know about them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    notes: str = field(default="")

    def text(self) -> str:
        """Return the table for a terminal."""
        lines = [self.columns, *self._cells()]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.columns))]
        out = [self.title, ""]
        for line in lines:
            first, *rest = (
                cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in _wide(line, widths)
            )
            out.append("  ".join((first, *rest)).rstrip())
        return "\n".join([*out, *(["", self.notes] if self.notes else [])]) + "\n"

    def markdown(self) -> str:
        """Return the table as a section of a page."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = ["| " + " | ".join(line) + " |" for line in (self.columns, rule, *self._cells())]
        return "\n".join([f"## {self.title}", "", *lines, *(["", self.notes] if self.notes else [])]) + "\n"

    def _cells(self) -> list[list[str]]:
        return [[_cell(cell) for cell in row] for row in self.rows]


def _wide(line: Sequence[str], widths: Sequence[int]) -> "enumerate[tuple[str, int]]":
    return enumerate(zip(line, widths, strict=True))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)
