"""What may be said of an unexpected exception: its kind and its place. Its message may hold an original."""

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, Final

_PACKAGE: Final = __name__.partition(".")[0]


def place_of(error: BaseException) -> str:
    """Return ``aws_masker.scan:93``, the innermost place in this package that ``error`` came through, or nothing."""
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == _PACKAGE:
            place = f"{module}:{line}"
    return place


def describe(error: BaseException) -> str:
    """Return ``KeyError at aws_masker.scan:93``."""
    return f"{type(error).__name__} at {place_of(error) or 'an unknown place'}"


def tell_no_values(tell: Callable[[BaseException], None]) -> None:
    """Have ``tell`` called for whatever no code of this process catches, in place of Python's traceback.

    A traceback ends in the exception's message.
    """

    def told(details: Any) -> None:
        if isinstance(details.exc_value, BaseException) and not isinstance(details.exc_value, SystemExit):
            tell(details.exc_value)

    threading.excepthook = told
    sys.unraisablehook = told
    sys.excepthook = lambda _kind, error, _traceback: tell(error)
