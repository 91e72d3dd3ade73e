"""Likely names: strings that look like names, in a text in which names were found.

A program or a document that holds names of somebody's things on AWS holds others of them in places of which nothing
says what they are: a position among arguments, a tuple, a list, a flag of a tool, a cell. There a string of several
words with dashes, humps, underscores or slashes between them is a name, unless they are all words of programs, or its
key or its call says that it is something else. Three words with dashes are a name though programs have them all.

Where no name was found, nor anything of somebody's, nothing is likely: texts that only speak of AWS keep their strings.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from operator import itemgetter
from typing import Final, NamedTuple

from aws_masker import logged
from aws_masker.catalogue import Catalogue
from aws_masker.context import fields
from aws_masker.finding import Finding
from aws_masker.joints import END, NEWLINE, QUOTE
from aws_masker.names import Words
from aws_masker.re2c import Pattern, Span
from aws_masker.shapes import DASHES, DOTS, HUMPS, PATHS, SHAPES, SLASHES, SNAKES
from aws_masker.shared import Vocabulary
from aws_masker.spoken import in_sentence, is_compound, is_linked, names_operation
from aws_masker.subject import Subject, Writing
from aws_masker.tokens import TAIL_LENGTH, TAIL_PATTERN

# Longer pieces are not looked through.
MAX_PIECE: Final = 65_536
_LOOK_BACK: Final = 80
# The command line of a tool, whose words are operations and files.
_COMMAND: Final = Pattern(r"(?:.*[^A-Za-z0-9.-])?(?:aws|cdk|copilot|eb|eksctl|sam) .*")
_IS_KEY: Final = Pattern(r"[ \t]*(?::|=[^=>]|=>|to [\"']|value=)")
# See tokens.
_HOLDS_TOKEN: Final = Pattern(TAIL_PATTERN)
_TAIL_LENGTH: Final = len("-x") + TAIL_LENGTH
_DASHED, _HUMPED, _SNAKED, _PATH = Pattern(DASHES), Pattern(HUMPS), Pattern(SNAKES), Pattern(PATHS)
_FLAG: Final = r"[ ]--[a-z][a-z0-9-]*[ ]"
# A string that is all of its quotes, and no key of JSON; all that stands beside a key in YAML, in a settings file, in
# a line of a log; the value of a flag; a word of a sentence; a cell of a table.
_PLACE: Final = Pattern(
    rf"\\*[\"'`](?:{SHAPES}|{PATHS})\\*[\"'`][^:A-Za-z0-9]"
    rf"|[A-Za-z0-9_.-](?::[ ]{{1,9}}|=|[ ]{{1,40}}=[ ]{{1,9}})(?:{SHAPES}|{PATHS})[ \t]*"
    r"(?:\r?\n|\x00|[,;} \"'`]|\\+[nr\"'])"
    rf"|{_FLAG}(?:{SHAPES}|{PATHS})[ \n\x00\\;)\"'`]"
    rf"|[ (]{DASHES}(?:[.,;:)]?[ \n\x00\\]|[,;)])"
    rf"|[\n\t|>\[]{DASHES}[ \n\t\x00\\|<\]]|[|][ ]+(?:{SHAPES}|{PATHS})[ ]+[|]"
    rf"|[^\s\\](?:\t|\\+t)(?:{SHAPES})(?:[\t\r\n\x00]|\\+[nrt])|(?:[\n\x00\x01]|\\+n)(?:{SHAPES})(?:\t|\\+t)"
)
_WORD: Final = Pattern(rf"(?:{SLASHES}|{DOTS}|{DASHES}|{HUMPS}|{PATHS}|{SNAKES})\b")
_BEHIND_FLAG: Final = Pattern(_FLAG)
_BEHIND_ESCAPE: Final = Pattern(r"[^\\]?\\+[nrt]")
_FLAGGED: Final = Pattern(rf"(?s:.*){_FLAG}")
_HUMP: Final = Pattern(r"[a-z][A-Z]")
_TAB, _BACKSLASH = ord("\t"), ord("\\")
_MAY_RESUME: Final = frozenset(b"\tnrt")
# All that stands in a cell.
_CELLS: Final = b"\n\t|>["
# Three words with dashes.
_SEVERAL: Final = Pattern(r"[a-z0-9]+(?:-[a-z0-9]+){2,}")
_QUOTES: Final = b"\\\"'`"
_ENDS_LINK: Final = b"`*]"
_OPENERS: Final = _QUOTES + b" ("
# Before a word in a sentence or a cell.
_IN_TEXT: Final = b" (\n\t|>["
# What closes a string, with what opened the key before it.
_QUOTE: Final = Pattern(r"\\*[\"'`]")
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
# Where a key has one of these nouns, its value is called something, whatever words of programs it is made of.
_NOUNED: Final = Pattern(
    r"(?s:.*)(?i:(?:alarm|bucket|cluster|crawler|database|dlq|domain|function|lambda|log_?group|pool|queue|repo|role"
    r"|secret|stack|state_?machine|stream|table|task_?def|topic|workgroup)[A-Za-z0-9_]*|_param(?:eter)?)"
    r"\\*[\"'`]?[ \t]*(?::=|=>|[:=])[ \t]*\[?"
)
# What names of log groups that AWS writes to begin with.
_OF_AWS: Final = b"aws"
# What AWS's own begin with, besides operations.
_TYPES: Final = (b"AWS", b"Aws", b"Amazon", b"Vector", b"Elb", b"Predefined")
# A word that a program defines, imports or has as a member, with what stands before it.
_DEFINED: Final = Pattern(rf"(?:class |import |interface |\.)(?:{HUMPS})")
# How members of an API end.
_ENDS: Final = (
    *(b"Arn", b"Id", b"Identifier", b"Key", b"Name", b"Out", b"Output", b"Input", b"Type", b"TypeDef"),
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
# A block of Terraform's or a graph of Airflow's before what it calls itself.
_ITSELF: Final = Pattern(
    r"(?s:.*)(?:resource|data|output|variable|module|check|provider|DAG)[ (](?:\\*\"[a-z0-9_]*\\*\" )?"
)
# A key before words that are joined by no dash, which tells names of other things less well.
_OTHER_SHAPED: Final = Pattern(
    r"(?s:.*)(?i:attribute|column|dag|executor|feature|field|hash|job|key|metric|node|operator|param|parameter"
    r"|partition|range|service|sort|source|step|task|test)(?i:name|_name|_id|id|key)?s?"
    r"\\*[\"'`]?[ \t]*(?:[:=]|=>|\()[ \t]*[\[({]?(?: ?name[:=] ?)?"
)
# Behind the name of a filter, and before the values of tags in the AWS CLI's text.
_FILTERS: Final = Pattern(r"\\*[\"'`],(?:\s|\\+[nrt])*\\*[\"'`]?[vV]alues\W")
_TAGS: Final = b"TAGS\t"
# Before the path of a file or of a page.
_OF_FILES: Final = Pattern(
    r"(?s:.*)(?i:base|data|dir|directory|endpoint|file|folder|from|home|image|location|log|mount|path|prefix|root|route"
    r"|socket|target|to|uri|url|volume|workdir)s?\\*[\"'`]?[ \t]*[:=][ \t]*"
)
# Before a logical id, which has no slashes.
_SCOPED: Final = Pattern(r"(?s:.*)\((?:this|self|scope|stack|app|construct|parent|ctx), ?")
# A key or a call before a string that is no name.
_OTHER: Final = Pattern(
    r"(?s:.*)(?:(?i:action|algorithm|alias|architecture|behaviou?r|category|class|code|color|command|condition|content"
    r"|description|driver|encoding|engine|event|expression|family|format|framework|handler|header|headers|image|kind|label|language|level"
    r"|locale|message|method|mode|namespace|operation|option|package|phase|platform|policytype|plugin|protocol|provider|reason"
    r"|region|runtime|selector|shell|signal|source_?type|state|status|strategy|style|tag|timezone|title|type|unit|uses"
    r"|version|zone)(?:name|_name|id|_id)?s?\\*[\"'`]?[ \t]*(?:[:=]|=>|\()[ \t]*[\[(]?"
    r"|(?:from|import|require|include|use|client|resource|Client|Resource|getLogger|import_module|describe|it|test)"
    r"[ (]*"
    r"|[^A-Za-z](?:import|export) [^;\n]*"
    # A filter's.
    r"|[ ]Name="
    # The logical ids of a template, its outputs and statements.
    r"|(?:\((?:[a-z]+, ?)?|, ?)?(?:this|self|scope|stack|app|construct|parent|ctx|App\(\)), ?\(?"
    r"|(?:LogicalResourceId|OutputKey|ParameterKey|[^A-Za-z]Ref|Fn::[A-Za-z]+|Sid|DependsOn|Id|id)\\*[\"'`]?"
    r"[ \t]*(?:[:=]+)[ \t]*\[?)"
)


class _Word(NamedTuple):
    """Where a word stands that looks like a name; ``sure``, that it needs no key with a noun to be one."""

    start: int
    end: int
    sure: bool


class _Defined:
    """The words with humps that a piece of a text calls parts of its program; looked for once, and only if asked."""

    __slots__ = ("_first", "_piece", "_text")

    def __init__(self, text: bytes, piece: Span) -> None:
        self._text = text
        self._piece = piece
        self._first: dict[bytes, int] | None = None

    def holds(self, begin: int, end: int) -> bool:
        """Tell whether the word at ``begin:end`` has humps, and is called so before it."""
        word = self._text[begin:end]
        if not _HUMPED.fits(word):
            return False
        if self._first is None:
            self._first = {}
            for low, high in _DEFINED.each(self._text, *self._piece):
                self._first.setdefault(self._text[low:high].lstrip(b".").rpartition(b" ")[2], low)
        return self._first.get(word, begin) < begin


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
        self._vocabulary = Vocabulary(catalogue.vocabulary)

    def find(self, text: bytes, found: Sequence[Finding], subject: Subject) -> Iterator[Finding]:
        """Yield the likely names in those pieces of ``text`` in which names are among those ``found``, which ascend.

        ``subject`` is the text's.
        """
        if self._family < 0:
            return
        # What is in a place that was met: the same words come again and again.
        looked: dict[bytes, _Word | None] = {}
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
                defined = _Defined(text, (low, high))
                for begin, end, sure in self._in_piece(text, (low, high), begins, looked):
                    called = (sure or _is_called(text, begin)) and not defined.holds(begin, end)
                    if called and _stands(text, begin, end, subject) and not _touches(found, begin, end):
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
                begin, end = _WORD.search(text, low + (text[low] != 0x2F), high) or (low, high)  # noqa: PLR2004 - "/"
                word = text[begin:end]
                # What looks so and is none of programs.
                if (
                    _HOLDS_TOKEN.search(word) is None
                    and self._may_be(word)
                    and not self._holds(word)
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
            of_programs = self._vocabulary.holds(word) or names_operation(word) or word.endswith(_ENDS)
            if not of_programs and not _touches(found, begin, end):
                yield Finding(begin, end, self._family, ((begin, end),), whole=False)

    def _tells(self, text: bytes, parts: Sequence[Span]) -> bool:
        """Tell whether ``parts`` that were found say whose a text is: no common words, and nothing masked already.

        That says nothing that it did not say before it was masked. Nor does what looks like a name in a token's end.
        """
        if any(_HOLDS_TOKEN.search(text, max(0, low - _TAIL_LENGTH), high) is not None for low, high in parts):
            return False
        return not all(self._words.are_common(text[low:high]) for low, high in parts)

    def _in_piece(
        self, text: bytes, piece: Span, begins: AbstractSet[int], looked: dict[bytes, _Word | None]
    ) -> Iterator[tuple[int, int, bool]]:
        """Yield the words in a ``piece`` that look like names, but at ``begins``; ``looked`` keeps what is met."""
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

    def _likely_in(self, match: bytes) -> _Word | None:
        """Return where in a match of a place the word is, if it looks like a name."""
        first = max(_BEHIND_FLAG.match(match), _BEHIND_ESCAPE.match(match), int(match[0] not in _OPENERS))
        span = _WORD.search(match, first)
        if span is None or _HOLDS_TOKEN.search(match, *span) is not None:
            return None
        word = match[slice(*span)]
        if not self._may_be(word):
            return None
        # A sentence and a table have words of their own.
        told = first > 1 or match[0] not in _IN_TEXT
        sure = not self._holds(word) or (told and _SEVERAL.fits(word))
        return _Word(*span, sure=sure) if sure or told else None

    def _may_be(self, word: bytes) -> bool:
        """Tell whether ``word`` may be a name that somebody gave, whatever words it is made of."""
        if _PATH.fits(word):
            return not _ELSEWHERE.fits(word)
        if _HUMPED.fits(word):
            return not (names_operation(word) or word.startswith(_TYPES) or word.endswith(_ENDS))
        if _NO_NAME.fits(word):
            return False
        if b"/" in word:
            parts = word.split(b"/")
            return not parts[0].isdigit() and _SOURCES.isdisjoint(parts)
        if _SNAKED.fits(word):
            return True
        return not _NO_DOTTED.fits(word) if b"." in word and not _DASHED.fits(word) else not is_compound(word)

    def _holds(self, word: bytes) -> bool:
        """Tell whether ``word`` is made of words of programs, as far as it has to be another."""
        if b"/" in word:
            first, *others = word.lstrip(b"/").split(b"/")
            return all(map(self._vocabulary.holds, others if first == _OF_AWS else [first]))
        if b"." in word and not _DASHED.fits(word):
            return self._vocabulary.holds(word.partition(b".")[0])
        return self._vocabulary.holds(word)


def _resumes(text: bytes, low: int, at: int) -> int:
    """Return where to look on behind a place from ``low`` on whose last byte is at ``at``.

    A tab, or a line break that is an escape, begins another together with what stands before it.
    """
    if text[at] == _TAB or text[at - 1] == _BACKSLASH:
        at = low + len(text[low:at].rstrip(b"\\")) - 1
    return max(low + 1, at)


def _touches(found: Sequence[Finding], begin: int, end: int) -> bool:
    """Tell whether one of those ``found``, which ascend, is in ``begin:end`` or goes on there."""
    last = bisect_left(found, end, key=itemgetter(0))
    return any(one[1] > begin for one in found[max(0, last - MAX_TOUCHING) : last])


def _stands(text: bytes, begin: int, end: int, subject: Subject) -> bool:
    """Tell whether a word that looks like a name stands where one may: it is no key, and nothing says otherwise."""
    if text[end] in _ENDS_LINK and is_linked(text, begin, end):
        return False
    before = _line_before(text, begin)
    if text[begin - 1] in _QUOTES:
        before = before.rstrip(_QUOTES)
        if _IS_KEY.match(text, _QUOTE.match(text, end)) >= 0 or _says_other(text, begin, end, before):
            return False
        if _FILTERS.match(text, end) >= 0:
            return False
        return not _OTHER.fits(before) or (text[begin : begin + 1] == b"/" and _SCOPED.fits(before))
    if subject.names_its_own(begin):
        return False
    if before.endswith((b"=", b": ", b"= ")):
        return _stands_beside(text, begin, end, before, subject)
    in_cell = _begins_cell(text, begin)
    return (not in_cell and _FLAGGED.fits(before)) or _stands_in_text(text, begin, end, before, subject)


def _stands_beside(text: bytes, begin: int, end: int, before: bytes, subject: Subject) -> bool:
    """Tell whether a word without quotes, beside a key with which ``before`` ends, is what is given to that."""
    word = text[begin:end]
    is_program = subject.writing(begin) is Writing.PROGRAM
    # An expression of a program, or a word of a comment.
    if (b"." in word and (before.endswith(b"= ") or is_program)) or _OTHER.fits(before):
        return False
    if is_program and text[end] in b" " and text[end + 1 : end + 2].isalpha():
        return False
    if word.startswith(b"/"):
        return not _OF_FILES.fits(before)
    # One of several: in a line of a log behind what it names, in braces of a command.
    ended = b"-" in word or text[end] not in b" ," or b"={" in before or (text[end] in b" " and _is_called(text, begin))
    return ended and not _says_other(text, begin, end, before)


def _begins_cell(text: bytes, begin: int) -> bool:
    """Tell whether a cell or a line begins at ``begin``, if need be behind an escape for it."""
    return text[begin - 1] in _CELLS or (text[begin - 1] in b"nt" and text[begin - 2] == _BACKSLASH)


def _is_called(text: bytes, begin: int) -> bool:
    """Tell whether the key of what stands at ``begin`` has a noun of something that has a name."""
    before = _line_before(text, begin).rstrip(_QUOTES)
    # The label of a token may be such a noun.
    return _NOUNED.fits(before) and _HOLDS_TOKEN.search(before) is None


def _stands_in_text(text: bytes, begin: int, end: int, before: bytes, subject: Subject) -> bool:
    """Tell whether a word stands in a cell or a sentence, and not in a program or a command."""
    word = text[begin:end]
    if (
        names_operation(word)
        or not (word[:1].islower() or _HUMP.search(word))
        or subject.writing(begin) is Writing.PROGRAM
    ):
        return False
    if before.startswith(_TAGS):
        return False
    if _begins_cell(text, begin) or before.rstrip(b" ").endswith(b"|"):
        return True
    return in_sentence(text, begin, end) and not _COMMAND.fits(before)


def _says_other(text: bytes, begin: int, end: int, before: bytes) -> bool:
    """Tell whether what stands before a word, unless it has dashes, says that it names a part of a program."""
    return not _DASHED.fits(text[begin:end]) and (_ITSELF.fits(before) or _OTHER_SHAPED.fits(before))


def _line_before(text: bytes, at: int) -> bytes:
    return text[max(0, at - _LOOK_BACK) : at].rpartition(END)[2].rpartition(b"\n")[2].rpartition(b"\\n")[2]
