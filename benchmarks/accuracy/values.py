"""Made-up values: names as people give them, and ids as a pattern of AWS's describes them."""

import random
import re
import string
from collections.abc import Callable
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final

sre: Any = _constants
parser: Any = _parser

ACCOUNTS: Final = ("481516234217", "111122223333", "602914837755", "739051284466", "923847561029")
REGIONS: Final = ("eu-west-1", "us-east-1", "ap-southeast-2", "eu-central-1", "us-west-2", "ca-central-1")
# No count of a pattern is followed further than this.
LONGEST: Final = 40
_REPEATS: Final = 12

# fmt: off
_SYLLABLES: Final = (
    "ka", "zor", "mi", "vel", "ta", "ren", "qui", "lo", "dax", "fen", "bru", "tia", "nox", "sel", "var", "pim", "gre",
    "hol", "jun", "wyx", "cor", "lam",
)
_THINGS: Final = (
    "ledger", "payments", "orders", "events", "clicks", "invoices", "raw", "curated", "sessions", "telemetry",
    "billing", "search", "media", "ingest", "settlement", "catalog", "loyalty", "fraud", "shipping", "reports",
)
# fmt: on
_PLACES: Final = ("prod", "stg", "dev", "euw1", "use1", "qa", "blue", "green", "main", "01", "2", "v3", "7f2a", "2024")
_ROLES: Final = ("worker", "api", "loader", "sync", "processor", "nightly", "deployer", "reader", "exporter", "runner")


def invented(chance: random.Random) -> str:
    """Return a word that no language has."""
    return "".join(chance.choice(_SYLLABLES) for _ in range(chance.choice((2, 3))))


def name(chance: random.Random, pattern: str = "", styles: str = "kebab snake pascal camel mixed digits dashes") -> str:
    """Return a name as somebody gives one to a resource, as ``pattern`` (of a service model) wants it if it can be."""
    made = ""
    for _ in range(20):
        made = _styled(chance, chance.choice(styles.split()))
        if not pattern or _fits(pattern, made):
            return made
    if pattern and (generated := from_pattern(pattern, chance)) and _fits(pattern, generated):
        return generated
    return made


def _styled(chance: random.Random, style: str) -> str:
    own, thing, place, role = (
        invented(chance), chance.choice(_THINGS), chance.choice(_PLACES), chance.choice(_ROLES)
    )  # fmt: skip
    parts = chance.choice(((own, thing), (own, thing, place), (own, thing, role, place), (thing, own)))
    match style:
        case "kebab":
            return "-".join(parts)
        case "dashes":
            return "-".join((thing, role, own, chance.choice(_PLACES)))
        case "snake":
            return "_".join(parts)
        case "pascal":
            return "".join(part.title() for part in (own, thing, role)[: chance.choice((2, 3))])
        case "camel":
            return own + thing.title() + role.title()
        case "mixed":
            return f"{own.title()}-{thing.title()}-{place.upper()}"
        case _:
            return f"{own}{thing}{chance.randrange(1, 99)}"


def bucket(chance: random.Random) -> str:
    """Return a name as S3 allows it for a bucket."""
    return name(chance, r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", "kebab kebab dashes digits")


def hexadecimal(chance: random.Random, digits: int) -> str:
    """Return so many hexadecimal digits."""
    return "".join(chance.choice("0123456789abcdef") for _ in range(digits))


def letters(chance: random.Random, count: int, alphabet: str = string.ascii_lowercase + string.digits) -> str:
    """Return so many characters of ``alphabet``, with a letter first and a digit among them."""
    made = [chance.choice(alphabet) for _ in range(count)]
    made[0] = chance.choice([one for one in alphabet if one.isalpha()])
    made[count // 2] = chance.choice(string.digits)
    return "".join(made)


def uuid(chance: random.Random) -> str:
    """Return a UUID."""
    return "-".join(hexadecimal(chance, digits) for digits in (8, 4, 4, 4, 12))


def account(chance: random.Random) -> str:
    """Return an account number."""
    return chance.choice(ACCOUNTS)


def _fits(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return True


def from_pattern(pattern: str, chance: random.Random) -> str:
    """Return a text that ``pattern`` matches, or "" where the pattern is none that Python reads."""
    try:
        return _generated(parser.parse(pattern), chance)[:512]
    except (re.error, KeyError, NotImplementedError, IndexError):
        return ""


def _generated(tree: Any, chance: random.Random) -> str:
    return "".join(_one(operator, argument, chance) for operator, argument in tree)


def _one(operator: Any, argument: Any, chance: random.Random) -> str:
    if operator is sre.LITERAL:
        return chr(argument)
    if operator is sre.NOT_LITERAL:
        return "a" if argument != ord("a") else "b"
    if operator is sre.ANY:
        return chance.choice(string.ascii_lowercase)
    if operator is sre.IN:
        return chance.choice(_members(argument))
    if operator is sre.AT:
        return ""
    if operator is sre.BRANCH:
        return _generated(chance.choice(argument[1]), chance)
    if operator is sre.SUBPATTERN:
        return _generated(argument[3], chance)
    if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        low, high, tree = argument
        most = min(int(high), max(low, _REPEATS), max(low, LONGEST))
        return "".join(_generated(tree, chance) for _ in range(chance.randint(low, max(low, most))))
    raise NotImplementedError


def _members(argument: Any) -> str:
    readable = string.ascii_letters + string.digits + "-_./:@"
    allowed = {chr(code) for code in range(32, 127) if _in_class(argument, chr(code))}
    return "".join(one for one in readable if one in allowed) or "".join(sorted(allowed)) or "a"


def _in_class(argument: Any, character: str) -> bool:
    negated = argument[0][0] is sre.NEGATE
    categories: dict[Any, Callable[[str], bool]] = {
        sre.CATEGORY_DIGIT: str.isdigit,
        sre.CATEGORY_WORD: lambda one: one.isalnum() or one == "_",
        sre.CATEGORY_SPACE: str.isspace,
        sre.CATEGORY_NOT_SPACE: lambda one: not one.isspace(),
        sre.CATEGORY_NOT_DIGIT: lambda one: not one.isdigit(),
        sre.CATEGORY_NOT_WORD: lambda one: not (one.isalnum() or one == "_"),
    }
    found = False
    for operator, value in argument:
        if operator is sre.LITERAL:
            found |= ord(character) == value
        elif operator is sre.RANGE:
            found |= value[0] <= ord(character) <= value[1]
        elif operator is sre.CATEGORY:
            found |= bool(categories[value](character))
    return found != negated
