r"""What the AWS CLI prints as text: rows of cells with tabs between them, and no keys.

``--output text`` writes the scalars of a structure on one line, in the order of their keys, behind the name of the list
that it stands in, in capitals: ``INSTANCES\t0\tx86_64\t…``. The keys are lost, so that the form of a cell has to say
what it is. Such a line is told from one of any other program by its noun, which the catalogue has keys for, together
with a cell as only AWS's API writes it; where the text speaks of AWS, either will do.

Source: awscli/text.py.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from aws_masker.catalogue import MACROS
from aws_masker.re2c import Pattern, Span
from aws_masker.subject import Subject

MAX_ROW: Final = 8192
_TAB: Final = Pattern(r"\t|\\+t")
_ROW_ENDS: Final = Pattern(r"\r?\n|\\+[rn]|[\"\x00]")
_NAMED: Final = re.compile(r"(.+?)(?:Name|Id|ID|Identifier)")
# A time, a truth, an identifier of AWS's or a region as cells of their own: no table of another program has them so.
_EVIDENCE: Final = Pattern(
    r"(?:\t|\\+t)(?:20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[-+][0-9]{2}:?[0-9]{2})|True|False|None|arn:aws[^\t\\]+"
    rf"|[a-z]{{1,12}}-{MACROS['<hex>']}|{MACROS['<region>']}[a-z]?)(?:\t|\\|\"|\r|\n|\x00|\z)"
)
# Digests, actions of policies, kinds of media, devices, time zones, languages, policies of AWS's own.
_NOTHING: Final = Pattern(
    r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{43}=|[a-z0-9-]+:[A-Z][A-Za-z*]+"
    r"|(?:application|audio|font|image|multipart|text|video)/.*|/dev/.*|[A-Z][a-z]+/[A-Z][A-Za-z_/]+"
    r"|[a-z]{2,3}-[A-Z]{2}|Amazon[A-Z][A-Za-z0-9]+|AWS[A-Z][A-Za-z0-9_-]+|eks\.[0-9]+|index\.html"
)


def nouns(keys: Iterable[str]) -> frozenset[bytes]:
    """Return, in capitals, the names of the lists of what ``keys`` of the API name: ``DBINSTANCES``."""
    found = {named[1].upper() for key in keys if (named := _NAMED.fullmatch(key))}
    plurals = {f"{noun}S" for noun in found} | {f"{noun[:-1]}IES" for noun in found if noun.endswith("Y")}
    return frozenset(noun.encode() for noun in found | plurals)


class Rows:
    """The rows behind nouns in capitals."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Take the keys of the catalogue, which say what nouns there are."""
        self._known = nouns(keys)

    def cells(self, text: bytes, noun: int, end: int, subject: Subject) -> Iterator[Span]:
        """Yield where the cells stand of a row whose noun is ``noun:end``; none where it is no such row.

        ``subject`` tells what the text speaks of.
        """
        ends = _ROW_ENDS.search(text, end, min(len(text), end + MAX_ROW))
        if ends is None:
            return
        limit = ends[0]
        signs = (text[noun:end] in self._known) + (_EVIDENCE.search(text, end, ends[1]) is not None)
        if signs + subject.is_aws(noun) < 2:  # noqa: PLR2004 - two of three
            return
        low = end
        for one, two in [*_TAB.each(text, end, limit), (limit, limit)]:
            if low < one and not _NOTHING.fits(text[low:one]):
                yield low, one
            low = two
