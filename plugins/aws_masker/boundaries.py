r"""Boundaries: what may stand on both sides of an identifier, and the escapes that end in a letter or digit."""

from typing import Final

from aws_masker.re2c import Pattern

# Escapes that end in a letter or digit: of strings (\n, \u001b, \012), of URLs (%2F, %252F, and $252F in the console),
# of mail (=3D), and of terminals (ESC[31m, ESC[K, ESC(B), whose ESC may itself be written as an escape.
ESCAPE: Final = (
    r"\\[0-7]{3}|\\[abfnrtv0]|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}"
    r"|[%$](?:25)*[0-9A-Fa-f]{2}|=[0-9A-F]{2}|\[[0-9;:?]*[A-HJKSTfhlmsu]|\([AB0]"
)
# What may stand before an identifier: no letter or digit, or one that ends an escape.
BEFORE: Final = rf"(?:\b|_|{ESCAPE})"
AFTER: Final = r"(?:\b|[^0-9A-Za-z]|\z)"
ALNUM: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

_ESCAPE: Final = Pattern(ESCAPE)
_COLOUR: Final = Pattern(r"(?:\x1b|\\u001[bB])\[[0-9;:?]*[A-Za-z]")
_ESCAPE_BEGINS: Final = frozenset(b"\\%$=[(")
_LONGEST_ESCAPE: Final = 14
# What begins an escape of a terminal or of mail is ordinary text far more often, unless ESC stands before it.
_SELDOM_BEGINS: Final = frozenset(b"=[(")
# What is nothing but an escape: no name begins so behind a backslash.
_BY_NUMBER: Final = (b"\\u0", b"\\U0")
_ESC: Final = (b"\x1b", b"1b", b"1B", b"033", b"\\e")


def uncoloured(text: bytes) -> bytes:
    """Return ``text`` with spaces for what tells a terminal of colours and the like: keys and values meet again."""
    if b"\x1b" not in text and b"\\u001b[" not in text and b"\\u001B[" not in text:
        return text
    plain = bytearray(text)
    for low, high in _COLOUR.each(text):
        plain[low:high] = b" " * (high - low)
    return bytes(plain)


def after_escape(text: bytes, low: int, high: int) -> int:
    r"""Return ``low``, or the end of the escape sequence that runs over it (the n of ``\n``, the 2F of ``%2F``)."""
    first = max(0, low - _LONGEST_ESCAPE)
    before = text[first:low]
    if _ESCAPE_BEGINS.isdisjoint(before):
        return low
    for begin, byte in enumerate(before, first):
        if byte in _ESCAPE_BEGINS:
            end = _ESCAPE.match(text, begin, high)
            if end > low:
                return end
    return low


def beginnings(text: bytes, low: int, high: int) -> tuple[int, ...]:
    """Return where a word in ``low:high`` may begin, the likelier first: at ``low``, or after an escape over it."""
    after = after_escape(text, low, high)
    if after == low:
        return (low,)
    begin = max(text.rfind(byte, max(0, low - _LONGEST_ESCAPE), low) for byte in (b"\\", b"%", b"$", b"=", b"[", b"("))
    if text.startswith(_BY_NUMBER, begin):
        return (after,)
    return (low, after) if begins_seldom(text, begin) else (after, low)


def begins_seldom(text: bytes, begin: int) -> bool:
    """Tell whether what looks like an escape at ``begin`` is more likely ordinary text: ``=12`` in ``x=127.0.0.1``."""
    return text[begin] in _SELDOM_BEGINS and not text.endswith(_ESC, 0, begin)


def after_boundary(text: bytes, start: int, end: int) -> int:
    """Return where the match begins without the boundary that it took along."""
    # A comparison is no escape of mail.
    if text[start] in _ESCAPE_BEGINS and text[max(0, start - 1) : start + 1] != b"==":
        return max(start, _ESCAPE.match(text, start, end))
    return start + 1 if text[start] == 0x5F else start  # noqa: PLR2004 - "_"


def bounded(text: bytes, start: int, end: int) -> bool:
    """Tell whether ``start:end`` stands alone: no letter or digit on either side, but for the end of an escape."""
    return (end >= len(text) or text[end] not in ALNUM) and _nothing_before(text, start)


def begins_word(text: bytes, at: int) -> bool:
    """Tell whether what stands at ``at`` is no word, or begins there."""
    return text[at] not in ALNUM or _nothing_before(text, at)


def _nothing_before(text: bytes, at: int) -> bool:
    return at == 0 or text[at - 1] not in ALNUM or after_escape(text, at - 1, at) == at
