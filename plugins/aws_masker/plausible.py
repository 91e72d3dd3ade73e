"""Plausibility: whether what stands beside a key is a value, rather than a piece of code, a type or a sentence.

What can be a name is told here, what can be a secret in ``secret_values``.
"""

from typing import Final

from aws_masker.catalogue import ANY_VALUE, Family
from aws_masker.joints import END, VALUE, Joint, Kind, Series
from aws_masker.re2c import Pattern, Span
from aws_masker.secret_values import is_formula, plausible_secret
from aws_masker.tokens import TAIL_PATTERN
from aws_masker.unquoted import assigned_plainly, is_code, is_listed, line_before
from aws_masker.values import Value

_LOOK_BACK: Final = 120
# How far from a cell the beginning of its row is looked for: no replaced cell may make a row of what is none.
MAX_LINE: Final = 4096
PLAUSIBLE: Final = Pattern(r"[A-Za-z0-9/_$][A-Za-z0-9_.+=,@:/#$\[\]-]{1,511}")
# A name of several words, and what begins or joins words that rather tell something.
MAX_WORDS: Final = 120
_OF_WORDS: Final = Pattern(
    r"[A-Za-z0-9\x80-\xff](?:[A-Za-z0-9_.,:;&'()+#@/>\x80-\xff-])*(?: (?:[A-Za-z0-9_.:&'()+#@/>\x80-\xff-])+,?){1,7}"
)
_SAYS_SO: Final = Pattern(
    r"(?s:(?:(?i:an?|any|can|each|every|if|invalid|must|no|not|one|optional|required|some|specifies|that|the|this|to"
    r"|when|whether|your?)[ '].*"
    r"|.* (?i:are|as|be|cannot|could|does|has|have|if|is|may|must|should|that|the|this|was|when|which|will|with|you"
    r"|your) .*"
    # Of AWS's own.
    r"|(?:.* )?(?:AWS|Amazon) .*"
    r"|.*(?:\.|:|[^ .]\. [A-Z].*)))"
)
_HOLDS_TOKEN: Final = Pattern(TAIL_PATTERN)
# What is put in later: ${AWS::Region}, {env}, {}, {{ stage }}, #{name}, %s.
_VARIABLE: Final = r"[$#]?\{\{?[^{}\x00\x01]{0,80}\}?\}|\$\([A-Za-z_]{1,40}\)|%[sdv]"
_VARIABLES: Final = Pattern(_VARIABLE)
_INTERPOLATED: Final = Pattern(rf"(?:{_VARIABLE}|[A-Za-z0-9_./-])+")
# Shorter pieces between variables say nothing.
_PIECE: Final = Pattern(r"[A-Za-z0-9][A-Za-z0-9_.-]{3,}[A-Za-z0-9]")
# Of the name of a service behind an endpoint, and of a host: AWS's own, but for what stands before it.
_ENDPOINT_SERVICE: Final = b"com.amazonaws."
_HOST_OF_AWS: Final = b"amazonaws"
# A variable or a placeholder that says what it stands for: oldTableName, conn_id.
_NAMES_ITSELF: Final = Pattern(
    r"(?i:[a-z0-9_.-]*[-_])?(?i:name|id|identifier)(?:s?|[-_][0-9]{1,2})|[A-Za-z0-9]*[a-z0-9](?:Name|Id|ID|Identifier)s?"
    r"|(?:[a-z]+[A-Z][a-z]+)+(?:Status|Version|Type)"
)
# How all of these end: most words need not be held against the pattern.
_NAMES_ITSELF_ENDS: Final = b"DERSdenrs"
_NUMBER_AFTER: Final = b"-_"
# Attributes and methods: in code an expression, in a settings file a name with dots.
_DOTTED: Final = Pattern(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
# Written without quotes, only something with a joint in it is a value rather than a variable or a type.
_JOINTED: Final = Pattern(r".*[0-9/-].*")
# In a sentence, a name rather than a word, a file or a piece of code.
_NAMED: Final = Pattern(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*[-_0-9][A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
_DASHED: Final = Pattern(r".*-.*")
# A reference to something of the same template: $storage_buckets:iac/outputs.
_REFERENCE: Final = Pattern(r"\$[a-z_]+:[^$]*")
# The second half of a comparison, or what follows a quote that closed a string rather than opened one.
_NO_BEGINNING: Final = (b"=", b"~", b")", b",", b";", b"]")
# A type of Python, in quotes as well: List[V1LocalObjectReference].
_GENERIC: Final = Pattern(r"(?:[Ll]ist|[Dd]ict|Optional|Sequence|Union)\[[A-Za-z][A-Za-z0-9_., \[\]]*\]")
# A file of a program's or of data, and a member of a member: model.json, requestContext.accountId.
FILE: Final = Pattern(
    r".+\.(?:json|ya?ml|toml|py|[cm]?[jt]s|tsx|md|rst|txt|html?|css|xml|csv|png|svg|sh|sql"
    r"|cc|cmake|cpp|cs|gif|gz|hpp|ico|ini|ipynb|java|jpe?g|kt|php|proto|swift|tgz|vue|webp|whl|woff2?|xz)"
)
_MEMBER_NAME: Final = Pattern(
    r"[A-Za-z_][A-Za-z0-9_\[\]]*(?:\.[A-Za-z0-9_\[\]]+)*\.(?:[a-z]+(?:[A-Z][a-z]+)*(?:Name|Id)|name)"
)
# Names of languages' own: __init__, Uint8Array, uint256, vec3u; what a package is checked against, a path of files, a
# duration.
_BUILT_IN: Final = Pattern(
    r"__[A-Za-z_]+__|(?:Uint|Int|Float|BigInt|BigUint)[0-9]{1,2}(?:Clamped)?Array"
    r"|(?:u?int|uint|float|bytes)[0-9]{1,3}(?:_t)?|[biu]?vec[234][fhiu]?"
    r"|/path/to/.*|(?:bin|dist|node_modules|src)/.*|sha(?:1|256|384|512)-[A-Za-z0-9+/]{27,}={0,2}"
    r"|(?:[0-9]{1,4}(?:d|h|m|ms|s)){1,4}"
)
# A constant of a program, in a sentence.
_CONSTANT: Final = Pattern(r"[A-Z]+(?:_[A-Z]+)+")
# Where something in S3 is. Where anything else is, or what stands before an address without a joint, is no name.
_IN_S3: Final = Pattern(r"s3[a-z]?://[^:]*")
# Group and version of an API of Kubernetes.
_API_VERSION: Final = Pattern(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+/v[0-9]{1,2}(?:(?:alpha|beta)[0-9]{1,2})?")
_LINE_ENDS: Final = (b"", b"\n", b"\r", END)
# A row of a table, or a line whose first cell is the key, but for a line's number: no union of types. What else stands
# in cells before says nothing, for it may be replaced.
_IN_ROW: Final = Pattern(
    r"[ \t>*]*\|.*|(?:[ ]*[0-9]+ *\|)?[ \t>*`]*(?:[A-Za-z_.-]+ )*[A-Za-z0-9_.-]+[ \t*`]*\|[ \t]*(?:\*\*)?`?"
)


def plausible(family: Family, text: bytes, value: Value, joint: Joint, form: Pattern | None) -> bool:
    """Tell whether a value beside one of the family's keys can be what the key says."""
    word = text[value.start : value.end]
    if (
        not word
        or (word[-1:] == b"]" and _GENERIC.fits(word))
        or _BUILT_IN.fits(word)
        or (word[:1] in _NO_BEGINNING and not _opened(text, value))
        or (joint.kind is Kind.ROW and not _IN_ROW.fits(line_before(text, value, MAX_LINE)))
    ):
        return False
    if family.value == ANY_VALUE:
        return plausible_secret(text, value, joint, word)
    if form is not None:
        if family.general:
            # A path with variables in it is one whatever they stand for, and what is joined to one looks so, too.
            if b"{" in word or b"%" in word:
                looks_so = word.startswith(b"/") or form.fits(without_variables(word))
                return looks_so and bool(pieces(text, value.start, value.end)) and _INTERPOLATED.fits(word)
            return form.fits(word) and _plausible_name(text, value, joint, word)
        return form.fits(word) and not (family.kind == "secret" and is_formula(text, value, word))
    return _plausible_name(text, value, joint, word)


def is_of_words(word: bytes) -> bool:
    """Tell whether a value with blanks can be a name: no sentence, nor one that holds what was masked already."""
    return (
        len(word) <= MAX_WORDS
        and _OF_WORDS.fits(word)
        and not _SAYS_SO.fits(word)
        and _HOLDS_TOKEN.search(word) is None
    )


def _plausible_name(text: bytes, value: Value, joint: Joint, word: bytes) -> bool:
    """Tell whether a value can be a name that somebody gave."""
    # An ARN within a word makes two of it, whatever is left of the ARN.
    ends_so = word[-1] in _NAMES_ITSELF_ENDS or word[-2:-1] in _NUMBER_AFTER or word[-3:-2] in _NUMBER_AFTER
    if (ends_so and _NAMES_ITSELF.fits(word)) or b"arn:" in word[1:]:
        return False
    if (
        (b"//" in word and not _IN_S3.fits(word))
        or (word.startswith(b"$") and _REFERENCE.fits(word))
        or (b"." in word and (_MEMBER_NAME.fits(word) or FILE.fits(word) or _API_VERSION.fits(word)))
    ):
        return False
    if not PLAUSIBLE.fits(word):
        return bool(pieces(text, value.start, value.end)) and _INTERPOLATED.fits(word)
    if value.quoted:
        # The key of an object is no value.
        named = text[value.end : value.end + 2] == b'":' and text[value.end + 2 : value.end + 3] not in _LINE_ENDS
        return not named and (joint.kind is not Kind.PROSE or (_NAMED.fits(word) and not _CONSTANT.fits(word)))
    if is_code(text, value, word):
        return False
    if assigned_plainly(text, value, joint):
        return True
    if joint.series is Series.COMMAS:
        return _DASHED.fits(word) or is_listed(text, value)
    return _JOINTED.fits(word) and not _DOTTED.fits(word)


def pieces(text: bytes, start: int, end: int) -> list[Span]:
    """Return what of a value with variables in it says something; nothing of one without."""
    word = text[start:end]
    if (b"{" not in word and b"%" not in word and b"$(" not in word) or word.startswith(_ENDPOINT_SERVICE):
        return []
    spans = []
    low = start
    for one, two in [*_VARIABLES.each(text, start, end), (end, end)]:
        spans += [piece for piece in _between(text, low, one) if _PIECE.fits(text[slice(*piece)])]
        low = two
    return spans


def without_variables(word: bytes) -> bytes:
    """Return a value with a letter in the place of each variable."""
    kept, low = [], 0
    for one, two in [*_VARIABLES.each(word, 0, len(word)), (len(word), len(word))]:
        kept.append(word[low:one])
        low = two
    return b"x".join(kept)


def _between(text: bytes, low: int, high: int) -> list[Span]:
    found = []
    for field in text[low:high].split(b"/"):
        inner = field.strip(b"-_.")
        at = low + field.find(inner)
        if _HOST_OF_AWS in inner:
            inner = inner.partition(b".")[0].removeprefix(_HOST_OF_AWS)
        found.append((at, at + len(inner)))
        low += len(field) + 1
    return found


def _opened(text: bytes, value: Value) -> bool:
    """Tell whether the quote before a value opens it, rather than closing a string that holds the key."""
    quote = text[value.start - 1 : value.start]
    if quote == VALUE:
        return True
    before = text[max(0, value.start - 1 - _LOOK_BACK) : value.start - 1].rpartition(END)[2].rpartition(b"\n")[2]
    return value.quoted and before.count(quote) % 2 == 0
