r"""Commands: what a line of the shell says of its output, if a command of the AWS CLI is in it.

``aws … --query 'Functions[].[FunctionName,Runtime]'`` prints cells without keys; their keys stand in the query, or in
the program of ``jq`` that follows. ``head_of`` keeps a command as what stands before its output; ``read`` tells the
columns. A shell is not interpreted here, nor is JMESPath: whatever is not understood has no columns.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from aws_masker.joints import END, VALUE
from aws_masker.re2c import Pattern

# Longer commands have programs of their own in them.
MAX_COMMAND: Final = 4096
PROMPT: Final = b"$ "
_MARKS: Final = bytes.maketrans(END + VALUE, b"  ")
_IS_AWS: Final = Pattern(r"(?s:(?:.*[\s;|&(`/])?aws\s.*)")
_TOKEN: Final = Pattern(r"[0-9]?>&[0-9-]|(?:'[^']*'|\"(?:[^\"\\]|\\(?s:.))*\"|\\(?s:.)|[^\s'\"\\|&;()])+|\n|[|&;()]+")
_ASSIGNMENT: Final = Pattern(r"(?s:[A-Za-z_][A-Za-z0-9_]*\+?=.*)")
_OPERATOR: Final = frozenset(b"|&;()\n")
# What prints nothing of its own, or its words.
_QUIET: Final = frozenset(
    b"aws cd do done echo else export false fi for if local printf read set sleep source then time true while { } [ [["
    b" !".split()
)
# What passes on what is piped to it.
_FILTERS: Final = frozenset(
    b"aws awk basename cat column cut egrep grep head jq less nl paste rev sed sort tac tail tee tr uniq while"
    b" xargs".split()
)
# Their words are commands, too.
_PREFIXES: Final = frozenset(b"do else if then time while xargs { !".split())
# What changes the order or number of cells on a line.
_CUTTERS: Final = frozenset(b"awk cut paste sed xargs".split())
_IDENTIFIER: Final = Pattern(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH: Final = Pattern(r"(?:\.[A-Za-z_][A-Za-z0-9_]*(?:\[[^\[\]]*\])?\??)+")
_ALIAS: Final = Pattern(r"[ \n]*\"?[A-Za-z_][A-Za-z0-9_ -]*\"?[ ]*:")
_OPEN: Final = frozenset(b"[({")
_CLOSE: Final = frozenset(b"])}")
_LITERALS: Final = frozenset(b"'`\"")
# The key of a tag's value where the tag is Name.
NAME: Final = b"Name"
# Commands that print one thing a line, if they are given nothing to look into, and what stands in its columns.
_LISTS: Final = {
    b"configure list-profiles": (b"ProfileName",),
    b"s3 ls": (b"CreationDate", b"CreationTime", b"BucketName"),
}


class Column(NamedTuple):
    """What a query selects: the last name of its path, and the title that the query gives to it, if any."""

    title: bytes
    key: bytes


class Command(NamedTuple):
    """What is known of an output: its columns, and whether all of it comes from the AWS CLI, cell by cell.

    ``selects`` tells that something was selected, whether or not it is known what. ``spaced``: blanks part cells too.
    """

    columns: tuple[Column, ...] = ()
    pure: bool = False
    selects: bool = False
    spaced: bool = False


def head_of(command: bytes) -> bytes | None:
    """Return what to put before the output of a command, None where it has nothing of AWS."""
    if len(command) > MAX_COMMAND or not _IS_AWS.fits(command):
        return None
    return PROMPT + command.strip().translate(_MARKS)


def read(line: bytes) -> Command:
    """Return what a line of a shell, without its prompt, says of its output."""
    simple = list(_commands(line[:MAX_COMMAND]))
    commands = [words for _, words in simple]
    names = [words[0] for words in commands]
    if b"aws" not in names:
        return Command()
    pure = all(words[0] in (_FILTERS if piped else _QUIET) for piped, words in simple)
    selections: dict[tuple[Column, ...], None] = {}
    selects = spaced = False
    for words in commands:
        if words[0] == b"aws":
            query = _option(words, b"--query")
            listed = () if query else _listed(words)
            columns = selected(query) if query else listed
            spaced |= len(listed) > 1
            selects |= bool(columns) or _option(words, b"--output") == b"text"
            selections[columns] = None
        elif words[0] == b"jq":
            selects = True
            selections = {picked(next((word for word in words[1:] if not word.startswith(b"-")), b"")): None}
    cut = not _CUTTERS.isdisjoint(names)
    columns = next(iter(selections)) if len(selections) == 1 else ()
    if cut and len(columns) > 1:
        columns = ()
    return Command(columns, pure, selects, spaced=spaced or cut or b"jq" in names or b"column" in names)


def selected(query: bytes) -> tuple[Column, ...]:
    """Return the columns of a query in JMESPath."""
    path = next((one for one in reversed(_split(_without_filters(query), b"|")) if _IDENTIFIER.search(one)), b"")
    group = _last_group(path)
    if group is None:
        return tuple(Column(b"", key) for key in [_last_name(path)] if key)
    columns = []
    for one in _split(group, b","):
        alias = _ALIAS.match(one, 0)
        title = one[:alias].strip(b' \n":') if alias > 0 else b""
        columns.append(Column(title, _last_name(one[max(alias, 0) :])))
    return tuple(columns)


def picked(program: bytes) -> tuple[Column, ...]:
    """Return the columns of a program of jq: the paths in its last part that has any."""
    parts = [part for part in _split(program, b"|") if b"select(" not in part and b"sort_by(" not in part]
    for part in reversed(parts):
        columns = [Column(b"", _last_name(part[low:high])) for low, high in _PATH.each(part)]
        if columns:
            return tuple(columns)
    return ()


def _commands(line: bytes) -> Iterator[tuple[bool, list[bytes]]]:
    """Yield the words of each simple command, without quotes and assignments, and whether something is piped to it."""
    words: list[bytes] = []
    piped = False
    for low, high in _TOKEN.each(line):
        token = line[low:high]
        if _OPERATOR.issuperset(token):
            if words:
                yield piped, words
            words = []
            piped = token == b"|" or (piped and token == b"\n" and not words)
            continue
        # What xargs is told itself is not what it runs.
        if not words and (_ASSIGNMENT.fits(token) or token.startswith(b"-")):
            continue
        words.append(_unquoted(token))
        if len(words) == 1 and words[0] in _PREFIXES:
            yield piped, words
            words = []
    if words:
        yield piped, words


def _unquoted(token: bytes) -> bytes:
    return token[1:-1] if token[:1] in (b"'", b'"') and token[-1:] == token[:1] else token


def _option(words: list[bytes], flag: bytes) -> bytes:
    """Return the value of a flag, b"" where it is not there."""
    for place, word in enumerate(words):
        if word == flag and place + 1 < len(words):
            return words[place + 1]
        if word.startswith(flag + b"="):
            return _unquoted(word[len(flag) + 1 :])
    return b""


def _listed(words: list[bytes]) -> tuple[Column, ...]:
    """Return what stands in the columns of a command that lists all it has, none where it looks into something."""
    given = (word for before, word in pairwise(words[2:]) if not before.startswith(b"-") or word.startswith(b"s3:"))
    if any(not word.startswith(b"-") for word in given):
        return ()
    return tuple(Column(b"", key) for key in _LISTS.get(b" ".join(words[1:3]), ()))


def _without_filters(query: bytes) -> bytes:
    """Return a query without its filters and literals; that of the tag Name leaves its key behind."""
    kept = bytearray()
    stack: list[int] = []
    at = 0
    while at < len(query):
        byte = query[at]
        if byte in _LITERALS and (stack or byte != 0x22):  # noqa: PLR2004 - a name may be quoted
            end = query.find(byte, at + 1)
            at = len(query) if end < 0 else end + 1
            continue
        if stack:
            if byte in _OPEN:
                stack.append(at)
            elif byte in _CLOSE:
                begin = stack.pop()
                if not stack and b"Name" in query[begin:at] and b"Key" in query[begin:at]:
                    kept += b"#"
        elif query.startswith(b"[?", at):
            stack.append(at)
        else:
            kept.append(byte)
        at += 1
    return bytes(kept)


def _split(text: bytes, separator: bytes) -> list[bytes]:
    """Return what stands between separators that are in no brackets and no quotes."""
    parts = []
    depth = low = 0
    quote = 0
    for at, byte in enumerate(text):
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in b"\"'`":
            quote = byte
        elif byte in _OPEN:
            depth += 1
        elif byte in _CLOSE:
            depth -= 1
        elif byte == separator[0] and depth == 0:
            parts.append(text[low:at])
            low = at + 1
    parts.append(text[low:])
    return parts


def _last_group(path: bytes) -> bytes | None:
    """Return what stands in the last brackets of a path that select several things."""
    depth = begin = 0
    # The last character before brackets, but for blanks: those behind a name are an index.
    before = 0x2E
    selects = False
    found = None
    for at, byte in enumerate(path):
        if byte in _OPEN:
            if depth == 0:
                begin = at
                selects = byte != 0x28 and before == 0x2E  # noqa: PLR2004 - "(" and "."
            depth += 1
        elif byte in _CLOSE:
            depth -= 1
            if depth == 0 and selects and _IDENTIFIER.search(path, begin, at):
                found = path[begin + 1 : at]
        if byte not in b" \n\t":
            before = byte
    return found


def _last_name(path: bytes) -> bytes:
    """Return the last name of a path, or Name where a filter left only the tag of that name."""
    if b"#" in path:
        return NAME
    last = b""
    for low, high in _IDENTIFIER.each(path):
        if path[high : high + 1] != b"(":
            last = path[low:high]
    return last
