"""Context: the spellings of keys, what joins them to values, and which values are believed."""

import itertools
import re

import pytest

from aws_masker import Masker, beside, catalogue
from aws_masker.context import joined, normal, spelling, trimmed
from aws_masker.finding import Finding
from aws_masker.joints import END, ONE, VALUE, Joint, joint_of
from aws_masker.masker import compiled
from aws_masker.subject import Subject
from aws_masker.values import values_at
from masking import marked, plain


def values(text: bytes, *, secret: bool = False) -> list[bytes]:
    """Return the values of the key that ends with k in ``text``; ``^`` marks where the first begins."""
    start = text.index(b"^")
    text = text.replace(b"^", b"", 1)
    return [text[value.start : value.end] for value in values_at(text, start, joint(text, start), secret=secret)]


def joint(text: bytes, start: int) -> Joint:
    return joint_of(text[text.index(b"k") + 1 : start], flag=False, plural=False)


@pytest.mark.parametrize(
    "text",
    [
        '"DBInstanceIdentifier": "«ledger-pg9»"',
        '{\\"DBInstanceIdentifier\\": \\"«ledger-pg9»\\"}',
        "db_instance_identifier = «ledger-pg9»",
        "db-instance-identifier: «ledger-pg9»",
        "DB_INSTANCE_IDENTIFIER=«ledger-pg9»",
        'String DB_INSTANCE_IDENTIFIER_2 = "«ledger-pg9»";',
        'dbInstanceIdentifier1: "«ledger-pg9»"',
        "DB_INSTANCE_IDENTIFIER ?= «ledger-pg9»",
        'overrides = "Stage=live DbInstanceIdentifier=«LedgerPg»"',
        "        aws.ledger.db-instance-identifier    = «LedgerPg»\n",
        "--db-instance-identifier «ledger-pg9»",
        "--db-instance-identifier=«ledger-pg9»",
        "--db-instance-identifier \\\n  «ledger-pg9»",
        '["--db-instance-identifier", "«ledger-pg9»"]',
        "--gadget-db-instance-identifier «ledger-pg9»",
        "|  DBInstanceIdentifier  |  «ledger-pg9»  |",
        "3 |  DBInstanceIdentifier  |  «ledger-pg9»  |",
        '{"a row": "|  DBInstanceIdentifier  |  «ledger-pg9»  |"}',
        '{"rows": "a\\n|  DBInstanceIdentifier  |  «ledger-pg9»  |"}',
        "<DBInstanceIdentifier>«ledger-pg9»</DBInstanceIdentifier>",
        'dbInstanceIdentifier => "«ledger-pg9»"',
        'DBInstanceIdentifier: aws.String("«ledger-pg9»")',
        "db_instance_identifiers:\n  - «ledger-pg9»\n  - «ledger-pg8»\n",
        'db_instance_identifiers = [\n  "«ledger-pg9»",\n  "«ledger-pg8»",\n]',
        'if db_instance_identifier == "«ledger-pg9»":',
        "- rds_instance:\n    state: present\n    db_instance_identifier: «LedgerReports»\n",
    ],
)
def test_a_key_in_every_spelling_and_joint_gives_its_value_away(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "db_instance_identifier = var.identifier",
        "db_instance_identifier = module.db-1.identifier",
        "dbInstanceIdentifier: props.identifier,",
        "dbInstanceIdentifier: string;",
        "DBInstanceIdentifier: !Ref Database",
        "db_instance_identifier = get_identifier(args)",
        "if (dbInstanceIdentifier == other)",
        'required = ["DBInstanceIdentifier", "DBClusterIdentifier"]',
        "password = get_password()",
        "password: str = None",
        'password: ""',
        # Types, members of objects, calls, statements, classes of a module, declarations of a style sheet.
        "encrypt(password: Uint8Array | string): Promise<string>",
        "bucket_by: JobBucket | TagBucket | None = None",
        "input:{type:{text:1,password:1,hidden:1,checkbox:1,submit:1}}",
        "caching_sha2_password: mysql.authPlugins.caching_sha2_password({",
        "out[bundleId] = resolveResult2;",
        " *   cluster_id => NULLABLE_STRING",
        ":vartype placement_groups:\n     azure.compute.aio.PlacementGroupsOperations",
        ".grid{container-name:kazor-grid;color:red}",
        "from redis import Connection, Redis, RedisCluster\nfrom redis._defaults import BASE, CAP, RETRY_COUNT",
        "Whether the cluster is `IN_STOCK` in one of the countries",
        "session token:\\nhttps://docs.example.org/api-reference/realtime-sessions9",
        '{"./password": {"default": "./fesm2022/kazor-password.mjs"}}',
        "class Row(Base):\n    table_name: TableLabel\n    value: _RowLabel\n",
        '"paramiko.auth.Password": [[1, 2, "", "__init__"]]',
        "/src/build/alias/kazor-dom-server.js",
        # Optional members, formulas, templates without a word, a choice, what a bundler makes, descriptions, tags.
        "sessionToken: response.headers?.[names.token],",
        "options.sessionToken = options?.sessionToken;",
        "const decodedSecret = base64.urlDecode(identifier);",
        "fromCluster: first.edge.fromCluster ?? last.edge.fromCluster,",
        "const relatedCollectionName = isO2m ? first : second;",
        "getTable(tableName: TableName): QueryBuilder$1;",
        "clusters: D3Selection<SVGGElement>",
        ":param db_cluster_id: User-defined id of the cluster.",
        "<strong>Password:</strong> 6 letters",
        '"password": "Account Access Key (optional)"',
        # Numbers, versions of an API, files, members of members, parameters of a path.
        "MAX_BUCKETS = 1e3",
        "Bucket: ['source.toolkit.kazor.io/v1beta2', 'source.toolkit.kazor.io/v1']",
        'MODEL_CARD_NAME = "modelcard.json"',
        '"eventSource.bucketName": "Records[0].s3.bucket.name", "accountId": "requestContext.accountId"',
        "DELETE /alias/id/:id",
        'd="M7 1.4l1.73.4 1.83.33.94.15c.9.13 1.81.25"',
    ],
)
def test_code_beside_a_key_is_no_value(one: Masker, text: str) -> None:
    assert one.mask_text(text).text == text


def test_what_a_map_holds_hides_no_key_that_stands_before_it(one: Masker) -> None:
    text = """aws rds create-db-cluster
    "DBCluster": {
        "Members": [{"DBInstanceIdentifier": "«ledgerstore»"}],
        "DbClusterResourceId": "«cluster-LEDGER4RESOURCE»",
    """
    kept = one.mask_text(plain(text)).text
    assert [name for name in re.findall("«([^»]+)»", text) if name in kept] == []


def test_all_spellings_of_a_key_are_one() -> None:
    assert spelling("DBInstanceIdentifier") == "db[-_ ]?instance[-_ ]?identifier"
    assert {normal(key) for key in (b"DBInstanceIdentifier", b"db_instance_identifier", b"db-instance-identifier")} == {
        b"dbinstanceidentifier"
    }


def test_a_quoted_value_ends_at_the_quote_of_its_own_depth() -> None:
    assert values(b'"k": "^ab"cd"') == [b"ab"]
    assert values(b'"k": "^ab\\"cd"') == [b'ab\\"cd']
    assert values(b'\\"k\\": \\"^ab\\\\\\"cd\\"') == [b'ab\\\\\\"cd']
    assert values(b"'k': '^ab\"cd'") == [b'ab"cd']
    assert values(b'"k": "^ab\\\\"') == [b"ab\\\\"]


def test_a_secret_with_an_escaped_quote_is_masked_whole(one: Masker) -> None:
    text = '{"MasterUserPassword": "«ab12\\"cd34-9xyz»"}'
    assert marked(one, plain(text)) == text


def test_a_quoted_value_that_is_not_closed_is_none() -> None:
    assert values(b'"k": "^abc') == []
    assert values(b'"k": "^abc' + END + b'"') == []


def test_a_list_gives_all_its_values_and_a_single_value_no_more() -> None:
    assert values(b'"k": ["^a", "b" ,"c"], "d"') == [b"a", b"b", b"c"]
    assert values(b'"k": [\\n "^a",\n"b"]') == [b"a", b"b"]
    assert values(b'"k": "^a", "b"') == [b"a"]


def test_an_unquoted_value_ends_at_white_space_and_without_the_sentences_punctuation() -> None:
    assert values(b"k: ^ab-c, d") == [b"ab-c"]
    assert values(b"k: ^ab-c.\n") == [b"ab-c"]
    assert values(b"k:\n  - ^a1\n  - b2\nc") == [b"a1", b"b2"]


def test_an_unquoted_secret_may_hold_more_than_a_name() -> None:
    assert values(b"k=^a(b)c,d;", secret=True) == [b"a(b)c,d"]
    assert values(b"<k>^abc</k>", secret=True) == [b"abc"]


def test_a_key_of_a_document_is_joined_so_that_its_value_runs_to_the_end() -> None:
    head, length = joined(b"Password", b'a"b')
    assert head == END + b'"Password": ' + VALUE + b'a"b'
    assert head[length:] == b'a"b'
    assert joined(None, b"x") == (END + b"x", 1)
    assert [(head + END)[one.start : one.end] for one in values_at(head + END, length, ONE, secret=True)] == [b'a"b']


def test_joining_characters_at_the_edges_of_a_part_stay() -> None:
    text = b"-ab-.c_"
    assert trimmed(text, [(0, 4), (4, 5), (5, 7), (3, 3)]) == [(1, 3), (5, 6)]


@pytest.mark.parametrize("secret", ["90210477", "db.r6g.large", "eu-west-1", "x" * 8000])
def test_a_secret_may_look_like_what_is_common_elsewhere(one: Masker, secret: str) -> None:
    assert marked(one, f'"MasterUserPassword": "{secret}"') == f'"MasterUserPassword": "«{secret}»"'


@pytest.mark.parametrize("secret", ["changeme", "${DB_PASSWORD}", "********", "<password>"])
def test_a_placeholder_is_no_secret(one: Masker, secret: str) -> None:
    assert one.mask_text(f'"MasterUserPassword": "{secret}"').dictionary == {}


def beside_keys(keys: beside.Beside, text: bytes) -> list[Finding]:
    return list(keys.find(text, {}, Subject(text)))


def test_of_keys_that_were_met_nothing_is_kept_but_the_keys() -> None:
    keys = beside.Beside(catalogue.load())
    text = b"""
        "bucketName": "acme-one", bucketName(this, 'AcmeTwo', "acme-three"), bucketName: &acme-four acme-five
        bucketName: AcmeSix = "acme-seven", --acme-eight-bucket-name acme-nine
    """
    assert len(beside_keys(keys, text)) > 2
    assert [kept for kept in keys.kept if b"bucketName" in kept]
    assert not [kept for kept in keys.kept if b"acme" in kept.lower()]


def test_of_no_example_of_the_catalogue_is_an_identifier_kept() -> None:
    loaded = catalogue.load()
    keys = beside.Beside(loaded)
    for family in loaded.families:
        for example in family.match:
            originals = [one for one in re.findall("«([^»]+)»", example) if len(one) > 3]
            keys.kept.clear()
            beside_keys(keys, plain(example).encode())
            assert not [one for one in originals if one.encode() in b" ".join(keys.kept)], example


def test_the_keys_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "MAX_KEPT", 3)
    keys = beside.Beside(catalogue.load())
    found = [len(beside_keys(keys, b'"bucketName"' + b" " * spaces + b': "acme-data"')) for spaces in range(8)]
    assert found == [1] * 8
    assert 0 < len(keys.kept) <= 3


# What stands behind a member, and before the text that it stands in.
FOLLOWS = (",", "}", "\n", '" -> "acme-b9"', ': "acme-c9"', "]")
BEFORE = (
    "{",
    '{"Region": "eu-west-1", ',
    "$ aws ec2 describe-hosts\n{",
    "$ aws s3api list-buckets\n{",
    'const x = {a: "b", ',
)
VALUES = ("acme-ledger9", "running", "/dev/xvda", "481516234217", "i-0a1b2c3d4e5f60718", "a/b9:c", "__init__")


def test_a_member_that_was_met_before_counts_as_if_it_were_the_first() -> None:
    """What is kept of the members met in one search changes nothing, wherever they stand again."""
    loaded = catalogue.load()
    scanner, _ = compiled()
    general = sorted({key for family in loaded.families for key in family.keys if family.general})
    keys = ["Name", *general[::57], *sorted({key for family in loaded.families for key in family.keys})[::119]]
    assert len(keys) > 30
    counted = 0
    for key in keys:
        around = itertools.product(BEFORE, VALUES, FOLLOWS)
        pieces = [f'\0{before}"{key}": "{value}"{end}\n"a": 1\0'.encode() for before, value, end in around]
        alone = [[(at, to, parts) for at, to, _, parts, _ in scanner.find(piece)] for piece in pieces]
        whole = b"".join([*pieces, *pieces])
        start = 0
        expected = []
        for piece, found in zip([*pieces, *pieces], [*alone, *alone], strict=True):
            moved = [(at + start, to + start, [(x + start, y + start) for x, y in parts]) for at, to, parts in found]
            expected += moved
            start += len(piece)
        assert [(at, to, list(parts)) for at, to, _, parts, _ in scanner.find(whole)] == expected, key
        counted += len(expected)
    assert counted > 5_000


@pytest.mark.parametrize(
    "text",
    [
        "line_item_usage_account_id\t_col1\n«481516234217»\t12.5\n",
        "# aws\n| SourceBucketName | x |\n|---|---|\n| «kazorin» | 1 |\n",
        "# aws\nOLD_QUEUE_NAME,N\n«kazor-in»,1\n",
        "# aws\n| SourceBucket | x |\n|---|---|\n| «kazorin» | 1 |\n",
        # A word that is as general says nothing, nor does what a program declares.
        "# aws\n| FlavourName | Weight |\n|---|---|\n| kazorin | heavy |\n",
        'package x\n\nimport "fmt"\n\nvar (\nSourceBucketName  Kind\nkazor-raw  x\nkazor-dlq  y\n)\n',
    ],
)
def test_a_title_of_a_column_may_have_words_before_its_key(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        # Beside keys of AWS's own, in requests of CloudTrail, in calls, in cells of an answer, in ARNs, next to an id.
        '"DBClusterIdentifier": "«kazor9»", "DBSubnetGroupName": "«syd kazor data»"',
        'aws: {"UserPoolName": "«Kazor tablet (old)»"}',
        '"eventSource":"glue.amazonaws.com","requestParameters":{"name":"«Kazor crawler EU»"}}',
        'boto3.client("glue").start_crawler(CrawlerName="«recoveries kazor 1998»")',
        'aws: {"Dashboards":[{"DashboardName":"«Chargebacks by kazor»"}]}',
        '{"ClusterArn":"arn:aws:ecs:eu-west-1::x","Clusters":[{"Id":"k7","Name":"«Kazor adhoc»","Status":{}}]}',
        "# aws\n| Queue Name | Of |\n|---|---|\n| «Kazor by week» | up |\n",
        '{"AlarmName": "«Kazor\'s queue, too long»", "Namespace": "AWS/SQS"}',
    ],
)
def test_a_name_beside_a_key_may_have_several_words(one: Masker, text: str) -> None:
    masked = one.mask_text(plain(text)).text
    assert marked(one, plain(text)) == text
    assert one.mask_text(masked).text == masked


@pytest.mark.parametrize(
    "text",
    [
        # A sentence, what says how a thing is done, AWS's own; and any program's.
        '# aws\n{"TableName": "The name of a table."}',
        '# aws\n{"tableName": "Name of the table to read"}',
        '# aws\n{"bucketName": "must be unique"}',
        '# aws\n{"ServiceName": "Amazon Elastic Compute Cloud"}',
        '{"tableName": "Kazor by week"}',
        '{"dbInstanceIdentifier": "Kazor by night"}',
    ],
)
def test_a_sentence_beside_a_key_is_no_name(one: Masker, text: str) -> None:
    assert one.mask_text(text).text == text


def test_a_name_of_several_words_holds_no_token(one: Masker) -> None:
    token = one.mask_text("s3://kazor-ledger9").text.removeprefix("s3://")
    text = f'# aws\n{{"QueueName": "{token} by week"}}'
    assert "by week" not in one.mask_text(text.replace(token, "Kazor")).text
    assert one.mask_text(text).text == text
