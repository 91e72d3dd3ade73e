"""IP addresses: which of them identify somebody, and which part of them does.

A private IPv4 address keeps its host part, so that subnets can still be reasoned about: 10.20.5.7 is masked in its
first two octets, 192.168.3.7 in its first three. A public address is masked whole. Addresses that identify nobody stay:
loopback, link-local and metadata addresses, netmasks, multicast, and the names of blocks such as 10.0.0.0/8.
"""

import ipaddress
import re
from typing import Final

from aws_masker.re2c import Pattern, Span

# Where the split of a match says: no identifier after all.
NOTHING: Final[tuple[Span, ...]] = ()

_PRIVATE_16: Final = frozenset(range(16, 32))
_BLOCKS: Final = frozenset((b"10.0.0.0/8", b"172.16.0.0/12", b"192.168.0.0/16", b"100.64.0.0/10"))
# Public resolvers, the same for everybody.
_EVERYBODYS: Final = frozenset((b"1.1.1.1", b"1.0.0.1", b"8.8.8.8", b"8.8.4.4", b"9.9.9.9"))
_DIGITS: Final = frozenset(b"0123456789")
_WORD: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"
_WORD_AFTER: Final = re.compile(rb"\.([0-9A-Za-z_-]+)")
# Numbers without a zero before the point go on to the next command of a drawing: 1.83.33.94.15c.9.
_DRAWN: Final = re.compile(rb"\.[0-9]{1,3}[acehlmqstvzACHLMQSTVZ][-.0-9]")
# What stands before four numbers that are a version or a chapter: that word. And behind them, more of a version.
# (What compares numbers says nothing: an address is compared too, and stands behind < in a difference.)
_NUMBERED: Final = Pattern(
    r"(?s:.*)(?:(?:(?:^|[^A-Za-z])(?i:version)|Version)s?\\*[\"'`]?[ \t]{0,2}[:=>]{0,2}[ \t]{0,2}"
    r"|<version\.[A-Za-z0-9._-]{1,60}>|\xc2\xa7[ ]?|[sS]ection[ -])[\\\"'`(v]{0,5}"
)
_BUILT: Final = Pattern(r"-(?:cp|py)[0-9]")
# One of these is in what says so, whatever its case.
_SAYS_NUMBERED: Final = (b"ersion", b"ERSION", b"ection", b"\xa7")
_LOOK_BACK: Final = 140
_LONGEST_WORD: Final = 64
_ACCOUNT_DIGITS: Final = 12
# One group and two colons.
SHORTEST: Final = 7
_OCTET_MAX: Final = 255
_MULTICAST_FIRST: Final = 224


def _octets(text: bytes, separator: bytes) -> list[int] | None:
    """Return the four octets of ``text``, or None when it is no IPv4 address."""
    fields = text.split(separator)
    if len(fields) != 4:  # noqa: PLR2004
        return None
    if b"0" in text and any(len(field) > 1 and field.startswith(b"0") for field in fields):
        return None
    octets = list(map(int, fields))
    return octets if max(octets) <= _OCTET_MAX else None


def _identifying(octets: list[int]) -> int:
    """Return how many leading octets identify somebody: 0, 2, 3 or 4."""
    first, second, third, fourth = octets
    if first in (0, 127, _OCTET_MAX) or first >= _MULTICAST_FIRST or (first, second) == (169, 254):
        return 0
    if first == 10 or (first == 172 and second in _PRIVATE_16):  # noqa: PLR2004
        return 2
    if (first, second) == (192, 168):
        return 3
    # A version such as Chrome/120.0.0.0, or the name of a whole network.
    return 0 if (second, third, fourth) == (0, 0, 0) else 4


def ipv4(text: bytes, start: int, end: int, *, private: bool) -> tuple[Span, ...] | None:
    """Return the identifying part of the address at ``start:end``; None when it is not one of that sort."""
    address = text[start:end]
    octets = _octets(address, b".")
    if octets is None or _longer_number(text, start, end):
        return None
    if _is_version(text, start, end):
        return None
    count = _identifying(octets)
    if (count in (2, 3)) is not private:
        return None if count else NOTHING
    if count == 0 or address in _EVERYBODYS:
        return NOTHING
    # Numbers without a zero before the point, side by side in the path of a drawing: c.2.2.2.6.
    if not private and (
        (text[start - 1 : start] == b"." and not _follows_account(text, start)) or _DRAWN.match(text, end)
    ):
        return None
    if private:
        if octets[2:] == [0, 0] and _names_block(text, start):
            return NOTHING
        last = address.rindex(b".")
        return ((start, start + (last if count > 2 else address.rindex(b".", 0, last))),)  # noqa: PLR2004
    return ((start, end),)


def dashed_ipv4(text: bytes, start: int, end: int) -> tuple[Span, ...] | None:
    """Return the identifying part of a host label such as ``ip-10-20-5-7`` or ``ec2-52-201-238-220``."""
    first = text.index(b"-", start) + 1
    octets = _octets(text[first:end], b"-")
    if octets is None:
        return None
    count = _identifying(octets)
    if count == 0:
        return NOTHING
    return ((first, first + len(b"-".join(text[first:end].split(b"-")[:count]))),)


def ipv6(text: bytes, start: int, end: int) -> tuple[Span, ...] | None:
    """Return the address at ``start:end`` when it is a global or unique local IPv6 address."""
    address = text[start:end]
    try:
        parsed = ipaddress.IPv6Address(address.decode("ascii"))
    except ValueError:
        return None
    if text[end : end + 1] == b":" or text[start - 1 : start] == b":":
        return None
    # A year, or another number with two colons behind it.
    alone = len(address) < SHORTEST and address.endswith(b"::") and text[end : end + 1] != b"/"
    # Documentation, and too few groups to be more than a time or a range.
    if alone or address.count(b":") < 2 or parsed.is_link_local or parsed.is_loopback:  # noqa: PLR2004
        return NOTHING
    return ((start, end),)


def _is_version(text: bytes, start: int, end: int) -> bool:
    """Tell whether four numbers at ``start:end`` are said to be a version or a chapter."""
    if text[end : end + 1] == b"-" and _BUILT.match(text, end) >= 0:
        return True
    before = text[max(0, start - _LOOK_BACK) : start]
    return any(word in before for word in _SAYS_NUMBERED) and _NUMBERED.fits(before)


def _digit_at(text: bytes, position: int) -> bool:
    return position < len(text) and text[position] in _DIGITS


def _names_block(text: bytes, start: int) -> bool:
    return any(text.startswith(block, start) and not _digit_at(text, start + len(block)) for block in _BLOCKS)


def _longer_number(text: bytes, start: int, end: int) -> bool:
    """Tell whether the dotted number goes on to either side, as in 1.2.3.4.5.

    Names and account numbers are no parts of one: they may be masked, and what is an address beside a token has to be
    one beside what the token stands for.
    """
    after = _WORD_AFTER.match(text, end, end + _LONGEST_WORD)
    words = (_word_before(text, start), after[1] if after else b"")
    return any(word.isdigit() and len(word) != _ACCOUNT_DIGITS for word in words)


def _follows_account(text: bytes, start: int) -> bool:
    before = _word_before(text, start)
    return before.isdigit() and len(before) == _ACCOUNT_DIGITS


def _word_before(text: bytes, start: int) -> bytes:
    """Return the word that ends in the dot before ``start``, or nothing where there is none."""
    if text[start - 1 : start] != b".":
        return b""
    window = text[max(0, start - 1 - _LONGEST_WORD) : start - 1]
    return window[len(window.rstrip(_WORD)) :]
