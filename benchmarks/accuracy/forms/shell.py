"""Commands of the AWS CLI, shell variables, and settings files of ``KEY=value`` lines."""

import random

from benchmarks.accuracy.facts import Fact, kebab, pascal, snake


def _quoted(value: str, chance: random.Random) -> str:
    quote = chance.choice(("", "", '"', "'"))
    return f"{quote}{value}{quote}"


def command(fact: Fact, flag: str) -> str:
    """Return a command of the AWS CLI with ``flag`` in it."""
    return f"aws {fact.service} {kebab(fact.operation)} --region eu-west-1 {flag} --output json"


def flag_space(fact: Fact, chance: random.Random) -> str:
    """Write a flag, a space (or a continued line), a value; two where it takes several."""
    joint = chance.choice((" ", " ", " \\\n    "))
    return command(fact, f"--{kebab(fact.member)}{joint}{_quoted(fact.value, chance)}")


def flag_equals(fact: Fact, chance: random.Random) -> str:
    """Write a flag, an equals sign, a value."""
    return command(fact, f"--{kebab(fact.member)}={_quoted(fact.value, chance)}")


def variable(fact: Fact, chance: random.Random) -> str:
    """Write a shell variable, and the command that uses it."""
    name = snake(fact.member).upper()
    export = chance.choice(("", "export ", "readonly "))
    use = command(fact, f"--{kebab(fact.member)} ${name}")
    return f"set -euo pipefail\n{export}{name}={_quoted(fact.value, chance)}\n{use}\n"


def dotenv(fact: Fact, chance: random.Random) -> str:
    """Write a line of a .env file, with the words before the key that people put there."""
    before = chance.choice(("", "", "APP_", f"{fact.service.upper().replace('-', '_')}_"))
    return f"NODE_ENV=production\n{before}{snake(fact.member).upper()}={_quoted(fact.value, chance)}\nLOG_LEVEL=info\n"


def ini(fact: Fact, chance: random.Random) -> str:
    """Write a line of an INI file."""
    key = chance.choice((snake(fact.member), snake(fact.member), pascal(fact.member)))
    return f"[{fact.service}]\nregion = eu-west-1\n{key} = {fact.value}\ntimeout = 30\n"
