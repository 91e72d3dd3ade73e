"""Flows: a variable passed on as a name of AWS's hands that on to what it was given."""

import json

import pytest

from aws_masker import Masker
from masking import marked, plain


@pytest.mark.parametrize(
    "text",
    [
        'aws\nfor q in «kazor-jobs» "«kazor_m9»" «kazor»/lots; do\n  aws sqs x --queue-name "$q"\ndone\n',
        'import boto3\nfor q in ["«kazor-jobs»", "«kazor_mails»"]:\n    c.get_queue_url(QueueName=q)\n',
        'import boto3\nx = "«kazor-jobs»"\ny = "other words"\nc.get_queue_url(QueueName=x)\n',
        'aws sqs get-queue-url --queue-name "$x"\n: "${x:=«kazor-jobs»}" ${other:=kazure-jobs}\n',
        'for b in «KazorJobs» «kazor_mails»; do\n  aws sqs get-queue-url --queue-name "$b"\ndone\n',
        '// aws\nfor _, p := range []string{"/«kazor»/db/«pass9»"} {\n in := ssm.GetInput{Name: aws.String(p)}\n}\n',
        # Words, other variables, and what is compared.
        'import boto3\nx = "jobs"\nif x == "kazor-jobs": c.get_queue_url(QueueName=x)\n',
        'import boto3\nx = other\nxy = "kazor-jobs"\nz.x = "kazor-jobs"\nc.get_queue_url(QueueName=x)\n',
        # Nothing speaks of AWS.
        'import other\nx = "kazor-jobs"\nc.get_queue(QueueName=x)\n',
    ],
)
def test_what_a_variable_was_given_is_the_name_that_it_is_passed_as(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


def test_another_text_gives_a_variable_nothing(one: Masker) -> None:
    texts = ['import boto3\nx = "kazor-jobs"\n', "import boto3\nc.get_queue_url(QueueName=x)\n"]
    messages = [{"role": "user", "content": [{"type": "text", "text": text} for text in texts]}]
    body = json.dumps({"model": "m", "max_tokens": 1, "messages": messages}).encode()
    assert not one.mask_body(body, "/v1/messages").edits
