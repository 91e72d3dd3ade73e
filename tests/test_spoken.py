"""Names in sentences: behind their nouns and before them, between marks of code, akin to others of the same text."""

import pytest

from aws_masker import Masker
from masking import marked, plain

_ARN = "arn:aws:sns:eu-west-1:«481516234217»:«kontorTopic9»\n"
_FOUND = [
    # Behind nouns of several words, links between them, marks around them.
    "AWS: the permission set «KontorPowerUser9», the backup vault «kontor-vault-eu», the web ACL «kontor-acl2».",
    "AWS: the table was renamed from «kontor_cards_v1» to «kontor_cards_v2».",
    "AWS: the role that you can use is «KontorReadOnly9».",
    "AWS:\n\n- Table \u2013 `«KontorBookings»`\n- Job queue: «kontor-prio»; job definition: **«kontor-jd»**\n",
    "The Lambda-Funktion «kontorVersand» läuft seit gestern in einen Timeout.",
    # In a text about somebody's things a name may be one of ordinary words.
    _ARN + "The queue «badge-grants» is new, the service «badge-api» too.",
    _ARN + "restart the service «order-worker» now",
    # Before the noun, with a service between, in brackets.
    _ARN + "the «billing-export» bucket, the «badge-api» ECS service, «order-files» (bucket)",
    # Said to be called so.
    "SQS: put it in front of the queue, it is called «kontor-front»",
    # By what it ends in, by its marks, by a name like it.
    "eks upgrade to 1.30 of «kontor-eks»: control plane done",
    "IAM users without MFA: `«kontor-jdoe»`, `«svc-kontor-drop»`",
    "The SQS queue «kontor-in» hands messages out again; move poison to «kontor-dead» after 3 receives.",
    # Participles are compounds of two words only.
    "SES: the bucket **«kontor-ses-suppressed»**.",
    "The Lambda function `«kontorPrinter»` runs as «kontor-printer-role» now.",
    # In a program's comment, too.
    "import boto3\n# the table «kontor_rows9» (EU) is written by the function «kontor_x9»\ndef f(x):\n    return x\n",
    # What ends an escape begins no word: `nRestart` is none.
    r"Region: eu-west-1\nRestart RDS instance «kontor-pg-2», please.\nThe Lambda function `«kontorPrinter»` stays.",
]
_STAYS = [
    # Compounds of ordinary language, whatever the text is about.
    "arn:aws:iam::aws:policy/X in eu-west-1: a cross-account role, the role read-only, an on-demand table",
    "AWS: the event-driven function, a customer-managed policy, the table is server-side encrypted",
    # What is called otherwise.
    "AWS: the branch `kontor-fix9`, the package `kontor-core9`, the file `kontor-run9.py`, the command `kontor-run9 x`",
    "AWS: `docker-compose`, `pre-commit` and `kube-proxy`",
    # Operations, products, exceptions, constants.
    "AWS: the function CreateTable, the CodeBuild project, a CloudFormation stack, table ResourceNotFoundException",
    "AWS: the parameter MAX_ITEMS_9 and the queue SOME_QUEUE_URL",
    # Variables of a program, a function of one of its modules.
    "import boto3\ndef job(queue, kontor_prio9, table):\n    kontor_bus9 = queue, kontor_card9\n",
    "import boto3\n\ndef f(settings):\n    disable_sagemaker = settings.sagemaker_disable if settings else False\n",
    "import boto3\nfrom kontor.lib import sagemaker\nclean_bucket()\n\nfrom kontor.data_types import Graph\n",
    "from kontor.data_types import Graph\n" * 3
    + "from kontor.sagemaker import sagemaker_auth\nfrom kontor.sdk import x\n",
    "import kontor.data_types\n" * 3 + "import kontor.sagemaker.sagemaker_auth\nimport kontor.sdk_x\n",
    "const aws = require('@aws-sdk/client-sqs');\nfunction kontor_x9 (queue) {\n  return queue;\n}\n",
    "AWS: the alias `kontor.parts.get_card_client`",
    # Packages and repositories that a link leads to; what a noun behind says; regions.
    "Our [kontor-sqs](https://example.org/kontor/kontor-sqs) sends it to S3.",
    "AWS: the `kontor_cards` option and the `kontor_class` optional parameter, in the region (such as `kontor-1`)",
    # Nothing of AWS in it.
    "The queue kontor-in9 hands messages out again; move poison to kontor-dead9.",
]


@pytest.mark.parametrize("text", _FOUND)
def test_a_name_in_a_sentence_about_aws_is_masked(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize("text", _STAYS)
def test_words_of_a_sentence_stay(one: Masker, text: str) -> None:
    assert one.mask_text(text).text == text


def test_pods_and_files_stay_though_they_begin_like_a_name(one: Masker) -> None:
    text = "AWS: the cluster «kontor-main» runs kontor-7f9c6d5b8-qk2zt and reads kontor-main9.yaml here"
    assert marked(one, plain(text)) == text


def test_a_path_of_common_words_is_masked_whole(one: Masker) -> None:
    """Each of its words stays alone; in a registry even those of programs make a name together."""
    text = "aws secretsmanager get-secret-value --secret-id «basket/wallet/host»"
    assert marked(one, plain(text)) == text
    image = "«481516234217».dkr.ecr.eu-west-1.amazonaws.com/«edge/gateway»:1"
    assert marked(one, plain(image)) == image
    assert one.mask_text("aws ssm get-parameter --name /prod/database").dictionary == {}
