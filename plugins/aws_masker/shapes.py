"""Shapes: how names look that somebody gave, as parts of patterns in RE2 syntax."""

from typing import Final

# Words with dashes, of which one has to be none of programs; or a path of three.
DASHES: Final = r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)+(?:\.fifo)?"
# Words with a hump each.
HUMPS: Final = r"[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+|[A-Z]{2,5}[0-9]{0,2})+(?:V[0-9]+)?|[a-z]+[0-9]*(?:[A-Z][a-z0-9]+)+"
SNAKES: Final = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Z][a-z0-9]+(?:_[A-Za-z0-9]+)+"
# Of repositories and secrets; no files, which have a point.
SLASHES: Final = r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)+"
PATHS: Final = r"/[A-Za-z0-9_-]+(?:/[A-Za-z0-9_.-]+){2,}"
DOTS: Final = r"[A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+"
SHAPES: Final = rf"{DASHES}|{HUMPS}|{SNAKES}|{SLASHES}|{DOTS}"
