"""How a value stands beside its key: where nothing speaks of AWS, that has to be as a name would."""

import pytest

from aws_masker import Masker
from masking import marked, plain

_STAYS = [
    # Measures of Prometheus, in rules and in expressions.
    "record: cluster:node_cpu:sum_rate5m",
    "expr: sum(cluster:node_cpu:ratio_rate5m) / count(bucket:request9:increase1h)",
    # Rows of more than two cells, and what a template passes on.
    "| LogCluster | GPL-2.0 | https://example.org |",
    '  username: "{{ .Values.sasl.username | b64enc }}"',
    # The middle of a sentence.
    "- LogCluster: perl 5.22",
    "bucket: kazor-eu9 or whatever else",
    # Elements of another vocabulary.
    "<wsse:Username>kazor9</wsse:Username>",
    '<xs:attributeGroup name="kazorAttributes9">',
    # A shared key as the end of a longer one, or in a space of names.
    '"matchPackageNames": ["kazor-core9"]',
    "configExistingSecretName: kazor-binary-config",
    "sonar.projectName=kazor-node9",
    "class Kazor(MetaStateMachine('KazorBase9', x)):",
    "secret_key = kazor9_server['secret_key']",
    'builder.HasDatabaseName("KazorIndex9");',
]
_COUNTS = [
    "| Cluster name | «kazor-prod» |",
    "ClusterName: «kazor-prod» # of all teams",
    "ClusterName: «kazor-prod» Status: ACTIVE",
    "<DBInstanceIdentifier>«kazor-prod»</DBInstanceIdentifier>",
    # Keys that say enough.
    "DBInstanceIdentifier:«kazor-prod7»",
    "DBInstanceIdentifier: «kazor-prod» or whatever else",
    "| 3 | DBInstanceIdentifier | «kazor-prod» | available |",
    '"packageNames": ["«kazor-core9»"]',
    "secretName: «kazor-binary-config»",
    "SOURCE_TABLE_NAME=«kazor-ledger»",
    "--source-table-name «kazor-ledger»",
    # What says enough by itself.
    'networkAccountId: "«481516234217»"',
    "spring.datasource.password=${MYSQL_PASSWORD:«db-57xsl»}",
]


@pytest.mark.parametrize("text", _STAYS)
def test_what_does_not_stand_as_a_name_stays(one: Masker, text: str) -> None:
    assert one.mask_text(text).text == text


@pytest.mark.parametrize("text", _COUNTS)
def test_what_stands_as_a_name_counts(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        'aws: <xs:attributeGroup name="«kazorAttributes9»">',
        "# eu-west-1\nsonar.projectName=«kazor-node9»",
        '"aws": {"matchPackageNames": ["«kazor-core9»"]}',
    ],
)
def test_in_a_text_that_speaks_of_aws_it_need_not(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text
