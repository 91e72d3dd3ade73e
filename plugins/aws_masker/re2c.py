"""Compiles RE2 patterns the one way in which this package uses them.

All text is bytes (UTF-8, lone surrogates included) and patterns are ASCII, hence Latin-1: one byte is one character and
offsets are byte offsets. RE2 is linear in the text whatever the pattern, so untrusted text can be given to it.
"""

from typing import Any, Final

import re2

from aws_masker.errors import CatalogueError

# The default of 8 MiB makes RE2 throw its automaton away and start again on a large alternation.
AUTOMATON_BYTES: Final = 256 << 20
# Matches nothing; an empty alternative would match everywhere.
NEVER: Final = r"[^\x00-\xff]"


def _options(*, captures: bool) -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = AUTOMATON_BYTES
    options.never_capture = not captures
    options.log_errors = False
    return options


def compiled(pattern: str, *, captures: bool = False) -> Any:  # noqa: ANN401 - the library has no types
    """Return ``pattern`` compiled for bytes. Raises re2.error when it is no RE2 pattern."""
    return re2.compile(pattern.encode("latin-1"), _options(captures=captures))


class FullMatchSet:
    """Tells which of many patterns match a whole text, in one pass."""

    def __init__(self, patterns: list[str]) -> None:
        """Compile ``patterns``. Raises CatalogueError when one is no RE2 pattern."""
        self._set = re2.Set.FullMatchSet(_options(captures=False))
        self._empty = not patterns
        for pattern in patterns:
            try:
                self._set.Add(pattern.encode("latin-1"))
            except re2.error as error:
                message = f"the catalogue holds what is no RE2 pattern: {pattern}"
                raise CatalogueError(message) from error
        if not self._empty:
            self._set.Compile()

    def matches(self, text: bytes) -> list[int]:
        """Return the indexes of the patterns that match all of ``text``, ascending."""
        found = None if self._empty else self._set.Match(text)
        return sorted(found) if found else []
