"""Standing: whether a value stands beside its key as a name would, in a text that never speaks of AWS.

There a key says less, so how it is joined to its value has to say the rest: a measure of Prometheus
(``cluster:node_cpu``), the row of a table about something else, an element of another vocabulary of XML and the middle
of a sentence have the keys of AWS, too, and what follows them is no name. Whatever a text speaks of, some joints let a
value follow only behind what they belong to: a function, a row, a tag.
"""

from typing import Final

from aws_masker.context import Met
from aws_masker.finding import Finding
from aws_masker.joints import END, VALUE, Kind
from aws_masker.re2c import Pattern, Span
from aws_masker.tokens import TAIL_PATTERN

_LOOK_BACK: Final = 120
# More cells of a row than its key and its value: before the key, and behind the value.
_CELL_BEFORE: Final = Pattern(r".*\|[^|]*[A-Za-z0-9][^|]*\|[ \t*`\"]*")
# A sentence rather than the title of a row.
_SENTENCE: Final = Pattern(r".*(?:[A-Za-z][^|\s]*[ ]+){3}")
_CELL_BEHIND: Final = Pattern(r"[*`\"]*[ \t]*\|[ \t]*[^|\s\\\"'\x00]")
_OPENS_TAG: Final = (b"<", b":")
_CLOSES_TAG: Final = b">"
_NAMED: Final = (b"name", b"id", b"identifier")
# A comment, a cell, the next key: what may follow a value that has no quotes, behind a blank.
_WORDS_FOLLOW: Final = Pattern(r"[ \t]+[A-Za-z0-9(][A-Za-z0-9_.()/'-]*(?:[ ,;\r\n\x00]|\.[\s\x00])")
_PLAIN: Final = (b": ", b" = ", b"=")
_LINE_BEGINS: Final = (END, b"\n", b"\\n")
_NEAR: Final = 60
# A whole word of letters, or what it became when it was masked.
_SAID_BEFORE: Final = Pattern(rf"(?s:.*)(?:[^A-Za-z0-9_-][A-Za-z]{{2,}}|{TAIL_PATTERN}) ")
_LAST_CELL: Final = Pattern(r"[^\t\n\x00]+(?:\n|\x00)")
# Functions of which the first argument is a key and the second a default, or what it is compared with.
_GETTERS: Final = Pattern(
    r"(?s:.*)(?:[gG]et|[gG]etenv|[gG]etEnv|env|ENV|getOrDefault|[gG]etProperty|setdefault|contains|starts_with|ends_with|"
    r"GetEnvironmentVariable|GetValue|fetch|lookup|set|setProperty|SetDefault|[a-z_]*_env|option|add_argument"
    r"|(?:[fF]lags?|[fF]lag[sS]et|Flags\(\))\.String(?:Var)?P?)"
    r"\((?:&[A-Za-z0-9_.]+,)?(?:[ \t]|\r?\n)*(?:@\.?)?\\*[\"'`]?[A-Za-z0-9_.]*"
)
# Functions that declare a flag, of which the second argument may be the variable that takes its value.
_DECLARES: Final = Pattern(r"(?s:.*)(?:option|add_argument)\([ \t\r\n]*[\"']-{0,2}")
_VARIABLE: Final = Pattern(r"[a-z]+(?:_[a-z]+)*[\"']")
# A metric with its dimensions, as dashboards of CloudWatch write it.
_METRIC: Final = Pattern(r"(?s:.*)\[(?:\s|\\+[nrt])*\\*\"[A-Z][A-Za-z0-9/_]*\\*\",[^\[\]{}()]*")
_METRIC_BACK: Final = 240
_TAG_END: Final = 0x3E  # ">"


def stands_so(text: bytes, key: int, spelled: Span, one: Finding, met: Met) -> bool:
    """Tell whether ``one`` stands as a name beside its key, which is at ``key`` and the end of what is ``spelled``."""
    low, high = spelled
    name, joined = text[low:high], text[high : one.start]
    if b" " in name and text[low - 1 : low] in _OPENS_TAG:
        return False
    # What ends in Name or Id and is not shared says enough.
    if not met.shared and name.lower().rstrip(b"s").endswith(_NAMED):
        return True
    if met.joint.kind is Kind.ROW:
        before = _line_before(text, low)
        return _CELL_BEHIND.match(text, one.end) < 0 and not (_CELL_BEFORE.fits(before) or _SENTENCE.fits(before))
    if joined == b":" or (joined == _CLOSES_TAG and text.endswith(b":", 0, low)):
        return False
    # The last word of several, in a sentence or a heading: web service: x.
    if met.shared and joined.startswith(b":") and _SAID_BEFORE.fits(text[max(0, low - _NEAR) : low]):
        return False
    # A function called like one, of something.
    if joined.startswith(b"(") and low < key:
        return False
    # A shared key as the end of a longer one, or in a space of names, is one more that AWS does not have.
    if met.shared and not (name.isupper() or met.joint.flag) and (low < key or _in_space(text, low)):
        return False
    return not (joined in _PLAIN and _WORDS_FOLLOW.match(text, one.end) > 0)


def _in_space(text: bytes, low: int) -> bool:
    """Tell whether a key at ``low`` has a space of names before it: sonar.projectName."""
    return text[low - 1 : low] == b"." and text[low - 2 : low - 1].isalnum()


def _line_before(text: bytes, at: int) -> bytes:
    """Return what stands before ``at`` on its line, whose break may be an escape."""
    before = text[max(0, at - _LOOK_BACK) : at]
    return before[max(before.rfind(mark) + len(mark) for mark in _LINE_BEGINS) :]


def holds(text: bytes, key: int, joint: int, end: int, kind: Kind) -> bool:
    """Tell whether what stands before a key, and its joint, let a value follow that is the key's."""
    if text.startswith(b"--", key - 2) and _VARIABLE.match(text, end) >= 0:
        return not _DECLARES.fits(text[max(0, key - _NEAR) : key].rpartition(END)[2])
    if kind is Kind.VALUE and (end - joint > 1 or text[joint] != _TAG_END):
        return True
    before = text[max(0, key - _NEAR) : key].rpartition(END)[2]
    if kind is Kind.ARGUMENT:
        return _GETTERS.fits(before) or _METRIC.fits(text[max(0, key - _METRIC_BACK) : key].rpartition(END)[2])
    if kind is Kind.TITLE:
        return False
    if kind is Kind.COLUMN:
        # A line of the AWS CLI's text output that has one of a list: a key in capitals, and nothing behind the value.
        listed = text[key:joint].isalpha() and text[key:joint].isupper() and before[-1:] in (b"", b"\n", VALUE)
        return listed and _LAST_CELL.match(text, end) >= 0
    # A joint of one character: the end of an element's tag.
    return end - joint > 1 or text[joint] != _TAG_END or before.endswith((b"<", b":"))
