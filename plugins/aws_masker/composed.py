"""Composed values: what stands beside a key is put together, and the strings in it are (parts of) what it gives.

``format("%s-ledger", var.env)`` and ``join("-", […])`` in Terraform, ``stage + "-ledger"`` and ``prod ? "a" : "b"`` in
a program, ``Fn::Join`` and ``!Sub`` with a list below them in YAML. Of a call, what is given to it counts if it only
puts together or chooses (``CALLS``); of an index or a comparison, nothing does.
"""

from collections.abc import Iterator
from typing import Final

from aws_masker.joints import END, NEWLINE, ONE, QUOTE
from aws_masker.plausible import without_variables
from aws_masker.re2c import Pattern
from aws_masker.values import Value, indented, values_at

# So far an expression is looked through, and so many of its words.
MAX_EXPRESSION: Final = 400
MAX_WORDS: Final = 60
# Shorter parts say nothing.
MIN_PART: Final = 4
# Functions that put strings together, or choose one of them, by the last word of their names.
# fmt: off
CALLS: Final = frozenset((
    b"coalesce", b"concat", b"format", b"formatlist", b"interpolate", b"join", b"lower", b"of", b"one", b"replace",
    b"sprintf", b"string", b"sub", b"substr", b"tolist", b"tolower", b"toset", b"trimsuffix", b"try", b"upper",
))
# fmt: on
_QUOTES: Final = (b'"', b"'", b"`")
# What opens a value that is one string.
_NO_BEGINNING: Final = frozenset(b"\"'`\x01")
# Before a string that counts.
_OPERATORS: Final = (b"+", b"?", b":", b"||", b"??", b"or", b"else", b"(", b"[", b",", b"%")
_COMPARES: Final = (b"==", b"!=")
_WORD: Final = Pattern(
    rf"[bfrBFR@$]{{0,2}}{QUOTE}|[A-Za-z_$][A-Za-z0-9_.$]*[(\[]?|==|!=|\?\?|\|\||[()\[\]{{}},;?:+%]|{NEWLINE}"
)
_OPEN: Final = Pattern(r"(?s:.*)[(\[][ \t\r\n]*")
_NEAR: Final = 20
# A function of a template of CloudFormation with a list, or with what stands in the lines below it; its items.
_FUNCTION: Final = rf"!(?:If|Join|Select|Sub)[ \t]*(?:{NEWLINE}|\[)|Fn::(?:If|Join|Select|Sub):"
_FUNCTIONS: Final = (b"!", b"Fn::")
# Its first item is a condition.
_CHOICES: Final = (b"!If", b"Fn::If")
# An expression begins with a word that is no value by itself, or with a bracket.
_BEGINS: Final = Pattern(rf"[A-Za-z_$][A-Za-z0-9_.$]*(?:[(\[`]|[ \t]*(?:[+?|%]|==|!=|or |if ))|[(\[]|{_FUNCTION}")
_ITEM: Final = Pattern(
    rf"(?:{NEWLINE}[ ]*(?:- )+|[,\[][ ]*|Sub:[ ]+)(?:{QUOTE})?([A-Za-z0-9$/-][A-Za-z0-9_.:${{}}/-]*)"
    rf"(?:{QUOTE})?[ \t]*[\r\n\\,\]\x00]",
    captures=True,
)
# With a joint or a hump.
_JOINED: Final = Pattern(r"(?:.*[a-z].*[_0-9-].*|.*[_0-9-].*[a-z].*|[A-Za-z0-9]*[a-z][A-Z][A-Za-z0-9]*)")
_EDGES: Final = frozenset(b"-_./: ")


def is_composed(text: bytes, at: int) -> bool:
    """Tell whether an expression begins at ``at``, rather than a value or a string."""
    return text[at - 1] not in _NO_BEGINNING and _BEGINS.match(text, at, min(len(text), at + MAX_EXPRESSION)) > 0


def composed(text: bytes, key: int, at: int) -> Iterator[Value]:
    """Yield the strings in the expression that begins at ``at`` and is the value of the key at ``key``.

    Only those that look like (a part of) a name that somebody gave, without what joins them to the others.
    """
    border = text.find(END, at, at + MAX_EXPRESSION)
    limit = min(len(text), at + MAX_EXPRESSION) if border < 0 else border
    if text.startswith(_FUNCTIONS, at):
        found = _below(text, at, indented(text, key, at, limit))
    else:
        found = _strings(text, at, limit)
    for low, high, _ in found:
        first, last = low, high
        while first < last and text[first] in _EDGES:
            first += 1
        while last > first and text[last - 1] in _EDGES:
            last -= 1
        if last - first > MIN_PART and _JOINED.fits(without_variables(text[low:high])):
            yield Value(first, last, quoted=True)


def _below(text: bytes, at: int, limit: int) -> Iterator[Value]:
    """Yield the items of a function of a template, but for the condition of a choice."""
    condition = text.startswith(_CHOICES, at)
    while (span := _ITEM.search(text, at, limit + 1)) is not None:
        parts = _ITEM.parts(text, *span)
        if parts is None:
            return
        at = parts[1][1]
        if not condition:
            yield Value(*parts[1], quoted=True)
        condition = False


def _strings(text: bytes, at: int, limit: int) -> Iterator[Value]:
    """Yield the strings of an expression that are (a part of) what it gives, up to its end."""
    # Of each bracket that is open, whether strings in it count.
    counting = [True] if _OPEN.fits(text[max(0, at - _NEAR) : at]) else []
    before = b"("
    for _ in range(MAX_WORDS):
        span = _WORD.search(text, at, limit)
        if span is None:
            return
        low, at = span
        word, last = text[low:at], text[at - 1 : at]
        if last in _QUOTES:
            value = next(values_at(text, at, ONE, secret=False), None)
            at = -1 if value is None else text.find(last, value.end) + 1
            if value is None or at <= 0:
                return
            compared = text[at : at + 4].lstrip().startswith(_COMPARES)
            if all(counting[-1:]) and before in _OPERATORS and not compared:
                yield value
            before = last
        elif last in (b"(", b"["):
            called = word[:-1].rpartition(b".")[2].lower()
            chooses = called in CALLS if called else before in _OPERATORS
            counting.append(all(counting[-1:]) and chooses)
            before = last
        elif word[:1] in b")]}{":
            if word == b"{" or not counting:
                return
            counting.pop()
            before = word
        elif word[:1] in b"\\\r\n,;":
            if not counting:
                return
            before = word if word == b"," else before
        else:
            # The tag of a template.
            before = b"(" if text[at : at + 1] == b"`" else word
