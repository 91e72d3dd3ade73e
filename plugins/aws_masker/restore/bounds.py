"""How much of an answer may be held at once while it is restored. Beyond that it cannot be continued.

An answer comes from outside, and some of it has to be held whole before it can be restored. Bytes alone do not bound
the memory for that: each line, value and open text takes far more than its bytes in the answer.
"""

from dataclasses import dataclass
from typing import Final, Self

from aws_masker.errors import MaskerError
from aws_masker.limits import Limits

_DEFAULTS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of these names. ``event`` is bytes, the others are counts."""

    event: int = _DEFAULTS.event
    lines: int = _DEFAULTS.lines
    texts: int = _DEFAULTS.texts
    values: int = _DEFAULTS.values

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """Return those of ``limits``."""
        return cls(limits.event, limits.lines, limits.texts, limits.values)

    def check_event(self, size: int, what: str) -> None:
        """Raise MaskerError if ``what``, which is held whole, has more bytes than ``event``."""
        _check(size, self.event, f"bytes in a {what}", "event")

    def check_lines(self, number: int) -> None:
        """Raise MaskerError if an event has more than ``lines``."""
        _check(number, self.lines, "lines in an event", "lines")

    def check_texts(self, number: int) -> None:
        """Raise MaskerError if more than ``texts`` are open at once."""
        _check(number, self.texts, "texts at once", "texts")


def _check(number: int, most: int, what: str, limit: str) -> None:
    if number > most:
        message = (
            f"the answer has more than {most} {what}, so it cannot be restored: see what answers for the API, "
            f"ask for less at once, or raise limits.{limit}"
        )
        raise MaskerError(message)


DEFAULT: Final = Bounds()
