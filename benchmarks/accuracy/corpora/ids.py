"""Ids and host names that identify themselves: from patterns with a prefix of their own, and from real outputs."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.accuracy import models, values
from benchmarks.accuracy.corpora.arns import AROUND
from benchmarks.accuracy.facts import Sample

# A prefix, a dash, and eight characters or more of one class: nothing else looks like that.
_PREFIXED: Final = re.compile(
    r"(?:\^|\\A)?\(?((?:[a-z]{1,20}-){1,3})\(?(\[(?:0-9|a-f|a-z|A-Z|A-F)+\])\{([0-9]+)(?:,[0-9]*)?\}\)?\)?(?:\$|\\z|\\Z)?"
)
_HOST: Final = re.compile(
    r"(?<![A-Za-z0-9.@-])(?:[a-z0-9-]+\.)+(?:amazonaws\.com(?:\.cn)?|cloudfront\.net|on\.aws|awsapps\.com|"
    r"elasticbeanstalk\.com|awsglobalaccelerator\.com|amazoncognito\.com)(?![A-Za-z0-9-])"
)
# Made up in an example: random characters, which no service's own endpoint has.
_ISSUED: Final = re.compile(r"(?:.*[.-])?(?=[a-z0-9]*[0-9])(?=[a-z0-9]*[a-z])[a-z0-9]{9,}(?:[.-].*)?")
_AWS_LABEL: Final = re.compile(r"[a-z]{2}(?:-gov)?-[a-z]+-[0-9]|[a-z0-9-]{1,24}\.amazonaws\.com")
LEAST: Final = 8
EC2_LONG: Final = 17
# Ids of another service than the one whose model is loose about them. The pattern of Organizations itself wants ten
# characters behind o-, where Network Manager's takes eight; EC2, whose model has no patterns, issues the ids of route
# tables in hexadecimal digits, where the model of Oracle Database@AWS takes any letter.
_ISSUED_ELSEWHERE: Final = {"o-": ("[a-z0-9]", 10), "rtb-": ("[0-9a-f]", EC2_LONG)}


def samples(botocore: Path, awscli: Path | None, chance: random.Random) -> Iterator[Sample]:
    """Yield each prefixed id of the models three times, and each host name that AWS issued in the examples."""
    for service, prefix, characters, count in _prefixes(botocore):
        for _ in range(3):
            made = prefix + values.from_pattern(f"{characters}{{{count}}}", chance)
            if re.search(r"[0-9]", made.removeprefix(prefix)):
                yield _sample(made, f"{service} {prefix}", "service models", chance)
    for host, service in _hosts(awscli).items() if awscli else ():
        yield _sample(host, f"{service} host", "awscli examples", chance)


def _sample(value: str, family: str, source: str, chance: random.Random) -> Sample:
    return Sample(chance.choice(AROUND).format(value), (value,), "id or host", family, source, own_form=True)


def _prefixes(botocore: Path) -> Iterator[tuple[str, str, str, int]]:
    """Yield service, prefix, class of characters and length, by the strictest pattern that a prefix has anywhere.

    Models differ in how closely they describe the ids of other services: a subnet's is hexadecimal in all of them.
    """
    found: dict[str, tuple[int, str, str, int]] = {}
    for service, model in models.load(botocore).items():
        for shape in model["shapes"].values():
            match = _PREFIXED.fullmatch(shape.get("pattern", "")) if shape["type"] == "string" else None
            if not match or int(match[3]) < LEAST or "0-9" not in match[2]:
                continue
            prefix, characters, least = match[1], match[2], int(match[3])
            hexadecimal = not re.search("[g-zG-Z]", characters.replace("a-z", "z").replace("A-Z", "Z"))
            bounded = not match[0].rstrip("$)").endswith(",}")
            strictness = (0 if hexadecimal else 1 if "A" not in characters else 2) + (0 if bounded else 3)
            if prefix not in found or found[prefix][0] > strictness:
                # AWS writes hexadecimal digits small, and without an upper bound ids have 17 of them.
                count = least if bounded or (least > EC2_LONG and not hexadecimal) else EC2_LONG
                found[prefix] = (strictness, service, "[0-9a-f]" if hexadecimal else characters, count)
    for prefix, (_, service, pattern, least) in found.items():
        characters, count = _ISSUED_ELSEWHERE.get(prefix, (pattern, least))
        # A letter and a few characters are told by their key alone; another module writes them so.
        if len(prefix) > len("x-") or characters == "[0-9a-f]" or prefix in _ISSUED_ELSEWHERE:
            yield service, prefix, characters, count


def _hosts(awscli: Path) -> dict[str, str]:
    hosts: dict[str, Any] = {}
    for file in sorted((awscli / "awscli" / "examples").rglob("*.rst")):
        for found in _HOST.finditer(file.read_text()):
            if _ISSUED.fullmatch(found[0].partition(".amazonaws")[0]) and not _AWS_LABEL.fullmatch(found[0]):
                hosts.setdefault(found[0], file.parent.name)
    return hosts
