r"""Tables: values of which the header of their column says what they are.

CSV and tab-separated values, Markdown, the tables that the AWS CLI and SQL clients draw, and columns set apart by two
or more blanks as kubectl and docker print them. Rows count as long as they have as many cells as the header has; widths
do not matter, for what stands in a cell may be replaced by something longer.

Tables inside JSON strings have ``\n`` and ``\t`` for line breaks and tabs.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from aws_masker.joints import END, VALUE
from aws_masker.re2c import Pattern, Span
from aws_masker.tokens import TAIL_PATTERN
from aws_masker.values import Value

MAX_LINE: Final = 4096
_TITLE: Final = Pattern(r"[A-Za-z_#][A-Za-z0-9_ .()/#%:-]{0,60}")
# Columns set apart by blanks: titles in capitals, or capitalised.
_BLANK_TITLE: Final = Pattern(
    r"[A-Z][A-Z0-9_ .()/#%-]{0,60}|[A-Z][A-Za-z0-9-]{0,40}(?: [A-Z][A-Za-z0-9-]{0,40}){0,4}|[a-z]+(?:_[a-z]+){0,4}"
    r"|@?[a-z]+(?:[A-Z][A-Za-z]*){0,6}(?:\.[A-Za-z]+){0,5}|_[a-z]+"
)
# A statement of a program, whose commas separate no cells.
_STATEMENT: Final = Pattern(r"[ \t]*(?:from|import|export|use|return|def|select|SELECT|insert|INSERT|with) .*")
_SURE: Final = Pattern(r"[A-Z].*|.*_.*|[a-z]+[A-Z].*[a-z]\.[a-z]+[A-Z].*|[a-z]+[A-Z][a-zA-Z]*\.[a-z]+")
_RULE: Final = Pattern(r"[-|+=: \t]*--[-|+=: \t]*")
# A key of the API, beside its value.
_KEY: Final = Pattern(r"[A-Z][A-Za-z0-9]+|[a-z]+(?:[A-Z][A-Za-z0-9]+)+")
# A path before a title's last name, backwards: requestParameters.
_PATH_END: Final = Pattern(r"\.[A-Za-z.]*")
# Words of a title before those that are a key: line_item_usage_account_id, UsageAccountId.
_OF_WORDS: Final = b"_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_WORD_BEFORE: Final = Pattern(r"[A-Z]*[a-z0-9]*_*")
_PAIR: Final = 2
_BLANKS: Final = Pattern(r"(?: {2,}\t*|\t+ *)")
_QUOTED_CELL: Final = Pattern(r"[ ]*\\*\"(?:[^\"\\]|\"\")*\\*\"[ ]*")
_BEFORE_TITLE: Final = (b"", b"\n", b"|", b",", b";", b"\t", END, VALUE)
_EDGES: Final = b" \t\"'`*"
# No title has one, whatever it was before it was masked.
_TOKEN: Final = Pattern(TAIL_PATTERN)
_ESCAPED: Final = b"\\n"


class Column(NamedTuple):
    """A column of which the title is a key: the places of its families, and its values."""

    families: list[int]
    values: list[Value]


class Table(NamedTuple):
    """Columns with keys for titles, and where the table ends."""

    columns: list[Column]
    end: int


def titled(text: bytes, at: int) -> bool:
    """Tell whether a title of a column may begin at ``at``, by what stands before it."""
    before = text[max(0, at - 80) : at]
    if text[at - 1 : at] == b"_" or (text[at : at + 1].isupper() and text[at - 1 : at].islower()):
        before = before.rstrip(_OF_WORDS)
    if before.endswith(b"."):
        before = before[: max(0, _PATH_END.match(before[::-1], 0)) * -1]
    stripped = before.rstrip(b"\"'`* ")
    return stripped[-1:] in _BEFORE_TITLE or len(before) - len(stripped) > 1 or stripped.endswith((_ESCAPED, b"\\t"))


def has_words(title: bytes) -> bool:
    """Tell whether a title has several words with underscores or humps."""
    return b"_" in title or (title.isalpha() and not title[1:].islower() and not title.isupper())


def shorter(title: bytes) -> bytes:
    """Return a title that ``has_words`` without the first one."""
    return title[max(1, _WORD_BEFORE.match(title, 0)) :]


def table_at(text: bytes, at: int, families: Callable[[bytes], list[int]]) -> Table:
    """Return the table of whose header the line around ``at`` is; one without columns where it is no header.

    ``families`` says which families a title stands for. Up to the table's end nothing has to be looked at again.
    """
    newline = _newline(text, at)
    low, high = _line(text, at, newline)
    no_header = Table([], high)
    split = _splitter(text[low:high])
    if split is None or _STATEMENT.fits(text[low:high]) or _TOKEN.search(text, low, high) is not None:
        return no_header
    titles = split(text, low, high)
    fits = _BLANK_TITLE.fits if split is _by_blanks else _TITLE.fits
    if not titles or not all(fits(text[one:two].strip(_EDGES)) for one, two in titles):
        return no_header
    if split is _by_blanks and not any(_SURE.fits(text[one:two].strip(_EDGES)) for one, two in titles):
        return no_header
    keyed = [(place, families(text[one:two].strip(_EDGES))) for place, (one, two) in enumerate(titles)]
    columns = {place: Column(found, []) for place, found in keyed if found}
    if not columns:
        return no_header
    end = high
    ruled = filled = False
    for one, two in _lines(text, high, newline):
        row = text[one:two]
        if _RULE.fits(row):
            ruled = True
            end = two
            continue
        if split is _by_pipes and not ruled:
            return no_header
        cells = split(text, one, two)
        if len(cells) != len(titles):
            break
        if end == high and any(_is_same(text, *both) for both in zip(cells, titles, strict=True)):
            # Lines that have the same word in one place are no header and its rows.
            return no_header
        for place, column in columns.items():
            value = _trimmed(text, *cells[place])
            if value is not None:
                column.values.append(value)
        end = two
        filled = True
    # The last row of a table of keys and values has a line below it too, and nothing else.
    return Table(list(columns.values()), end) if filled else no_header


def _is_same(text: bytes, cell: Span, title: Span) -> bool:
    word = text[slice(*cell)].strip(_EDGES)
    return word.isalnum() and word == text[slice(*title)].strip(_EDGES)


def cells_without_header(text: bytes, at: int, limit: int) -> Iterator[Value]:
    """Yield the cells of a table of the AWS CLI, whose title ends at ``at``, that have neither a header nor a key.

    Rows are set apart by rules: one row alone before others is a header or a title. Of keys and values, only the value
    of a dimension has a key that says nothing.
    """
    newline = _newline(text, at)
    runs: list[list[list[Span]]] = [[]]
    for low, high in _lines(text, _line_end(text, at, newline), newline):
        if low >= limit:
            break
        if _RULE.fits(text[low:high]):
            runs.append([])
        else:
            runs[-1].append(_by_pipes(text, low, high))
    filled = [run for run in runs if run]
    for place, run in enumerate(filled):
        headed = place > 0 and len(filled[place - 1]) == 1 and len(filled[place - 1][0]) == len(run[0]) > 1
        if headed or (len(run) == 1 and place + 1 < len(filled)):
            continue
        for row in run:
            key = text[slice(*row[0])].strip(_EDGES)
            kept = row if len(row) != _PAIR or not _KEY.fits(key) else row[1:] if key == b"Value" else []
            yield from (value for cell in kept if (value := _trimmed(text, *cell)) is not None)


def _newline(text: bytes, at: int) -> bytes:
    border = text.find(END, at, at + MAX_LINE)
    limit = at + MAX_LINE if border < 0 else border
    real = text.find(b"\n", at, limit)
    escaped = text.find(_ESCAPED, at, limit)
    return _ESCAPED if escaped >= 0 and (real < 0 or escaped < real) else b"\n"


def _line(text: bytes, at: int, newline: bytes) -> Span:
    """Return the line around ``at``, without what separates it from others."""
    stop = max(0, at - MAX_LINE)
    marks = [newline, END, VALUE, *([b'"'] if newline == _ESCAPED else [])]
    low = max(stop, *(text.rfind(mark, stop, at) + len(mark) for mark in marks))
    return low, _line_end(text, at, newline)


def _line_end(text: bytes, at: int, newline: bytes) -> int:
    limit = min(len(text), at + MAX_LINE)
    marks = (newline, END, b'"') if newline == _ESCAPED else (newline, END)
    ends = [found for mark in marks if (found := text.find(mark, at, limit)) >= 0]
    end = min(ends, default=limit)
    while end > at and text[end - 1] in b"\r\\":
        end -= 1
    return end


def _lines(text: bytes, end: int, newline: bytes) -> Iterator[Span]:
    """Yield the lines that follow the one that ends at ``end``, up to one that is empty."""
    while True:
        begin = text.find(newline, end, end + 8)
        if begin < 0 or text.find(END, end, begin) >= 0:
            return
        begin += len(newline)
        end = _line_end(text, begin, newline)
        if not text[begin:end].strip() or end - begin >= MAX_LINE:
            return
        yield begin, end


def _splitter(line: bytes) -> Callable[[bytes, int, int], list[Span]] | None:
    """Return how the cells of a header are told from each other."""
    if b"|" in line:
        return _by_pipes
    if b"\t" in line:
        # Several tabs in a row line columns up, as eksctl does.
        return _by_blanks if b"\t\t" in line else _by_tabs
    if b"\\t" in line:
        return _by_escaped_tabs
    if b"," in line:
        return _by_commas
    if b";" in line:
        return _by_semicolons
    return _by_blanks if b"  " in line.strip() else None


def _by_pipes(text: bytes, low: int, high: int) -> list[Span]:
    while low < high and text[low] in b" \t>":
        low += 1
    while high > low and text[high - 1] in b" \t":
        high -= 1
    while low < high and text[low] == 0x7C:  # noqa: PLR2004 - "|"
        low += 1
    while high > low and text[high - 1] == 0x7C:  # noqa: PLR2004
        high -= 1
    return _separated(text, low, high, b"|")


def _by_tabs(text: bytes, low: int, high: int) -> list[Span]:
    return _several(_separated(text, low, high, b"\t"))


def _by_escaped_tabs(text: bytes, low: int, high: int) -> list[Span]:
    return _several(_separated(text, low, high, b"\\t"))


def _by_commas(text: bytes, low: int, high: int) -> list[Span]:
    return _several(_separated(text, low, high, b","))


def _by_semicolons(text: bytes, low: int, high: int) -> list[Span]:
    return _several(_separated(text, low, high, b";"))


def _by_blanks(text: bytes, low: int, high: int) -> list[Span]:
    spans = []
    while low < high and text[low] in b" \t":
        low += 1
    for one, two in _BLANKS.each(text, low, high):
        spans.append((low, one))
        low = two
    if low < high:
        spans.append((low, high))
    return _several(spans)


def _several(spans: list[Span]) -> list[Span]:
    return spans if len(spans) > 1 else []


def _separated(text: bytes, low: int, high: int, separator: bytes) -> list[Span]:
    spans = []
    while True:
        quoted = _QUOTED_CELL.match(text, low, high)
        at = text.find(separator, max(low, quoted), high)
        if at < 0:
            spans.append((low, high))
            return spans
        spans.append((low, at))
        low = at + len(separator)


def _trimmed(text: bytes, low: int, high: int) -> Value | None:
    """Return what stands in a cell, without blanks, quotes and markup around it."""
    while low < high and text[low] in _EDGES:
        low += 1
    while high > low and text[high - 1] in _EDGES:
        high -= 1
    return Value(low, high, quoted=True) if low < high else None
