"""Standing: whether a value stands beside its key as a name would, in a text that never speaks of AWS.

There a key says less, so how it is joined to its value has to say the rest: a measure of Prometheus
(``cluster:node_cpu``), the row of a table about something else, an element of another vocabulary of XML and the middle
of a sentence have the keys of AWS, too, and what follows them is no name.
"""

from typing import Final

from aws_masker.context import Met
from aws_masker.finding import Finding
from aws_masker.joints import END, Kind
from aws_masker.re2c import Pattern, Span

_LOOK_BACK: Final = 120
# More cells of a row than its key and its value: before the key, and behind the value.
_CELL_BEFORE: Final = Pattern(r".*\|[^|]*[A-Za-z0-9][^|]*\|[ \t*`\"]*")
_CELL_BEHIND: Final = Pattern(r"[*`\"]*[ \t]*\|[ \t]*[^|\s\\\"'\x00]")
_OPENS_TAG: Final = (b"<", b":")
_CLOSES_TAG: Final = b">"
_NAMED: Final = (b"name", b"id", b"identifier")
# A comment, a cell, the next key: what may follow a value that has no quotes, behind a blank.
_WORDS_FOLLOW: Final = Pattern(r"[ \t]+[A-Za-z0-9(][A-Za-z0-9_.()/'-]*(?:[ ,;\r\n\x00]|\.[\s\x00])")
_PLAIN: Final = (b": ", b" = ", b"=")
_LINE_BEGINS: Final = (END, b"\n", b"\\n")


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
        return _CELL_BEHIND.match(text, one.end) < 0 and not _CELL_BEFORE.fits(_line_before(text, low))
    if joined == b":" or (joined == _CLOSES_TAG and text.endswith(b":", 0, low)):
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
