"""General keys: where the value beside a ``Name`` or ``Identifier`` is the name of something of AWS's.

Such a key says that something has a name, and not what. So its value counts only in a text that speaks of AWS, if it
looks like a name that somebody gave (the form of its family), if the words before the key do not say that it names
something else (``metricName``), and if it is not the name of a value that follows, as a variable's is. Beside nothing
but ``name``, manifests of Kubernetes, workflows and packages have names of their own.
"""

from typing import Final

from aws_masker.joints import BREAK, END, QUOTE, Joint, Kind
from aws_masker.re2c import Pattern, Span
from aws_masker.shared import MIN_PART, Vocabulary
from aws_masker.spoken import names_operation
from aws_masker.subject import Subject, Writing

_LOOK_BACK: Final = 60
_SPELLED: Final = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
_SEPARATORS: Final = b"-_"
# What a general key may be joined by to its value.
_KINDS: Final = frozenset((Kind.VALUE, Kind.ROW, Kind.PROSE, Kind.ARGUMENT, Kind.DEFINITION))
_BARE: Final = (b"name", b"names", b"id", b"ids", b"identifier", b"identifiers")
_ID: Final = (b"Id", b"ID")
_IDS: Final = (b"id", b"ids")
_UUID: Final = Pattern(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# As the form of a general name: letters with a digit or a joint among them, or a hump, but for constants.
_GIVEN: Final = Pattern(
    r"/?[A-Za-z0-9_.+=,@/-]*(?:[a-z][A-Za-z0-9_.+=,@/-]*[_0-9-]|[_0-9-][A-Za-z0-9_.+=,@/-]*[a-z]|[a-z][A-Z])"
    r"[A-Za-z0-9_.+=,@/-]*"
)
# Before what a template calls one of its own, and so much before it.
_REFERS: Final = Pattern(r"(?s:.*)(?:[^A-Za-z]Ref|Fn::[A-Za-z]+)[^A-Za-z0-9]{1,12}")
_REFERENCE: Final = 24
# What has a name that nobody gave to a resource.
_OTHER: Final = Pattern(
    r"(?:.*(?:action|algorithm|attribute|author|branch|category|characterset|charset|city|claim|class|color|colour|"
    r"column|command|common|company|component|condition|cookie|country|currency|device|directory|display|driver|element"
    r"|engine|env|event|exception|extension|family|feature|field|file|first|folder|font|format|full|function|given|"
    r"handler|header|host|icon|input|interface|kind|label|language|last|layout|library|license|locale|local|method|"
    r"metric|mode|module|node|operation|option|output|package|page|param|parameter|parameterkey|path|phase|plugin|"
    r"product|property|protocol|publisher|query|quota|region|runtime|scope|script|section|selector|sensor|setting|sheet|"
    r"short|signal|state|status|step|tag|test|theme|timezone|title|token|track|type|unit|variable|vendor|version|view|virtual"
    r"|zone)|.*dns|logicalresource|logical)(?:name|identifier|id)s?"
)
# Before the name of an element of a page, of an object of a program, of what a decorator makes of a function.
_OF_ITSELF: Final = Pattern(
    r"(?s:.*)(?:<[a-z][a-z0-9-]*(?: [^<>]*)? |(?:this|self|[eE]rr(?:or)?|prototype)\."
    r"|@(?:[A-Za-z0-9_]+\.)*(?:argument|command|fixture|group|option)\()"
)
_HUMPED: Final = Pattern(r"[A-Z][a-z]+(?:[A-Z][a-z]+)+")
# Before a parameter in the address of a page that is none of AWS's.
_IN_ADDRESS: Final = Pattern(r"(?s:.*)https?://[^\s\"'<>?]{1,60}\?(?:[A-Za-z0-9_]+=[^\s\"'<>&]*&)*")
# Before a member of a manifest, which may be a comment: nothing else on its line, or in its braces.
_OPENS_MEMBER: Final = Pattern(r"(?s:(?:.*(?:[\x00\x01\n{,(\[]|\\n))?[ \t#*-]*(?:\\*[\"'`])?)")
# Libraries, headers, actions of workflows, addresses in Terraform, files of a machine; versions, behind what may be the
# end of a name.
_PUBLIC: Final = Pattern(
    r"(?i:aws-(?:batch|ec2|ecs|eks|fargate|lambda|s3)|(?:x|amazon|boto3|botocore|aws-(?:actions|amplify|cdk|cli|crt|lambda|sam|sdk|xray)|eslint|babel|webpack|jest"
    r"|npm|github)[-_/.].*|@.*|[a-z0-9]+(?:_[a-z0-9]+)+\.[a-z0-9_-]+"
    r"|/(?:etc|home|root|run|tmp|usr)/.*|v?[0-9]{1,6}(?:\.[0-9]{1,6}){1,4}(?:[-+.][a-z0-9._-]*)?)"
)
# The value of a variable, a tag, a parameter; where a parameter of an API is given.
_VALUE_FOLLOWS: Final = Pattern(
    rf"(?:{QUOTE})?\)?[,.]?{BREAK}*(?:- )?(?:{QUOTE})?(?:with|default)?(?:[vV]alue|in(?:{QUOTE})?[ \t]*:)"
)


def stands_given(text: bytes, start: int, end: int, vocabulary: Vocabulary | None) -> bool:
    """Tell whether ``start:end`` looks like a name that somebody gave, and refers to nothing in its template.

    With a ``vocabulary``, a single word that programs do not have looks so, too.
    """
    if _REFERS.fits(text[max(0, start - _REFERENCE) : start]):
        return False
    word = text[start:end]
    if vocabulary is None or len(word) < MIN_PART or not word.isalpha():
        return _GIVEN.fits(word)
    return _GIVEN.fits(word) or not vocabulary.holds(word)


def names_something(
    text: bytes, key: Span, value: Span, joint: Joint, subject: Subject, vocabulary: Vocabulary
) -> bool:
    """Tell whether a value is a name beside the general key whose last word is ``key``."""
    low, key_end = key
    start, end = value
    if joint.kind not in _KINDS or not subject.is_aws(low):
        return False
    first = low
    while first > max(0, low - _LOOK_BACK) and text[first - 1] in _SPELLED:
        first -= 1
    spelled, word = text[first:key_end], text[start:end]
    name = spelled.translate(None, _SEPARATORS).lower()
    before = text[max(0, first - _LOOK_BACK) : first]
    if name in _BARE and (
        joint.flag or joint.kind is Kind.PROSE or (_OPENS_MEMBER.fits(before) and subject.names_its_own(low))
    ):
        return False
    # In a query, what is compared is a name all the same.
    other = joint.kind is Kind.DEFINITION or (b"==" in text[key_end:start] and not text.endswith(b"[?", 0, first))
    if name in _BARE and (other or _is_of_itself(text, first)):
        return False
    if text[low:key_end].lower() in _IDS and (name not in _IDS or (spelled not in _ID and not _UUID.fits(word))):
        return False
    # One word, and words with underscores, are those of a program, unless one of them is none of its words.
    bare = b"-" not in word and word.islower() and vocabulary.holds(word)
    if bare and (b"_" in word or word.isalpha() or b" =" in text[key_end:start]):
        return False
    # A type of a program, which has no quotes around it.
    is_type = _HUMPED.fits(word) and text[start - 1] in b" :" and subject.writing(low) is Writing.PROGRAM
    if is_type or (name not in _BARE and _IN_ADDRESS.fits(before)):
        return False
    if (joint.kind is Kind.PROSE or name.endswith(b"api")) and names_operation(word):
        return False
    return not (_OTHER.fits(name) or _PUBLIC.fits(word) or _VALUE_FOLLOWS.match(text, end) > 0)


def _is_of_itself(text: bytes, at: int) -> bool:
    """Tell whether a key at ``at`` is an attribute of a tag, or a member of what a program calls itself."""
    return _OF_ITSELF.fits(text[max(0, at - _LOOK_BACK) : at].rpartition(END)[2])


def may_title(header: bytes) -> bool:
    """Tell whether a column ``Name`` under a header is one of names: kubectl's are of pods."""
    return not any(word in header for word in (b"READY", b"RESTARTS", b"AGE", b"KIND", b"Description", b"Type"))
