"""Plausibility: whether what stands beside a key is a value, rather than a piece of code, a type or a sentence."""

from typing import Final

from aws_masker.catalogue import ANY_VALUE, Family
from aws_masker.joints import END, VALUE, Joint, Kind, Series
from aws_masker.re2c import Pattern, Span
from aws_masker.tokens import TAIL_PATTERN
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
# An expression of a programming language rather than a value.
_EXPRESSION: Final = Pattern(
    r"(?:var|local|locals|module|data|each|self|this|args|os|process|config|settings|event|props|params|options|"
    r"ctx|context|request|req|env|cfg|opts|input|output|resource|aws_[a-z_]+|cls|super|path|random_[a-z_]+)[.\[].*"
    r"|!(?:Ref|Sub|GetAtt|ImportValue|Join|Select|FindInMap|If|Base64|Split|Cidr)|[A-Za-z_.]+\[.*"
)
# A variable or a placeholder that says what it stands for: oldTableName, conn_id.
_NAMES_ITSELF: Final = Pattern(
    r"(?i:[a-z0-9_.-]*[-_])?(?i:name|id|identifier)(?:s?|[-_][0-9]{1,2})|[A-Za-z0-9]*[a-z0-9](?:Name|Id|ID|Identifier)s?"
    r"|(?:[a-z]+[A-Z][a-z]+)+(?:Status|Version|Type)"
)
# How all of these end: most words need not be held against the pattern.
_NAMES_ITSELF_ENDS: Final = b"DERSdenrs"
_NUMBER_AFTER: Final = b"-_"
_BRACKETED: Final = Pattern(r".*[(){}].*")
# Attributes and methods: in code an expression, in a settings file a name with dots.
_DOTTED: Final = Pattern(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
# Written without quotes, only something with a joint in it is a value rather than a variable or a type.
_JOINTED: Final = Pattern(r".*[0-9/-].*")
# In a sentence, a name rather than a word, a file or a piece of code.
_NAMED: Final = Pattern(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*[-_0-9][A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
_DASHED: Final = Pattern(r".*-.*")
_TYPE_NAME: Final = Pattern(r"_?[A-Z][A-Za-z]+")
_CALLED: Final = Pattern(
    r"[A-Za-z_][A-Za-z0-9_.]*\((?:\{?|.*\))|\$\{.*|\$\(.*|\{\{.*|!(?:Ref|Sub|GetAtt|ImportValue|Join|Select).*"
    r"|[A-Za-z_][A-Za-z0-9_.]*\?\..*|[&*]?(?:[a-z_][A-Za-z0-9_]*\.)?[A-Za-z_][A-Za-z0-9_]*\{|</.*|\{.*\}|[A-Za-z_][A-Za-z0-9_.]*\["
)
_IDENTIFIER: Final = Pattern(r"[A-Za-z_][A-Za-z_.]*")
# A variable that holds a secret, a type of a package, an object in a module: testTsigSecret, corev1.SecretKeySelector,
# ledger.settings:TOKEN.
_SAYS_WHAT: Final = Pattern(
    r"(?:[a-z][A-Za-z0-9]*\.)*[a-z][A-Za-z0-9]*[a-z0-9](?:Secret|Password|Token|Key)|[&*]?[a-z][a-z0-9]*\.[A-Z][A-Za-z0-9]+"
    r"|(?:[a-z_][a-z0-9_]*\.)+[a-z_][a-z0-9_]*:[A-Za-z_]+|[&*][a-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+\(.*"
)
# A reference to something of the same template: $storage_buckets:iac/outputs.
_REFERENCE: Final = Pattern(r"\$[a-z_]+:[^$]*")
# Enough of letters and digits to be more than punctuation between two pieces of code.
_SOLID: Final = Pattern(r"(?s:.*[A-Za-z0-9].*[A-Za-z0-9].*[A-Za-z0-9].*[A-Za-z0-9].*)")
# And so have the secrets that a machine keeps in files.
_ADDRESS: Final = Pattern(
    r"\[[^\]]+\]\([^()\s]*\)?|\.{1,2}/.*|(?:\s|\\+[nrt])*https?://[^@\s]*(?:\s|\\+[nrt])*"
    r"|/(?:etc|home|mnt|opt|root|run|tmp|usr|var)/[a-z0-9_./-]+"
)
# What a secret has to look like.
_CLASSES: Final = Pattern(r".*\[[^\[\]]*(?:a-z|A-Z|0-9)[^\[\]]*\][^\[\]]*[*+{].*")
# What a field for a secret is called, or how to fill it in: "Account Access Key (optional)".
_LABEL: Final = Pattern(
    r"(?:[A-Za-z/]+ )*(?i:key|secret|token|password|leave|enter|your)(?: [A-Za-z/]+)*(?: \([A-Za-z ]+\))?"
)
# In a sentence, no word and no piece of code.
_SPOKEN_SECRET: Final = Pattern(r"[^\s\x00-\x1f(){}<>/]*[A-Za-z][^\s\x00-\x1f(){}<>/]*[0-9][^\s\x00-\x1f(){}<>/]{2,}")
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
# Names of languages' own: __init__, Uint8Array, uint256, vec3u; what a package is checked against, a path of files.
_BUILT_IN: Final = Pattern(
    r"__[A-Za-z_]+__|(?:Uint|Int|Float|BigInt|BigUint)[0-9]{1,2}(?:Clamped)?Array"
    r"|(?:u?int|uint|float|bytes)[0-9]{1,3}(?:_t)?|[biu]?vec[234][fhiu]?"
    r"|/path/to/.*|(?:bin|dist|node_modules|src)/.*|sha(?:1|256|384|512)-[A-Za-z0-9+/]{27,}={0,2}"
)
# A constant of a program, in a sentence.
_CONSTANT: Final = Pattern(r"[A-Z]+(?:_[A-Z]+)+")
# A variable: what stands for itself would have quotes.
_VARIABLE_NAME: Final = Pattern(r"[A-Za-z_$][A-Za-z0-9_$]*")
# Members of an object of JavaScript, one after the other.
_MEMBERS: Final = Pattern(r"[^,:]{0,20}(?:,[\"']?[A-Za-z_$][A-Za-z0-9_$]*[\"']?:[^,:]{0,20}){2}.*")
# What a bundler makes of names that two modules share, types with a number before the hump: Builder$1, D3Element.
_BUNDLED: Final = Pattern(r"[A-Za-z_][A-Za-z0-9_]*\$[0-9]+|[A-Z][0-9]{1,2}[A-Z][A-Za-z]+")
_ADJECTIVE: Final = Pattern(
    r"[A-Za-z]+(?:-[a-z]+)*-(?:[a-z]{2,}(?:ed|ing|able)|specific|wide|level|only|free|like|readable)"
)
_OPERATOR: Final = Pattern(r" (?:\?\??|[=!]==?|=>|as|if|instanceof) ")
_GOES_ON: Final = Pattern(r" (?:\(|[A-Za-z]+[ .,;)])")
# Where something in S3 is. Where anything else is, or what stands before an address without a joint, is no name.
_IN_S3: Final = Pattern(r"s3[a-z]?://[^:]*")
# Group and version of an API of Kubernetes.
_API_VERSION: Final = Pattern(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+/v[0-9]{1,2}(?:(?:alpha|beta)[0-9]{1,2})?")
_DOTTED_TYPE: Final = Pattern(r"(?:[a-z_][A-Za-z0-9_]*\.)+[A-Z][A-Za-z0-9]+")
_LINE_BEGINS: Final = (END, VALUE, b"\n", b"\\n", b'"', b"'")
_LINE_ENDS: Final = (b"", b"\n", b"\r", END)
# The end of a line, or of a string or the escape of a break that ends it.
_LINE_STOPS: Final = (b"", b"\n", b"\r", b"\\", b'"', END)
_ENDS_LINE: Final = (b"", b"\n", b"\r", b" ", b"\\", b'"', b"'", END)
_SECTION_BACK: Final = 600
# Nothing but settings since the header of a section.
_IN_INI: Final = Pattern(r"(?s:(?:.*\n)?)\[[^\]\n]+\][ \t\r]*\n(?:[^\[\n(){};]*\n)*[A-Za-z0-9_.-]+[ \t]*=[ \t]*")
# Nothing but members since the line of a key that has them: YAML, and no fields of a class.
_IN_MAPPING: Final = Pattern(
    r"(?s:(?:.*\n)?)[ ]*(?:- )?[A-Za-z0-9_.-]+:[ \t\r]*\n(?:[ ]+(?:- )?[A-Za-z0-9_.-]+:(?:[ ][^\n(){};]*)?\n)*"
    r"[ ]+(?:- )?[A-Za-z0-9_.-]+:[ ]+"
)
# A map in braces in a line of YAML, of a template or with nothing of a program's before it: no object of that.
_FLOW_MEMBER: Final = r"[A-Za-z0-9_.-]+: (?:[^,{}()\[\]]*|\{[^{}()]*\}|\[[^\[\]()]*\]), *"
_IN_FLOW: Final = Pattern(
    rf"[ ]*(?:- )*(?:[A-Za-z0-9_.-]+:[ ]+)?(?:- )?\[?\{{[ ]*(?:{_FLOW_MEMBER})*"
    rf"(?:[A-Za-z0-9_.-]+: \{{[ ]*(?:{_FLOW_MEMBER})*){{0,2}}[A-Za-z0-9_.-]+: *"
)
_FLOW_ENDS: Final = Pattern(r"[^\n\x00(;]*\}\]?[ \t]*(?:#[^\n\x00]*)?(?:\r?\n|\x00)")
_OF_CODE: Final = Pattern(r"[;(,][ \t\r]*\n|=>|(?:^|\n)[ \t]*(?:const|export|function|import|let|return|var) ")
_OF_TEMPLATE: Final = Pattern(r"(?:^|[^A-Za-z])(?:AWS::[A-Z]|AMAZON_[A-Z]|!(?:Ref|Sub|GetAtt|ImportValue) )")
# A variable of the environment with several values.
_LISTED: Final = Pattern(r"(?:export[ \t]+|- )?[A-Z][A-Z0-9_]*S=(?:[A-Za-z0-9_.-]+,)+")
# A placeholder of Spring's with a default.
_DEFAULTED: Final = Pattern(r".*\$\{[A-Za-z0-9_.-]{1,80}:")
# A line of a log.
_LOGGED: Final = Pattern(r"\[?20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*[ ,\[(]")
# A row of a table, or a line whose first cell is the key, but for a line's number: no union of types. What else stands
# in cells before says nothing, for it may be replaced.
_IN_ROW: Final = Pattern(
    r"[ \t>*]*\|.*|(?:[ ]*[0-9]+ *\|)?[ \t>*`]*(?:[A-Za-z_.-]+ )*[A-Za-z0-9_.-]+[ \t*`]*\|[ \t]*(?:\*\*)?`?"
)
# An array of a shell under a variable in capitals.
_ARRAY: Final = Pattern(r"(?:.*[ \t])?[A-Z0-9_]+=\([^()]*")
_FLOW_BEFORE: Final = Pattern(r"[ \t]*(?:- )?[A-Za-z0-9_.-]+: \[(?:[\"']?[A-Za-z0-9_.-]+[\"']?, ?)*")
_FLOW_AFTER: Final = Pattern(r"(?:, ?[\"']?[A-Za-z0-9_.-]+[\"']?)*\][ \t]*(?:#.*)?\r?")
# A line of a properties or environment file, a parameter of a URL, one of several in a log line.
_WHOLE_LINE: Final = Pattern(r"(?:(?:export|set|SET|local|readonly)[ \t]+)?[A-Za-z0-9_.-]+=")
_PARAMETER: Final = Pattern(r".*[?&][A-Za-z0-9_.-]+=")
# One of several in a string, with nothing but such between them.
_PAIRS: Final = Pattern(r".*[\"'](?:[A-Za-z0-9_]+=[^\s=\"'(){}]+ )+[A-Za-z0-9_]+=")
_PAIR_ENDS: Final = (b"\\", b'"', b"'", b" ")
# A property of a framework's, also with blanks around its equals sign.
_PROPERTY: Final = Pattern(
    r"[ \t*#]*(?:%[a-z]+\.)?(?:aws|basic|camel|cloud|micronaut|mp|quarkus|spring)(?:\.[A-Za-z0-9_-]+)+[ \t]*=[ \t]*"
)
_NEXT_PAIR: Final = Pattern(r"[ \t]+[A-Za-z_.]+=[^=]")


def plausible(family: Family, text: bytes, value: Value, joint: Joint, form: Pattern | None) -> bool:
    """Tell whether a value beside one of the family's keys can be what the key says."""
    word = text[value.start : value.end]
    if (
        not word
        or (word[-1:] == b"]" and _GENERIC.fits(word))
        or _BUILT_IN.fits(word)
        or (word[:1] in _NO_BEGINNING and not _opened(text, value))
        or (joint.kind is Kind.ROW and not _IN_ROW.fits(_line_before(text, value, MAX_LINE)))
    ):
        return False
    if family.value == ANY_VALUE:
        return _plausible_secret(text, value, joint, word)
    if form is not None:
        if family.general:
            # A path with variables in it is one whatever they stand for, and what is joined to one looks so, too.
            if b"{" in word or b"%" in word:
                looks_so = word.startswith(b"/") or form.fits(without_variables(word))
                return looks_so and bool(pieces(text, value.start, value.end)) and _INTERPOLATED.fits(word)
            return form.fits(word) and _plausible_name(text, value, joint, word)
        return form.fits(word) and not (family.kind == "secret" and _is_formula(text, value, word))
    return _plausible_name(text, value, joint, word)


def is_of_words(word: bytes) -> bool:
    """Tell whether a value with blanks can be a name: no sentence, nor one that holds what was masked already."""
    return (
        len(word) <= MAX_WORDS
        and _OF_WORDS.fits(word)
        and not _SAYS_SO.fits(word)
        and _HOLDS_TOKEN.search(word) is None
    )


def _line_before(text: bytes, value: Value, most: int = _LOOK_BACK) -> bytes:
    """Return what stands before a value on its line, in the string that holds it; the line's break may be an escape.

    No more than ``most`` bytes are looked at.
    """
    before = text[max(0, value.start - most) : value.start]
    return before[max(before.rfind(mark) + len(mark) for mark in _LINE_BEGINS) :]


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
    if _is_code(text, value, word):
        return False
    if _assigned_plainly(text, value, joint):
        return True
    if joint.series is Series.COMMAS:
        return _DASHED.fits(word) or _in_yaml(text, value) or bool(_LISTED.fits(_line_before(text, value)))
    return _JOINTED.fits(word) and not _DOTTED.fits(word)


def _is_code(text: bytes, value: Value, word: bytes) -> bool:
    """Tell whether a word without quotes is a piece of code, by itself or by what follows."""
    following = text[value.end : value.end + 1]
    if _EXPRESSION.fits(word) or _BRACKETED.fits(word) or following in (b"(", b"[", b"{") or _BUNDLED.fits(word):
        return True
    # A comparison, a choice or a type goes on from a variable.
    if following == b" " and _OPERATOR.match(text, value.end) > 0:
        return True
    # A word of a sentence that describes the key: service_id: User-defined id of the service.
    if following == b" " and _ADJECTIVE.fits(word) and _GOES_ON.match(text, value.end) > 0:
        return True
    # The end of a statement, a declaration of a style sheet.
    if following == b";" and (_VARIABLE_NAME.fits(word) or _line_before(text, value).rstrip(b" ").endswith(b":")):
        return True
    return word.count(b".") > 1 and bool(_DOTTED_TYPE.fits(word))


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


def _plausible_secret(text: bytes, value: Value, joint: Joint, word: bytes) -> bool:
    """Tell whether a value can be a secret: anything, but no piece of code beside a word such as password."""
    if b" " in word and _LABEL.fits(word):
        return False
    # An address without credentials is where one reads about it; a file has a path.
    if not _SOLID.fits(word) or _ADDRESS.fits(word) or _CLASSES.fits(word):
        return False
    if value.quoted:
        if joint.kind is Kind.PROSE:
            return _SPOKEN_SECRET.fits(word)
        return text[value.start - 1 : value.start] == VALUE or b"\n" not in word
    if any(one.fits(word) for one in (_CALLED, _EXPRESSION, _MEMBERS, _DOTTED_TYPE, _SAYS_WHAT)):
        return False
    return _assigned_plainly(text, value, joint) or not (_IDENTIFIER.fits(word) or _BRACKETED.fits(word))


def _is_formula(text: bytes, value: Value, word: bytes) -> bool:
    """Tell whether a secret is what a program computes, a call or variables put together, or a pattern for secrets."""
    if _CLASSES.fits(word):
        return True
    if value.quoted:
        return word.startswith(b"${") and word.endswith(b"}")
    return text[value.end : value.end + 1] == b"(" or any(one.fits(word) for one in (_CALLED, _EXPRESSION, _SAYS_WHAT))


def _opened(text: bytes, value: Value) -> bool:
    """Tell whether the quote before a value opens it, rather than closing a string that holds the key."""
    quote = text[value.start - 1 : value.start]
    if quote == VALUE:
        return True
    before = text[max(0, value.start - 1 - _LOOK_BACK) : value.start - 1].rpartition(END)[2].rpartition(b"\n")[2]
    return value.quoted and before.count(quote) % 2 == 0


def _section_before(text: bytes, value: Value) -> bytes:
    """Return what stands before a value in its string, with breaks of lines for their escapes."""
    before = text[max(0, value.start - _SECTION_BACK) : value.start].rpartition(END)[2]
    if b"\\n" in before:
        for count in (4, 2, 1):
            before = before.replace(b"\\" * count + b"n", b"\n")
    return before


def _assigned_plainly(text: bytes, value: Value, joint: Joint) -> bool:
    """Tell whether an unquoted word is a value all the same: of a flag, an environment variable, YAML, a table, XML."""
    if joint.plain:
        return True
    before = text[max(0, value.start - _LOOK_BACK) : value.start].rpartition(END)[2].rpartition(b"\n")[2]
    if before.endswith(b"="):
        # Of a file of settings in a string, too.
        before = before.rpartition(b"\\n")[2]
    stripped = before.rstrip(b" \t")
    if stripped.endswith((b"|", b">")):
        return not stripped.endswith((b"=>", b"->"))
    after = text[value.end : value.end + 2]
    if joint.series is Series.ARRAY:
        return _ARRAY.fits(before)
    if joint.series is Series.ITEMS:
        return stripped.endswith(b"-") and after[:1] in _ENDS_LINE and after[:1] != b" "
    key = (stripped[:-1].split()[-1:] or [b""])[0]
    if stripped.endswith(b":"):
        return _assigned_by_colon(text, value, before, key, after)
    if stripped.endswith(b"="):
        if _PROPERTY.fits(before) or _IN_INI.fits(_section_before(text, value)):
            return after[:1] in _LINE_STOPS
        return before == stripped and _assigned_by_equals(text, value, before, key, after)
    return b"--" in before


def _assigned_by_colon(text: bytes, value: Value, before: bytes, key: bytes, after: bytes) -> bool:
    """Tell whether ``before``, which ends with a key and a colon, is YAML: no object of a program, nor a type."""
    if before.endswith(b":"):
        return after[:1] == b"}" and _DEFAULTED.fits(before)
    if (after[:1] in (b",", b"}") or after == b" }") and _IN_FLOW.fits(before):
        section = _section_before(text, value)
        return _OF_TEMPLATE.search(section) is not None or (
            _FLOW_ENDS.match(text, value.end) > 0 and _OF_CODE.search(section) is None
        )
    word = text[value.start : value.end]
    typed = _DOTTED_TYPE.fits(word) or (
        key == key.lower() and _TYPE_NAME.fits(word) and not _IN_MAPPING.fits(_section_before(text, value))
    )
    # A union of types in TypeScript goes on with a bar, and a member of an object may be the last one.
    code = after in (b" =", b" }", b" ?", b" &", b" +") or (after == b" |" and b"|" not in before)
    return after[:1] in _ENDS_LINE and not typed and not code


def _in_yaml(text: bytes, value: Value) -> bool:
    """Tell whether a list in brackets, without quotes, is all of a line of YAML."""
    before = text[max(0, value.start - _LOOK_BACK) : value.start].rpartition(END)[2].rpartition(b"\n")[2]
    after = text[value.end : value.end + _LOOK_BACK].partition(b"\n")[0].partition(END)[0]
    return _FLOW_BEFORE.fits(before) and _FLOW_AFTER.fits(after)


def _assigned_by_equals(text: bytes, value: Value, before: bytes, key: bytes, after: bytes) -> bool:
    """Tell whether ``before``, which ends with a key and = without a blank, is no code."""
    if (
        key.startswith(b"--")
        or (key := key.rpartition(b":")[2].rpartition(b'"')[2]) == key.upper()
        or b" -" in before
        or key.lower().endswith((b"value", b"values"))
    ):
        return True
    if _WHOLE_LINE.fits(before) and after[:1] in _LINE_STOPS:
        return True
    if _PAIRS.fits(before) and after[:1] in _PAIR_ENDS:
        return True
    if after[:1] in _ENDS_LINE and _LOGGED.fits(before[: -len(key) - 1]):
        return True
    return _PARAMETER.fits(before) or _NEXT_PAIR.match(text, value.end) > 0
