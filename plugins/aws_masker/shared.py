"""Keys that AWS shares with the rest of the world: where the value beside a ``TableName`` or ``userName`` counts.

Such keys (``shared_keys.txt``) are met in any program. Beside one, a value is an identifier in a text that speaks of
AWS, or under a key that is written as only AWS's API writes it; elsewhere only if the value itself looks like a name
that somebody gave to a resource, rather than a word or an identifier of a programming language.

What a text speaks of is told by the text alone, and by the command that printed it if it is the result of a tool; never
by other texts.
"""

from typing import Final

from aws_masker.joints import END
from aws_masker.re2c import Pattern

_AWS: Final = Pattern(
    r"(?:^|[^A-Za-z])(?:aws|AWS|Aws|amazon|Amazon|boto3?|arn:|cloudformation|CloudFormation|CDK|cdk)(?:[^a-z]|$)"
    r"|amazonaws|IAMUser|[a-z]aws\.|[^A-Za-z](?:AWS|Aws|aws)[A-Z]"
    r"|(?:^|[^a-z])(?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-|iso[a-z]?-)?"
    r"(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-[0-9]"
    # Constructs of the CDK, requests and commands of the SDKs.
    r"|\([ \t\n]*(?:this|self|scope|stack), ?[\"'][A-Z][A-Za-z0-9]+[\"'],[ \t]*[{\n]"
    r"|\.from(?:[A-Z][A-Za-z]+|_[a-z_]+)\([ \t\r\n]*(?:this|self|scope|stack),[ \t\r\n]*[\"'][^\"'\n]{1,80}[\"'],"
    r"|new [A-Z][A-Za-z0-9]+(?:Command\(\{|Request\(\))|[a-z][A-Za-z0-9]+Request\.builder\("
    # A call of boto3 through whatever client: words with dashes below, and an argument in camel case.
    r"|\.(?:associate|create|delete|describe|get|list|put|register|start|stop|update)_[a-z_]+\("
    r"[ \t\r\n]*[a-z]+[A-Z][A-Za-z]*="
    # The AWS CLI's tables, named for an operation, and what the SDKs say of an error.
    r"|-(?:\n|\\+n)\| +[A-Z][a-z]+[A-Z][A-Za-z0-9]* +\|(?:\n|\\+n)[+|]"
    r"|An error occurred \([A-Za-z.]+\)[A-Za-z0-9 :()]* when calling the |, api error [A-Z]"
)
# As only AWS's API and its tools write it: DBInstanceIdentifier.
_API: Final = Pattern(r"[A-Z]+[a-z][A-Za-z0-9]*")
_CONSTANT: Final = Pattern(r"[A-Z][A-Z0-9_]*")
# A member of JSON or YAML, a line of a settings file, a row of a table: not an assignment in a program.
_MEMBER: Final = Pattern(r"(?s:s?(?:\\*[\"'`])?\]?[ \t]*(?::(?:[^=:].*)?|\|.*|=[ \t]*))")
_ASSIGNED: Final = Pattern(r"s?=[\"']?")
# A name and its value, as members of an object or lines of YAML.
_PAIR: Final = Pattern(
    r"(?s:\\*[\"'`]?[ \t]*,?(?:\s|\\+[nrt])*(?:- )?\\*[\"'`]?(?:[A-Za-z]*[vV]alues?|[dD]efault)\\*[\"'`]?[ \t]*[:=].*)"
)
# Nothing but settings in sections: names, an equals sign and something quoted, a number or a list of such; comments.
_SECTION: Final = Pattern(r"[\x00\n]\[{1,2}[A-Za-z0-9_.\" -]+\]{1,2}[ \t]*(?:#[^\n]*)?\r?\n")
_SETTING: Final = (
    r"[ \t]*(?:[A-Za-z0-9_.\"-]+[ \t]*=[ \t]*(?:\"[^\"\n]*\"|'[^'\n]*'|[0-9][0-9A-Za-z:.+_-]*|true|false|[\[{][^\n()]*)"
    r"|\"[^\"\n]*\"|[\]}]|\[{1,2}[^\[\]\n]+\]{1,2})?[ \t]*,?[ \t]*(?:(?:#|//)[^\n]*)?\r?"
)
_SETTINGS: Final = Pattern(rf"\x00{_SETTING}(?:\n{_SETTING})*\x00")
# Words, words with capitals before a dash (API-key), types with a number (Decimal128).
_WORD: Final = Pattern(r"[A-Z]?[a-z]+|[A-Z]+|[A-Z][A-Za-z]*-[A-Za-z]+|[A-Z]+[a-z]+[0-9]{1,3}")
# What tests and documents call their things: my-service, some_model, mock-user, test_1, x-value.
_EXAMPLE: Final = Pattern(
    r"(?i:(?:my|your|some|mock|fake|dummy|example|sample|foo|bar)[-_][a-z]+(?:[-_][a-z]+)?"
    r"|test[-_](?:[a-z]{1,12}|[0-9]{1,3})|[a-z]+-test|[a-z]+(?:[-_][a-z]+){0,3}[-_](?:value|placeholder))"
)
# The noun of the key itself, counted: task-1 beside task_ids.
_COUNTED: Final = Pattern(r"[A-Za-z]{3,20}[-_][0-9]{1,2}")
_DIGITS: Final = b"0123456789"
# Digests, and UUIDs of what is over in a moment.
_DIGEST: Final = Pattern(r"[0-9a-f]+")
_UUID: Final = Pattern(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PASSING: Final = Pattern(
    r"(?i:.*(?:request|session|event|message|trace|correlation|transaction|client|order|task)[-_]?ids?)"
)
# A bare noun (domain, package) says less than its name or id.
_NOUN_NAMED: Final = Pattern(r"(?i:.*(?:name|id|identifier)s?)")
_PATH: Final = Pattern(r"/.*|.*[@:\\ ].*")
_ELSEWHERE: Final = Pattern(r".*[./@:\\ ].*")
# Three parts with dashes, or two of which one is a number, a stage or a place; no header's name (X-Api-Version).
_GIVEN: Final = Pattern(
    r"[a-z0-9]+(?:-[A-Za-z0-9_]+){2,}"
    r"|(?:[A-Za-z0-9]+[-_])+(?i:prod|production|stg|staging|qa|uat|preprod|[a-z]{2,3}[a-z]?[0-9])(?:[-_][A-Za-z0-9]+)*"
    r"|[A-Za-z]+-[A-Za-z-]*[0-9][A-Za-z0-9-]*"
)
# Letters and a digit among them, or something that is neither: no word of any language.
_STRONG: Final = Pattern(r"[!-~]*(?:[A-Za-z][!-~]*[0-9]|[0-9][!-~]*[A-Za-z])[!-~]*")
MIN_STRONG: Final = 8
# Words of other languages, as JSON may spell them, and a word with a number.
_WEAK: Final = Pattern(r".*\\u[0-9a-fA-F]{4}.*|[a-z]+[0-9]{1,3}")


class Subject:
    """What the pieces of one text speak of, looked at once each and only where it matters."""

    __slots__ = ("_aws", "_high", "_low", "_settings", "_text")

    def __init__(self, text: bytes) -> None:
        """Take texts put together, with END between them."""
        self._text = text
        self._low = self._high = 0
        self._aws = False
        self._settings: bool | None = None

    def is_aws(self, at: int) -> bool:
        """Tell whether the piece around ``at`` speaks of AWS."""
        self._go(at)
        return self._aws

    def is_settings(self, at: int) -> bool:
        """Tell whether the piece around ``at`` holds sections of settings and nothing else."""
        self._go(at)
        if self._settings is None:
            sections = _SECTION.search(self._text, self._low, self._high) is not None
            self._settings = sections and _SETTINGS.match(self._text, self._low, self._high + 1) >= 0
        return self._settings

    def _go(self, at: int) -> None:
        if self._low <= at < self._high:
            return
        # END itself is a boundary, so it belongs to the piece.
        self._low = max(0, self._text.rfind(END, 0, at))
        high = self._text.find(END, at)
        self._high = high if high >= 0 else len(self._text)
        self._aws = _AWS.search(self._text, self._low, self._high) is not None
        self._settings = None


def is_api(key: bytes) -> bool:
    """Tell whether a key is written as only AWS's API and its tools write it."""
    return _API.fits(key)


def counts(key: bytes, joint: bytes, word: bytes, *, secret: bool, setting: bool = False) -> bool:
    """Tell whether ``word`` is an identifier or secret beside a shared key, in a text that does not speak of AWS.

    ``setting``: in that text are settings and nothing else.
    """
    if b" " in key:
        return False
    paired = _PAIR.fits(joint)
    constant = bool(_CONSTANT.fits(key) and (paired or _ASSIGNED.fits(joint)))
    if secret:
        return is_api(key) or (_STRONG.fits(word) and (constant or (len(word) >= MIN_STRONG and not _WEAK.fits(word))))
    if is_api(key) and (b"@" in word or _NOUN_NAMED.fits(key)):
        return b"://" not in word
    if not _NOUN_NAMED.fits(key) or _WORD.fits(word) or is_made_up(key, word):
        return False
    if constant or key.startswith(b"--"):
        return not (constant and _PATH.fits(word))
    if _ELSEWHERE.fits(word) or _DIGEST.fits(word) or (_UUID.fits(word) and _PASSING.fits(key)):
        return False
    return bool(setting or paired or _MEMBER.fits(joint) or (_GIVEN.fits(word) and not _UUID.fits(word)))


def is_dashed_name(key: bytes, word: bytes) -> bool:
    """Tell whether ``word``, which has dashes in it, is a name by that alone beside a shared key."""
    return not is_made_up(key, word) and (not key[:1].islower() or _GIVEN.fits(word))


def is_made_up(key: bytes, word: bytes) -> bool:
    """Tell whether ``word`` is what an example or a test calls its thing, or a variable."""
    if word.startswith(b"$") or _EXAMPLE.fits(word):
        return True
    return _COUNTED.fits(word) and word.rstrip(_DIGITS)[:-1].lower() in key.lower()
