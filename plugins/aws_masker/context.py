"""Context: a value is an identifier because of the key, flag or column beside it.

A key of the catalogue (``DBInstanceIdentifier``) is met in many spellings (``db_instance_identifier``,
``--db-instance-identifier``, ``DB_INSTANCE_IDENTIFIER``) and joined to its value in many ways: JSON at any depth of
escaping, YAML, HCL, environment variables, flags, tables, XML, calls. ``pattern`` is one alternation that finds a known
key with what joins it to a value; ``value_at`` then reads the value that begins there.

A structured document gives its keys and values apart: ``joined`` writes them as text that the same pattern finds, with
two control characters, which JSON text cannot hold, as marks.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from aws_masker.catalogue import ANY_VALUE, Family
from aws_masker.re2c import NEVER, Pattern, Span

# Around every separate text: nothing is ever found across it.
END: Final = b"\x00"
# Opens a value that runs to END, whatever is in it.
VALUE: Final = b"\x01"
_NO_MARKS: Final = bytes.maketrans(END + VALUE, b"\x02\x02")

MAX_SECRET: Final = 65_536
_LOOK_BACK: Final = 120
_OPENERS: Final = {b")": b"(", b"}": b"{", b"]": b"["}
_EDGES: Final = b"-_.,:;=+@"

_BREAK: Final = r"(?:[ \t\r\n]|\\+[nrt])"
_QUOTE: Final = r"\\*[\"'`]"
_OPEN: Final = rf"(?:{_QUOTE}|{VALUE.decode()})?"
_LIST: Final = rf"(?:\[{_BREAK}*|{_BREAK}+-[ \t]+)?"
_CALL: Final = r"(?:(?:new )?[&*]?[A-Za-z.]+\()?"
_GLUE: Final = (
    rf"(?:{_QUOTE}|\*{{1,2}})?\]?\)?"
    rf"(?:(?:[ \t]*(?:=>|:=|[:=|])[ \t]*|>){_LIST}{_CALL}{_OPEN}|[ \t]*\([ \t]*{_QUOTE})"
)
_FLAG_GLUE: Final = rf"(?:(?:=|(?:{_BREAK}|\\+\r?\n)+)(?:{_QUOTE})?|{_QUOTE}{_BREAK}*,{_BREAK}*{_QUOTE})"

_WORDS: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SPELLED: Final = Pattern(r"[A-Za-z][A-Za-z0-9_-]{0,80}")
_BARE: Final = Pattern(r"[^\s\"'`<>|,;(){}\[\]\\\x00-\x1f\x80-\xff]{1,512}")
_BARE_SECRET: Final = Pattern(r"[^\s\"'`\x00-\x1f]+")
_NEXT: Final = Pattern(rf"{_QUOTE}{_BREAK}*,{_BREAK}*{_QUOTE}")
_ARROW: Final = Pattern(rf"{_QUOTE}[ \t]*->[ \t]*{_QUOTE}")
_NEXT_LINE: Final = Pattern(r"\r?\n[ \t]*-[ \t]+")
PLAUSIBLE: Final = Pattern(r"[A-Za-z0-9/_$][A-Za-z0-9_.+=,@:/#$\[\]-]{1,511}")
# An expression of a programming language rather than a value.
_EXPRESSION: Final = Pattern(
    r"(?:var|local|locals|module|data|each|self|this|args|os|process|config|settings|event|props|params|options|"
    r"ctx|context|request|req|env|cfg|opts|input|output|resource|aws_[a-z_]+|cls|super|path|random_[a-z_]+)[.\[].*"
    r"|!(?:Ref|Sub|GetAtt|ImportValue|Join|Select|FindInMap|If|Base64|Split|Cidr)|[A-Za-z_.]+\[.*"
)
_BRACKETED: Final = Pattern(r".*[(){}].*")
# Attributes and methods: in code an expression, in a settings file a name with dots.
_DOTTED: Final = Pattern(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
# Written without quotes, only something with a joint in it is a value rather than a variable or a type.
_JOINTED: Final = Pattern(r".*[0-9/-].*")
_TYPE_NAME: Final = Pattern(r"[A-Z][A-Za-z]+")
_CALLED: Final = Pattern(
    r"[A-Za-z_][A-Za-z0-9_.]*\(.*\)|\$\{.*|\$\(.*|\{\{.*|!(?:Ref|Sub|GetAtt|ImportValue|Join|Select).*"
)
_IDENTIFIER: Final = Pattern(r"[A-Za-z_][A-Za-z_.]*")
# Enough of letters and digits to be more than punctuation between two pieces of code.
_SOLID: Final = Pattern(r"(?s:.*[A-Za-z0-9].*[A-Za-z0-9].*[A-Za-z0-9].*[A-Za-z0-9].*)")
# The second half of a comparison, or what follows a quote that closed a string rather than opened one.
_NO_BEGINNING: Final = (b"=", b"~", b")", b",", b";", b"]")
_DOTTED_TYPE: Final = Pattern(r"(?:[a-z_][A-Za-z0-9_]*\.)+[A-Z][A-Za-z]+")
_ENDS_LINE: Final = (b"", b"\n", b"\r", b" ", b"\\", b'"', b"'", END)


class Value(NamedTuple):
    """Where a value stands: its bytes, and how it was written."""

    start: int
    end: int
    quoted: bool


def spelling(key: str) -> str:
    """Return the RE2 pattern for all spellings of an API name such as ``DBInstanceIdentifier``."""
    return "[-_]?".join(word.lower() for word in _WORDS.findall(key))


def normal(key: bytes) -> bytes:
    """Return what all spellings of a key have in common."""
    return key.replace(b"_", b"").replace(b"-", b"").lower()


class Keys:
    """The keys of a catalogue, and the families that each stands for."""

    def __init__(self, families: Iterable[tuple[int, Family]]) -> None:
        """Index the ``keys`` rows among ``families``, given with their place in the catalogue."""
        # Of families with a key in common, those that ask for a form come first.
        families = sorted(families, key=lambda one: not one[1].value)
        self._families: dict[bytes, list[int]] = {}
        spellings: dict[str, None] = {}
        for index, family in families:
            for key in family.keys:
                self._families.setdefault(normal(key.encode()), []).append(index)
                spellings[spelling(key)] = None
        # The longest first: BucketName before Bucket.
        self._spellings = "|".join(sorted(spellings, key=lambda one: (-len(one), one)))

    def pattern(self, before: str) -> str:
        """Return the pattern of a key and what joins it to its value; ``before`` is the boundary to its left."""
        if not self._spellings:
            return NEVER
        keys = f"(?i:{self._spellings})s?"
        return rf"(?:{before}{keys}{_GLUE}|--(?:[a-z0-9]+-)*{keys}{_FLAG_GLUE})"

    def is_key(self, word: bytes) -> bool:
        """Tell whether a value is itself the name of a key, as in a list of required members."""
        return normal(word) in self._families

    def families(self, text: bytes, start: int, end: int) -> list[int]:
        """Return the places of the families whose key stands at ``start``, when a key with its joint is all of it."""
        flag = text.startswith(b"--", start)
        start += 2 if flag else 0
        spelled = text[start : _SPELLED.match(text, start, end)]
        key = normal(spelled)
        found = self._families.get(key) or self._families.get(key.removesuffix(b"s"))
        if found is None and flag:
            # A flag may have words before the key: --source-db-instance-identifier.
            words = spelled.split(b"-")
            tails = (normal(b"".join(words[skip:])) for skip in range(1, min(4, len(words))))
            found = next((self._families[tail] for tail in tails if tail in self._families), None)
        return found or []


def joined(key: bytes | None, value: bytes) -> tuple[bytes, int]:
    """Return a separate text, with the key that it stands under if any, and how many bytes come before it."""
    head = b'%b"%b": %b' % (END, key, VALUE) if key and _SPELLED.fits(key) else END
    # A text may hold the marks themselves, as escapes in JSON; something else of the same length stands for them.
    return head + value.translate(_NO_MARKS), len(head)


def values_at(text: bytes, start: int, *, secret: bool) -> Iterator[Value]:
    """Yield the value that begins at ``start``, right after a key and its joint, and those after it in a list."""
    opener = text[start - 1 : start]
    if opener == VALUE:
        yield Value(start, text.find(END, start), quoted=True)
        return
    if opener not in (b'"', b"'", b"`"):
        yield from _bare_values(text, start, secret=secret)
        return
    level = _backslashes(text, start - 1)
    # What is between [ and a value may be line breaks, escaped ones too.
    listed = text[max(0, start - _LOOK_BACK) : start - 1 - level].rstrip(b" \t\r\n\\nrt").endswith(b"[")
    while True:
        end = _closing(text, start, opener, level)
        if end is None:
            return
        yield Value(start, end - level, quoted=True)
        start = (_NEXT if listed else _ARROW).match(text, end - level)
        if start < 0:
            return


def _bare_values(text: bytes, start: int, *, secret: bool) -> Iterator[Value]:
    pattern, edges = (_BARE_SECRET, b".,;") if secret else (_BARE, b".:!?,;")
    while (end := pattern.match(text, start)) >= 0:
        if secret and text[start - 1 : start] == b">":
            end = min(end, text.find(b"<", start, end) % (end + 1))
        while end > start and (text[end - 1] in edges or _closes_something(text, start, end)):
            end -= 1
        yield Value(start, end, quoted=False)
        start = _NEXT_LINE.match(text, end)
        if start < 0:
            return


def _closes_something(text: bytes, start: int, end: int) -> bool:
    """Tell whether the last character is a bracket that was opened before the value."""
    opener = _OPENERS.get(text[end - 1 : end])
    return opener is not None and text.rfind(opener, start, end) < 0


def trimmed(text: bytes, spans: Iterable[Span]) -> list[Span]:
    """Return the spans without the joining characters at their edges (``payments-`` of ``payments-*``)."""
    kept = []
    for low, high in spans:
        start, end = low, high
        while start < end and text[start] in _EDGES:
            start += 1
        while end > start and text[end - 1] in _EDGES:
            end -= 1
        if start < end:
            kept.append((start, end))
    return kept


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


def plausible(family: Family, text: bytes, value: Value, form: Pattern | None) -> bool:
    """Tell whether a value beside one of the family's keys can be what the key says."""
    word = text[value.start : value.end]
    if not word or (word[:1] in _NO_BEGINNING and not _opened(text, value)):
        return False
    if family.value == ANY_VALUE:
        return _plausible_secret(text, value, word)
    if form is not None:
        return form.fits(word)
    if not PLAUSIBLE.fits(word):
        return False
    if value.quoted:
        return True
    if _EXPRESSION.fits(word) or _BRACKETED.fits(word) or text[value.end : value.end + 1] in (b"(", b"[", b"{"):
        return False
    if _assigned_plainly(text, value):
        return True
    return _JOINTED.fits(word) and not _DOTTED.fits(word)


def _plausible_secret(text: bytes, value: Value, word: bytes) -> bool:
    """Tell whether a value can be a secret: anything, but no piece of code beside a word such as password."""
    if not _SOLID.fits(word):
        return False
    if value.quoted:
        return text[value.start - 1 : value.start] == VALUE or b"\n" not in word
    if _CALLED.fits(word) or _EXPRESSION.fits(word):
        return False
    return _assigned_plainly(text, value) or not (_IDENTIFIER.fits(word) or _BRACKETED.fits(word))


def _opened(text: bytes, value: Value) -> bool:
    """Tell whether the quote before a value opens it, rather than closing a string that holds the key."""
    quote = text[value.start - 1 : value.start]
    if quote == VALUE:
        return True
    before = text[max(0, value.start - 1 - _LOOK_BACK) : value.start - 1].rpartition(END)[2].rpartition(b"\n")[2]
    return value.quoted and before.count(quote) % 2 == 0


def _assigned_plainly(text: bytes, value: Value) -> bool:
    """Tell whether an unquoted word is a value all the same: of a flag, an environment variable, YAML, a table, XML."""
    before = text[max(0, value.start - _LOOK_BACK) : value.start].rpartition(END)[2].rpartition(b"\n")[2]
    stripped = before.rstrip(b" \t")
    if stripped.endswith((b"|", b">")):
        return True
    key = (stripped[:-1].split()[-1:] or [b""])[0]
    if stripped.endswith(b":"):
        # YAML, not a member of an object in JavaScript nor a type in Python.
        after = text[value.end : value.end + 2]
        word = text[value.start : value.end]
        typed = _DOTTED_TYPE.fits(word) or (key == key.lower() and _TYPE_NAME.fits(word))
        return before != stripped and after[:1] in _ENDS_LINE and after != b" =" and not typed
    if stripped.endswith(b"="):
        return before == stripped and (key.startswith(b"--") or key == key.upper())
    return b"--" in before
