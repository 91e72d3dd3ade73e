"""Spoken names: what follows a noun in a sentence, in a line of a log, in a list of Markdown.

``the queue ledger-jobs``, ``RDS `ledger-pg` ``, and below ``## Queues`` a list with a name in each item. Only the form
of a word tells it from the rest of the sentence; the family says which forms count.
"""

from collections.abc import Iterator
from typing import Final

from aws_masker.boundaries import ALNUM, beginnings
from aws_masker.catalogue import spoken_words
from aws_masker.joints import END, NEWLINE, QUOTE
from aws_masker.plausible import FILE
from aws_masker.re2c import Pattern, Span
from aws_masker.shared import Vocabulary
from aws_masker.subject import Subject, Writing
from aws_masker.values import Value


def _one_of(name: str) -> str:
    """Return an alternation of the words in a list of the catalogue's."""
    return "|".join(spoken_words()[name])


# What says of the next word that it is a name.
SAID_NAME: Final = (b"`", b" called ", b" named ", b" name ", b"**")
# So many that are listed behind one noun.
MAX_LISTED: Final = 16
_LOOK_BACK: Final = 60
_DIGITS: Final = frozenset(b"0123456789")
_WORD: Final = Pattern(r"/?[A-Za-z0-9_./-]{1,256}")
_ESCAPED: Final = 16
# So much of a line on both sides of a word is looked at.
_LINE: Final = 200
_LINE_MARKS: Final = (END, b"\n", b"\\n", b'"')
_WORD_BYTES: Final = ALNUM | frozenset(b"-_./")
# The beginning of a word that may be a name.
_LOOKS: Final = Pattern(r"/?[A-Za-z0-9]*(?:[A-Za-z0-9][-_./][A-Za-z0-9]|[a-z][A-Z]|[a-z][0-9]|[0-9][a-z])")
_ITEM: Final = rf"{NEWLINE}[ ]{{0,4}}[-*] (?:`|\[|\*\*)"
_OPENED: Final = Pattern(r"(?:[(\[]|\*\*|<quote>){1,2}".replace("<quote>", QUOTE))
# The first of a list below a heading, and what stands before another.
_FIRST: Final = Pattern(rf"(?:{NEWLINE})?{_ITEM}|[ ]{{0,4}}[-*] (?:`|\[|\*\*)")
_NEXT: Final = Pattern(
    rf"(?:{QUOTE}|\*\*)?(?:(?:,|,? and|,? or|,? to| plus| \xe2\x86\x92| ->)[ \n](?:{QUOTE}|\*\*)?"
    rf"|(?:[^\n\\\x00]|\\+u[0-9a-fA-F]{{4}}){{0,200}}{_ITEM})"
)
_CONSTANT: Final = Pattern(r"[A-Z0-9]+(?:_[A-Z0-9]+)+")
# Of two words, with a noun of AWS's behind them: the CodeBuild project.
_PRODUCT: Final = Pattern(rf"(?:{_one_of('product_begins')})(?:{_one_of('product_ends')})")
# Compounds of ordinary language, which describe the noun: cross-account, read-only, on-demand, server-side.
_COMPOUND: Final = Pattern(
    r"(?i:(?:all|anti|any|auto|back|bare|both|by|co|cold|cross|dead|dual|end|first|full|half|hard|high|hot|if|in|inter|intra"
    r"|least|long"
    r"|low|man|multi|multiple|new|next|no|non|not|off|old|on|one|open|out|over|per|point|post|pre|re|read|real|second|self"
    r"|semi|short|single|so|soft|sub|super|then|third|three|two|un|up|well|write|zero)-[a-z]+"
    r"|(?:add|back|break|build|call|check|clean|cut|drop|fail|fan|follow|hand|hold|lock|log|look|make|mark|opt"
    r"|pick|plug|"
    r"pop|read|roll|scale|set|shut|sign|spin|start|switch|take|time|turn|warm)-(?:by|down|in|off|on|out|over|to|up)"
    r"|[a-z]+-[a-z]{3,}(?:ed|able)|(?:[a-z]+-)+(?:agnostic|aware|balancing|based|bound|change|compatible|conformant|demand"
    r"|driven|end|facing|"
    r"focused|free|friendly|grade|heavy|house|independent|level|like|line|native|only|optimized|oriented|plane|purpose|"
    r"ready|running|safe|scaling|sharing|side|sourcing|specific|style|term|throughput|time|way|wide)"
    r"|[0-9]+-[0-9]+[a-z]{0,3}|[a-z]+-to-[a-z]+|[a-z]+ing-(?:and-[a-z]+ing|by|down|in|off|on|out|over|to|up)|aws[-_][a-z0-9_/-]+|.*[-_.]aws[-_.].*)"
)
# What may follow a name in a sentence, but no noun that a compound would describe.
_STANDS: Final = Pattern(
    r"(?:<quote>|\*\*|[)\]]){0,3}(?:[.,;:!?)\]|/]|\x00|\\|[\r\n]|[ ]*$|[ ](?:[-=(|]|\xe2|(?:and|are|as|at|because|by|"
    r"can|did|do|does|fail(?:s|ed)?|for|from|got|had|has|have|if|in|into|is|must|needs?|now|on|or|reads?|should"
    r"|since|so|"
    r"still|takes|that|to|until|uses|via|was|were|when|where|which|while|will|with|without|writes?)[ ,.]))".replace(
        "<quote>", QUOTE
    )
)
# What is called after a service right before it: the SQS queue, the Lambda function.
_SERVICE: Final = Pattern(
    rf"(?s:.*[^A-Za-z0-9])?(?i:aws(?: [a-z]+)?|{_one_of('services')})['\x80-\xffs-]{{0,4}}[ \n](?:[A-Za-z0-9]+[ -])?"
)
# What AWS has, and few programs; or said to be of AWS.
_STRONG: Final = Pattern(
    r"(?i:bucket|queue|topic|stack|dynamo|lambda|ecs|rds|sqs|sns|s3|log group|state machine|load balancer|target group|"
    r"dlq|alarm|user pool|table|stream|cluster|workgroup|crawler|alb|nlb|vault)"
)
# One word or the other: and/or, client/server.
_ALTERNATIVE: Final = Pattern(r"[A-Za-z]+/[A-Za-z]+")
# Three humps are no type of a program's behind a noun that is AWS's.
_HUMPED: Final = Pattern(r"[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+){2,}")
# A noun in a sentence, as far as it can be part of the name of a service.
_NOUN: Final = Pattern(r"[^A-Za-z0-9]?[A-Za-z0-9 ]+")
# Tools, libraries and their parts.
_TOOL: Final = Pattern(rf"(?:{_one_of('tools')})[-_][a-z0-9_-]+")
# Members of an object, in the documentation of a program; what Go calls its modules by.
_MEMBER: Final = Pattern(r"(?:self|this|cls)\..*|(?:.*/)?go\.mod")
# A call, an assignment.
_CODE: Final = (b"(", b"=")
# A variable of a program, or a member of one, with several words in its name; what stands before and behind such.
_VARIABLE: Final = Pattern(r"(?:[a-z]+\.)*[a-z0-9]+(?:_[a-z0-9]+)+")
_BEFORE_OWN: Final = (b",", b"(", b" import", b"\nfrom", b" =")
_ASSIGNS: Final = (b" = ", b" += ", b" == ", b": ", b":\n")
# What stands before a function that is defined, with a blank before its arguments.
_DEFINES: Final = (b"func", b"function")
# A link to something: elsewhere, or in the same repository.
_LINK: Final = Pattern(r"[`*]{0,2}\]\((?:https?://[^\s()]{1,200}|[^\s():]{1,200})\)")
# What AWS calls its operations and its products, and languages.
_OPERATION: Final = Pattern(
    r"(?:(?i:add|associate|attach|batch|cancel|copy|create|delete|deregister|describe|detach|disable|enable"
    r"|execute|get|"
    r"invoke|list|modify|publish|put|receive|register|remove|restore|run|send|set|start|stop|tag|terminate|untag"
    r"|update)"
    r"[-_A-Z]|[A-Za-z]+(?:Exception|Error|Fault)|(?:Amazon|AWS|Cloud|Dynamo|Elasti|Event|Git|Java|Secrets|Step"
    r"|Type)[A-Z])"
)


def behind_noun(text: bytes, opener: Span, vocabulary: Vocabulary, subject: Subject) -> Iterator[Value]:
    """Yield the names behind the noun with which ``opener`` begins."""
    begin, end = opener
    if text[begin - 1 : begin] == b":":
        # The end of a type of CloudFormation's.
        return
    owned = subject.is_owned(begin)
    sure = owned or _is_of_service(text, begin, text[begin : _NOUN.match(text, begin, end)])
    is_program = subject.writing(begin) is Writing.PROGRAM
    for value in listed(text, end):
        if is_program and _is_variable(text, value):
            continue
        if not _says_nothing(text, value, vocabulary, sure=sure, owned=owned):
            yield value


def _is_variable(text: bytes, value: Value) -> bool:
    """Tell whether a word in a program is one of its own, without quotes: a variable, a module or a function.

    Those stand among arguments, are imported, assigned, assigned to or defined.
    """
    if not _VARIABLE.fits(text[value.start : value.end]):
        return False
    before = text[max(0, value.start - _LOOK_BACK) : value.start].rstrip()
    if before.endswith(_DEFINES) and text.startswith(b" (", value.end):
        return True
    return before.endswith(_BEFORE_OWN) or text.startswith(_ASSIGNS, value.end)


def before_noun(text: bytes, opener: Span, vocabulary: Vocabulary, subject: Subject) -> Iterator[Value]:
    """Yield the name that ends where ``opener`` begins, before its noun: the ledger-jobs queue."""
    begin, end = opener
    value = word_before(text, begin)
    if value is None or not in_sentence(text, value.start, value.end):
        return
    if subject.writing(begin) is Writing.PROGRAM and _is_variable(text, value):
        return
    owned = subject.is_owned(begin) and _STRONG.search(text, begin, end) is not None
    if not _is_ordinary(text[value.start : value.end], vocabulary, owned=owned):
        yield value


def between_marks(text: bytes, opener: Span, vocabulary: Vocabulary, subject: Subject) -> Iterator[Value]:
    """Yield the name between marks of code or bold, of which ``opener`` begins with the first."""
    begin, end = opener
    value = word_before(text, end)
    if value is None or text[value.end : value.end + 1] != text[begin : begin + 1]:
        return
    if subject.writing(begin) is Writing.PROGRAM or _is_of_others(text, value.start):
        return
    if _OTHER_BEHIND.match(text, value.end) >= 0:
        return
    word = text[value.start : value.end]
    if not _TOOL.fits(word) and not _is_ordinary(word, vocabulary, owned=subject.is_owned(begin)):
        yield value


def _is_ordinary(word: bytes, vocabulary: Vocabulary, *, owned: bool) -> bool:
    """Tell whether ``word`` is one of any text; ``owned`` tells that the text speaks of somebody's things."""
    return is_compound(word) or (not owned and _DIGITS.isdisjoint(word) and vocabulary.holds(word))


def _says_nothing(text: bytes, value: Value, vocabulary: Vocabulary, *, sure: bool, owned: bool) -> bool:
    """Tell whether a word behind a noun in a sentence is one of the sentence, and not said to be a name.

    ``sure`` tells that the noun is one of AWS's; ``owned``, that the text speaks of somebody's things there.
    """
    word = text[value.start : value.end]
    # A function of a module is called like an operation.
    if is_compound(word[word.rfind(b"/") + 1 :]) or names_operation(word[word.rfind(b".") + 1 :]):
        return True
    if b"." in word and b"/" not in word and FILE.fits(word):
        return True
    if _ALTERNATIVE.fits(word) and text[value.start - 1 : value.start] != b"`":
        return not sure or vocabulary.holds(word)
    if sure and _HUMPED.fits(word):
        return False
    if text.endswith(SAID_NAME, 0, value.start) or not _DIGITS.isdisjoint(word):
        return False
    if owned or (sure and stands(text, value.end)) or _is_bracketed(text, value):
        return False
    return vocabulary.holds(word)


def listed(text: bytes, at: int) -> Iterator[Value]:
    """Yield the word at ``at``, behind a noun, and those listed with it; no code, and no operations of an API.

    ``at`` may be in the word: what tells a name from other words belongs to the opener, and few words are looked at.
    """
    at = begin_of(text, at)
    at = max(at, _FIRST.match(text, at), _OPENED.match(text, at))
    for _ in range(MAX_LISTED):
        end = stop = _WORD.match(text, at)
        while end > at and text[end - 1] in b"-_./":
            end -= 1
        if end <= at or text[end : end + 1] in _CODE:
            return
        word = text[at:end]
        # Most are words of the sentence, which have neither a joint nor a hump.
        if not (word.islower() and word.isalpha()) and not _is_aws(text, at, end):
            yield Value(at, end, quoted=True)
        at = _NEXT.match(text, stop)
        if at < 0:
            return


def word_before(text: bytes, at: int) -> Value | None:
    """Return the word in which ``at`` is, with its noun behind it; None for code, operations and products of AWS."""
    begin = begin_of(text, at)
    end = _WORD.match(text, begin)
    if end <= at or text[end : end + 1] in _CODE or _is_aws(text, begin, end) or is_linked(text, begin, end):
        return None
    return Value(begin, end, quoted=True)


def is_linked(text: bytes, begin: int, end: int) -> bool:
    """Tell whether a word is the text of a link to what is called so: a package, a repository."""
    stop = _LINK.match(text, end)
    word = text[begin:end]
    return stop > 0 and text[end:stop].rstrip(b"/)").endswith((b"/" + word, b"(" + word))


def _is_aws(text: bytes, begin: int, end: int) -> bool:
    """Tell whether a word is an operation or a product of AWS's, one of what everybody uses, or a constant."""
    if _OPERATION.match(text, begin, end) > 0 or _MEMBER.match(text, begin, end) > 0:
        return True
    return end in (_PRODUCT.match(text, begin, end), _CONSTANT.match(text, begin, end))


# A line of a sentence or a list: words with blanks between them, and no code.
_SENTENCE: Final = Pattern(r"(?s:(?:[^{}=]*[ (*`])?[a-z]{2,}[,.:;]? (?:[^{}=]*[ (*`])?[a-z]{2,}(?:[ ,.:)*`][^{}=]*)?)")
# The end of a word in base64, which no token has.
_PADDED: Final = Pattern(r"[A-Z+/][A-Za-z0-9+/]{2,}={1,2}(?:[^A-Za-z0-9=]|$)")
_COMMAND: Final = Pattern(r"[ ]*(?:[$#>] |[A-Za-z_]+=)?(?:docker|git|go|helm|kubectl|make|npm|pip|pnpm|yarn)[ ].*")
# What is called something else than a resource of AWS's: the branch `ledger-9`.
_OTHER_NOUN: Final = Pattern(
    r"(?s:.*[^A-Za-z])?(?i:action|annotation|annotations|argument|attribute|bin(?:ary)?|branch|branches|charts?|class|"
    r"classes|command|commands|commits?|component|components|constructs?|containers?|cookie|crate|deployments?"
    r"|directory|"
    r"extension|fields?|file|files|flags?|folder|fork|framework|gem|headers?|hook|image|import|input|key|keyword|label|"
    r"labels|library|linter|metrics?|method|methods|middleware|modules?|namespaces?|options?|outputs?|packages?"
    r"|params?|"
    r"plugins?|pods?|property|provider|pull|ref|region|release|remote|run|runtime|script|scripts|setting|step|steps|submodule|"
    r"subcommand|tags?|test|tests|tools?|type|types|use|uses|using|utility|value|variables?|version|via|volume mount|"
    r"workflows?|with)[:,]? ?(?:\((?:e\.g\.|i\.e\.|such as) |(?:for example|such as)[, ]+)?(?:called |named )?[*`]*"
)

# The same behind it: the `ledger_id` parameter.
_OTHER_BEHIND: Final = Pattern(
    r"(?:`{1,2}|\*\*) (?:[a-z]+ )?(?:argument|attribute|branch|class|decorator|exception|field|file|flag|keyword|label"
    r"|library|method|module|operator|option|package|parameter|permission|plugin|property|region|setting|type|variable)s?(?:[^A-Za-z]|$)"
)


def in_sentence(text: bytes, begin: int, end: int) -> bool:
    """Tell whether what stands at ``begin:end`` is in a line of a sentence or a list, rather than of code."""
    before, after = text[max(0, begin - _LINE) : begin], text[end : end + _LINE]
    low = max(before.rfind(mark) + len(mark) for mark in _LINE_MARKS)
    high = min((at for mark in _LINE_MARKS if (at := after.find(mark)) >= 0), default=len(after))
    line = before[low:] + text[begin:end] + after[:high]
    if b"=" in line:
        line = _unpadded(line)
    return _SENTENCE.fits(line) and not _COMMAND.fits(line)


def _unpadded(line: bytes) -> bytes:
    """Return a line without the signs of equality that end a word in base64: they join nothing."""
    for low, high in _PADDED.each(line):
        line = line[:low] + line[low:high].replace(b"=", b".") + line[high:]
    return line


def _is_of_others(text: bytes, at: int) -> bool:
    """Tell whether the noun before a word at ``at`` says that it names a part of a program."""
    return _OTHER_NOUN.fits(text[max(0, at - _LOOK_BACK) : at].rpartition(END)[2])


def is_compound(word: bytes) -> bool:
    """Tell whether ``word`` is one of ordinary language, put together with dashes."""
    return _COMPOUND.fits(word) and not word.lower().endswith((b"feed", b"seed", b"speed"))


def stands(text: bytes, end: int) -> bool:
    """Tell whether a word that ends at ``end`` stands for itself, rather than before a noun that it describes."""
    return _STANDS.match(text, end) >= 0


def _is_bracketed(text: bytes, value: Value) -> bool:
    """Tell whether ``value`` is all that stands in brackets: the old role (ledger-web)."""
    return text[value.start - 1 : value.start] == b"(" and text[value.end : value.end + 1] == b")"


def _is_of_service(text: bytes, at: int, noun: bytes) -> bool:
    """Tell whether the noun at ``at`` is said to be one of AWS's, by the name of a service before it or in it."""
    before = text[max(0, at - _LOOK_BACK) : at].rpartition(END)[2]
    return _SERVICE.fits(before) or _SERVICE.fits(noun + b" ")


def begin_of(text: bytes, at: int) -> int:
    """Return where the word begins in which ``at`` is."""
    while text[at - 1] in _WORD_BYTES:
        at -= 1
    return beginnings(text, at, min(len(text), at + _ESCAPED))[0]


def names_operation(word: bytes) -> bool:
    """Tell whether ``word`` is one of AWS's operations or products, as far as its beginning says so."""
    return _OPERATION.match(word, 0) > 0


def goes_on(text: bytes, at: int, end: int) -> bool:
    """Tell whether a noun at ``at`` goes on at ``end``, behind a line's break: in a heading, or a sentence."""
    first = end + (text[end : end + 1] == b"`")
    if text.endswith((b"\n", b"\\n"), at, end) and _LOOKS.match(text, first) > 0:
        # A key of its own line.
        return text[(after := _WORD.match(text, first)) : after + 1] != b":"
    return _in_heading(text, at)


def _in_heading(text: bytes, at: int) -> bool:
    """Tell whether a noun stands in a heading of Markdown."""
    before = text[max(0, at - _LOOK_BACK) : at].rpartition(END)[2].rpartition(b"\n")[2].rpartition(b"\\n")[2]
    return before.startswith(b"#")
