"""Values that are put together: the strings in an expression that is the value of a key."""

from collections.abc import Iterator

import pytest

from aws_masker import Masker
from masking import marked, masker, plain

# Speaks of AWS, and of nothing else.
AWS = "import boto3\n"
TERRAFORM = 'provider "aws" {}\n'
TEMPLATE = "Type: AWS::SQS::Queue\n"

FOUND = [
    TERRAFORM + 'queue_name = format("%s-«ledger-jobs»", var.env)\n',
    TERRAFORM + 'queue_name = join("-", [var.env, "«ledger-jobs»"])\n',
    TERRAFORM + 'bucket = lower("«ledger-raw»")\n',
    TERRAFORM + 'bucket = var.prod ? "«ledger-raw»" : "«maple-raw»"\n',
    TERRAFORM + 'bucket = var.name != "" ? var.name : "«ledger-raw»"\n',
    TERRAFORM + 'bucket_name = join("-", [var.x["some-thing"], "«ledger»-"])\n',
    TERRAFORM + 'resource "aws_iam_role" "x" {\n  name = coalesce(var.name, "«LedgerRole»")\n}\n',
    AWS + "run(queue_name=stage + '-«ledger-jobs»', x='some-thing9')\n",
    AWS + "run(bucket=name or '«ledger-raw»')\n",
    AWS + "run(bucket='«ledger-raw»-{}'.format(stage))\n",
    "import * as aws from '@pulumi/aws';\nf({ queueName: pulumi.interpolate`${env}-«ledger-jobs»` });\n",
    "import * as aws from '@pulumi/aws';\nf({ bucket: name ?? '«ledger-raw»', x: 'some-thing9' });\n",
    TEMPLATE + 'QueueName: !Join\n  - "-"\n  - - !Ref Env\n    - «ledger-jobs»\nOther: some-thing9\n',
    TEMPLATE + 'QueueName:\n  Fn::Join:\n    - "-"\n    - - !Ref Env\n      - «ledger-jobs»\n',
    TEMPLATE + 'QueueName: !Join ["-", [!Ref Env, «ledger-jobs»]]\n',
    TEMPLATE + "QueueName: !If [IsProd, «ledger-jobs», «maple-jobs»]\nOther: [some-thing, x]\n",
    TEMPLATE + "QueueName: !If\n  - IsProd\n  - «ledger-jobs»\n  - «maple-jobs»\n",
    TEMPLATE + "QueueName:\n  Fn::Sub: ${Env}-«ledger-jobs»\n",
    TEMPLATE + "QueueName: !Sub\n  - ${P}-«ledger-jobs»\n  - P: x\n",
    '{"Type": "AWS::SQS::Queue", "QueueName": {"Fn::Sub": ["${P}-«ledger-jobs»", {"P": "x"}]}}',
]
LEFT = [
    'queue_name = format("%s-some-thing", var.env)\n',
    AWS + "bucket = config['some-thing']\n",
    AWS + "bucket = config.get('some-thing')\n",
    AWS + "bucket = x if y == 'some-thing' else z\n",
    AWS + "bucket = x if 'some-thing' == y else z\n",
    AWS + "bucket = name or 'thing'\n",
    AWS + "bucket = format(values['some-thing'])\n",
    AWS + "bucket = first(second, 'some-thing')\n",
    AWS + "bucket = x; y = 'some-thing'\n",
    AWS + "bucket = x\ny = 'some-thing'\n",
    AWS + "queue: see 'some-thing'\n",
    TEMPLATE + 'QueueName: !Join\n  - "-"\n  - - !Ref Env\nOther:\n  - some-thing\n',
    TEMPLATE + "QueueName: !GetAtt\n  - some-thing\n  - x\n",
]


@pytest.fixture(scope="module")
def one_masker() -> Iterator[Masker]:
    with masker() as made:
        yield made


@pytest.mark.parametrize("text", FOUND)
def test_the_strings_of_an_expression_are_parts_of_its_value(one_masker: Masker, text: str) -> None:
    assert marked(one_masker, plain(text)) == text


@pytest.mark.parametrize("text", LEFT)
def test_what_an_expression_looks_up_or_compares_stays(one_masker: Masker, text: str) -> None:
    assert one_masker.mask_text(text).text == text
