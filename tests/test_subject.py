"""What a text speaks of: of another cloud, of Kubernetes, of what everybody may read; there a name has to say more."""

import pytest

from aws_masker import Masker
from masking import marked, plain


@pytest.mark.parametrize(
    "text",
    [
        # Manifests of Kubernetes, templates of Helm, operators in Go, what Prometheus reads.
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  secretName: kazor-ledger-9\n",
        '{"apiVersion": "v1", "clusterName": "kazor-ledger-9"}',
        'name: {{ include "kazor.name" . }}\nsecretName: kazor-ledger-9\n',
        'import (\n\t"k8s.io/client-go/kubernetes"\n)\nvar x = Issuer{SecretName: "kazor-ledger-9"}\n',
        'package x\n\nfunc New() {\n\treturn &corev1.Secret{TableName: "kazor-ledger-9"}\n}\n',
        "scrape_configs:\n- job_name: kazor-ledger-9\n",
        "apiVersion: v1\nkind: Config\ncurrent-context: kazor-ledger-9\n",
        # Other clouds.
        'resource "kubernetes_secret" "x" {\n  secret_name = "kazor-ledger-9"\n}',
        'variable "resource_group_name" {\n  default = "kazor-ledger-9"\n}',
        'scaleway: {"html_url": "x"}\nbucket:\n  name: kazor-ledger-9\n',
        "Install it on Kubernetes.\nThe service named `kazor-ledger-9` is up.\n",
        "from GKE:\nbucket:\n  name: kazor-ledger-9\n",
        "export OS_USERNAME=x\nexport OS_PROJECT_NAME=kazor-ledger-9\n",
    ],
)
def test_in_a_text_of_others_a_shared_key_says_nothing(one: Masker, text: str) -> None:
    assert marked(one, text) == text


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Secret\ndata:\n  password: «xK29dlQpq0»\n",
        'import (\n\t"k8s.io/client-go/kubernetes"\n)\nvar x = "arn:aws:iam::«481516234217»:role/«kazor-nodes»"\n',
        "apiVersion: v1\nkind: Config\nusers: [{exec: {command: aws}}]\ncurrent-context: «kazor-ledger-9»\n",
        "alb.ingress.kubernetes.io/group.name: «kazor-web»\napiVersion: networking.k8s.io/v1\n",
    ],
)
def test_a_secret_and_what_aws_alone_writes_count_there_too(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: x.io/v1\nprovider: AWS\nnote: the queue `kazor-jobs`\nsecretName: kazor-ledger-9\n",
        'resource "kubernetes_service" "aws_x" {\n  service_name = "kazor-ledger-9"\n}',
        "apiVersion: acme.io/v1\nmetadata:\n  name: kazor-ledger-9\n  namespace: kazor-9\nregion: eu-west-1\n",
        "scrape_configs:\n- job_name: kazor/ledger-9\n  ec2_sd_configs: [{region: eu-west-1}]\n",
    ],
)
def test_aws_in_passing_is_not_what_a_manifest_speaks_of(one: Masker, text: str) -> None:
    assert marked(one, text) == text


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: s3.services.k8s.aws/v1\nkind: Bucket\nspec:\n  name: «kazor-ledger-9»\n",
        "apiVersion: eksctl.io/v1\nkind: ClusterConfig\nmetadata: {name: «kazor-blue»}\n",
        "apiVersion: acme.io/v1\nspec:\n  s3.bucket.name: «kazor-ledger-9»\n  region: eu-west-1\n",
        'provider "aws" {}\nresource "helm_release" "x" {\n  cluster_name = "«kazor-ledger-9»"\n}',
    ],
)
def test_what_runs_on_aws_alone_is(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


LICENCE = "# Licensed under the Apache License, Version 2.0\n"
ELSEWHERE = "# It runs on Kubernetes, too.\n"


def test_so_does_a_history_of_changes_with_a_link_to_each(one: Masker) -> None:
    line = "- AWS: scale the `kazor-jobs` queue ([#7](https://github.com/kazor/ledger/pull/7))\n"
    assert marked(one, ELSEWHERE + line * 3) == ELSEWHERE + line * 3
    assert marked(one, ELSEWHERE + line) != ELSEWHERE + line


PUBLISHED = [
    'import boto3\nstep_name = "KazorLedger"\n',
    "Deploy it on AWS: the queue `kazor-jobs` takes the `kazor-mails`.\n",
    "region: eu-west-1\nname: kazor-ledger\n",
]


@pytest.mark.parametrize("text", PUBLISHED)
def test_a_published_text_that_speaks_of_more_speaks_of_aws_as_everybody_does(one: Masker, text: str) -> None:
    assert marked(one, LICENCE + ELSEWHERE + text) == LICENCE + ELSEWHERE + text
    assert marked(one, ELSEWHERE + text) != ELSEWHERE + text


@pytest.mark.parametrize("text", PUBLISHED)
def test_who_builds_on_aws_alone_has_a_licence_or_links_to_changes_as_well(one: Masker, text: str) -> None:
    links = "* see https://github.com/kazor/ledger/pull/7\n" * 3
    assert marked(one, LICENCE + text) == LICENCE + marked(one, text)
    assert marked(one, text + links) == marked(one, text) + links


@pytest.mark.parametrize("text", ["deploy to aws: the queue `kazor-jobs`", "On AWS, aws: the queue `kazor-jobs`"])
def test_who_names_other_clouds_far_more_often_than_aws_speaks_of_those(one: Masker, text: str) -> None:
    clouds = "gcloud runs in GKE, Hetzner does not. " * 4
    assert marked(one, clouds + text) == clouds + text
    assert marked(one, clouds[:40] + text) != clouds[:40] + text


@pytest.mark.parametrize(
    "text",
    [
        "Deploy it on AWS: the queue `«kazor-jobs»` hits i-«0a1b2c3d4e5f60718»\n",
        'aws: "arn:aws:sqs:eu-west-1:«481516234217»:«kazor-jobs»" and "name": "«kazor-ledger»"\n',
    ],
)
def test_unless_it_holds_something_of_somebodys(one: Masker, text: str) -> None:
    text = text.replace("i-«0a1b2c3d4e5f60718»", "«i-0a1b2c3d4e5f60718»")
    assert marked(one, LICENCE + plain(text)) == LICENCE + text


@pytest.mark.parametrize(
    "text",
    [
        "example.org/kazor v1.1.1 h1:5nUrii3FMTL5diU80unEVvNevw1nH4+ZV4DSLVJLSYI=\n",
        '"integrity": "sha512-kX9dlQpq0Zz77abQQxX+AKIAIOSFODNN7EXAMPLE/Z1D633PJN98FT9/abQQ=="',
    ],
)
def test_a_piece_of_a_checksum_is_no_identifier(one: Masker, text: str) -> None:
    assert marked(one, text) == text


@pytest.mark.parametrize(
    "text",
    [
        "random_pet.group: Refreshing state... [id=kazor-ledger-9]",
        "azurerm_lb.x: Creation complete after 3s [id=kazor-ledger-9]",
        "\x1b[0m\x1b[1maws_sqs_queue.x: Creation complete after 3s [id=«kazor-ledger-9»]\x1b[0m",
        'module.q.aws_sqs_queue.x["a"]: Still creating... [id=«kazor-ledger-9»]',
    ],
)
def test_what_terraform_prints_counts_for_resources_of_aws(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        # What a variable or a type is called, what is a word in base64, what everybody has the same of.
        "x := Issuer{\n\tTSIGKeySecret: rfc2136TestTsigSecret,\n\tKeySecret: &corev1.SecretKeySelector{\n",
        "password: cGFzc3dvcmQK",
        '"packageName": "kazor_ledger"',
        '{"functionName":"isUint8Array","count":2}',
        "REGISTRY_NAME=registry-1.docker.io",
        "KIND_CLUSTER_NAME=kazor-ledger",
        # What says again what its key says, a number of nothing, what a flag is put into, a file, a member.
        "- vip_subnet_id: vip_subnet_id-optional",
        'def x():\n    forwards(app_name="music", migration_id="migration-12345")',
        '@click.option(\n    "--namespace",\n    "kazor_namespace",\n)',
        'set(project_version "${dir}/${PROJECT_NAME}KazorVersion.cmake")',
        '"kazor-cluster": "bin/kazor-cluster"',
        'APP_SECRET="your-secret-key-1"',
        # Charts, hosts of other clouds, lines that grep found, rows without a header.
        "replicaCount: 2\nsecretName: kazor-secrets\n",
        "Name  ResourceGroup  Fqdn\n----  -----  ----\nkazor  kazor-rg  kazor.hcp.westeurope.azmk8s.io\n",
        'src/kazor.py:41:    def consume(self, queue_name="kazor-jobs"):\n',
        "kazor_template_id  Yes\ntrust_id  Yes\nkazor_network  Yes\n",
        "// +groupName=kazor-ledger.io",
        "storage_bucket: $storage_buckets:kazor/ledger-outputs",
        "| Repository | Runner |\n|---|---|\n| kazor-ledger | arm-9 |\n",
        "type x struct {\n\tNamespace     string\n\tKazorLedgers  []runtime.Object\n}\nfunc main() {}\n",
        "FileNotFoundError: kazor.ledger_dir does not exist",
        "MY_K8S_PASSWORD is one: password: MY_K8S_PASSWORD",
        "token: *out.AccessToken.SessionToken1",
        'const TABLE = {LockTable: "sync_lock"}',
        "signing_key: CHANGEME00000000",
        "rcon-password: Q0hBTkdFTUUh",
        'IMAGE_NAME="registry.kazor.io/kazor/ledger-9"',
        "docker build --secret id=github,env=KAZOR_GITHUB_TOKEN9 .",
        '"SnapshotName": "1853016f-de97-4bc3-b506-22f4a509820b"',
        'aws: [[package]]\nname = "kazor-ledger"\nversion = "1.2.3"\n',
        'fmt.Println("x")\nfunc main() {\n\treturn X{SecretName: "my-custom-certs"}\n}\n',
        '{"type": "panel", "id": "heatmap", "name": "Heatmap", "version": ""}',
        "AWS: the generator called [KubeForm] and github.com/kazor/db v1.2.3/go.mod",
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0...",
    ],
)
def test_what_programs_call_their_own_is_no_name(one: Masker, text: str) -> None:
    assert marked(one, text) == text


def test_a_key_of_many_lines_changes_nothing_of_what_a_text_speaks_of(one: Masker) -> None:
    """How long a text is may not count: what is masked may be of many lines (law 5)."""
    lines = "\n".join(f"MIIEowIBAAKCAQEA{number:044d}ab+/" for number in range(26))
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----\n"
    text = "The Redshift loader needs the role `kazor_loader` for that.\n" + "One more line.\n" * 282 + key
    masked = one.mask_text(text).text
    assert "kazor_loader" not in masked
    assert one.mask_text(masked).text == masked


def test_a_firewall_for_the_web_is_no_service_of_aws(one: Masker) -> None:
    text = "Behind a WAF (of whatever kind) the role `kazor_loader` is needed.\n"
    assert one.mask_text(text).text == text
