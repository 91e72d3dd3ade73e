"""Values: what stands behind a joint, from its first byte to its last, and the other values of the same key.

A value is quoted (at some depth of escaping), bare, or all of a text. A list, an array or a flag may hold several. A
definition (a variable of Terraform, a parameter of CloudFormation) holds its value in one of its members.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from aws_masker.joints import ALONE, BREAK, END, NEWLINE, ONE, QUOTE, VALUE, Joint, Series
from aws_masker.re2c import Pattern

MAX_SECRET: Final = 65_536
MAX_BARE: Final = 600
# How far a definition is looked through for its default or value.
MAX_DEFINITION: Final = 600

_QUOTES: Final = (b'"', b"'", b"`")
_OPENERS: Final = {b")": b"(", b"}": b"{", b"]": b"["}
_VARIABLE: Final = r"\$\{[^{}\"'\s\x00\x01]{1,80}\}"
_BARE: Final = Pattern(rf"(?:{_VARIABLE}|[^\s\"'`<>|,;&(){{}}\[\]\\\x00-\x1f\x80-\xff])+")
_BARE_SECRET: Final = Pattern(r"[^\s\"'`\x00-\x1f]+")
_NEXT: Final = {
    # A change in a plan of Terraform.
    Series.ONE: Pattern(rf"{QUOTE}[ \t]*->[ \t]*{QUOTE}"),
    Series.COMMAS: Pattern(rf"(?:{QUOTE})?{BREAK}*,{BREAK}*(?:[+~-][ \t]+)?(?:{QUOTE})?"),
    Series.ITEMS: Pattern(rf"(?:{QUOTE})?[ \t]*{NEWLINE}[ \t]*-[ \t]+(?:{QUOTE})?"),
    Series.WORDS: Pattern(rf"(?:{QUOTE})?(?:,|(?:[ \t]|\\+\r?\n)+)(?:{QUOTE})?"),
    Series.ARRAY: Pattern(rf"(?:{QUOTE})?(?:,{BREAK}*|{BREAK}+)(?:\[[A-Za-z0-9_-]+\]=)?(?:{QUOTE})?"),
}
# What may stand between the quote and the arrow of a change.
_BEFORE_CHANGE: Final = (b" ", b"\t", b"-")
_AFTER_FLAG: Final = Pattern(",")
_MEMBER: Final = Pattern(
    rf"(?:{BREAK}|[,;{{])(?:{QUOTE})?(?:[dD]efault|[vV]alue)(?:{QUOTE})?[ \t]*[:=][ \t]*"
    rf"(?:&[A-Za-z0-9_.-]+[ \t]+)?(?:!!str[ \t]+|!Sub[ \t]+)?(?:{QUOTE})?"
)
# One of a list, or beside a key, with what tells that it is no key itself.
_ENTRY: Final = Pattern(
    rf"{QUOTE}(/?[A-Za-z0-9_][A-Za-z0-9_.+=@/-]{{0,255}}){QUOTE}[ \t]*(?:[,)\]}}#\x00]|{NEWLINE})|[\[({{}})\]\x00]",
    captures=True,
)
# What is assigned in a class or an enumeration, or given to one of its members; and where it ends.
_CONSTANT: Final = Pattern(
    rf"(?:[A-Za-z0-9_?!]{BREAK}*(?:[=:]{BREAK}*|\({BREAK}*)){QUOTE}(/?[A-Za-z0-9_][A-Za-z0-9_.+=@/-]{{0,255}}){QUOTE}"
    rf"[ \t]*(?:[,;)}}#\x00]|//|{NEWLINE})|[{{}}\x00]|{NEWLINE}[ \t]*[A-Za-z@]",
    captures=True,
)
_STAR: Final = ord("*")
_ANY_MORE: Final = b":*"
_LINE: Final = Pattern(NEWLINE)
_ENTRY_LINE: Final = Pattern(
    r"[\n ][ ]*[A-Za-z0-9_.-]+:[ ]+[\"']?([^\s\"':\\{}\[\]\x00][^\s\"'\\{}\[\]\x00]{0,255})[\"']?[ ]*\r?(?:\n|\x00)",
    captures=True,
)
_SHELL_WORD: Final = Pattern(r"[^\s\"'$`(){}\\\x00]+")
_ALONE: Final = Pattern(r"[^\s:\"'`\\(){}\[\]\x00]+")


class Value(NamedTuple):
    """Where a value stands: its bytes, and how it was written."""

    start: int
    end: int
    quoted: bool


def values_at(text: bytes, start: int, joint: Joint, *, secret: bool) -> Iterator[Value]:
    """Yield the value that begins at ``start``, right after a joint, and those after it that belong to the same key."""
    if text[start - 1 : start] == VALUE:
        yield Value(start, text.find(END, start), quoted=True)
        return
    while True:
        opener = text[start - 1 : start]
        if opener in _QUOTES:
            level = _backslashes(text, start - 1)
            closing = _closing(text, start, opener, level)
            if closing is None:
                return
            value = Value(start, closing - level, True)  # noqa: FBT003 - half as long as by name
            if joint.series is Series.ONE and text[closing + 1 : closing + 2] not in _BEFORE_CHANGE:
                yield value
                return
        else:
            end = _bare_end(text, start, secret=secret)
            if end <= start:
                return
            value = Value(start, end, False)  # noqa: FBT003
        yield value
        following = (
            _AFTER_FLAG if joint.flag and joint.series is Series.ONE and not value.quoted else _NEXT[joint.series]
        )
        start = following.match(text, value.end)
        if start <= value.end or (joint.flag and text.startswith(b"-", start)):
            return


def definition_at(text: bytes, key: int, start: int) -> tuple[int | None, Joint]:
    """Return where the value of a definition begins, and how it may go on.

    ``key`` is where its key stands, ``start`` where it opens. A value alone in lines of its own is one too.
    """
    limit = min(len(text), start + MAX_DEFINITION)
    border = text.find(END, start, limit)
    limit = limit if border < 0 else border
    if text.find(b"{", key, start) >= 0:
        inside = [at for at in (text.find(b"}", start, limit), text.find(b"{", start, limit)) if at >= 0]
        limit = min(inside, default=limit)
    else:
        limit = indented(text, key, start, limit)
        if _ALONE.match(text, start, limit) == limit:
            return start, ALONE
    # The break before the first member belongs to the joint.
    found = _MEMBER.search(text, start - 1, limit)
    return (None if found is None else found[1]), ONE


def entries_at(text: bytes, start: int, limit: int) -> Iterator[Value]:
    """Yield the strings in a map or a list that was opened before ``start``, without the keys and what is deeper."""
    depth = 1
    at = start
    while depth and (span := _ENTRY.search(text, at, limit)) is not None:
        low, at = span
        if text[low] in b")]}\x00":
            depth -= 1
        elif text[low] in b"([{":
            depth += 1
        elif (parts := _ENTRY.parts(text, low, at)) is not None:
            one, at = parts[1]
            if depth == 1:
                yield Value(one, at, quoted=True)


def constants_at(text: bytes, start: int, limit: int) -> Iterator[Value]:
    """Yield the strings that are assigned in a class or an enumeration, which was opened before ``start``.

    It goes on to the bracket that closes it, or as far as lines stand deeper than the one of its opener.
    """
    indented = text[start - 1 : start] == b":"
    line = max(text.rfind(mark, max(0, start - 200), start) + len(mark) for mark in (b"\n", b"\\n", END))
    indent = len(text[line:start]) - len(text[line:start].lstrip(b" \t"))
    depth = 1
    at = start
    while depth and (span := _CONSTANT.search(text, at, limit)) is not None:
        low, at = span
        parts = _CONSTANT.parts(text, low, at)
        if parts is not None and parts[1][0] >= 0:
            at = parts[1][1]
            if depth == 1:
                yield Value(*parts[1], quoted=True)
        elif text[low] == 0:
            return
        elif text[low] in b"{}":
            depth += 0 if indented else 1 if text[low] == 0x7B else -1  # noqa: PLR2004 - "{"
        else:
            at -= 1
            if indented and len(text[low:at].lstrip(b"\\rn\n")) <= indent:
                return


def lines_at(text: bytes, key: int, start: int) -> Iterator[Value]:
    """Yield the values beside the keys in the lines that stand deeper than the one of ``key``, as YAML has a map."""
    limit = min(len(text), start + MAX_DEFINITION)
    border = text.find(END, start, limit)
    limit = indented(text, key, start, limit if border < 0 else border)
    at = start - 1
    while (span := _ENTRY_LINE.search(text, at, limit + 1)) is not None:
        parts = _ENTRY_LINE.parts(text, *span)
        at = max(span[0] + 1, span[1] - 1)
        if parts is not None:
            yield Value(*parts[1], quoted=True)


def indent(text: bytes, at: int) -> int:
    """Return how many blanks the line of ``at`` begins with."""
    line = text.rfind(b"\n", max(0, at - MAX_BARE), at) + 1
    return len(text[line:at]) - len(text[line:at].lstrip(b" "))


def words_at(text: bytes, start: int) -> Iterator[Value]:
    """Yield the words of the string that was opened before ``start``, as a shell parts them."""
    end = text.find(text[start - 1 : start], start, min(len(text), start + MAX_DEFINITION))
    for low, high in _SHELL_WORD.each(text, start, max(start, end)):
        yield Value(low, high, quoted=True)


def indented(text: bytes, key: int, start: int, limit: int) -> int:
    """Return where the lines end that stand deeper than the one of ``key``."""
    line = max(text.rfind(mark, max(0, key - 200), key) + len(mark) for mark in (b"\n", b"\\n", END))
    indent = key - line
    at = start
    while (found := _LINE.search(text, at, limit)) is not None:
        begins = found[1]
        first = begins
        while first < limit and text[first] == 0x20:  # noqa: PLR2004 - a space
            first += 1
        if first - begins <= indent:
            return found[0]
        at = first
    return limit


def _bare_end(text: bytes, start: int, *, secret: bool) -> int:
    """Return where the unquoted value at ``start`` ends, without the punctuation of a sentence around it."""
    if secret:
        end = _BARE_SECRET.match(text, start)
        tag = text.find(b"<", start, end) if text[start - 1 : start] == b">" and end > start else -1
        end = end if tag < 0 else tag
    else:
        end = _BARE.match(text, start, min(len(text), start + MAX_BARE))
    # What a permission lets follow a command: Bash(aws s3 ls ledger:*).
    if text[end - 1] == _STAR and not secret and text.endswith(_ANY_MORE, start, end):
        end -= len(_ANY_MORE)
    edges = b".,;" if secret else b".:!?,;"
    while end > start and (text[end - 1] in edges or _closes_something(text, start, end)):
        end -= 1
    # Markdown's bold.
    bold = end > start and text[end - 1] == _STAR and text.endswith(b"**", start, end)
    return end - 2 if bold and not secret else end


def _closes_something(text: bytes, start: int, end: int) -> bool:
    """Tell whether the last character is a bracket that was opened before the value."""
    opener = _OPENERS.get(text[end - 1 : end])
    return opener is not None and text.rfind(opener, start, end) < 0


def _backslashes(text: bytes, position: int) -> int:
    """Return how many backslashes stand right before ``position``."""
    start = position
    while start > 0 and text[start - 1] == 0x5C:  # noqa: PLR2004
        start -= 1
    return position - start


def _closing(text: bytes, start: int, quote: bytes, level: int) -> int | None:
    """Return where the quote stands that closes a value opened by ``level`` backslashes and ``quote``."""
    stop = min(len(text), start + MAX_SECRET)
    border = text.find(END, start, stop)
    stop = stop if border < 0 else border
    at = text.find(quote, start, stop)
    while at >= 0:
        before = _backslashes(text, at)
        if before == level or (level == 0 and before % 2 == 0):
            return at
        at = text.find(quote, at + 1, stop)
    return None
