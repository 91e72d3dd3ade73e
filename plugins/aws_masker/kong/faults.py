"""What may be said of an unexpected exception: its kind and its place. Its message may hold an original."""

import traceback
from typing import Final

_PACKAGE: Final = __name__.partition(".")[0]


def describe(error: BaseException) -> str:
    """Return ``KeyError at aws_masker.scan:93``: the innermost place in this package that ``error`` came through."""
    place = "an unknown place"
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == _PACKAGE:
            place = f"{module}:{line}"
    return f"{type(error).__name__} at {place}"
