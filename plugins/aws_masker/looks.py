"""Looks: words that look like names that somebody gave, by the words they are made of and what is right around them.

What looks so stands in quotes of its own, beside a key, behind a flag, in a cell or in a sentence, and has several
words with dashes, humps, underscores, points or slashes between them. What AWS, languages and programs call so is none.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from aws_masker.re2c import Pattern, Span
from aws_masker.shapes import DASHES, DOTS, HUMPS, PATHS, SHAPES, SLASHES, SNAKES
from aws_masker.shared import Vocabulary
from aws_masker.spoken import is_compound, names_operation
from aws_masker.tokens import TAIL_PATTERN

# See tokens.
HOLDS_TOKEN: Final = Pattern(TAIL_PATTERN)
DASHED, HUMPED, _SNAKED, _PATH = Pattern(DASHES), Pattern(HUMPS), Pattern(SNAKES), Pattern(PATHS)
FLAG: Final = r"[ ]--[a-z][a-z0-9-]*[ ]"
# A string that is all of its quotes, and no key of JSON; all that stands beside a key in YAML, in a settings file, in
# a line of a log; the value of a flag; a word of a sentence; a cell of a table.
_PLACE: Final = Pattern(
    rf"\\*[\"'`](?:{SHAPES}|{PATHS})\\*[\"'`][^:A-Za-z0-9]"
    rf"|[A-Za-z0-9_.-](?::[ ]{{1,9}}|=|[ ]{{1,40}}=[ ]{{1,9}})(?:{SHAPES}|{PATHS})[ \t]*"
    r"(?:\r?\n|\x00|[,;} \"'`]|\\+[nr\"'])"
    rf"|{FLAG}(?:{SHAPES}|{PATHS})[ \n\x00\\;)\"'`]"
    rf"|[ (]{DASHES}(?:[.,;:)]?[ \n\x00\\]|[,;)])"
    rf"|[\n\t|>\[]{DASHES}[ \n\t\x00\\|<\]]|[|][ ]+(?:{SHAPES}|{PATHS})[ ]+[|]"
    rf"|[^\s\\](?:\t|\\+t)(?:{SHAPES})(?:[\t\r\n\x00]|\\+[nrt])|(?:[\n\x00\x01]|\\+n)(?:{SHAPES})(?:\t|\\+t)"
)
WORD: Final = Pattern(rf"(?:{SLASHES}|{DOTS}|{DASHES}|{HUMPS}|{PATHS}|{SNAKES})\b")
_BEHIND_FLAG: Final = Pattern(FLAG)
_BEHIND_ESCAPE: Final = Pattern(r"[^\\]?\\+[nrt]")
_TAB, _BACKSLASH = ord("\t"), ord("\\")
_MAY_RESUME: Final = frozenset(b"\tnrt")
# Three words with dashes.
_SEVERAL: Final = Pattern(r"[a-z0-9]+(?:-[a-z0-9]+){2,}")
_OPENERS: Final = b"\\\"'` ("
# Before a word in a sentence or a cell.
_IN_TEXT: Final = b" (\n\t|>["
# AWS's own, headers, flags of languages, digests, ids of what is over in a moment, packages.
_NO_NAME: Final = Pattern(
    r"(?i:aws[a-z]*|amazon|amzn?|cve|sha[0-9]+|utf|iso|rfc|shardid|tls|ssl|x)-.*|[a-z]{2}-[A-Z]{2}|[A-Z][a-z]+(?:-[A-Z][a-z]*)+"
    r"|(?:[A-Z0-9]+-)*[A-Z0-9]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|.*-(?:sdk|cli|lib|js|py|plugin|provider)"
    # Architectures and the like.
    r"|(?:[a-z]{1,2}[0-9]*_)+(?:[a-z]{1,2}|[0-9]+)"
    # A pod of Kubernetes, a package for another cloud.
    r"|.*-[0-9a-f]{8,10}-[a-z0-9]{5}|(?:[a-z0-9]+-)*(?:azure|gcp|google)(?:-[a-z0-9]+)*"
    r"|[a-z]{2}_[A-Z]{2}\.[A-Za-z0-9-]+"
    r"|(?:aurora|sqlserver|oracle|redis|mysql|postgres|mariadb|emr|al2023|amzn2)-[a-z0-9.-]*"
)
# Files, modules, domains of everybody's, members of an object.
_NO_DOTTED: Final = Pattern(
    r"(?i:aws_.*|(?:aws|amazon|com|dev|github|io|java|javax|jakarta|k8s|kubernetes|net|org|self|software|spring|this|www)\..*"
    r"|.*\.(?:[a-z]{1,2}|app|bak|bat|bin|cfg|class|cloud|com|conf|config|crt|csv|css|dev|dump|edu|env|exe|gov|htm|html"
    r"|info|ini|internal|ipynb|jar|java|jpg|json|jsonl|jsx|key|local|lock|log|lua|mjs|net|orc|org|parquet|pdf|pem|php|png"
    r"|properties|proto|pub|sql|svg|tar|tf|tfstate|tfvars|tgz|toml|tsx|txt|war|wasm|whl|xml|yaml|yml|zip))"
    r"|[A-Z][A-Za-z0-9]*\.[A-Z].*"
)
# What names of log groups that AWS writes to begin with.
_OF_AWS: Final = b"aws"
# What AWS's own begin with, besides operations.
_TYPES: Final = (b"AWS", b"Aws", b"Amazon", b"Vector", b"Elb", b"Predefined")
# How members of an API end.
_ENDS: Final = (
    *(b"Arn", b"Id", b"Identifier", b"Key", b"Name", b"Output", b"Input", b"Type", b"TypeDef"),
    *(b"ACL", b"ACP", b"API", b"ARN", b"DB", b"DNS", b"ID", b"IAM", b"IP", b"KMS", b"MFA", b"URI", b"URL", b"VPC"),
)
# Where files of a machine are, and what a web server serves.
_ELSEWHERE: Final = Pattern(
    r"/(?:api|bin|dev|etc|home|lib|mnt|opt|proc|root|run|srv|static|sys|tmp|usr|v[0-9]|var|workspace)/.*"
)
# Directories of sources, of which modules and files have paths.
_SOURCES: Final = frozenset(
    b"api app apps assets aws bin build charts cmd components config dist docs env envs environments examples infra"
    b" internal lib libs modules packages pkg public scripts spec src stacks static templates terraform test tests"
    b" utils workflows".split()
)


class Word(NamedTuple):
    """Where a word stands that looks like a name; ``sure``, that it needs no key with a noun to be one."""

    start: int
    end: int
    sure: bool


class Looks:
    """Tells which words look like names; nothing is kept from one text to the next."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Take the words of programs."""
        self._vocabulary = vocabulary

    def in_piece(
        self, text: bytes, piece: Span, begins: AbstractSet[int], looked: dict[bytes, Word | None]
    ) -> Iterator[tuple[int, int, bool]]:
        """Yield the words in a ``piece`` that look like names, but at ``begins``; ``looked`` keeps what is met.

        Of each, where it is, and whether it needs no key with a noun to be one.
        """
        at, high = piece
        while (span := _PLACE.search(text, at, high)) is not None:
            low, end = span
            # What ends one may begin another.
            at = end - 1
            if text[at] in _MAY_RESUME:
                at = _resumes(text, low, at)
            if low + 1 in begins:
                continue
            match = text[low:end]
            if match not in looked:
                looked[match] = self._likely_in(match)
            if (word := looked[match]) is not None:
                yield low + word.start, low + word.end, word.sure

    def _likely_in(self, match: bytes) -> Word | None:
        """Return where in a match of a place the word is, if it looks like a name."""
        first = max(_BEHIND_FLAG.match(match), _BEHIND_ESCAPE.match(match), int(match[0] not in _OPENERS))
        span = WORD.search(match, first)
        if span is None or HOLDS_TOKEN.search(match, *span) is not None:
            return None
        word = match[slice(*span)]
        if not self.may_be(word):
            return None
        # A sentence and a table have words of their own.
        told = first > 1 or match[0] not in _IN_TEXT
        sure = not self.is_of_programs(word) or (told and _SEVERAL.fits(word))
        return Word(*span, sure=sure) if sure or told else None

    def may_be(self, word: bytes) -> bool:
        """Tell whether ``word`` may be a name that somebody gave, whatever words it is made of."""
        if _PATH.fits(word):
            return not _ELSEWHERE.fits(word)
        if HUMPED.fits(word):
            return not (names_operation(word) or word.startswith(_TYPES) or word.endswith(_ENDS))
        if _NO_NAME.fits(word):
            return False
        if b"/" in word:
            parts = word.split(b"/")
            return not parts[0].isdigit() and _SOURCES.isdisjoint(parts)
        if _SNAKED.fits(word):
            return True
        return not _NO_DOTTED.fits(word) if b"." in word and not DASHED.fits(word) else not is_compound(word)

    def is_of_programs(self, word: bytes) -> bool:
        """Tell whether ``word`` is made of words of programs, as far as it has to be another."""
        if b"/" in word:
            first, *others = word.lstrip(b"/").split(b"/")
            return all(map(self._vocabulary.holds, others if first == _OF_AWS else [first]))
        if b"." in word and not DASHED.fits(word):
            return self._vocabulary.holds(word.partition(b".")[0])
        return self._vocabulary.holds(word)

    def is_known(self, word: bytes) -> bool:
        """Tell whether a single ``word`` is one of programs, or an operation or a member of an API."""
        return self._vocabulary.holds(word) or names_operation(word) or word.endswith(_ENDS)


def _resumes(text: bytes, low: int, at: int) -> int:
    """Return where to look on behind a place from ``low`` on whose last byte is at ``at``.

    A tab, or a line break that is an escape, begins another together with what stands before it.
    """
    if text[at] == _TAB or text[at - 1] == _BACKSLASH:
        at = low + len(text[low:at].rstrip(b"\\")) - 1
    return max(low + 1, at)
