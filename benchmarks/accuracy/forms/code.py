"""Calls of the SDKs in four languages."""

import random

from benchmarks.accuracy.facts import Fact, pascal, snake
from benchmarks.accuracy.facts import java as java_case


def python(fact: Fact, chance: random.Random) -> str:
    """Write boto3: a keyword argument, or a dictionary of arguments."""
    quote = chance.choice(("'", '"'))
    value = f"{quote}{fact.value}{quote}"
    value = f"[{value}]" if fact.listed else value
    client = f"client = boto3.client('{fact.service}')\n"
    if chance.random() < 0.3:
        return f"{client}params = {{{quote}{fact.member}{quote}: {value}}}\nclient.{snake(fact.operation)}(**params)\n"
    return f"{client}response = client.{snake(fact.operation)}(\n    {fact.member}={value},\n    DryRun=False,\n)\n"


def javascript(fact: Fact, chance: random.Random) -> str:
    """Write a command of the SDK for JavaScript v3."""
    quote = chance.choice(('"', "'"))
    value = f"{quote}{fact.value}{quote}"
    value = f"[{value}]" if fact.listed else value
    return (
        f"const client = new {pascal(fact.service.replace('-', ''))}Client({{ region: 'eu-west-1' }});\n"
        f"await client.send(new {fact.operation}Command({{ {fact.member}: {value} }}));\n"
    )


def go(fact: Fact, chance: random.Random) -> str:
    """Write an input of the SDK for Go v2."""
    value = f'[]string{{"{fact.value}"}}' if fact.listed else f'aws.String("{fact.value}")'
    member = pascal(fact.member)
    package = fact.service.replace("-", "")
    if chance.random() < 0.4:
        return f"out, err := client.{fact.operation}(ctx, &{package}.{fact.operation}Input{{{member}: {value}}})\n"
    return (
        f"out, err := client.{fact.operation}(ctx, &{package}.{fact.operation}Input{{\n"
        f"\t{member}: {value},\n\tDryRun: aws.Bool(false),\n}})\nif err != nil {{\n\treturn err\n}}\n"
    )


def java(fact: Fact, chance: random.Random) -> str:
    """Write a builder of the SDK for Java v2, or a request of v1."""
    member = java_case(fact.member)
    if chance.random() < 0.5:
        return (
            f"{fact.operation}Request request = {fact.operation}Request.builder()\n"
            f'        .{member}("{fact.value}")\n        .dryRun(false)\n        .build();\n'
        )
    setter = chance.choice(("with", "set"))
    return (
        f"{fact.operation}Request request = new {fact.operation}Request();\n"
        f'request.{setter}{member[:1].upper()}{member[1:]}("{fact.value}");\n'
    )
