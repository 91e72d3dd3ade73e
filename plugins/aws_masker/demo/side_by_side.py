"""Two texts next to each other in a terminal, wrapped, with some parts of them coloured."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BETWEEN: Final = " │ "
_RESET: Final = "\x1b[0m"
_BOLD: Final = "\x1b[1m"


@dataclass(frozen=True, slots=True)
class Column:
    """A text with its title; what ``marks`` finds in it stands out by ``colour``, an ANSI sequence."""

    title: str
    text: str
    marks: re.Pattern[str]
    colour: str


def side_by_side(left: Column, right: Column, width: int, *, colour: bool) -> Iterator[str]:
    """Yield the lines of both columns in ``width`` characters, with escape sequences if ``colour``."""
    half = (width - len(_BETWEEN)) // 2
    titles = [f"{column.title:{half}}" for column in (left, right)]
    yield _BETWEEN.join(f"{_BOLD}{title}{_RESET}" if colour else title for title in titles).rstrip()
    sides = [list(_lines(column, half, colour=colour)) for column in (left, right)]
    for one, other in itertools.zip_longest(*sides, fillvalue=" " * half):
        yield f"{one}{_BETWEEN}{other}".rstrip()


def wrap(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of the lines of ``text``: at most ``width`` characters each, broken at spaces if possible."""
    start = 0
    for paragraph in text.split("\n"):
        low, high = start, start + len(paragraph)
        while high - low > width:
            space = text.rfind(" ", low, low + width + 1)
            end = space if space > low else low + width
            yield low, end
            low = end + 1 if end == space else end
        yield low, high
        start = high + 1


def _lines(column: Column, width: int, *, colour: bool) -> Iterator[str]:
    marked = [match.span() for match in column.marks.finditer(column.text)] if colour else []
    for start, end in wrap(column.text, width):
        line = ""
        at = start
        for low, high in marked:
            first, last = max(low, start), min(high, end)
            if first < last:
                line += f"{column.text[at:first]}{column.colour}{column.text[first:last]}{_RESET}"
                at = last
        yield line + column.text[at:end] + " " * (width - (end - start))
