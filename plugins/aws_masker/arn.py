r"""ARNs: where one ends, and which parts of it identify somebody.

``arn:partition:service:region:account:resource``. The structure is the same for every service, and no list of services
is needed: partition, service, region and the words that name a type of resource stay; the account and the names are
masked. The resource is split at ``/`` and ``:``; its first field is a type when another follows, save for the few
services whose resources begin with a name. What is a word and what is a name is the business of ``names``.

ARNs are met in URL-encoded form too (``arn%3Aaws%3A…``), and with ``\/`` in JSON that escapes slashes.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from typing import Final

from aws_masker.context import trimmed
from aws_masker.joints import BREAK, QUOTE
from aws_masker.re2c import Pattern, Span

# No ARN is longer: https://docs.aws.amazon.com/general/latest/gr/aws-arns-and-namespaces.html gives none over 2,048.
MAX_LENGTH: Final = 2048

# What a shell runs, or a makefile puts in; no addresses are in it, as nothing else is found in an ARN's fields.
_RUN: Final = r"(?:[^()`.:\n\x00\x01]|\.[A-Za-z]){1,160}"
# A policy variable or a placeholder is one field, whatever colons are in it.
_VARIABLE: Final = (
    r"[$#]?\{[^{}\s\x00\x01]{1,80}\}|<[A-Za-z_-]{1,30}>|\$?\{\{[^{}\n\x00\x01]{1,80}\}\}"
    rf"|\$\({_RUN}\)|@@?[A-Za-z_]{{1,40}}@@?|\[\[[A-Za-z0-9_ ]{{1,80}}\]\]"
)
# A variable of a shell, with quotes around it and before it.
_QUOTES: Final = rf"(?:{QUOTE}){{1,2}}"
_SHELL: Final = (
    rf"{_QUOTES}\$(?:[A-Za-z_][A-Za-z0-9_]{{0,60}}|\{{[A-Za-z0-9_:-]{{1,80}}\}}|\({_RUN}\)){_QUOTES}|`{_RUN}`"
)
# And what programs put in: %s, %(region)s, $REGION, " + region + "; and templates, as one of a list that is joined.
_JOINS: Final = r"[ ]?(?:\+|\.\.?|\|\||&)[ ]?"
_LISTS: Final = rf"{BREAK}{{0,40}}[,-]{BREAK}{{0,40}}"
_PUT_IN: Final = (
    rf"%(?:\[[0-9]\]|\([A-Za-z_]{{1,40}}\))?[sv]|\\*\$[A-Za-z_][A-Za-z0-9_]{{0,60}}|{_SHELL}"
    rf"|{QUOTE}{_JOINS}[A-Za-z_$@][A-Za-z0-9_.:()\[\]$@!?>-]{{0,80}}{_JOINS}[bfru]?{QUOTE}"
    rf"|{QUOTE}{_LISTS}(?:[{{]{BREAK}{{0,40}}(?:{QUOTE})?Ref(?:{QUOTE})?[ ]?:[ ]?|!(?:Ref|Sub)[ ])?(?:{QUOTE})?"
    rf"[A-Za-z_$][A-Za-z0-9_.:()\[\]${{}}@-]{{0,80}}(?:{QUOTE})?(?:{BREAK}{{0,40}}\}})?{_LISTS}{QUOTE}"
)
_COLON: Final = r"(?::|%(?:25)*3[Aa]|\\+u003[aA])"
_FIELD: Final = rf"((?:{_VARIABLE}|{_PUT_IN}|[A-Za-z0-9*?_-])*){_COLON}"
_HEAD: Final = Pattern(
    rf"arn{_COLON}(?:aws[a-z-]{{0,10}}|\*|{_VARIABLE}|{_PUT_IN}){_COLON}{_FIELD}{_FIELD}{_FIELD}", captures=True
)
_RESOURCE: Final = Pattern(rf"(?:{_VARIABLE}|\\+(?:/|u00(?:3[aA]|2[fF]))|[^\s\"'`<>\\|;,()&\x00-\x1f\x80-\xff])+")
_SEPARATOR: Final = Pattern(rf"{_VARIABLE}|\\+(?:/|u00(?:3[aA]|2[fF]))|[:/*?]|%(?:25)*(?:3[AaFf]|2[FfAa])")
_ENDS_BUCKET: Final = Pattern(r"|:|\\*/|\\+u00(?:3[aA]|2[fF])|%(?:25)*(?:3[Aa]|2[Ff])")
_TYPE: Final = Pattern(r"[a-z][A-Za-z0-9-]{0,40}")
# The resource of these begins with a name, not with a type.
_NAME_FIRST: Final = frozenset(
    (
        *(b"s3", b"sns", b"sqs", b"execute-api", b"codecommit", b"codepipeline", b"s3-outposts-bucket", b"mapcredits"),
        b"neptune-db",
    )
)
# Wildcards and variables after a word make it a name.
_NO_TYPE_ENDS: Final = (b"*", b"?", b"$", b"<", b"{")
_BRACKETS: Final = ((b"]", b"["), (b"}", b"{"))
_PUBLIC_PARAMETERS: Final = b"parameter/aws/"
_AWS_ALIAS: Final = b"alias/aws/"


def split(text: bytes, start: int) -> tuple[int, tuple[Span, ...]] | None:
    """Return where the ARN at ``start`` ends and its parts that may identify somebody; None when it is no ARN.

    An ARN that belongs to AWS has no such parts.
    """
    limit = min(len(text), start + MAX_LENGTH)
    head = _HEAD.parts(text, start, limit)
    if head is None:
        return None
    (_, low), service_at, _, account_at = head
    service = text[slice(*service_at)]
    account = text[slice(*account_at)]
    # Another that follows without a joint is not looked through twice.
    following = text.find(b"arn:", low, limit)
    end = _trimmed(text, low, max(low, _RESOURCE.match(text, low, limit if following < 0 else following)))
    owner = [account_at] if account.isdigit() else []
    # What a step of a state machine calls is an operation: arn:aws:states:::sqs:sendMessage.
    is_operation = service == b"states" and not account
    if account == b"aws" or is_operation or text.startswith((_AWS_ALIAS, _PUBLIC_PARAMETERS), low):
        return end, tuple(owner)
    fields = _fields(text, low, end)
    if len(fields) > 1 and service not in _NAME_FIRST and _is_type(text, fields[0]):
        fields = fields[1:]
    if service == b"s3" and not account:
        # The bucket, whatever is put into it; an object's key stays, as in an s3:// URI.
        fields = fields[: 1 + next(index for index, field in enumerate(fields) if _ENDS_BUCKET.fits(field[2]))]
        end = fields[-1][1]
    parts = trimmed(text, ((one, two) for one, two, _ in fields))
    return end, (*owner, *parts)


def _fields(text: bytes, low: int, end: int) -> list[tuple[int, int, bytes]]:
    """Return the fields of a resource, each with what follows it."""
    fields = []
    at = low
    for one, two in _SEPARATOR.each(text, low, end):
        fields.append((at, one, text[one:two]))
        at = two
    fields.append((at, end, b""))
    return fields


def _is_type(text: bytes, field: tuple[int, int, bytes]) -> bool:
    low, high, separator = field
    return not separator.startswith(_NO_TYPE_ENDS) and separator != b"" and _TYPE.fits(text[low:high])


def _trimmed(text: bytes, start: int, end: int) -> int:
    """Take punctuation and unbalanced brackets that belong to the sentence off the end."""
    while end > start:
        last = text[end - 1 : end]
        if last in b".!:" or (last == b"?" and text[end - 2 : end - 1] not in b"/:*"):
            end -= 1
            continue
        pair = next((pair for pair in _BRACKETS if pair[0] == last), None)
        if pair and text.count(pair[0], start, end) > text.count(pair[1], start, end):
            end -= 1
            continue
        return end
    return end
