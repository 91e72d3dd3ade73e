"""Structured data: JSON at three depths, YAML, what the AWS CLI prints as text and as tables, CloudTrail's records."""

import json
import random
from typing import Any

from benchmarks.accuracy.facts import Fact, camel, pascal


def document(fact: Fact, chance: random.Random) -> dict[str, Any]:
    """Return an answer of AWS with ``fact`` in it, among members that identify nobody."""
    value: Any = [fact.value] if fact.listed else fact.value
    members = {
        fact.member: value,
        "Status": chance.choice(("ACTIVE", "available", "CREATING")),
        "CreationTime": "2024-05-31T10:11:12.345000+00:00",
        "Count": chance.randrange(100),
        "Enabled": chance.random() < 0.5,
    }
    order = list(members)
    chance.shuffle(order)
    items = [{key: members[key] for key in order}]
    return {f"{pascal(fact.noun)}s": items} if chance.random() < 0.7 else items[0]


def json_pretty(fact: Fact, chance: random.Random) -> str:
    """Write JSON as the AWS CLI prints it."""
    return json.dumps(document(fact, chance), indent=4) + "\n"


def json_compact(fact: Fact, chance: random.Random) -> str:
    """Write JSON as programs send it."""
    return json.dumps(document(fact, chance), separators=(",", ":"))


def json_in_string(fact: Fact, chance: random.Random) -> str:
    """Write JSON as the body of an event: its quotes escaped."""
    return json.dumps({"messageId": "m-1", "body": json_compact(fact, chance)}, indent=2)


def json_in_string_twice(fact: Fact, chance: random.Random) -> str:
    """Write JSON in JSON in JSON, as SNS hands it to SQS."""
    return json.dumps({"Records": [{"body": json_in_string(fact, chance)}]})


def yaml(fact: Fact, chance: random.Random) -> str:
    """Write YAML as people write it, a list's values on lines of their own."""
    key = chance.choice((pascal(fact.member), camel(fact.member)))
    quote = chance.choice(("", "", '"', "'"))
    value = f"{quote}{fact.value}{quote}"
    line = f"{key}:\n    - {value}" if fact.listed else f"{key}: {value}"
    return f"# deployed nightly\nsettings:\n  enabled: true\n  {line}\n  retries: 3\n"


def cli_text(fact: Fact, chance: random.Random) -> str:
    """Write ``--output text``: no keys, the scalars in the order of their keys behind the name of their list."""
    head = f"{pascal(fact.noun)}s".upper()
    command = f"$ aws {fact.service} describe --output text\n" if chance.random() < 0.5 else ""
    if fact.listed:
        return f"{command}{pascal(fact.member).upper()}\t{fact.value}\n"
    members = {fact.member: fact.value, "CreationTime": "2024-05-31T10:11:12+00:00", "Status": "ACTIVE"}
    cells = "\t".join(members[key] for key in sorted(members))
    return f"{command}{head}\t{cells}\n"


def cli_table(fact: Fact, chance: random.Random) -> str:
    """Write ``--output table``: named for the operation, a row for each key, or a column where items are two."""
    operation = (
        fact.operation if fact.operation.startswith(("Get", "List", "Describe")) else f"List{pascal(fact.noun)}s"
    )
    scalars = {"Status": "ACTIVE", "CreationTime": "2024-05-31T10:11:12+00:00"}
    if fact.listed:
        return _drawn([(0, operation, [min(scalars.items())]), (1, fact.member, [(fact.value,)])])
    if chance.random() < 0.5:
        return _drawn([(0, operation, sorted({**scalars, fact.member: fact.value}.items()))])
    items: list[dict[str, str]] = [{**scalars, fact.member: value} for value in (fact.value, "main")]
    rows = [tuple(sorted(items[0])), *(tuple(item[key] for key in sorted(item)) for item in items)]
    return _drawn([(0, operation, []), (1, f"{pascal(fact.noun)}s", rows)])


def _drawn(sections: list[tuple[int, str, list[Any]]]) -> str:
    """Draw sections as the AWS CLI does, each with its depth, its title and its rows: with a header, if of columns."""
    width = 4 + max(
        max([len(title), sum(max(map(len, column)) + 4 for column in zip(*rows, strict=True))])
        for _, title, rows in sections
    )
    lines = ["-" * (width + 2 * 2)]
    for depth, title, rows in sections:
        edge = "|" * (depth + 1)
        inner = width + 2 * 2 - 2 * len(edge)
        lines.append(f"{edge}{title:^{inner}}{edge}")
        if not rows:
            continue
        least = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
        widths = [*least[:-1], inner - sum(least[:-1]) - len(least) + 1]
        rule = f"{'|' * depth}+{'+'.join('-' * one for one in widths)}+{'|' * depth}"
        drawn = [
            edge + "|".join(f"{cell:^{one}}" for cell, one in zip(row, widths, strict=True)) + edge for row in rows
        ]
        lines += [rule, *([drawn.pop(0), rule] if len(widths) > len(("key", "value")) else []), *drawn, rule]
    return "\n".join((*lines, ""))


def cloudtrail(fact: Fact, chance: random.Random) -> str:
    """Write one record of CloudTrail, on one line."""
    place = chance.choice(("requestParameters", "responseElements"))
    record = {
        "eventVersion": "1.08",
        "eventTime": "2024-05-31T10:11:12Z",
        "eventSource": f"{fact.service}.amazonaws.com",
        "eventName": fact.operation,
        "awsRegion": "eu-west-1",
        place: {camel(fact.member): [fact.value] if fact.listed else fact.value, "dryRun": False},
        "eventType": "AwsApiCall",
    }
    return json.dumps({"Records": [record]}, separators=(",", ":"))
