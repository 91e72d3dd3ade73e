"""Unquoted words: whether one is a value where it stands, rather than a piece of code, a type or a variable."""

from typing import Final

from aws_masker.joints import END, VALUE, Joint, Series
from aws_masker.re2c import Pattern
from aws_masker.values import Value

_LOOK_BACK: Final = 120
# An expression of a programming language rather than a value.
EXPRESSION: Final = Pattern(
    r"(?:var|local|locals|module|data|each|self|this|args|os|process|config|settings|event|props|params|options|"
    r"ctx|context|request|req|env|cfg|opts|input|output|resource|aws_[a-z_]+|cls|super|path|random_[a-z_]+)[.\[].*"
    r"|!(?:Ref|Sub|GetAtt|ImportValue|Join|Select|FindInMap|If|Base64|Split|Cidr)|[A-Za-z_.]+\[.*"
)
BRACKETED: Final = Pattern(r".*[(){}].*")
DOTTED_TYPE: Final = Pattern(r"(?:[a-z_][A-Za-z0-9_]*\.)+[A-Z][A-Za-z0-9]+")
_TYPE_NAME: Final = Pattern(r"_?[A-Z][A-Za-z]+")
# A variable: what stands for itself would have quotes.
_VARIABLE_NAME: Final = Pattern(r"[A-Za-z_$][A-Za-z0-9_$]*")
# What a bundler makes of names that two modules share, types with a number before the hump: Builder$1, D3Element.
_BUNDLED: Final = Pattern(r"[A-Za-z_][A-Za-z0-9_]*\$[0-9]+|[A-Z][0-9]{1,2}[A-Z][A-Za-z]+")
_ADJECTIVE: Final = Pattern(
    r"[A-Za-z]+(?:-[a-z]+)*-(?:[a-z]{2,}(?:ed|ing|able)|specific|wide|level|only|free|like|readable)"
)
_OPERATOR: Final = Pattern(r" (?:\?\??|[=!]==?|=>|as|if|instanceof) ")
_GOES_ON: Final = Pattern(r" (?:\(|[A-Za-z]+[ .,;)])")
_LINE_BEGINS: Final = (END, VALUE, b"\n", b"\\n", b'"', b"'")
# The end of a line, or of a string or the escape of a break that ends it.
_LINE_STOPS: Final = (b"", b"\n", b"\r", b"\\", b'"', END)
_ENDS_LINE: Final = (b"", b"\n", b"\r", b" ", b"\\", b'"', b"'", END)
_SECTION_BACK: Final = 600
# Nothing but settings since the header of a section.
_IN_INI: Final = Pattern(r"(?s:(?:.*\n)?)\[[^\]\n]+\][ \t\r]*\n(?:[^\[\n(){};]*\n)*[A-Za-z0-9_.-]+[ \t]*=[ \t]*")
# Nothing but members since the line of a key that has them: YAML, and no fields of a class.
_IN_MAPPING: Final = Pattern(
    r"(?s:(?:.*\n)?)[ ]*(?:- )?[A-Za-z0-9_.-]+:[ \t\r]*\n(?:[ ]+(?:- )?[A-Za-z0-9_.-]+:(?:[ ][^\n(){};]*)?\n)*"
    r"[ ]+(?:- )?[A-Za-z0-9_.-]+:[ ]+"
)
# A map in braces in a line of YAML, of a template or with nothing of a program's before it: no object of that.
_FLOW_MEMBER: Final = r"[A-Za-z0-9_.-]+: (?:[^,{}()\[\]]*|\{[^{}()]*\}|\[[^\[\]()]*\]), *"
_IN_FLOW: Final = Pattern(
    rf"[ ]*(?:- )*(?:[A-Za-z0-9_.-]+:[ ]+)?(?:- )?\[?\{{[ ]*(?:{_FLOW_MEMBER})*"
    rf"(?:[A-Za-z0-9_.-]+: \{{[ ]*(?:{_FLOW_MEMBER})*){{0,2}}[A-Za-z0-9_.-]+: *"
)
_FLOW_ENDS: Final = Pattern(r"[^\n\x00(;]*\}\]?[ \t]*(?:#[^\n\x00]*)?(?:\r?\n|\x00)")
_OF_CODE: Final = Pattern(r"[;(,][ \t\r]*\n|=>|(?:^|\n)[ \t]*(?:const|export|function|import|let|return|var) ")
_OF_TEMPLATE: Final = Pattern(r"(?:^|[^A-Za-z])(?:AWS::[A-Z]|AMAZON_[A-Z]|!(?:Ref|Sub|GetAtt|ImportValue) )")
# A variable of the environment with several values.
_LISTED: Final = Pattern(r"(?:export[ \t]+|- )?[A-Z][A-Z0-9_]*S=(?:[A-Za-z0-9_.-]+,)+")
# A placeholder of Spring's with a default.
_DEFAULTED: Final = Pattern(r".*\$\{[A-Za-z0-9_.-]{1,80}:")
# A line of a log.
_LOGGED: Final = Pattern(r"\[?20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*[ ,\[(]")
# An array of a shell under a variable in capitals.
_ARRAY: Final = Pattern(r"(?:.*[ \t])?[A-Z0-9_]+=\([^()]*")
_FLOW_BEFORE: Final = Pattern(r"[ \t]*(?:- )?[A-Za-z0-9_.-]+: \[(?:[\"']?[A-Za-z0-9_.-]+[\"']?, ?)*")
_FLOW_AFTER: Final = Pattern(r"(?:, ?[\"']?[A-Za-z0-9_.-]+[\"']?)*\][ \t]*(?:#.*)?\r?")
# A line of a properties or environment file, a parameter of a URL, one of several in a log line.
_WHOLE_LINE: Final = Pattern(r"(?:(?:export|set|SET|local|readonly)[ \t]+)?[A-Za-z0-9_.-]+=")
_PARAMETER: Final = Pattern(r".*[?&][A-Za-z0-9_.-]+=")
# One of several in a string, with nothing but such between them.
_PAIRS: Final = Pattern(r".*[\"'](?:[A-Za-z0-9_]+=[^\s=\"'(){}]+ )+[A-Za-z0-9_]+=")
_PAIR_ENDS: Final = (b"\\", b'"', b"'", b" ")
# A property of a framework's, also with blanks around its equals sign.
_PROPERTY: Final = Pattern(
    r"[ \t*#]*(?:%[a-z]+\.)?(?:aws|basic|camel|cloud|micronaut|mp|quarkus|spring)(?:\.[A-Za-z0-9_-]+)+[ \t]*=[ \t]*"
)
_NEXT_PAIR: Final = Pattern(r"[ \t]+[A-Za-z_.]+=[^=]")


def is_code(text: bytes, value: Value, word: bytes) -> bool:
    """Tell whether a word without quotes is a piece of code, by itself or by what follows."""
    following = text[value.end : value.end + 1]
    if EXPRESSION.fits(word) or BRACKETED.fits(word) or following in (b"(", b"[", b"{") or _BUNDLED.fits(word):
        return True
    # A comparison, a choice or a type goes on from a variable.
    if following == b" " and _OPERATOR.match(text, value.end) > 0:
        return True
    # A word of a sentence that describes the key: service_id: User-defined id of the service.
    if following == b" " and _ADJECTIVE.fits(word) and _GOES_ON.match(text, value.end) > 0:
        return True
    # The end of a statement, a declaration of a style sheet.
    if following == b";" and (_VARIABLE_NAME.fits(word) or line_before(text, value).rstrip(b" ").endswith(b":")):
        return True
    return word.count(b".") > 1 and bool(DOTTED_TYPE.fits(word))


def assigned_plainly(text: bytes, value: Value, joint: Joint) -> bool:
    """Tell whether an unquoted word is a value all the same: of a flag, an environment variable, YAML, a table, XML."""
    if joint.plain:
        return True
    before = text[max(0, value.start - _LOOK_BACK) : value.start].rpartition(END)[2].rpartition(b"\n")[2]
    if before.endswith(b"="):
        # Of a file of settings in a string, too.
        before = before.rpartition(b"\\n")[2]
    stripped = before.rstrip(b" \t")
    if stripped.endswith((b"|", b">")):
        return not stripped.endswith((b"=>", b"->"))
    after = text[value.end : value.end + 2]
    if joint.series is Series.ARRAY:
        return _ARRAY.fits(before)
    if joint.series is Series.ITEMS:
        return stripped.endswith(b"-") and after[:1] in _ENDS_LINE and after[:1] != b" "
    key = (stripped[:-1].split()[-1:] or [b""])[0]
    if stripped.endswith(b":"):
        return _assigned_by_colon(text, value, before, key, after)
    if stripped.endswith(b"="):
        if _PROPERTY.fits(before) or _IN_INI.fits(_section_before(text, value)):
            return after[:1] in _LINE_STOPS
        return before == stripped and _assigned_by_equals(text, value, before, key, after)
    return b"--" in before


def _assigned_by_colon(text: bytes, value: Value, before: bytes, key: bytes, after: bytes) -> bool:
    """Tell whether ``before``, which ends with a key and a colon, is YAML: no object of a program, nor a type."""
    if before.endswith(b":"):
        return after[:1] == b"}" and _DEFAULTED.fits(before)
    if (after[:1] in (b",", b"}") or after == b" }") and _IN_FLOW.fits(before):
        section = _section_before(text, value)
        return _OF_TEMPLATE.search(section) is not None or (
            _FLOW_ENDS.match(text, value.end) > 0 and _OF_CODE.search(section) is None
        )
    word = text[value.start : value.end]
    typed = DOTTED_TYPE.fits(word) or (
        key == key.lower() and _TYPE_NAME.fits(word) and not _IN_MAPPING.fits(_section_before(text, value))
    )
    # A union of types in TypeScript goes on with a bar, and a member of an object may be the last one.
    code = after in (b" =", b" }", b" ?", b" &", b" +") or (after == b" |" and b"|" not in before)
    return after[:1] in _ENDS_LINE and not typed and not code


def _assigned_by_equals(text: bytes, value: Value, before: bytes, key: bytes, after: bytes) -> bool:
    """Tell whether ``before``, which ends with a key and = without a blank, is no code."""
    if (
        key.startswith(b"--")
        or (key := key.rpartition(b":")[2].rpartition(b'"')[2]) == key.upper()
        or b" -" in before
        or key.lower().endswith((b"value", b"values"))
    ):
        return True
    if _WHOLE_LINE.fits(before) and after[:1] in _LINE_STOPS:
        return True
    if _PAIRS.fits(before) and after[:1] in _PAIR_ENDS:
        return True
    if after[:1] in _ENDS_LINE and _LOGGED.fits(before[: -len(key) - 1]):
        return True
    return _PARAMETER.fits(before) or _NEXT_PAIR.match(text, value.end) > 0


def is_listed(text: bytes, value: Value) -> bool:
    """Tell whether a word is one of a list: in YAML's brackets, or of a variable of the environment."""
    return _in_yaml(text, value) or bool(_LISTED.fits(line_before(text, value)))


def _in_yaml(text: bytes, value: Value) -> bool:
    """Tell whether a list in brackets, without quotes, is all of a line of YAML."""
    before = text[max(0, value.start - _LOOK_BACK) : value.start].rpartition(END)[2].rpartition(b"\n")[2]
    after = text[value.end : value.end + _LOOK_BACK].partition(b"\n")[0].partition(END)[0]
    return _FLOW_BEFORE.fits(before) and _FLOW_AFTER.fits(after)


def line_before(text: bytes, value: Value, most: int = _LOOK_BACK) -> bytes:
    """Return what stands before a value on its line, in the string that holds it; the line's break may be an escape.

    No more than ``most`` bytes are looked at.
    """
    before = text[max(0, value.start - most) : value.start]
    return before[max(before.rfind(mark) + len(mark) for mark in _LINE_BEGINS) :]


def _section_before(text: bytes, value: Value) -> bytes:
    """Return what stands before a value in its string, with breaks of lines for their escapes."""
    before = text[max(0, value.start - _SECTION_BACK) : value.start].rpartition(END)[2]
    if b"\\n" in before:
        for count in (4, 2, 1):
            before = before.replace(b"\\" * count + b"n", b"\n")
    return before
