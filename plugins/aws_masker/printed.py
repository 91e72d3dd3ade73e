"""Printed cells: what a command of the AWS CLI printed, taken apart into cells, each with the key that its query says.

The AWS CLI prints the same as JSON, YAML, a table or rows of text. Only what has no key of its own beside it is of
interest here: lists, rows, and what a query gave a title of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from aws_masker.catalogue import MACROS
from aws_masker.commands import NAME, Column, Command
from aws_masker.joints import END, VALUE
from aws_masker.re2c import Pattern, Span

_LINE: Final = Pattern(r"[^\n]+")
_JSON: Final = Pattern(r"[\"\[\]{},]")
_STRING: Final = Pattern(r"(?s:[^\"\\]|\\.)*\"")
_TABS: Final = Pattern(r"[^\t\r]+")
_BLANKS: Final = Pattern(r"[^\s]+")
_GAPS: Final = Pattern(r"[^\s]+(?: [^\s]+)*")
_BARS: Final = Pattern(r"[^|\r]+")
_ITEM: Final = Pattern(r"[ ]*(?:- )*")
_MEMBER: Final = Pattern(r"[A-Za-z_][A-Za-z0-9_ -]*: ")
# The members of an answer that are called a name or an identifier; not one of a pair of a name and a value, as a
# variable's is.
_NAMED: Final = Pattern(r"\"[A-Za-z]*(?:[nN]ame|[iI]dentifier)\"[ \t]*:[ \t]*\"")
_NAMED_LINE: Final = Pattern(
    r"[\n\x01][ -]*([A-Za-z]*(?:[nN]ame|[iI]dentifier)): [\"']?([^\s\"':\\][^\s\"'\\]{0,255})[\"']?\r?(?:\n|\x00|\z)",
    captures=True,
)
_PAIRED: Final = (b'"value', b'"Value', b"value", b"Value")
MAX_NAME: Final = 256
# How far from the end of a name the next member begins, at most.
_BETWEEN: Final = 200
_EDGES: Final = b" \"'"
# A word alone on its line, with what a loop may print before it.
_FRAME: Final = Pattern(r"(?:[=#*>-]+ |[ ]*[0-9]{1,9} )?")
# Names in a query of what nobody named.
_NO_NAME: Final = Pattern(
    r"(?i:.*(?:architecture|checksum|class|code|count|date|digest|engine|etag|format|handler|hash|key|kind|mode|platform|"
    r"protocol|reason|region|runtime|sha256|size|state|status|tag|time|type|unit|version|zone)s?"
    r"|logicalresourceid|metricname|namespace"
    r"|.*(?:action|attribute|characterset|column|cookie|device|engine|event|exception|feature|field|file|header|label|"
    r"language|locale|method|metric|option|parameter|property|protocol|quota|region|script|setting|state|timezone|track|"
    r"type|version|zone)name)"
)
_PROMPT: Final = MACROS["<prompt>"]
_SIGN: Final = MACROS["<sign>"]
# By how many backslashes stand before the n of a line's break in the string: where the output ends, in it or with it.
_STRING_ENDS: Final = {
    count: Pattern(
        rf"\\{{{count}}}n(?:\\{{{count}}}n|{_SIGN}|[^\\\x00]{{0,80}}{_PROMPT}aws )|[^\\]\\{{{count - 1}}}\"|\x00"
    )
    for count in (1, 2, 4)
}
# Nothing, another prompt, the end of a block in Markdown.
_OUTPUT_ENDS: Final = Pattern(rf"\n(?:[ \t]*\r?\n|{_SIGN}|```|[^\n\x00]{{0,80}}{_PROMPT}aws )|\x00")
_TABLE: Final = (b"|", b"+", b"-----")

Cell = tuple[Span, bytes]


def cells(text: bytes, low: int, high: int, command: Command) -> Iterator[Cell]:
    """Yield the cells of an output that stands at ``low:high``, each with its key; b"" where none is known."""
    begin = low
    while begin < high and text[begin] in b" \t\r\n":
        begin += 1
    if not command.selects:
        if command.pure:
            yield from (_named if text[begin : begin + 1] == b"{" else _named_lines)(text, begin, high)
    elif text[begin : begin + 1] in (b"[", b"{", b'"'):
        yield from _of_json(text, begin, high, command.columns)
    elif text.startswith(_TABLE, begin, high):
        yield from _of_table(text, begin, high, command.columns)
    elif command.pure:
        yield from _of_lines(text, begin, high, command)


def shown(text: bytes, start: int, end: int) -> tuple[int, bytes, int, int]:
    """Return a command, which is ``start:end`` of ``text``, with its output; and from where to where the output goes.

    Before these stands where in ``text`` it begins. In a string within a text, escapes become what they stand for,
    behind a blank, so that everything stands where it stood.
    """
    level = 0
    if text[end - 1 : end] == b"n":
        escape = text[start : end - 1]
        level = min(len(escape) - len(escape.rstrip(b"\\")), 4)
        level -= level == 3  # noqa: PLR2004 - no string in strings has so many
    if text[end - 1 : end] == VALUE:
        limit = text.find(END, end)
    else:
        # The line break before the output belongs to the command.
        ends = (_STRING_ENDS[level] if level else _OUTPUT_ENDS).search(text, end - 1 - level)
        limit = len(text) if ends is None else max(end, ends[0] + (text[ends[0]] not in b"\\\x00"))
    printed = text[start:limit]
    if level:
        for meaning, letter, count in ((b"\n", b"n", level), (b"\t", b"t", level), (b'"', b'"', 2 * level - 1)):
            printed = printed.replace(b"\\" * count + letter, b" " * count + meaning)
    return start, printed, end - start, limit - start


def names_nobody(key: bytes) -> bool:
    """Tell whether a key in a query, which the catalogue does not know, says that its cells are no names."""
    return _NO_NAME.fits(key)


def _named(text: bytes, low: int, high: int) -> Iterator[Cell]:
    """Yield the members of an answer of AWS's as it came, in JSON, that are called names."""
    at = low
    while (span := _NAMED.search(text, at, high)) is not None:
        begin, at = span
        end = text.find(b'"', at, min(high, at + MAX_NAME + 1))
        if end > at and text.find(b"\\", at, end) < 0 and not _is_paired(text, end + 1, high):
            yield (at, end), _key_of_named(text[begin + 1 : text.index(b'"', begin + 1)])


def _named_lines(text: bytes, low: int, high: int) -> Iterator[Cell]:
    """Yield the members of an answer of AWS's as it came, in YAML, that are called names."""
    at = low - 1
    while (span := _NAMED_LINE.search(text, at, high)) is not None:
        parts = _NAMED_LINE.parts(text, *span)
        at = max(span[0] + 1, span[1] - 1)
        if parts is not None and not _is_paired(text, span[1], high):
            yield parts[2], _key_of_named(text[slice(*parts[1])])


def _is_paired(text: bytes, low: int, high: int) -> bool:
    """Tell whether what follows a name at ``low`` is the value that belongs to it, as a variable's."""
    return text[low : min(high, low + _BETWEEN)].lstrip(b", \t\r\n").startswith(_PAIRED)


def _key_of_named(key: bytes) -> bytes:
    return NAME if key == b"name" else key


def _of_json(text: bytes, low: int, high: int, columns: tuple[Column, ...]) -> Iterator[Cell]:
    """Yield strings in lists, or alone, and members that the query named."""
    titles = _titles(columns)
    # For each open bracket: the place in a list, or -1 in an object.
    places: list[int] = []
    title = b""
    at = low
    while (mark := _JSON.search(text, at, high)) is not None:
        one, at = mark
        byte = text[one]
        if byte in b"[{":
            places.append(0 if byte == 0x5B else -1)  # noqa: PLR2004 - "["
            title = b""
        elif byte in b"]}":
            del places[-1:]
        elif byte == 0x2C:  # noqa: PLR2004 - ","
            places[-1:] = [place if place < 0 else place + 1 for place in places[-1:]]
            title = b""
        elif (end := _STRING.match(text, at, high)) < 0:
            return
        else:
            cell, at = _stripped(text, at, end - 1), end
            if places[-1:] != [-1]:
                yield cell, _key(columns, places[-1] if places else 0)
            elif text.startswith(b":", end):
                title = text[slice(*cell)]
            elif title in titles:
                yield cell, titles[title]


def _of_table(text: bytes, low: int, high: int, columns: tuple[Column, ...]) -> Iterator[Cell]:
    """Yield the cells of a drawn table: by its header, by titles in its first column, or by their number."""
    titles = _titles(columns)
    header: list[bytes] = []
    for begin, end in _LINE.each(text, low, high):
        if text[begin] != 0x7C:  # noqa: PLR2004 - "|"
            continue
        row = [_stripped(text, *cell) for cell in _BARS.each(text, *_stripped(text, begin, end))]
        words = [text[slice(*cell)] for cell in row]
        if titles and titles.keys() >= set(words):
            header = words
        elif len(words) == len(header):
            yield from zip(row, [titles[title] for title in header], strict=True)
        elif len(words) == 2 and words[0] in titles:  # noqa: PLR2004 - a title and its value
            yield row[1], titles[words[0]]
        elif not titles and len(words) == len(columns):
            yield from zip(row, [column.key for column in columns], strict=True)
        elif not titles and len(words) > 1:
            yield from ((cell, b"") for cell in row)


def _of_lines(text: bytes, low: int, high: int, command: Command) -> Iterator[Cell]:
    """Yield the cells of rows of text, with tabs between them, and of YAML."""
    columns = command.columns
    titles = _titles(columns)
    # Text has the values in the order of their keys.
    ordered = tuple(sorted(columns)) if titles else columns
    place = 0
    for begin, end in _LINE.each(text, low, high):
        first = _ITEM.match(text, begin, end)
        if (title := _MEMBER.match(text, first, end)) > 0:
            if (key := titles.get(text[first : title - 2])) is not None:
                yield _stripped(text, title, end), key
            continue
        if first > begin:
            # In YAML the items of a list within a list follow the first one's line.
            place = 0 if text.count(b"- ", begin, first) > 1 else place + 1
            yield _stripped(text, first, end), _key(columns, place)
            continue
        row = list(_TABS.each(text, begin, end))
        if len(row) == 1:
            # A terminal shows blanks for tabs.
            row = list((_BLANKS if command.spaced else _GAPS).each(text, begin, end))
        if len(row) == 1:
            row = [(max(begin, _FRAME.match(text, begin, end)), row[0][1])]
        for number, cell in enumerate(row):
            known = len(columns) <= 1 or len(row) == len(columns)
            yield _stripped(text, *cell), _key(ordered, number) if known else b""


def _titles(columns: tuple[Column, ...]) -> Mapping[bytes, bytes]:
    return {column.title: column.key for column in columns if column.title}


def _key(columns: tuple[Column, ...], place: int) -> bytes:
    """Return the key of a place in a row; of the only column, whatever the place."""
    if len(columns) == 1:
        return columns[0].key
    return columns[place].key if place < len(columns) else b""


def _stripped(text: bytes, low: int, high: int) -> Span:
    while low < high and text[low] in _EDGES:
        low += 1
    while high > low and text[high - 1] in b" \"'\r":
        high -= 1
    return low, high
