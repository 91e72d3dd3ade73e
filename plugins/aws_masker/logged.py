"""Logs: where in the lines of a log words stand that may be names."""

from collections.abc import Iterator
from typing import Final

from aws_masker.re2c import Pattern, Span
from aws_masker.shapes import DASHES, HUMPS, PATHS, SLASHES, SNAKES

# A line of a log, up to its message; and a word of that, but for what is a key or is called.
_STAMPED: Final = (
    r"[^\n\\\x00]{0,12}(?:20[0-9]{2}[-/][0-9]{2}[-/][0-9]{2},?[T ]|[A-Z][a-z]{2} [ 0-9][0-9] )"
    r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
)
# Or behind the name of a service in brackets.
_LINE: Final = Pattern(rf"(?:\n|\\+n|[\x00\x01])(?:{_STAMPED}|\[[a-z0-9-]{{2,20}}\] )[^\n\\\x00]*")
_NOTED: Final = Pattern(r"(?:\n|\\+n|[\x00\x01])\[[a-z0-9-]{2,20}\] ")
# There, one behind a noun may be a single word, and one that a service begins with have humps alone.
_NAMED: Final = Pattern(
    r"(?:bucket|cluster|crawler|database|function|group|instance|pipeline|project|queue|role|secret|stream|table|topic"
    r"|trigger|workflow) ([A-Za-z][A-Za-z0-9]{2,40})(?:[ ,;)\]\n\\\x00]|:[ \n])"
    rf"|\[[a-z0-9-]{{2,20}}\] ({HUMPS})[ :]",
    captures=True,
)
_WORD: Final = Pattern(
    rf"[ \t=/'\"(\[](?:{SLASHES}|{PATHS}|{DASHES}|[a-z]+[0-9]*(?:[A-Z][a-z0-9]+)+|{SNAKES})"
    r"(?:[ ,;)\]'\"\n\\\x00]|:[ A-Z])"
)


def lines(text: bytes, piece: Span) -> Iterator[Span]:
    """Yield where the lines of logs in a ``piece`` stand, each with what ends it."""
    for low, high in _LINE.each(text, *piece):
        yield low, min(high + 1, piece[1] + 1)


def words(text: bytes, line: Span) -> Iterator[Span]:
    """Yield where words with a joint or a hump stand in a ``line`` with a time."""
    at, high = line
    if _NOTED.match(text, at) >= 0:
        return
    while (span := _WORD.search(text, at, high)) is not None:
        # What ends one may begin the next.
        at = span[1] - 1
        yield span


def named(text: bytes, line: Span) -> Iterator[Span]:
    """Yield the words behind nouns in a ``line``, which may be single ones."""
    for span in _NAMED.each(text, *line):
        yield max((_NAMED.parts(text, *span) or [span])[1:])
