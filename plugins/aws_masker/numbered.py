r"""Numbered lines: what is found in a text whose lines ``cat -n`` or a client's tool for reading files has numbered.

Claude Code shows files so: ``    12\t  bucket: acme``. A list goes on over several lines, a section begins on one, a
table has its columns: none of this is seen with numbers in between. So such a text is looked at without them, and what
was found is moved to where it stands with them.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Final

from aws_masker.finding import Finding
from aws_masker.joints import END, VALUE
from aws_masker.re2c import Pattern, Span

# A tab or an arrow behind the number.
_NUMBER: Final = Pattern(r"[ ]{0,8}[0-9]{1,7}(?:\t|\xe2\x86\x92)")
_NEXT: Final = Pattern(r"\n[ ]{0,8}[0-9]{1,7}(?:\t|\xe2\x86\x92)")
_TAB: Final = 0x09
_ARROW: Final = "→".encode()


def without_numbers(text: bytes, find: Callable[[bytes], list[Finding]]) -> list[Finding]:
    """Return what ``find`` finds in a text without the numbers of its lines, by where it stands with them."""
    numbers = _numbers(text)
    if not numbers:
        return find(text)
    pieces = []
    # Where a number was taken out, and how much up to there.
    starts, taken = [0], [0]
    at = length = 0
    for low, high in numbers:
        pieces.append(text[at:low])
        length += low - at
        starts.append(length)
        taken.append(high - length)
        at = high
    pieces.append(text[at:])

    def moved(place: int) -> int:
        return place + taken[bisect_right(starts, place) - 1]

    return [
        one._replace(
            start=moved(one.start),
            end=moved(one.end - 1) + 1,
            parts=tuple([(moved(low), moved(high - 1) + 1) for low, high in one.parts]),
        )
        for one in find(b"".join(pieces))
    ]


def _numbers(text: bytes) -> list[Span]:
    """Return where the numbers stand that begin lines, each one more than that of the line before."""
    found: list[Span] = []
    at = 0
    while (second := _NEXT.search(text, at)) is not None:
        low, at = second[0] + 1, second[1]
        begin = _line_before(text, low)
        end = _NUMBER.match(text, begin, low)
        number = _count(text, low, at)
        if end < 0 or _count(text, begin, end) + 1 != number or _is_column(text, begin):
            continue
        found += ((begin, end), (low, at))
        # From here on it is known how the next number is written.
        mark = text[at - 1 : at] if text[at - 1] == _TAB else _ARROW
        width = at - len(mark) - low if b" " in text[begin:end] else 0
        while (low := text.find(b"\n", at) + 1) > 0:
            number += 1
            expected = b"%*d%b" % (width, number, mark)
            # A line of another text says nothing here: that text is looked at alone, whatever it is put together with.
            if not text.startswith(expected, low) or text.find(END, at, low) >= 0:
                break
            at = low + len(expected)
            found.append((low, at))
    return found


def _count(text: bytes, low: int, high: int) -> int:
    return int(text[low:high].translate(None, b" \t\xe2\x86\x92"))


def _line_before(text: bytes, low: int) -> int:
    """Return where the line begins that ends before ``low``."""
    line = text.rfind(b"\n", 0, low - 1) + 1
    return max(line, *(text.rfind(mark, line, low - 1) + 1 for mark in (END, VALUE)))


def _is_column(text: bytes, low: int) -> bool:
    """Tell whether the first of several numbered lines stands below the header of a table with tabs."""
    if text[low - 1 : low] != b"\n":
        return False
    return b"\t" in text[_line_before(text, low) : low]
