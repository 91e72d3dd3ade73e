"""Akin names: what begins like a name of the same text is one, and what begins like an id is none."""

import pytest

from aws_masker import Masker, catalogue
from aws_masker.scan import Scanner
from masking import marked, plain


@pytest.mark.parametrize(
    "text",
    [
        "AWS_REGION=eu-west-1\nTABLE_NAME=«kazor-orders»\nx: «kazor-feed», kazor-all.json, kazor-all(), x-kazor-all",
        "AWS_REGION=eu-west-1\nTABLE_NAME=«kazor-orders»\nKAZOR_ALL and kazor_all=1, kazors-all",
        # Domains, and what only looks like one.
        "AWS_REGION=eu-west-1\nTABLE_NAME=«kazor-orders»\nx: https://«www.kazor.example»/a «kazor-eu.com» '«kazor.io»'",
        "AWS_REGION=eu-west-1\nTABLE_NAME=«kazor-orders»\nx: kazor.io kazor.py x.kazor.get() kazor.com_x akazor.com",
        # An id's beginning, a common word and one of programs.
        "arn:aws:ec2:eu-west-1:«481516234217»:subnet/«subnet-0a1b2c3d4e5f60718» in subnet-public",
        "AWS_REGION=eu-west-1\nTABLE_NAME=«orders-kazor»\norders-of-today",
        # A parameter that AWS keeps for all.
        "aws ssm get-parameter --name /aws/service/kazor-linux/kazor-kernel\nkazor-other",
        # What would cut an address in two.
        "AWS_REGION=eu-west-1\nTABLE_NAME=«kazor-orders»\nx: kazor-«10.0».17.5, kazor-«10.0».17.5",
        # Nothing speaks of AWS.
        '"TableName": "«kazor-orders-prod»", "x": "kazor-feed"',
    ],
)
def test_names_that_begin_alike(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize("text", [b"aws TABLE_NAME=kazor-orders kazor", b"aws TABLE_NAME=kazor-orders kazor-", b""])
def test_a_text_may_end_within_a_name(text: bytes) -> None:
    Scanner(catalogue.load()).find(text)
