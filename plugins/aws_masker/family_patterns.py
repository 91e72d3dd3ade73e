"""Patterns of families: many of them as one search, and which of them mark parts of what they match.

All patterns of a search are one RE2 alternation, which is looser than they are: what it finds has to be held against
the exact ones.
"""

import functools
import re
from typing import Final

from aws_masker.boundaries import AFTER, BEFORE
from aws_masker.catalogue import Family, without_mixes
from aws_masker.re2c import NEVER, Pattern, Span

_BOUNDS: Final = re.compile(r"\{([0-9]+),([0-9]+)\}")
_COUNTED: Final = 12


@functools.cache
def has_groups(pattern: str) -> bool:
    """Tell whether a pattern marks parts of its match."""
    return bool(Pattern(pattern, captures=True).groups)


def groups(spans: list[Span] | None) -> tuple[Span, ...]:
    """Return those parts of a match that its pattern marks and that are there; ``spans`` are the match's and theirs."""
    return tuple(span for span in (spans or [])[1:] if span[0] >= 0)


def alternation(patterns: list[str], bounded: list[bool]) -> str:
    """Return one pattern for all ``patterns``; ``bounded`` tells of each whether a boundary has to stand before it."""
    within = [pattern for pattern, one in zip(patterns, bounded, strict=True) if one]
    free = [pattern for pattern, one in zip(patterns, bounded, strict=True) if not one]
    alternatives = [f"{BEFORE}(?:{'|'.join(within)}){AFTER}"] if within else []
    alternatives += [f"(?:{'|'.join(free)}){AFTER}"] if free else []
    return "|".join(alternatives) or NEVER


def loosened(pattern: str) -> str:
    """Return ``pattern`` without its large upper bounds, and without the demand that digits and letters be mixed.

    Every count is a state of the automaton, and those of several hundred patterns multiply. And RE2 looks for where a
    match begins from its end on, where a mixed text multiplies the states by two with every character: most of the time
    that new text took went into building them. What the loosened pattern finds is held against the exact one.
    """
    return _BOUNDS.sub(
        lambda bounds: bounds[0] if int(bounds[2]) <= _COUNTED else f"{{{bounds[1]},}}", without_mixes(pattern)
    )


def starts_in_word(family: Family) -> bool:
    """Tell whether a boundary has to stand before what is of ``family``.

    None has to before an ARN, which is one whatever it is glued to: the text of a document of XML has no tags.
    """
    begins_else = family.pattern.startswith(("/", "-", "\\$", "\\/", "\\["))
    return family.split != "arn" and not begins_else
