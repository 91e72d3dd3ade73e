"""Progress on a terminal."""

import sys
import time
from typing import Final

_QUIET_SECONDS: Final = 1.0
_EVERY_SECONDS: Final = 0.2


class Progress:
    """A line on stderr that says how far we are, once that takes long, and only for a person."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _QUIET_SECONDS if sys.stderr.isatty() else float("inf")
        self._shown = False

    def show(self, text: str) -> None:
        """Show ``text`` in place of what stands there, unless that was just written."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _EVERY_SECONDS
            self._shown = True
            print(f"\r\x1b[Kaws-masker: {text} …", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
