"""What a file holds: JSON values, one or several after each other, or lines of text."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from aws_masker.errors import InvalidBody

_SPACE: Final = re.compile(r"\s*")
_DECODER: Final = json.JSONDecoder()


def documents(raw: bytes, where: str) -> Iterator[Any]:
    """Yield the JSON values in ``raw``: UTF-8, or the UTF-16 that some shells write into files.

    Several may follow each other, as when the output of several commands is put together.

    Raises InvalidBody, which begins with ``where`` and names the line, and nothing that stands there.
    """
    text = _decoded(raw, where)
    position = _after_space(text, 0)
    if position == len(text):
        message = f"{where} is empty: give it the output of a command, or a state file"
        raise InvalidBody(message)
    while position < len(text):
        try:
            value, position = _DECODER.raw_decode(text, position)
        except json.JSONDecodeError as error:
            message = (
                f"{where}, line {error.lineno}: this is not JSON, or it is cut off; nothing was learned: "
                "give state or output in JSON (`--output json`), or names with --text, one a line"
            )
            raise InvalidBody(message) from None
        except RecursionError:
            message = f"{where} is nested deeper than can be read; nothing was learned"
            raise InvalidBody(message) from None
        yield value
        position = _after_space(text, position)


def lines(raw: bytes, where: str) -> Iterator[str]:
    """Yield the lines of ``raw`` that are neither empty nor begin with ``#``. Raises InvalidBody."""
    for line in _decoded(raw, where).splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield stripped


def _decoded(raw: bytes, where: str) -> str:
    try:
        # It knows UTF-8, 16 and 32, with or without a byte order mark.
        return raw.decode(json.detect_encoding(raw))
    except UnicodeDecodeError:
        message = f"{where} is not UTF-8; nothing was learned: give text"
        raise InvalidBody(message) from None


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
