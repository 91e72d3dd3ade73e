"""Whereabouts: whether a word that looks like a name stands where one may, and what its text calls it.

Its key or its call may say that it names something else, or is a key itself; a program may define it; a sentence and a
cell have words of their own.
"""

from typing import Final

from aws_masker.joints import END
from aws_masker.looks import DASHED, FLAG, HOLDS_TOKEN, HUMPED
from aws_masker.re2c import Pattern, Span
from aws_masker.shapes import HUMPS
from aws_masker.spoken import in_sentence, is_linked, names_operation
from aws_masker.subject import Subject, Writing

_LOOK_BACK: Final = 80
# The command line of a tool, whose words are operations and files.
_COMMAND: Final = Pattern(r"(?:.*[^A-Za-z0-9.-])?(?:aws|cdk|copilot|eb|eksctl|sam) .*")
_IS_KEY: Final = Pattern(r"[ \t]*(?::|=[^=>]|=>|to [\"']|value=)")
_FLAGGED: Final = Pattern(rf"(?s:.*){FLAG}")
_HUMP: Final = Pattern(r"[a-z][A-Z]")
# All that stands in a cell.
_CELLS: Final = b"\n\t|>["
_BACKSLASH: Final = ord("\\")
_QUOTES: Final = b"\\\"'`"
_ENDS_LINK: Final = b"`*]"
# What closes a string, with what opened the key before it.
_QUOTE: Final = Pattern(r"\\*[\"'`]")
# Where a key has one of these nouns, its value is called something, whatever words of programs it is made of.
_NOUNED: Final = Pattern(
    r"(?s:.*)(?i:(?:alarm|bucket|cluster|crawler|database|dlq|domain|function|lambda|log_?group|pool|queue|repo|role"
    r"|secret|stack|state_?machine|stream|table|task_?def|topic|workgroup)[A-Za-z0-9_]*|_param(?:eter)?)"
    r"\\*[\"'`]?[ \t]*(?::=|=>|[:=])[ \t]*\[?"
)
# A word that a program defines, imports or has as a member, with what stands before it.
_DEFINED: Final = Pattern(rf"(?:class |import |interface |\.)(?:{HUMPS})")
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


class Defined:
    """The words with humps that a piece of a text calls parts of its program; looked for once, and only if asked."""

    __slots__ = ("_first", "_piece", "_text")

    def __init__(self, text: bytes, piece: Span) -> None:
        """Take a text, and where the piece of it is."""
        self._text = text
        self._piece = piece
        self._first: dict[bytes, int] | None = None

    def holds(self, begin: int, end: int) -> bool:
        """Tell whether the word at ``begin:end`` has humps, and is called so before it."""
        word = self._text[begin:end]
        if not HUMPED.fits(word):
            return False
        if self._first is None:
            self._first = {}
            for low, high in _DEFINED.each(self._text, *self._piece):
                self._first.setdefault(self._text[low:high].lstrip(b".").rpartition(b" ")[2], low)
        return self._first.get(word, begin) < begin


def is_called(text: bytes, begin: int) -> bool:
    """Tell whether the key of what stands at ``begin`` has a noun of something that has a name."""
    before = _line_before(text, begin).rstrip(_QUOTES)
    # The label of a token may be such a noun.
    return _NOUNED.fits(before) and HOLDS_TOKEN.search(before) is None


def may_stand(text: bytes, begin: int, end: int, subject: Subject) -> bool:
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
    ended = b"-" in word or text[end] not in b" ," or b"={" in before or (text[end] in b" " and is_called(text, begin))
    return ended and not _says_other(text, begin, end, before)


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


def _begins_cell(text: bytes, begin: int) -> bool:
    """Tell whether a cell or a line begins at ``begin``, if need be behind an escape for it."""
    return text[begin - 1] in _CELLS or (text[begin - 1] in b"nt" and text[begin - 2] == _BACKSLASH)


def _says_other(text: bytes, begin: int, end: int, before: bytes) -> bool:
    """Tell whether what stands before a word, unless it has dashes, says that it names a part of a program."""
    return not DASHED.fits(text[begin:end]) and (_ITSELF.fits(before) or _OTHER_SHAPED.fits(before))


def _line_before(text: bytes, at: int) -> bytes:
    return text[max(0, at - _LOOK_BACK) : at].rpartition(END)[2].rpartition(b"\n")[2].rpartition(b"\\n")[2]
