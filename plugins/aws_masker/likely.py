"""Likely names: strings that look like names, in a text in which names were found.

A program or a document that holds names of somebody's things on AWS holds others of them in places of which nothing
says what they are: a position among arguments, a tuple, a list, a flag of a tool, a cell. There a string of several
words with dashes, humps, underscores or slashes between them is a name, unless they are all words of programs, or its
key or its call says that it is something else. Three words with dashes are a name though programs have them all.

Where no name was found, nor anything of somebody's, nothing is likely: texts that only speak of AWS keep their strings.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Final

from aws_masker import logged
from aws_masker.catalogue import Catalogue
from aws_masker.context import fields
from aws_masker.finding import Finding
from aws_masker.joints import NEWLINE, QUOTE
from aws_masker.looks import HOLDS_TOKEN, WORD, Looks, Word
from aws_masker.names import Words
from aws_masker.re2c import Pattern, Span
from aws_masker.shared import Vocabulary
from aws_masker.subject import Subject, Writing
from aws_masker.tokens import TAIL_LENGTH
from aws_masker.whereabouts import Defined, is_called, may_stand

# Longer pieces are not looked through.
MAX_PIECE: Final = 65_536
_TAIL_LENGTH: Final = len("-x") + TAIL_LENGTH
# A number of twelve digits in quotes, as a key of YAML, in a cell or a sentence, of which those that are a time are no
# accounts.
_ACCOUNT: Final = Pattern(
    rf"{QUOTE}([0-9]{{12}}){QUOTE}|{NEWLINE}[ ]*([0-9]{{12}}):[ \r\n\\]|(?:\t|\\+t)([0-9]{{12}})[\t\r\n\\\x00]"
    # Behind what is called so, in brackets; the last cell of a line.
    r"|[A-Za-z0-9_](?:\\*[\"'`])? \(([0-9]{12})[),;/ ]|[ ]{2}([0-9]{12})[ \t]*[\r\n\\\x00]"
    # In a sentence; what follows may tell what is counted.
    r"|(?:[a-z] (?:from|in|into|of) |\n[ ]*)([0-9]{12})"
    r"(?:[.,;:)\"'\n\x00\\]| (?:and|are|but|has|is|must|or|since|that|to|until|was|with)[ ,])",
    captures=True,
)
_TIME: Final = Pattern(r"20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{4}|(?:0|1)+")
# A list of strings, of words in it one of which stands alone.
_LIST: Final = Pattern(
    rf"\[(?:\s|\\+[nrt])*{QUOTE}[A-Za-z0-9_./-]+{QUOTE}"
    rf"(?:,(?:\s|\\+[nrt])*{QUOTE}[A-Za-z0-9_./-]+{QUOTE})+,?(?:\s|\\+[nrt])*\]"
)
_LISTED: Final = Pattern(rf"{QUOTE}[A-Za-z][a-z]{{3,40}}{QUOTE}")
_BARE: Final = Pattern(r"[A-Za-z][a-z]{3,40}")
# So many of those found may overlap at one place.
MAX_TOUCHING: Final = 8


class Likely:
    """Finds likely names in texts in which names were found."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Take a catalogue, one of whose families is that of such names."""
        families = catalogue.families
        # Names, and what is somebody's by its form alone.
        self._telling = catalogue.naming | {
            index
            for index, family in enumerate(families)
            if family.pattern and family.kind in ("account", "identifier")
        }
        self._family = next((index for index, family in enumerate(families) if family.name == "likely-name"), -1)
        self._words = Words(catalogue)
        self._looks = Looks(Vocabulary(catalogue.vocabulary))

    def find(self, text: bytes, found: Sequence[Finding], subject: Subject) -> Iterator[Finding]:
        """Yield the likely names in those pieces of ``text`` in which names are among those ``found``, which ascend.

        ``subject`` is the text's.
        """
        if self._family < 0:
            return
        # What is in a place that was met: the same words come again and again.
        looked: dict[bytes, Word | None] = {}
        begins = {one[0] for one in found}
        place = 0
        while place < len(found):
            start, _, family, parts, _ = found[place]
            place += 1
            if family not in self._telling or not self._tells(text, parts):
                continue
            low, high = subject.piece(start)
            if high - low <= MAX_PIECE and subject.is_aws(start):
                own = [*self._accounts(text, (low, high), found), *self._logged(text, (low, high), found)]
                defined = Defined(text, (low, high))
                for begin, end, sure in self._looks.in_piece(text, (low, high), begins, looked):
                    called = (sure or is_called(text, begin)) and not defined.holds(begin, end)
                    if called and may_stand(text, begin, end, subject) and not _touches(found, begin, end):
                        own.append(Finding(begin, end, self._family, fields(text, begin, end), whole=False))
                yield from own
                first, last = (bisect_left(found, at, key=itemgetter(0)) for at in (low, high))
                yield from self._listed(text, (low, high), sorted([*found[first:last], *own]), subject)
            place = bisect_left(found, high, key=itemgetter(0))

    def _accounts(self, text: bytes, piece: Span, found: Sequence[Finding]) -> Iterator[Finding]:
        """Yield the numbers in a ``piece`` that are accounts, unless they are among those ``found``."""
        for span in _ACCOUNT.each(text, *piece):
            begin, end = max((_ACCOUNT.parts(text, *span) or [span])[1:])
            if not _TIME.fits(text[begin:end]) and not _touches(found, begin, end):
                yield Finding(begin, end, self._family, ((begin, end),), whole=False)

    def _logged(self, text: bytes, piece: Span, found: Sequence[Finding]) -> Iterator[Finding]:
        """Yield the words in lines of logs in a ``piece`` that are names, unless they are among those ``found``."""
        for line in logged.lines(text, piece):
            for low, high in logged.words(text, line):
                begin, end = WORD.search(text, low + (text[low] != 0x2F), high) or (low, high)  # noqa: PLR2004 - "/"
                word = text[begin:end]
                # What looks so and is none of programs.
                if (
                    HOLDS_TOKEN.search(word) is None
                    and self._looks.may_be(word)
                    and not self._looks.is_of_programs(word)
                    and not _touches(found, begin, end)
                ):
                    yield Finding(begin, end, self._family, fields(text, begin, end), whole=False)
            yield from self._bare(text, logged.named(text, line), found)

    def _listed(self, text: bytes, piece: Span, likely: Sequence[Finding], subject: Subject) -> Iterator[Finding]:
        """Yield the single words in lists of strings in a ``piece``, one of which is among those ``likely``."""
        for low, high in _LIST.each(text, *piece):
            if _touches(likely, low, high):
                # A program lists what it may be given.
                if subject.writing(low) is Writing.PROGRAM:
                    return
                words = (_BARE.search(text, *span) or span for span in _LISTED.each(text, low, high))
                yield from self._bare(text, words, likely)

    def _bare(self, text: bytes, words: Iterator[Span], found: Sequence[Finding]) -> Iterator[Finding]:
        """Yield those of ``words``, of which nothing but the place says that they are names, that no program has."""
        for begin, end in words:
            word = text[begin:end]
            if not self._looks.is_known(word) and not _touches(found, begin, end):
                yield Finding(begin, end, self._family, ((begin, end),), whole=False)

    def _tells(self, text: bytes, parts: Sequence[Span]) -> bool:
        """Tell whether ``parts`` that were found say whose a text is: no common words, and nothing masked already.

        That says nothing that it did not say before it was masked. Nor does what looks like a name in a token's end.
        """
        if any(HOLDS_TOKEN.search(text, max(0, low - _TAIL_LENGTH), high) is not None for low, high in parts):
            return False
        return not all(self._words.are_common(text[low:high]) for low, high in parts)


def _touches(found: Sequence[Finding], begin: int, end: int) -> bool:
    """Tell whether one of those ``found``, which ascend, is in ``begin:end`` or goes on there."""
    last = bisect_left(found, end, key=itemgetter(0))
    return any(one[1] > begin for one in found[max(0, last - MAX_TOUCHING) : last])
