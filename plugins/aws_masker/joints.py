r"""Joints: how a key is joined to its value, in every form of writing that is met.

A joint is what stands between a key and the first byte of its value: ``": "`` in JSON at any depth of escaping,
``: &one `` in YAML, `` = `` in HCL, ``=aws.String("`` in code, ``,ParameterValue=`` in a shorthand. ``AFTER_KEY`` and
``AFTER_FLAG`` are one alternation each; ``Joint.of`` tells what a joint says about the values that follow it.

Some only begin something that has to be looked through: a definition of which the default or value counts, the header
of a table, a call whose second argument counts only if the right function is called.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from aws_masker.re2c import Pattern

# Around every separate text: nothing is ever found across it.
END: Final = b"\x00"
# Opens a value that runs to END, whatever is in it.
VALUE: Final = b"\x01"

BREAK: Final = r"(?:[ \t\r\n]|\\+[nrt])"
NEWLINE: Final = r"(?:\r?\n|(?:\\+r)?\\+n)"
QUOTE: Final = r"\\*[\"'`]"
# Letters before a string that say how it is read: f"", b"", $"".
_STRING: Final = rf"[bfrBFR@$]{{0,2}}{QUOTE}"
_OPEN: Final = rf"(?:{_STRING}|{VALUE.decode()})?"
_ENDS: Final = rf"(?:{QUOTE}|\*{{1,2}})?\]?\)?(?:\*\*)?"

# Before a value in YAML: an anchor, a tag, the beginning of a block.
_DECORATION: Final = rf"(?:&[A-Za-z0-9_.-]+[ \t]+)?(?:!!str[ \t]+|!Sub[ \t]+)?(?:[|>][+-]?[ \t]*{NEWLINE}[ \t]+)?"
_LIST: Final = rf"(?:(?:toset\()?\[{BREAK}*(?:[+~-][ \t]+)?|\({BREAK}*(?:\[[A-Za-z0-9_-]+\]=)?)"
# What makes a string of a language one of an SDK, or a list of several.
_SEVERAL: Final = r"(?:StringSlice|StringValueSlice|Strings|asList|of|[a-zA-Z]*[lL]istOf|setOf|arrayOf)"
_WRAPPER: Final = (
    r"(?:String|StringPtr|stringPtr|strPtr|Pointer|Ptr|ptr|To|Some|from|str|string|literal"
    r"|to_string|toString|fromString|[fF]ield)"
)
_CALL: Final = rf"(?:(?:new[ \t]+)?[&*]?(?:[A-Za-z0-9_]+(?:\.|::))*(?:{_SEVERAL}|{_WRAPPER})\({BREAK}*)"
_SLICE: Final = rf"(?:(?:\[\]\*?string|new(?:\[\]|[ \t]+[A-Za-z]*<?[Ss]tring>?(?:\[\]|\(\))?))[ \t]*\{{{BREAK}*)"
_WRAPPED: Final = rf"(?:{_CALL}?{_SLICE}|{_LIST}?{_CALL}|{_LIST})?{_OPEN}"

_TYPED: Final = (
    rf"(?:[ \t]*:[ \t]*&?(?:'static[ \t]+)?[A-Za-z_][A-Za-z0-9_.\[\]|?<>]*|[ \t]+string)"
    rf"[ \t]*=[ \t]*(?:{_LIST}|{_CALL}?(?:default[ \t]*=[ \t]*)?){_STRING}"
)
_PAIRED: Final = (
    rf"(?:(?:{BREAK}*,|{BREAK}){BREAK}*(?:{QUOTE})?[tT]ype(?:{QUOTE})?[ \t]*[:=][ \t]*"
    rf"(?:{QUOTE})?[A-Z_]{{4,20}}(?:{QUOTE})?)?"
    rf"(?:{BREAK}*,|{BREAK}){BREAK}*(?:{QUOTE})?(?:[A-Za-z]*[vV]alues?|[dD]efault)(?:{QUOTE})?"
    rf"[ \t]*[:=][ \t]*{_WRAPPED}"
)
_SUBSTITUTED: Final = rf"[ \t]*:[ \t]*\{{{BREAK}*{QUOTE}Fn::Sub{QUOTE}[ \t]*:[ \t]*(?:\[{BREAK}*)?{QUOTE}"
_ITEMS: Final = rf"[ \t]*[:=]{BREAK}+-[ \t]+{_OPEN}"
# Of a map, with its type.
_MAP: Final = (
    r"(?::[ \t]*[A-Z][A-Za-z0-9_.]*[<\[][A-Za-z0-9_.<>, |\"']{1,60}[>\]][ \t]*=[ \t]*"
    r"|:?=[ \t]*map\[string\][A-Za-z0-9_.*\[\]]{1,30})"
)
_DEFINES: Final = rf"[ \t]*(?:[:=][ \t]*|{_MAP})?\{{{BREAK}*|:[ \t]*{NEWLINE}[ \t]+"
_WITH_STRING: Final = rf"(?:[ \t]*(?:\|\||\?\?=?|\?:|[=!]==?))[ \t]*{_STRING}"
_ASSIGNED: Final = rf"[ \t]*(?:=>|:=|:[-=]|\?=|[:=])\*{{0,2}}[ \t]*(?:\*\*)?{_DECORATION}{_WRAPPED}"
# A parameter of the shell with a default.
_DEFAULTED: Final = rf"=(?:{QUOTE})?\$\{{[A-Za-z0-9_]{{1,30}}:[-=]"
_CELL: Final = r"(?:[ \t]+\|[ \t]*|\|[ \t]+)(?:\*\*)?`?"
# The first arguments of a construct of the CDK are its scope and its logical id.
_CALLED: Final = (
    rf"\([ \t]*(?:[a-z][A-Za-z0-9_]{{0,20}}[ \t]*,[ \t]*{_CALL}?{QUOTE}[^\"'`\\\x00\x01]*{QUOTE}\)?[ \t]*,{BREAK}*)?"
    rf"{_CALL}?{_SLICE}?{_STRING}"
)
# Over a list; and in the tag of a field in Go.
_LOOPED: Final = rf"(?:[ \t]+(?:in|of)[ \t]+[(\[]{BREAK}*|[ \t]*:=[ \t]*range[ \t]+{_SLICE}){_STRING}"
_TAGGED: Final = rf"[ \t]+(?:envDefault|default):{QUOTE}"
_COLUMN: Final = r"(?:\t|\\+t)"
# What may follow the title of a column, but for what is a joint too.
_TITLE: Final = rf"[\"`*]{{0,2}}(?:[,;\t][\"A-Za-z]| {{2,}}[A-Za-z#%(]|[ \t]*\||[ \t]*{NEWLINE}|\x00)"
_PROSE: Final = rf"[ \t]+(?:(?:named|called|is)[ \t]+)?(?:\*\*)?{QUOTE}"
_ARGUMENT: Final = rf"[ \t]*,[ \t]*{_STRING}"

_JOINTS: Final = (
    _TYPED, _PAIRED, _SUBSTITUTED, _ITEMS, _DEFINES, _LOOPED, _WITH_STRING, _DEFAULTED, _ASSIGNED, _CELL, _CALLED,
    _ARGUMENT, _TAGGED,
)  # fmt: skip

# What else is said of a flag where a program defines it.
_OPTION: Final = (
    r"(?:[a-z_]{1,20}[ \t]*=[ \t]*(?:\"[^\"\n\x00\x01]{0,80}\"|'[^'\n\x00\x01]{0,80}'|[A-Za-z0-9_.]{1,30}),"
    rf"{BREAK}*){{0,4}}"
)
# The first that fits counts, not the longest.
AFTER_KEY: Final = rf"(?:>|{_PROSE}|{_COLUMN}|{_ENDS}(?:{'|'.join(_JOINTS)})|{_TITLE})"
AFTER_FLAG: Final = (
    rf"(?:(?:[ \t]+=[ \t]+|=|(?:{BREAK}|\\+\r?\n)+(?:-[ \t]+)?)(?:{_STRING})?"
    rf"|{QUOTE}{BREAK}*,{BREAK}*(?:{_OPTION}default[ \t]*=[ \t]*)?{QUOTE})"
)
_IS_DEFINITION: Final = Pattern(_ENDS + f"(?:{_DEFINES})")
_IS_ARGUMENT: Final = Pattern(_ENDS + _ARGUMENT)
_IS_COLUMN: Final = Pattern(_COLUMN)
_IS_ROW: Final = Pattern(_ENDS + _CELL)
_IS_TITLE: Final = Pattern(_TITLE)
_IS_PROSE: Final = Pattern(_PROSE)
_IS_SEVERAL: Final = Pattern(
    rf"(?s:.*)(?:{_SEVERAL}\({BREAK}*|[\[{{]{BREAK}*(?:[+~-][ \t]+)?|[vV]alues=|[ \t]in[ \t]+\({BREAK}*){_OPEN}"
)
_IS_ITEMS: Final = Pattern(_ENDS + _ITEMS)
_IS_ARRAY: Final = Pattern(rf"=[ \t]*\({BREAK}*(?:\[[A-Za-z0-9_-]+\]=)?{_OPEN}")
# A list of what is code in Markdown.
_IS_MARKDOWN: Final = Pattern(r"(?:\*\*)?:(?:\*\*)? ?`")
_IS_CALL: Final = Pattern(r"\((?s:.*)")
_IS_PLAIN: Final = Pattern(
    rf"(?s:.*)(?:[ \t](?:&[A-Za-z0-9_.-]+|!Sub|!!str)[ \t]+|[|>][+-]?[ \t]*{NEWLINE}[ \t]+|:-|\|[ \t]*|[vV]alues?="
    rf"|{NEWLINE}[ ]+value:[ \t]+|\]=)"
)


class Kind(Enum):
    """What follows a joint."""

    VALUE = auto()
    # Members, one of which is the value.
    DEFINITION = auto()
    # A second argument, which is the value if the function is the right one.
    ARGUMENT = auto()
    # The next column, which holds the value unless the line is the header of a table.
    ROW = auto()
    # The rest of the header of a table, if it is one.
    TITLE = auto()
    # The other columns of a line that begins with the key.
    COLUMN = auto()
    # A value in a sentence.
    PROSE = auto()


class Series(Enum):
    """What may stand between a value and another that belongs to the same key."""

    ONE = auto()
    COMMAS = auto()
    ITEMS = auto()
    WORDS = auto()
    ARRAY = auto()


class Joint(NamedTuple):
    """What a joint says: its kind, how values may follow each other, and whether it is that of a command's flag.

    ``plain`` tells that a bare word behind it is a value, not a variable.
    """

    kind: Kind
    series: Series = Series.ONE
    flag: bool = False
    plain: bool = False


ONE: Final = Joint(Kind.VALUE)
ALONE: Final = Joint(Kind.VALUE, plain=True)


_KINDS: Final = (
    (Kind.DEFINITION, _IS_DEFINITION),
    (Kind.ARGUMENT, _IS_ARGUMENT),
    (Kind.COLUMN, _IS_COLUMN),
    (Kind.ROW, _IS_ROW),
    (Kind.TITLE, _IS_TITLE),
    (Kind.PROSE, _IS_PROSE),
)
_SERIES: Final = ((Series.ITEMS, _IS_ITEMS), (Series.ARRAY, _IS_ARRAY), (Series.COMMAS, _IS_SEVERAL))


def joint_of(joint: bytes, *, flag: bool, plural: bool) -> Joint:
    """Read a joint; ``plural`` tells that its key ends in s."""
    if flag:
        return Joint(Kind.VALUE, Series.WORDS if plural else Series.ONE, flag=True, plain=not plural)
    for kind, form in _KINDS:
        if form.fits(joint):
            return Joint(kind, plain=kind in (Kind.COLUMN, Kind.ROW))
    series = next((series for series, form in _SERIES if form.fits(joint)), Series.ONE)
    if plural and series is Series.ONE and (joint == b"=" or _IS_CALL.fits(joint) or _IS_MARKDOWN.fits(joint)):
        series = Series.COMMAS
    return Joint(Kind.VALUE, series, plain=_IS_PLAIN.fits(joint))
