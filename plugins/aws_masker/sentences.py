"""Sentences of errors: how they go on from the noun for something to its name, or from its name to what is wrong."""

from typing import Final

from aws_masker.re2c import Pattern

NAME: Final = r"/?[A-Za-z0-9_](?:[A-Za-z0-9_.+=@/-]*[A-Za-z0-9_])?"
_QUOTES: Final = r"[\[(\\\"'`]{0,4}"
_IS_SAID: Final = (
    r"(?:(?:was|is|are) )?not found|cannot be found|could not be found|does not exist|doesn.t exist|already exists"
)
SAID: Final = rf"{_QUOTES}{NAME}[\])\\\"'`]{{0,4}} (?:{_IS_SAID}|is not available|is not in|is in use)"
SAID_NAME: Final = Pattern(rf"[:,]? {_QUOTES}({NAME})", captures=True)
# No word of a sentence: something with a digit or a joint in it, or with a hump.
_STRONG: Final = (
    r"/?(?:[A-Za-z][A-Za-z0-9.+=@/]*[0-9_-]|[0-9][A-Za-z0-9.+=@/_-]*[A-Za-z_-])(?:[A-Za-z0-9_.+=@/-]*[A-Za-z0-9_])?"
)
_HUMPED: Final = r"[A-Za-z0-9]*[a-z][A-Z][A-Za-z0-9]*"
# How an error goes on from the noun for something to its name; a word with a hump may as well be a parameter's.
NAMING: Final = (
    rf"(?: (?:{_IS_SAID}))?(?: (?:with|for|of)(?: the)?| found (?:with|for))?"
    rf" (?i:name|named|id|identifier):? {_QUOTES}({NAME})"
    rf"| (?:{_IS_SAID})(?: with name)?: {_QUOTES}({NAME})"
    rf"|[:,]? {_QUOTES}({_STRONG})"
    rf"|[:,]? {_QUOTES}({_HUMPED})[\])\\\"'`]{{0,4}} (?:{_IS_SAID}|is |in |must |can|has )"
    rf"|[:,]? [\\]{{0,2}}[\"'`]({NAME})[\\\"'`]{{1,3}} (?:{_IS_SAID})"
)
SOUGHT: Final = (
    r"(?i:could not|cannot|can.t|unable to) (?:find|locate)(?: [a-z]+){1,5}:? "
    rf"{_QUOTES}({_STRONG}|{_HUMPED})"
)
