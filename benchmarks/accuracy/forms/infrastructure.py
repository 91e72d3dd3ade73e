"""Infrastructure as code: Terraform in three forms, CloudFormation in two, CDK in two languages."""

import json
import random

from benchmarks.accuracy.facts import Fact, camel, pascal, snake


def _type(fact: Fact) -> str:
    return f"aws_{fact.service.replace('-', '')}_{snake(fact.noun)}"


def terraform(fact: Fact, chance: random.Random) -> str:
    """Write a resource or data source, its equals signs aligned."""
    value = f'["{fact.value}"]' if fact.listed else f'"{fact.value}"'
    key = snake(fact.member)
    width = max(len(key), len("deletion_protection"))
    return (
        f'{chance.choice(("resource", "data"))} "{_type(fact)}" "main" {{\n'
        f"  {key:<{width}} = {value}\n  {'deletion_protection':<{width}} = true\n\n"
        f"  lifecycle {{\n    prevent_destroy = true\n  }}\n}}\n"
    )


def terraform_plan(fact: Fact, chance: random.Random) -> str:
    """Write what ``terraform plan`` prints."""
    key = snake(fact.member)
    width = max(len(key), len("deletion_protection"))
    if fact.listed:
        line = f'      + {key:<{width}} = [\n          + "{fact.value}",\n        ]'
    else:
        line = chance.choice(
            (
                f'      + {key:<{width}} = "{fact.value}"',
                f'        {key:<{width}} = "{fact.value}"',
                f'      - {key:<{width}} = "{fact.value}" -> null',
                f'      ~ {key:<{width}} = "default" -> "{fact.value}" # forces replacement',
            )
        )
    return (
        f"Terraform will perform the following actions:\n\n  # {_type(fact)}.main will be created\n"
        f'  + resource "{_type(fact)}" "main" {{\n{line}\n'
        f"      + {'deletion_protection':<{width}} = true\n    }}\n\nPlan: 1 to add, 0 to change, 0 to destroy.\n"
    )


def terraform_state(fact: Fact, _chance: random.Random) -> str:
    """Write a state file."""
    attributes = {snake(fact.member): [fact.value] if fact.listed else fact.value, "deletion_protection": True}
    resource = {
        "mode": "managed",
        "type": _type(fact),
        "name": "main",
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": [{"schema_version": 1, "attributes": attributes, "sensitive_attributes": []}],
    }
    return json.dumps({"version": 4, "terraform_version": "1.9.5", "serial": 7, "resources": [resource]}, indent=2)


def cloudformation_json(fact: Fact, _chance: random.Random) -> str:
    """Write a template in JSON."""
    properties = {pascal(fact.member): [fact.value] if fact.listed else fact.value, "DeletionProtection": True}
    resource = {"Type": f"AWS::{fact.service.upper()}::{pascal(fact.noun)}", "Properties": properties}
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"MainThing": resource}}, indent=2)


def cloudformation_yaml(fact: Fact, chance: random.Random) -> str:
    """Write a template in YAML."""
    value = chance.choice((fact.value, fact.value, f'"{fact.value}"', f"'{fact.value}'"))
    key = pascal(fact.member)
    line = f"{key}:\n        - {value}" if fact.listed else f"{key}: {value}"
    return (
        "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  MainThing:\n"
        f"    Type: AWS::{fact.service.upper()}::{pascal(fact.noun)}\n"
        f"    Properties:\n      {line}\n      DeletionProtection: true\n"
    )


def cdk_typescript(fact: Fact, chance: random.Random) -> str:
    """Write a construct in TypeScript."""
    quote = chance.choice(("'", '"'))
    value = f"{quote}{fact.value}{quote}"
    value = f"[{value}]" if fact.listed else value
    key = camel(snake_to_camel(fact.member))
    return (
        f"new {fact.service.replace('-', '')}.{pascal(fact.noun)}(this, 'MainThing', {{\n"
        f"  {key}: {value},\n  removalPolicy: RemovalPolicy.RETAIN,\n}});\n"
    )


def snake_to_camel(member: str) -> str:
    """Return an API name as the CDK spells it: ``dbInstanceIdentifier``."""
    head, *rest = snake(member).split("_")
    return head + "".join(word.title() for word in rest)


def cdk_python(fact: Fact, _chance: random.Random) -> str:
    """Write a construct in Python."""
    value = f'["{fact.value}"]' if fact.listed else f'"{fact.value}"'
    return (
        f'{fact.service.replace("-", "_")}.{pascal(fact.noun)}(\n    self, "MainThing",\n'
        f"    {snake(fact.member)}={value},\n    removal_policy=RemovalPolicy.RETAIN,\n)\n"
    )
