"""What the corpus of whole documents takes for names and ids, on documents of a few lines."""

import random
from pathlib import Path

import pytest
from benchmarks.accuracy.corpora import documents
from benchmarks.accuracy.corpora.documents import SOURCES, Literal
from benchmarks.accuracy.facts import Sample

NAMES = frozenset(("tablename", "functionname"))
PYTHON = """
client.create_table(TableName="zebra", BillingMode="PROVISIONED")
item = {"FunctionName": "giraffe", "Other": "lion"}
for TableName in tables:
    client.delete_table(TableName=TableName)
"""
YAML = """
Resources:
  One:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: zebra
      FunctionName: !Ref Giraffe
      BillingMode: PROVISIONED
"""
JSON = '{"Records": [{"tableName": "zebra", "function-name": "giraffe", "size": 7}]}'
MODULE = """
DOCUMENTATION = "tableName: lion"
EXAMPLES = r'''
- name: Make a table
  amazon.aws.table:
    table_name: zebra
'''
"""


def literals(form: str, text: str) -> set[tuple[str, str]]:
    source = next(one for sources in SOURCES.values() for one in sources if one.form == form)
    return {tuple(one) for one in source.literals(source.document(text))}  # type: ignore[misc]


def sampled(text: str, found: list[Literal]) -> list[Sample]:
    chance = random.Random(1)  # noqa: S311 - made-up names
    return list(documents.document(text, found, NAMES, chance, form="x", package="y"))


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("moto's tests", PYTHON, {("TableName", "zebra"), ("FunctionName", "giraffe"), ("Other", "lion")}),
        ("templates of cfn-lint", YAML, {("TableName", "zebra"), ("Type", "AWS::DynamoDB::Table")}),
        ("events", JSON, {("tableName", "zebra"), ("function-name", "giraffe")}),
        ("playbooks", MODULE, {("name", "Make a table"), ("table_name", "zebra")}),
    ],
)
def test_literals_are_read_beside_their_keys(form: str, text: str, expected: set[tuple[str, str]]) -> None:
    assert literals(form, text) - {("BillingMode", "PROVISIONED")} == expected


def test_a_name_is_made_up_wherever_it_stands_alone() -> None:
    (made,) = sampled("TableName=zebra, the zebra, zebras, a-zebra", [Literal("TableName", "zebra")])
    (name,) = made.gone
    assert made.text == f"TableName={name}, the {name}, zebras, a-{name}"
    assert name != "zebra"


@pytest.mark.parametrize(
    "literal",
    [
        Literal("BillingMode", "zebra"),
        Literal("TableName", "AWSServiceRole"),
        Literal("TableName", "${zebra}"),
        Literal("TableName", "a sentence of words"),
        Literal("TableName", "function_name"),
    ],
)
def test_what_names_no_resource_is_none(literal: Literal) -> None:
    assert sampled(f"{literal.key}={literal.value}", [literal]) == []


def test_what_identifies_itself_is_taken_from_the_document_as_it_is() -> None:
    text = "arn:aws:sqs:eu-west-1:481516234217:zebra, i-0a1b2c3d, sg-word, 481516234217.dkr.ecr.eu-west-1"
    (made,) = sampled(text, [])
    assert (made.text, set(made.gone), made.own_form) == (text, {"481516234217", "i-0a1b2c3d"}, True)


def test_documents_are_drawn_by_chance_and_counted(tmp_path: Path) -> None:
    folder = tmp_path / "samcli/lib/generated_sample_events/events"
    folder.mkdir(parents=True)
    for number in range(5):
        (folder / f"{number}.json").write_text('{"source": "vpc-0a1b2c3d"}')
    (folder / "broken.json").write_text('{"source": [')
    (folder / "nothing.json").write_text('{"source": 1}')
    botocore = tmp_path / "botocore" / "data"
    botocore.mkdir(parents=True)
    folders = {"aws-sam-cli": tmp_path, "botocore": tmp_path}
    drawn = [list(documents.samples(folders, random.Random(2), count)) for count in (3, 30)]  # noqa: S311
    assert [len(one) for one in drawn] == [3, 5]
