"""Spoken names: what follows a noun in a sentence, in a line of a log, in a list of Markdown.

``the queue ledger-jobs``, ``RDS `ledger-pg` ``, and below ``## Queues`` a list with a name in each item. Only the form
of a word tells it from the rest of the sentence; the family says which forms count.
"""

from collections.abc import Iterator
from typing import Final

from aws_masker.boundaries import ALNUM, after_escape
from aws_masker.joints import END, NEWLINE, QUOTE
from aws_masker.re2c import Pattern
from aws_masker.values import Value

# What says of the next word that it is a name.
SAID_NAME: Final = (b"`", b" called ", b" named ", b" name ")
# So many that are listed behind one noun.
MAX_LISTED: Final = 16
_LOOK_BACK: Final = 60
_WORD: Final = Pattern(r"/?[A-Za-z0-9_./-]{1,256}")
_ESCAPED: Final = 16
_WORD_BYTES: Final = ALNUM | frozenset(b"-_./")
# The beginning of a word that may be a name.
_LOOKS: Final = Pattern(r"/?[A-Za-z0-9]*(?:[A-Za-z0-9][-_./][A-Za-z0-9]|[a-z][A-Z]|[a-z][0-9]|[0-9][a-z])")
_ITEM: Final = rf"{NEWLINE}[ ]{{0,4}}[-*] (?:`|\[|\*\*)"
# The first of a list below a heading, and what stands before another.
_FIRST: Final = Pattern(rf"(?:{NEWLINE})?{_ITEM}|[ ]{{0,4}}[-*] (?:`|\[|\*\*)")
_NEXT: Final = Pattern(
    rf"(?:{QUOTE}|\*\*)?(?:(?:,|,? and|,? or| plus)[ \n](?:{QUOTE}|\*\*)?"
    rf"|(?:[^\n\\]|\\+u[0-9a-fA-F]{{4}}){{0,200}}{_ITEM})"
)
# A call, an assignment.
_CODE: Final = (b"(", b"=")
# What AWS calls its operations and its products, and languages.
_OPERATION: Final = Pattern(
    r"(?:(?i:add|associate|attach|batch|cancel|copy|create|delete|deregister|describe|detach|disable|enable|execute|get|"
    r"invoke|list|modify|publish|put|receive|register|remove|restore|run|send|set|start|stop|tag|terminate|untag|update)"
    r"[-_A-Z]|(?:Amazon|AWS|Cloud|Dynamo|Elasti|Event|Git|Java|Secrets|Step|Type)[A-Z])"
)


def listed(text: bytes, at: int) -> Iterator[Value]:
    """Yield the word at ``at``, behind a noun, and those listed with it; no code, and no operations of an API.

    ``at`` may be in the word: what tells a name from other words belongs to the opener, and few words are looked at.
    """
    at = begin_of(text, at)
    at = max(at, _FIRST.match(text, at))
    for _ in range(MAX_LISTED):
        end = stop = _WORD.match(text, at)
        while end > at and text[end - 1] in b"-_./":
            end -= 1
        if end <= at or text[end : end + 1] in _CODE:
            return
        word = text[at:end]
        # Most are words of the sentence, which have neither a joint nor a hump.
        if not (word.islower() and word.isalpha()) and _OPERATION.match(text, at, end) < 0:
            yield Value(at, end, quoted=True)
        at = _NEXT.match(text, stop)
        if at < 0:
            return


def begin_of(text: bytes, at: int) -> int:
    """Return where the word begins in which ``at`` is."""
    while text[at - 1] in _WORD_BYTES:
        at -= 1
    return after_escape(text, at, min(len(text), at + _ESCAPED))


def names_operation(word: bytes) -> bool:
    """Tell whether ``word`` is one of AWS's operations or products, as far as its beginning says so."""
    return _OPERATION.match(word, 0) > 0


def goes_on(text: bytes, at: int, end: int) -> bool:
    """Tell whether a noun at ``at`` goes on at ``end``, behind a line's break: in a heading, or a sentence."""
    if text.endswith((b"\n", b"\\n"), at, end) and _LOOKS.match(text, end) > 0:
        return True
    return _in_heading(text, at)


def _in_heading(text: bytes, at: int) -> bool:
    """Tell whether a noun stands in a heading of Markdown."""
    before = text[max(0, at - _LOOK_BACK) : at].rpartition(b"\n")[2].rpartition(b"\\n")[2]
    return before.lstrip(END).startswith(b"#")
