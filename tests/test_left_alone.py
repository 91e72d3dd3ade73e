"""What is no identifier stays: texts of other things than AWS, and what beside such only looks like one."""

import pytest

from aws_masker import Masker
from masking import marked, plain

# Keys of several words, and sentences beside them.
SAID = " ".join(f'"KazorHelp{chr(65 + n)}a": "Toto je veta.",' for n in range(12))
LINKS = "* see https://github.com/kazor/ledger/pull/7\n"


@pytest.mark.parametrize(
    "text",
    [
        # Times, proteins and comments that are called like AWS or its CDK.
        'const a = ["Australia/Perth|AWST|-80"];\ntable_name = "KazorLedger";',
        'import x\ncolumns = ["CDK5_N", "S6_N"]\ntable_name = "KazorLedger"',
        'import x\n# e.g. resource "aws_vpc" "all"\nlexers = ["KazorLexer"]\ntable_name = "KazorLedger"',
        # Another cloud, and playbooks.
        "Access to the Google Cloud project: `export PROJECT_ID=kazor-boutique-ci`",
        'import "x"\nfunc New() {\n\tProductName: "kazorstore",\n// https://github.com/GoogleCloudPlatform/x',
        '- name: Restart\n  become: true\n  vars:\n    service_name: "kazor-rpc-server"',
        # Changes by version, and by links, of which one names AWS or a service of it.
        "".join(
            f"## [1.{n}.0] - 2024\n- Add the `kazor-jobs` queue of AWS\n" * (n == 3) or f"## 1.{n}.0\n"
            for n in range(9)
        ),
        f"{LINKS * 3}On ECS, the queue `kazor_alarms` and the `kazor-jobs` queue",
        f"{LINKS * 4}AWS: the archive named `kazor-server` and the `kazor-jobs` queue",
        # Messages and their translations, a program in Erlang.
        'msgid "The Redshift table `kazor_source_access`"\nmsgstr ""',
        '{"locale_data": {"x": {"": {}, "The Redshift table `kazor_source_access`": [""]}}}',
        "-module(kazor_shovel).\nf(SSM, D) -> the queue kazor_shovel9.",
        # A fence in a comment of a program makes no message of it.
        "import kazor\n/**\n * ```\n * kazor.us-east-1.example\n * ```\n */\nfunction f() { queueName = 'kazorHops' }",
        # What a page says in a language.
        f'{{{SAID} "Password": "Heslo", "SetPassword": "Nov\u00e9 heslo", "DashboardName": "Ainm an kazor"}}',
        "[kazor]\n" + "password_of_kazor = Toto je heslo\n" * 12 + "password=Heslo\nusername=Kazornaam",
    ],
)
def test_a_text_of_something_else_stays(one: Masker, text: str) -> None:
    assert marked(one, text) == text


@pytest.mark.parametrize(
    "text",
    [
        'const a = ["AWSTable"];\ntable_name = "«KazorLedger»";',
        'import x\ncdk.App()\ntable_name = "«KazorLedger»"',
        'import x\n# arn:aws:sqs:eu-west-1:«481516234217»:x\ntable_name = "«KazorLedger»"',
        'import x\nx = aws.y()  # e.g.\ntable_name = "«KazorLedger»"',
        "On ECS, the queue `«kazor_alarms»` and the `«kazor-jobs»` queue",
        f"{LINKS}AWS: the archive named `«kazor-server»` and the `«kazor-jobs»` queue",
        "The Redshift table `«kazor_source_access»`",
        "import kazor\n# e.g. us-east-1\n```\nqueueName = '«kazorHops»'\n```",
        # More than letters is a secret, whatever a page says around it.
        f'{{{SAID} "Password": "«Heslo7»"}}',
        f'{{{SAID} "DbPassword": "«kazorhunter»", "NewPassword": "«kazorHorse»"}}',
        f'{{{SAID} "Password": "Heslo", "ApiPassword": "«kx-29dlQ»"}}',
        'package kazor\nfunc f() {\n\tp := Preference{\n\t\tEmail:   "«anna@kazorbi.example»",\n\t}\n}',
    ],
)
def test_one_of_aws_like_it_does_not(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        # The words of programs in sentences of AWS: links to what is called so, files, plugins, modules.
        "AWS: the [`kazor-playbook`](kazor-playbook/) and [`kazor-roles`](./docs/kazor-roles)",
        "AWS: please download the archive named `kazor-server-3.8.16.tar.xz`",
        "AWS brings back the `kazor_discovery` plugin and asks for the `kazor_source` permission",
        "from kazor.aws import kazor_sqs\nx = kazor_sqs",
        "AWS: SQS Queues - ``kazor.asynchronous.aws.sqs.queue``",
        "AWS: the UTF-16 stream, on amazon-linux-2",
        # Beside keys.
        'aws: sheet_name="Sheet1", {"name": "/tmp/kazor1.avi"}',
        "VolumeID:  kv0001\napiVersion: v1",
        '"Cluster": ["Grupo"]',
        'kazor_cluster: "kazor"',
        "node_groups:\n  - kube_control_plane\n  - k8s_cluster",
        'node_groups: ["kube_control_plane", "kube_node"]',
        "subnet_name: kazor_port_subnet",
        'ServiceName: "kazorshop.CartService",',
        'f({ memberId: "test-5f93f5a3" })',
        'export REGION_TENANT_ID="76ef6df109744a03b64ffaad2a7cf504"',
        "| A diagram that needs an engine or clusters | `st.kazor_chart` |",
    ],
)
def test_a_word_of_programs_stays(one: Masker, text: str) -> None:
    assert marked(one, text) == text


@pytest.mark.parametrize(
    "text",
    [
        "DATABASE_PASSWORD=/run/secrets/db-password",
        r"""secret = r'([a-zA-Z0-9_\-]{44}(?![a-zA-Z0-9_\-]))'""",
        "[kazor]\ns3_aws_secret_access_key = kazor.core.state_store.s3.settings:AWS_SECRET_ACCESS_KEY",
        "secret_access_key = '[secret key]'",
        'f("amqp://~ts:~ts@~ts:~b")',
        "postgresql://a:b@x, a key of a and b",
    ],
)
def test_what_stands_in_the_place_of_a_secret_stays(one: Masker, text: str) -> None:
    assert marked(one, text) == text


@pytest.mark.parametrize(
    "text",
    [
        "DATABASE_PASSWORD=«/xK29/dlQpq0Zz»",
        'secret = "«xK29[dlQpq0Zz]»"',
        "«0e:46:2e:26:86:81», mac:«0e:46:2e:26:86:81»",
        "ip.addr==«54.12.33.90» host=>«54.12.33.90» conversion: «54.12.33.90» host==«54.12.33.90»",
        # Compared, and in a difference.
        "< «54.12.33.90» kazor\n> «54.12.33.91» kazor\nip >= '«54.12.33.90»' AND src_ip=='«54.12.33.90»'",
        "q=«54.12.33.90»+x ip-src==«54.12.33.90», x~>«54.12.33.90»",
    ],
)
def test_a_secret_or_an_address_does_not(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "78:a9:d0:f9:af:a8:1b:ca:bb:9f:65:88:47:af:1d:a9",
        "0e:46:2e:26:86:81:10",
        "f'%s-%s-00105A989226:%.03f'",
        "certifi==2020.4.5.1",
        '"version": "2.31.0.6"',
        '\\"version\\": \\"2.31.0.6\\" <version>2.31.0.6</version> <version.kazor>3.41.2.2</version.kazor>',
        "version 4.8.1.78, kazor-4.8.1.78-cp37.whl",
        "rfc7231#section-7.1.1.1 and §4.2.10.2",
    ],
)
def test_a_row_of_numbers_that_is_no_address_stays(one: Masker, text: str) -> None:
    assert marked(one, text) == text


@pytest.mark.parametrize(
    "text",
    [
        # What a permission lets follow, blanks that a terminal shows for tabs.
        '{"allow": ["Bash(aws dynamodb scan --table-name «KazorCatalog»:*)"]}',
        "$ aws glue get-databases --query 'DatabaseList[].Name' --output text\n«kazorraw»    «kazorconformed»\n",
        # Words of programs, where single words count.
        'aws: the database "affinity", the topic `anchored`, the queue "«kazoon»"',
        "aws: table_name: «kazor-orders»\n[sns] published to topic affinity: x\n",
        # How long a role is assumed for.
        "$ aws-vault list\nProfile  Sessions\n=======  ========\n«kazor-ops»  sts.AssumeRole:44m12s\n",
        # A program lists what it may be given.
        'import boto3\n\ndef f(table_name="«kazor-orders»"):\n    return f(["«kazor-orders»", "kazoon"])\n',
    ],
)
def test_what_stands_beside_a_name_stays(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


def test_behind_what_was_replaced_there_is_no_prompt(one: Masker) -> None:
    token = one.mask_text("s3://kazor-ledger9").text.removeprefix("s3://")
    told = "$ aws x list-ys --query 'Ys[].Origin' --output text\nkazor-ledger9\n"
    assert "kazor-ledger9" not in one.mask_text(f"\n{told}").text
    assert one.mask_text(f"{token} {told}").text == f"{token} {told}"


def test_in_a_text_that_speaks_of_aws_no_label_is_left_beside_a_password(one: Masker) -> None:
    page = f'{{{SAID} "Password": "Heslo"}}'
    assert "Heslo" in one.mask_text(page).text
    assert "Heslo" not in one.mask_text(f"# aws: eu-west-1\n{page}").text
