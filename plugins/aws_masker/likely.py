"""Likely names: strings that look like names, in a text in which names were found.

A program or a document that holds names of somebody's things on AWS holds others of them in places of which nothing
says what they are: a position among arguments, a tuple, a list. There a quoted string of several words with dashes
between them is a name, unless they are all words of programs, or its key or its call says that it is something else.

Where no name was found, nothing is likely: texts that only speak of AWS keep their strings.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from operator import itemgetter
from typing import Final

from aws_masker.catalogue import Catalogue
from aws_masker.context import fields
from aws_masker.finding import Finding
from aws_masker.joints import END
from aws_masker.re2c import Pattern, Span
from aws_masker.shared import Vocabulary
from aws_masker.spoken import in_sentence, is_compound, names_operation
from aws_masker.subject import Subject, Writing
from aws_masker.tokens import TAIL_PATTERN

# Longer pieces are not looked through.
MAX_PIECE: Final = 65_536
_LOOK_BACK: Final = 80
# The command line of a tool, whose words are operations and files.
_COMMAND: Final = Pattern(r"(?:.*[^A-Za-z0-9.-])?(?:aws|cdk|copilot|eb|eksctl|sam) .*")
_IS_KEY: Final = Pattern(r"[ \t]*(?::|=[^=>]|=>)")
# See tokens.
_TOKEN: Final = Pattern(rf".*{TAIL_PATTERN}")
_ENDS_IN_TOKEN: Final = Pattern(rf"(?s:.*){TAIL_PATTERN}")
# Words with dashes, of which one has to be none of programs; or a path of three.
_DASHES: Final = r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)+(?:\.fifo)?"
# Words with a hump each, none of them in lower case.
_HUMPS: Final = r"[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+(?:V[0-9]+)?"
_PATHS: Final = r"/[A-Za-z0-9_-]+(?:/[A-Za-z0-9_.-]+){2,}"
_DASHED, _HUMPED, _PATH = Pattern(_DASHES), Pattern(_HUMPS), Pattern(_PATHS)
# A string that is all of its quotes, and no key of JSON; all that stands beside a key in YAML, in a settings file, in
# a line of a log; a word of a sentence.
_PLACE: Final = Pattern(
    rf"\\*[\"'`](?:{_DASHES}|{_HUMPS}|{_PATHS})\\*[\"'`][^:A-Za-z0-9]"
    rf"|[A-Za-z0-9_.-](?:: |=| = ){_DASHES}[ \t]*(?:\r?\n|\x00|[,;}} ]|\\+[nr])"
    rf"|[ (]{_DASHES}(?:[.,;:)]?[ \n\x00\\]|[,;)])"
)
_WORD: Final = Pattern(rf"{_DASHES}|{_HUMPS}|{_PATHS}")
_QUOTES: Final = b"\\\"'`"
_OPENERS: Final = _QUOTES + b" ("
# What closes a string, with what opened the key before it.
_QUOTE: Final = Pattern(r"\\*[\"'`]")
# So many of those found may overlap at one place.
MAX_TOUCHING: Final = 8
# AWS's own, headers, flags of languages, digests, ids of what is over in a moment, packages.
_NO_NAME: Final = Pattern(
    r"(?i:aws|amazon|amzn?|cve|sha[0-9]+|utf|iso|rfc|shardid|tls|ssl|x)-.*|[a-z]{2}-[A-Z]{2}|[A-Z][a-z]+(?:-[A-Z][a-z]*)+"
    r"|(?:[A-Z0-9]+-)*[A-Z0-9]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|.*-(?:sdk|cli|lib|js|py|plugin|provider)"
    # A pod of Kubernetes.
    r"|.*-[0-9a-f]{8,10}-[a-z0-9]{5}"
    r"|(?:aurora|sqlserver|oracle|redis|mysql|postgres|mariadb|emr|al2023|amzn2)-[a-z0-9.-]*"
)
# What AWS's own begin with, besides operations.
_TYPES: Final = (b"AWS", b"Aws", b"Amazon", b"Vector", b"Elb", b"Predefined")
# How members of an API end.
_ENDS: Final = (b"Arn", b"Id", b"Key", b"Name", b"Out", b"Output", b"Input", b"Type")
# Where files of a machine are, and what a web server serves.
_ELSEWHERE: Final = Pattern(
    r"/(?:api|bin|dev|etc|home|lib|mnt|opt|proc|root|run|srv|static|sys|tmp|usr|v[0-9]|var|workspace)/.*"
)
# A key or a call before a string that is no name.
_OTHER: Final = Pattern(
    r"(?s:.*)(?:(?i:action|algorithm|behaviou?r|category|class|code|color|command|condition|content|description|driver"
    r"|encoding|engine|event|expression|family|format|framework|handler|header|headers|image|kind|label|language|level|locale"
    r"|message|method|mode|namespace|operation|option|package|phase|platform|policytype|plugin|protocol|provider|reason"
    r"|region|runtime|selector|shell|signal|source_?type|state|status|strategy|style|tag|timezone|title|type|unit|uses"
    r"|version|zone)(?:name|_name|id|_id)?s?\\*[\"'`]?[ \t]*(?:[:=]|=>|\()[ \t]*[\[(]?"
    r"|(?:from|import|require|include|use|client|resource|Client|Resource|getLogger|import_module|describe|it|test)"
    r"[ (]*"
    r"|[^A-Za-z](?:import|export) [^;\n]*"
    # The logical ids of a template, its outputs and statements.
    r"|(?:\((?:[a-z]+, ?)?|, ?)?(?:this|self|scope|stack|app|construct|parent|ctx|App\(\)), ?\(?"
    r"|(?:LogicalResourceId|OutputKey|ParameterKey|Ref|Fn::[A-Za-z]+|Sid|DependsOn|Id|id)\\*[\"'`]?[ \t]*(?:[:=]+)"
    r"[ \t]*\[?)"
)


class Likely:
    """Finds likely names in texts in which names were found."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Take a catalogue, one of whose families is that of such names."""
        families = catalogue.families
        self._named = catalogue.naming
        self._family = next((index for index, family in enumerate(families) if family.name == "likely-name"), -1)
        self._vocabulary = Vocabulary(catalogue.vocabulary)

    def find(self, text: bytes, found: Sequence[Finding], subject: Subject) -> Iterator[Finding]:
        """Yield the likely names in those pieces of ``text`` in which names are among those ``found``, which ascend.

        ``subject`` is the text's.
        """
        if self._family < 0:
            return
        # What is in a place that was met: the same words come again and again.
        looked: dict[bytes, Span | None] = {}
        begins = {one[0] for one in found}
        place = 0
        while place < len(found):
            start, _, family, parts, _ = found[place]
            place += 1
            # What is masked already says nothing that it did not say before.
            if not parts or family not in self._named or any(_TOKEN.fits(text[slice(*part)]) for part in parts):
                continue
            low, high = subject.piece(start)
            if high - low <= MAX_PIECE and subject.is_aws(start):
                for begin, end in self._in_piece(text, (low, high), begins, looked):
                    if (
                        _stands(text, begin, end, subject)
                        and not _touches(found, begin, end)
                        and not _is_beside_name(text, begin, found)
                    ):
                        yield Finding(begin, end, self._family, fields(text, begin, end), whole=False)
            place = bisect_left(found, high, key=itemgetter(0))

    def _in_piece(
        self, text: bytes, piece: Span, begins: AbstractSet[int], looked: dict[bytes, Span | None]
    ) -> Iterator[Span]:
        """Yield the words in a ``piece`` that look like names, but at ``begins``; ``looked`` keeps what is met."""
        at, high = piece
        while (span := _PLACE.search(text, at, high)) is not None:
            low, end = span
            # What ends one word may begin another.
            at = end - 1
            if low + 1 in begins:
                continue
            match = text[low:end]
            if match not in looked:
                looked[match] = self._likely_in(match)
            if word := looked[match]:
                yield low + word[0], low + word[1]

    def _likely_in(self, match: bytes) -> Span | None:
        """Return where in a match of a place the word is, if it looks like a name."""
        word = _WORD.search(match, int(match[0] not in _OPENERS))
        return word if word and self._is_likely(match[slice(*word)]) else None

    def _is_likely(self, word: bytes) -> bool:
        """Tell whether ``word`` looks like a name that somebody gave."""
        if _PATH.fits(word):
            first = word[1:].partition(b"/")[0]
            return not (_ELSEWHERE.fits(word) or self._vocabulary.holds(first))
        if _HUMPED.fits(word):
            return not (
                self._vocabulary.holds(word) or names_operation(word) or word.startswith(_TYPES) or word.endswith(_ENDS)
            )
        if not _DASHED.fits(word) or _NO_NAME.fits(word) or is_compound(word):
            return False
        return not self._vocabulary.holds(word)


def _touches(found: Sequence[Finding], begin: int, end: int) -> bool:
    """Tell whether one of those ``found``, which ascend, is in ``begin:end`` or goes on there."""
    last = bisect_left(found, end, key=itemgetter(0))
    return any(one[1] > begin for one in found[max(0, last - MAX_TOUCHING) : last])


def _is_beside_name(text: bytes, begin: int, found: Sequence[Finding]) -> bool:
    """Tell whether what stands at ``begin`` is given to a name of those ``found``, or a token: that is no key."""
    before = text[max(0, begin - _LOOK_BACK) : begin].rstrip(_QUOTES)
    key = before.rstrip(b" :=")
    if key == before:
        return False
    end = begin - len(text[max(0, begin - _LOOK_BACK) : begin]) + len(key)
    return _ENDS_IN_TOKEN.fits(key) or _touches(found, end - 1, end)


def _stands(text: bytes, begin: int, end: int, subject: Subject) -> bool:
    """Tell whether a word that looks like a name stands where one may: no key, and no part of a command."""
    if text[begin - 1] in _QUOTES:
        before = _line_before(text, begin).rstrip(_QUOTES)
        return _IS_KEY.match(text, _QUOTE.match(text, end)) < 0 and not _OTHER.fits(before)
    if subject.names_its_own(begin):
        return False
    before = _line_before(text, begin)
    if before.endswith((b"=", b": ", b"= ")):
        return not _OTHER.fits(before)
    if names_operation(text[begin:end]) or not text[begin : begin + 1].islower():
        return False
    spoken = subject.writing(begin) is not Writing.PROGRAM and in_sentence(text, begin, end)
    return spoken and not _COMMAND.fits(before)


def _line_before(text: bytes, at: int) -> bytes:
    return text[max(0, at - _LOOK_BACK) : at].rpartition(END)[2].rpartition(b"\n")[2].rpartition(b"\\n")[2]
