"""Members: what was found in the plain members of JSON of one text, so that a member is looked at once.

What the AWS CLI prints repeats itself: ``"DeviceName": "/dev/xvda",`` stands there for each of a thousand instances. In
a text that speaks of AWS, what is found in such a member depends on nothing but the member, up to what stands behind
it.
"""

from collections.abc import Iterable
from typing import Final

from aws_masker.finding import Finding
from aws_masker.re2c import Pattern

_PLAIN: Final = Pattern(r"\"[A-Za-z][A-Za-z0-9_-]*\"[ ]?:[ ]?\"[A-Za-z0-9_/][A-Za-z0-9_./@+-]*\"[,\n\r}\]]")
_MAX_VALUE: Final = 256


class Members:
    """The plain members of one text that were met, with what was found there."""

    def __init__(self) -> None:
        """Begin without any."""
        # Relative to their values; by the families of the section, none beside a key.
        self._met: dict[tuple[tuple[int, ...], bytes], list[Finding]] = {}

    def found(
        self, families: tuple[int, ...], before: bytes, text: bytes, begin: int, found: Iterable[Finding]
    ) -> Iterable[Finding]:
        """Return what is ``found`` at ``begin`` of ``text``, behind ``before``: the key with what joins it.

        ``found`` is not asked where the same member was met before. ``families`` are those of the section, if any.
        """
        member = before + text[begin : text.find(b'"', begin, begin + _MAX_VALUE) + 2]
        met = self._met.get((families, member))
        if met is not None:
            return [_moved(one, begin) for one in met]
        found = list(found)
        if _PLAIN.fits(member):
            self._met[families, member] = [_moved(one, -begin) for one in found]
        return found


def _moved(one: Finding, by: int) -> Finding:
    """Return what was found as if it stood ``by`` bytes further on."""
    parts = tuple([(low + by, high + by) for low, high in one.parts])
    return Finding(one.start + by, one.end + by, one.family, parts, one.whole)
