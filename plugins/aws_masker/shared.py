"""Keys that AWS shares with the rest of the world: where the value beside a ``TableName`` or ``userName`` counts.

Such keys (``shared_keys.txt``) are met in any program. Beside one, a value is an identifier in a text that speaks of
AWS, or under a key that is written as only AWS's API writes it; elsewhere only if the value itself looks like a name
that somebody gave to a resource, rather than a word or an identifier of a programming language.

A name that is made of nothing but the words of programs (``dashboard-name-field``) is taken for one of that program's
own.

What a text speaks of says ``subject``.
"""

import base64
import binascii
from typing import Final

from aws_masker.joints import VALUE
from aws_masker.re2c import Pattern
from aws_masker.subject import Writing

# As only AWS's API and its tools write it: DBInstanceIdentifier.
_API: Final = Pattern(r"[A-Z]+[a-z][A-Za-z0-9]*")
_CONSTANT: Final = Pattern(r"[A-Z][A-Z0-9_]*")
# A member of JSON or YAML, a line of a settings file, a row of a table: not an assignment in a program.
_MEMBER: Final = Pattern(r"(?s:s?(?:\\*[\"'`])?\]?[ \t]*(?::(?:[^=:].*)?|\|(?:[^|].*)?|=[ \t]*))")
_ASSIGNED: Final = Pattern(r"s?=[\"']?")
# A name and its value, as members of an object or lines of YAML.
_PAIR: Final = Pattern(
    r"(?s:\\*[\"'`]?[ \t]*,?(?:\s|\\+[nrt])*(?:- )?\\*[\"'`]?(?:[A-Za-z]*[vV]alues?|[dD]efault)\\*[\"'`]?[ \t]*[:=].*)"
)
# Words, words with capitals before a dash (API-key), types with a number (Decimal128).
_WORD: Final = Pattern(r"[A-Z]?[a-z]+|[A-Z]+|[A-Z][A-Za-z]*-[A-Za-z]+|[A-Z]+[a-z]+[0-9]{1,3}")
# Where Kubernetes keeps a certificate.
_OF_TLS: Final = r"[a-z0-9-]+-tls(?:-secret)?"
_CERTIFICATE: Final = Pattern(_OF_TLS)
# Words or a number behind "test": test-consumer-group-1, test00001.
_OF_TESTS: Final = r"test(?:[-_][a-z]{1,16}){1,5}(?:[-_][0-9]{1,4})?|test[-_][0-9a-f]{1,12}|test[0-9]{1,6}"
_TESTED: Final = Pattern(_OF_TESTS)
# What tests and documents call their things: my-service, some_model, mock-user, test_1, x-value; what reads as a
# sentence: block-no-empty.
_EXAMPLE: Final = Pattern(
    r"(?i:(?:my|your|some|mock|fake|dummy|example|sample|foo|bar)[-_][a-z]+(?:[-_][a-z]+)?(?:[-_][0-9]{1,4})?"
    rf"|{_OF_TLS}"
    r"|my(?-i:[A-Z][a-z]+)+"
    r"|(?:[a-z]+[-_])*(?:no|not|with|without|does|is|must|should|only|than)(?:[-_][a-z]+)+"
    rf"|{_OF_TESTS}"
    r"|[a-z]+(?:[-_][a-z]+){0,3}[-_](?:tests?|value|placeholder|sample|example))"
)
# Words with joints or humps, and numbers behind them: crud-v1, loadBalancingTest, coll0.
_WORDS: Final = Pattern(r"[A-Za-z]+[0-9]{0,2}(?:[-_.](?:[A-Za-z]+[0-9]{0,2}|v?[0-9]{1,3}|[a-z][0-9]{1,2}[a-z]))*")
_PART: Final = Pattern(r"[A-Z]?[a-z]+|[A-Z]+")
MIN_PART: Final = 3
# A stage or a place among the words makes a name that somebody gave.
_STAGE: Final = r"prod|production|stg|staging|qa|uat|preprod|(?:us|eu|ap|sa|ca|me|af)[nsewc][a-z]?[0-9]"
_STAGED: Final = Pattern(rf"(?i:(?:.*[-_.])?(?:{_STAGE})(?:[-_.].*)?)")
# Codes of messages and rules, of models of devices: E501, ACME-X-005, KZ-DC01.
_CODE: Final = Pattern(
    r"(?:[A-Z]{1,6}-){0,2}[A-Z]{1,6}-?[0-9]{3,5}|[A-Z]{2,8}(?:-[A-Z0-9]{1,6}){1,2}"
    r"|[A-Z]{2,8}(?:-[A-Z][A-Za-z]*)?-[A-Z]{1,4}[0-9]{1,8}"
)
# Models of language, which everybody calls so.
_MODEL: Final = Pattern(r"(?i:(?:gpt|claude|llama|gemini|mistral|mixtral|bert)[-.]?[0-9a-z.-]*)")
# The noun of the key itself, counted, or with a number of nothing: task-1 beside task_ids, job3, task-12345.
_COUNTED: Final = Pattern(r"[A-Za-z]{3,20}(?:[-_][A-Za-z]{3,20})?[-_]?(?:[0-9]{1,2}|1234?5?6?)")
_NUMBERED: Final = Pattern(r"[A-Za-z]+-[0-9]{1,4}")
# Keys that say whose name it is, none of AWS's: github_username.
_OF_OTHERS: Final = Pattern(
    r"(?i:(?:.*[_-])?(?:azure|bitbucket|confluence|discord|docker|facebook|gcp|git|github|gitlab|google|helm|jira|"
    r"k3d|kaggle|kind|linkedin|maven|minikube|npm|openai|otel|pypi|skype|slack|telegram|twitter)[_-].*)"
)
_DIGITS: Final = b"0123456789"
_COUNT: Final = b"-_0123456789"
_DIGEST: Final = Pattern(r"[0-9a-f]+")
# More hexadecimal digits in a row make a digest.
MAX_DIGITS: Final = 15
# How many digits of them are shown: by Docker, by git, all.
DIGESTS: Final = (12, 40, 64)
_UUID: Final = Pattern(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DOMAIN: Final = Pattern(r"[A-Za-z0-9*_-]+(?:\.[A-Za-z0-9_-]+)*\.[A-Za-z]{2,12}\.?")
# UUIDs of what is over in a moment, and beside names as Python spells them, where all have such.
_PASSING: Final = Pattern(
    r"(?i:.*(?:request|session|event|message|trace|correlation|transaction|client|order|task)[-_]?ids?)|[a-z_]+"
)
# Ids of the parts of a page, of a graph, of what a build puts together.
_OF_A_PAGE: Final = Pattern(
    r"(?i:.*(?:test|artifact|label|element|html|css|dom|node|field|widget|theme|locator)[-_]?ids?)"
)
_ID: Final = Pattern(r"[a-z]+(?:_[a-z]+)*_?ids?")
# A word, or the digest of a certificate in capitals, beside an id.
_OF_ID: Final = Pattern(r".*I[dD]s?")
_NO_ID: Final = Pattern(r"[A-Z]?[a-z]+|[0-9A-F]{32,64}")
_SHORT: Final = Pattern(r"[a-z]{1,6}[0-9]{1,6}")
# A class, module or package of a program: org.example.plugins.Main, example.Main, org.example, Acme.Plugins.
_MODULE: Final = Pattern(
    r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*\.[A-Z][A-Za-z0-9]+|(?:com|org|net|io|dev)(?:\.[a-z0-9_-]+)+"
    r"|[A-Z][A-Za-z0-9]+(?:\.[A-Z][A-Za-z0-9]+)+"
)
# Groups of an API, of packages: cert-manager.io.
_GROUP: Final = Pattern(r"(?i:.*group(?:[-_]?(?:name|id))?)")
# A function of a program, in what tells where it was called.
_CALLED: Final = Pattern(r"functionName|function_name")
_VARIABLE: Final = Pattern(r"_*[a-z][A-Za-z0-9]*")
# What everybody has the same of: packages, capabilities of a program.
_OF_ALL: Final = Pattern(r"(?:.*_)?(?:capability|package|plugin)(?:_name|_id|Name|Id)")
# Host and path of an image, as any registry has them.
_IMAGE: Final = Pattern(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,6}(?::[0-9]+)?(?:/[a-z0-9_.-]+)+(?:[:@].*)?")
# Any program is a project.
_PROJECT: Final = Pattern(r"(?i:project[-_]?name)")
# No name is a UUID.
_NAME_KEY: Final = Pattern(r"(?i:.*names?)")
# A bare noun (domain, package) says less than its name or id.
_NOUN_NAMED: Final = Pattern(r"(?i:.*(?:name|id|identifier)s?)")
_PATH: Final = Pattern(r"/.*|.*[@:\\ ].*")
# A file or a sentence, a digest, a short word with a number.
_NO_NAME: Final = Pattern(r".*[./@:\\ ].*|[0-9a-f]+|[a-z]{1,6}[0-9]{1,2}(?:,[a-z]{1,6}[0-9]{1,2})*|[A-Za-z0-9]{1,5}")
# Three parts with dashes, or two of which one is a number, a stage or a place; no header's name (X-Api-Version).
_GIVEN: Final = Pattern(
    r"[a-z0-9]+(?:-[A-Za-z0-9_]+){2,}"
    r"|(?:[A-Za-z0-9]+[-_])+(?i:prod|production|stg|staging|qa|uat|preprod|[a-z]{2,3}[a-z]?[0-9])(?:[-_][A-Za-z0-9]+)*"
    r"|[A-Za-z]+-[A-Za-z-]*[0-9][A-Za-z0-9-]*"
)
# In the source of a program, what has a stage or a place in it, or a number behind a dash.
_PLACED: Final = Pattern(
    rf"[A-Za-z]+-[A-Za-z-]*[0-9][A-Za-z0-9-]*|(?:[A-Za-z0-9]+[-_])+(?i:{_STAGE})(?:[-_][A-Za-z0-9]+)*"
)
# Letters and a digit among them, or something that is neither: no word of any language.
_STRONG: Final = Pattern(r"[!-~]*(?:[A-Za-z][!-~]*[0-9]|[0-9][!-~]*[A-Za-z])[!-~]*")
MIN_STRONG: Final = 8
# Words of other languages, as JSON may spell them, and a word with a number.
_WEAK: Final = Pattern(r".*\\u[0-9a-fA-F]{4}.*|[a-z]+[0-9]{1,3}")
# Names for a secret rather than one: x-acme-session-token, m.login.password, secretpassword, secret_variable_name,
# INTEGRATION_TEST_OAUTH.
_SAYS_SECRET: Final = Pattern(
    r"(?:[a-z0-9]+[-_.])*(?i:my|secret|password|passwd|token|key){1,3}(?:_[a-z]+)*_(?:name|id|field|type)"
    r"|(?:[a-z0-9]+[-_.])*(?i:my|secret|password|passwd|token|key){1,3}|[A-Z]+(?:_[A-Z]+){2,}"
    r"|[A-Z0-9]+(?:_[A-Z0-9]+)*_(?:PASSWORD|SECRET|TOKEN)"
    # Where docker takes one from.
    r"|(?:env|id|source|src|target|type)=[A-Za-z0-9_./,=-]*"
    r"|0x[0-9a-fA-F]{1,8}"
    # What one is told by.
    r"|\^.*(?:\\[dsw]|\(\?[:=!P]).*"
)
# What Maven calls the parts of a package's name.
_COORDINATES: Final = (b"groupId", b"artifactId")
_CAMEL: Final = Pattern(r"[a-z]+(?:[A-Z][a-z]+)+")
_SNAKE: Final = Pattern(r"[a-z]+(?:_[a-z]+)*")
_TITLE: Final = Pattern(r"[A-Z][a-z]+")
_SNAKED: Final = Pattern(r"[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)+")
# In base64, as Kubernetes writes its secrets: what is encoded says whether it is more than a word.
_ENCODED: Final = Pattern(r"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_LETTERS: Final = Pattern(r"[A-Za-z_]+")
# What observes programs calls their attributes: queue.job.id.
_ATTRIBUTE: Final = Pattern(r"[a-z_]+(?:\.[a-z_]+){2,}")
_AROUND: Final = (b'"', b"'", b"`", b"\\")
_SEPARATORS: Final = b"-_. "


class Vocabulary:
    """The words of which programs make the names of their own things."""

    __slots__ = ("_words",)

    def __init__(self, words: frozenset[str]) -> None:
        """Take the words, in lower case."""
        self._words = frozenset(word.encode() for word in words)

    def holds(self, name: bytes) -> bool:
        """Tell whether ``name`` is made of these words alone, and says no stage or place."""
        if not _WORDS.fits(name) or _STAGED.fits(name):
            return False
        parts = [name[low:high].lower() for low, high in _PART.each(name)]
        return len(max(parts, key=len)) >= MIN_PART and all(map(self._is_word, parts))

    def _is_word(self, part: bytes) -> bool:
        return len(part) < MIN_PART or part in self._words or (part.endswith(b"s") and part[:-1] in self._words)


def is_api(key: bytes) -> bool:
    """Tell whether a key is written as only AWS's API and its tools write it."""
    return _API.fits(key)


def counts(key: bytes, joint: bytes, word: bytes, vocabulary: Vocabulary, writing: Writing, *, secret: bool) -> bool:
    """Tell whether ``word`` is an identifier or secret beside a shared key, in a text that does not speak of AWS.

    ``writing`` is that of the text: a program has members and constants of its own. A name of nothing but words of the
    ``vocabulary`` is none.
    """
    if b" " in key or _IMAGE.fits(word) or (_PROJECT.fits(key) and vocabulary.holds(word)):
        return False
    paired = _PAIR.fits(joint)
    constant = bool(_CONSTANT.fits(key) and (paired or _ASSIGNED.fits(joint)))
    if secret:
        return not (_ENCODED.fits(word) and _LETTERS.fits(_decoded(word).rstrip(b"!\n"))) and (
            (is_api(key) and writing is not Writing.PROGRAM)
            or (_STRONG.fits(word) and (constant or (len(word) >= MIN_STRONG and not _WEAK.fits(word))))
        )
    # Whatever is exported from a package of Go is written as AWS's API is.
    exported = writing is Writing.PROGRAM and joint[:1] not in _AROUND
    if is_api(key) and (b"@" in word or (_NOUN_NAMED.fits(key) and not exported)):
        own = (
            _MODULE.fits(word)
            or _ATTRIBUTE.fits(word)
            or _CERTIFICATE.fits(word)
            or (_GROUP.fits(key) and _DOMAIN.fits(word))
            or is_counted(key, word)
            or (_OF_ID.fits(key) and _NO_ID.fits(word))
            or (_NAME_KEY.fits(key) and _UUID.fits(word))
            or (writing is Writing.PROGRAM and (vocabulary.holds(word) or _is_made(joint, word)))
        )
        return not own and b"://" not in word and not (_DIGEST.fits(word) and len(word) in DIGESTS)
    if not _NOUN_NAMED.fits(key) or _WORD.fits(word) or is_made_up(key, word):
        return False
    if (constant or key.startswith(b"--")) and writing is not Writing.PROGRAM:
        return not ((constant and _PATH.fits(word)) or (_DIGEST.fits(word) and len(word) > MAX_DIGITS))
    # A number behind the words makes one of several of them.
    if _is_programs(key, word) or vocabulary.holds(word.rstrip(_DIGITS)) or _is_ones_own(key, joint, word, writing):
        return False
    # A key with dashes is none of an API's.
    if writing is Writing.PROGRAM or b"-" in key:
        return bool(paired or (_PLACED.fits(word) and not _UUID.fits(word) and not _NUMBERED.fits(word)))
    member = paired or _MEMBER.fits(joint) or (writing is Writing.SETTINGS and b"=" in joint)
    return bool(member or (_GIVEN.fits(word) and not _UUID.fits(word)))


def _decoded(word: bytes) -> bytes:
    """Return what ``word`` is in base64; b"" where it is none."""
    try:
        return base64.b64decode(word, validate=True)
    except binascii.Error:
        return b""


def _is_made(joint: bytes, word: bytes) -> bool:
    """Tell whether a word beside a key of AWS's API is an object of that type, a variable's or everybody's UUID."""
    if joint.startswith((b"(", b")")):
        return not _PLACED.fits(word)
    return bool(_UUID.fits(word) or (b"=" in joint and (_WORD.fits(word) or _LETTERS.fits(word))))


def _is_ones_own(key: bytes, joint: bytes, word: bytes, writing: Writing) -> bool:
    """Tell whether a text has a key for something of its own: AWS's JSON and YAML have no keys with underscores.

    What tools are given, and what they keep, has.
    """
    if writing is Writing.SETTINGS or b"_" not in key or not _SNAKE.fits(key):
        return False
    if joint.endswith(VALUE):
        return _LETTERS.fits(word)
    return not (_STAGED if _MEMBER.fits(joint) and b"=" not in joint else _PLACED).fits(word)


def _is_programs(key: bytes, word: bytes) -> bool:
    """Tell whether a program has such keys for its parts, or such values; AWS makes no ids without a digit."""
    if _OF_A_PAGE.fits(key) or _is_passing(key, word) or _NO_NAME.fits(word) or _MODULE.fits(word):
        return True
    return bool(_ID.fits(key)) and word.translate(None, _DIGITS) == word


def is_other(key: bytes, joint: bytes) -> bool:
    """Tell whether what looks like a key and its joint is something else.

    An element or option in which Maven writes what package something is, a word in quotes before a bracket.
    """
    if b"(" in joint and joint[:1] in _AROUND:
        return True
    return (joint == b">" and key in _COORDINATES) or (joint == b"=" and key[:1] == b"D" and key[1:] in _COORDINATES)


def normalized(word: bytes) -> bytes:
    """Return what all spellings of a word with joints have in common."""
    return word.translate(None, _SEPARATORS).lower()


def ends_alike(key: bytes, word: bytes) -> bool:
    """Tell whether a key and its value end with the same letter, without which one does not repeat the other."""
    return key[-1:].lower() == word[-1:].lower()


def repeats(key: bytes, joint: bytes, word: bytes, *, is_aws: bool, secret: bool) -> bool:
    """Tell whether ``word`` says again what its key says, and so names nothing: K8S_CLUSTER = "k8s_cluster".

    With dashes, and in a file of variables, it is a name all the same, if an idle one: ORDERS_TABLE=orders-table.
    In a text that speaks of AWS, only what repeats it in the writing of another language does.
    """
    if secret and not is_aws:
        if _SAYS_SECRET.fits(word):
            return True
        # A member of something: _this3.clientSecret.
        word = word.rpartition(b".")[2]
    if not is_aws and b"_" in key and (key in word.split(b"-") or key.startswith(word + b"_")):
        # One of several documents of a key, or its first word: vip_subnet_id-optional, ceph_cluster: ceph.
        return True
    # A member called like the key, the key of a secret in another spelling.
    said = word.rpartition(b".")[2] if b"." in word else b""
    if said == key or (secret and normalized(word).endswith(normalized(key))):
        return True
    if not ends_alike(key, word) or b"-" in word or (_CONSTANT.fits(key) and _ASSIGNED.fits(joint)):
        return False
    if not normalized(key).endswith(normalized(word)):
        return False
    return not is_aws or b"." in word or word == key or (b"_" in key and bool(_CAMEL.fits(word)))


def is_given(key: bytes, word: bytes) -> bool:
    """Tell whether a key is one of AWS's API, and ``word`` beside it more than a word, in a text of another cloud."""
    return is_api(key) and not _LETTERS.fits(word) and not (_OF_ID.fits(key) and _SHORT.fits(word))


def is_given_id(key: bytes, word: bytes, writing: Writing) -> bool:
    """Tell whether ``word``, which has the form that AWS gives an id, is one beside a shared key by that alone."""
    return not (_is_passing(key, word) or (writing is Writing.PROGRAM and (_UUID.fits(word) or _DOMAIN.fits(word))))


def _is_passing(key: bytes, word: bytes) -> bool:
    return bool(_UUID.fits(word) and _PASSING.fits(key))


def is_dashed_name(key: bytes, joint: bytes, word: bytes, vocabulary: Vocabulary, writing: Writing) -> bool:
    """Tell whether ``word``, which has dashes in it, is a name by that alone beside a shared key."""
    # One of a list, under a key that says there is one.
    if is_made_up(key, word) or (b"[" in joint and key[-1:] not in b"sS"):
        return False
    if is_api(key):
        return writing is not Writing.PROGRAM or not vocabulary.holds(word)
    if key.startswith(b"--") or (_CONSTANT.fits(key) and _ASSIGNED.fits(joint)):
        return True
    if vocabulary.holds(word):
        return False
    if writing is Writing.PROGRAM:
        return bool(_PLACED.fits(word))
    return not key[:1].islower() or bool(_GIVEN.fits(word))


def is_made_up(key: bytes, word: bytes) -> bool:
    """Tell whether ``word`` is what an example or a test calls its thing, or a variable."""
    if (
        word.startswith(b"$")
        or _OF_OTHERS.fits(key)
        or _OF_ALL.fits(key)
        or (_CALLED.fits(key) and _VARIABLE.fits(word))
        or _EXAMPLE.fits(word.strip(b"_"))
        or _MODEL.fits(word)
        or _CODE.fits(word)
    ):
        return True
    return is_counted(key, word)


def is_own(key: bytes, joint: bytes, word: bytes, vocabulary: Vocabulary, writing: Writing) -> bool:
    """Tell whether ``word`` is its text's own beside a key that is not shared: counted, or a part of a program.

    Beside a key as programs write it, so is a name of nothing but words of the ``vocabulary``.
    """
    if is_counted(key, word) or (writing is Writing.PROGRAM and _CAMEL.fits(word)) or _OF_OTHERS.fits(key):
        return True
    # What a test made, a constant of a program.
    if _TESTED.fits(word) or (writing is Writing.PROGRAM and joint.startswith(b" =") and word.isalpha()):
        return True
    # An address that is none of AWS's, a key of a graph's node in base64.
    if word.startswith(b"http") or word.endswith(b"=="):
        return True
    # The title of something, and what another language calls it.
    if _TITLE.fits(key) and _TITLE.fits(word):
        return True
    # AWS's JSON and YAML have no keys with underscores.
    if b"=" not in joint and _SNAKED.fits(key) and _SNAKED.fits(word):
        return not _STAGED.fits(word)
    return bool(_SNAKE.fits(key) or _CAMEL.fits(key)) and vocabulary.holds(word)


def is_counted(key: bytes, word: bytes) -> bool:
    """Tell whether ``word`` is the noun of its key with a number: cluster-1 beside cluster_name."""
    return bool(_COUNTED.fits(word)) and word.rstrip(_COUNT).lower().replace(b"-", b"_") in key.lower()
