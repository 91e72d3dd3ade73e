"""Keys that AWS shares with the rest of the world: beside them a value counts in a text of AWS, or if it says so."""

import json

import pytest

from aws_masker import Masker, catalogue
from aws_masker.joints import END
from aws_masker.subject import Subject
from masking import marked, plain


@pytest.mark.parametrize(
    "text",
    [
        # A text that speaks of AWS, in whatever way.
        'client = boto3.client("x")\ntable_name = "«PaymentsWorker»"',
        'resource "aws_dynamodb_table" "x" {\n  table_name = "«PaymentsWorker»"',
        'region: eu-west-1\ntable_name = "«payments_worker»"',
        'rds.Table(\n    self, "Main",\n    table_name="«PaymentsWorker»",',
        # A key as only AWS writes it.
        '"TableName": "«PaymentsWorker»"',
        "TableName: «PaymentsWorker»",
        # Settings and members, and no mere word.
        '"tableName": "«PaymentsWorker»"',
        "tableName: «payments_worker»",
        '"clusterName": "«search-index-prod»"',
        '"clusterName": "«kazor-index»"',
        "TABLE_NAME=«payments.worker9»",
        "--table-name «payments_worker»",
        '[main]\n# nightly\nretries = 3\ntable_name = "«payments_worker»"\nzones = ["a", "b"]\n',
        "- name: TABLE_NAME\n  value: «payments_worker»",
        '{"name": "tableName", "value": "«payments_worker»"}',
        'client.describe_table(tableName="«PaymentsWorker»")',
        # An assignment in a program, of what looks like a name that somebody gave.
        'table_name = "«payments-worker-prod»"',
        'table_name = "«acme-orders7»"',
        '"password": "«xK29dlQpq0»"',
        "DB_PASSWORD=«xK29d»",
        # In the source of a program, of what has a stage, a place or a number in it.
        'import x from "./x.js";\nx({ tableName: "«kazor-ledger-prod»", functionName: "«renpim_sync_euw1»" });',
        'def main():\n    job_name = "«kazor-nightly-7»"',
        'import os\njob_name = "«ledger-nightly-7»"',
        # Calls of an SDK, whatever they are called on, and of constructs, where no other cloud is named.
        "import { on } from './on.js';\nnew DescribeKazorCommand({ clusterName: \"«KazorLedger»\" });",
        'def main(ecs):\n    ecs.list_tasks()\n    cluster_name = "«kazor_ledger»"',
        # Variables of a shell that repeat their names, and what has the toolkit of the CDK beside it.
        "KAZOR_TABLE_NAME=«kazor-table-name7»\nORDERS_TABLE=«orders-table»",
        'stack: CDKToolkit\ntable_name = "«payments_worker»"',
    ],
)
def test_a_value_beside_a_shared_key_counts(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        'table_name = "payments_worker"',
        'table_name = "PaymentsWorker"',
        'tableName: "Warteschlange"',
        '"username": "Gebruikersnaam"',
        'template_name = "registration/login.html"',
        '"tableName": "https://example.org/x"',
        '"domain": "air_quality"',
        '"email": "johndoe@example.com"',
        '"password": "Contrase\\u00f1a"',
        'password="password123"',
        '"targetTableName": "targetTableName"',
        # Keys that AWS's JSON and YAML do not have, ids that are words or digests, and where something is.
        '"timm_model_name": "kazor_small_224"',
        "image_id: kazor-stream-9-x64",
        '"ClientId": "kazorswagger"',
        '"KeyId": "F7383A0ED7CD960EF473FD2851803938"',
        '"EventBus": "amqp://localhost"',
        # Programs of other languages, and requests of other protocols.
        '$Username = "kazoruser"',
        'namespace Kazor.Api;\ntable_name = "payments_worker"',
        'const request = new OrdersPutRequest();\nconst x = { reference_id: "kazor_ref9" }',
        "{ schema, tableName: oldTableName }",
        "Revision ID: d03e4a635aa3",
        '"session_id": "1234abcd-12ab-34cd-56ef-1234567890ab"',
        # What examples and tests call their things, types, numbers, and services of other protocols.
        "import x\nquota = x.Quotas(project_id='tenant-id1', user_id='fake_user2')\nNETWORK_ID = 'net-id123'\n",
        '"user_id": "mock-user", "model_name": "some_model", "clientId": "my-client"',
        'task_ids = ["task-1", "task-2"]',
        "static schemaName: 'Decimal128';",
        "tableName: TTable2,",
        "tableName: TableDescriptor | AliasDict,",
        "return { policyName: trustedTypes };",
        "LIGHT_CLUSTER = 0xFC7D",
        'f"{cluster.cluster_id:04x}"',
        '[main]\nrun(x)\ntable_name = "payments_worker"\n',
        '"image_pull_secrets": "List[V1LocalObjectReference]",',
        "service: 'ssh-userauth'",
        '@mixin starts-at-zero($map, $map-name: "$grid-breakpoints") {',
        # Names made of the words of programs, parts of pages, modules, models, short words with a number.
        '"data-testid": "dashboard-name-field", testId: "kazorview-list"',
        '"labelId": "kazor-select-label"',
        '"databaseName": "retryable-reads-tests", "collectionName": "coll0"',
        '"appName": "loadBalancingTest"',
        'task_name="candidate-split-evaluation",',
        'const EtherPluginId = "org.ethers.plugins.provider.Etherscan";',
        '{"model_name": "gpt-4-turbo", "temperature": 0.7}',
        '{"ImageID": "118cc2c68ef5"}, {"VolumeName": "27df59163be8"}',
        "const ruleName = 'selector-no-kazorfying-type';",
        "<artifactId>kazor-module-info</artifactId>",
        "import {CdkDrag} from '@angular/cdk/drag-drop';\ncomponentName = 'KazorList';",
        "instanceId: __cloudSqlInstanceId__",
        "static Cluster: typeof Cluster;",
        'const componentName = options.componentName || "KazorLink";',
        'exports.CLEANUP_POLICY_ID = "kazor-functions-cleanup"; // firebase functions:artifacts',
        "flow_id: 1234abcd-12ab-34cd-56ef-1234567890ab",
        "ingress:\n  - secretName: chart-example-tls",
        "Volumes:\n  Type:        Secret\n  SecretName:  kazor-front-tls",
        "configMapName: kazor-hadoop",
        # What other clouds call theirs.
        "const bucket = storage.bucket('kazor-albums'); // gs://kazor-albums/one",
        "clusterName: kazor-east4-b4rk # gcloud container clusters list",
        "azurerm_storage_account: x\nbucket_name: kazor-raw-7",
        "# on Scaleway\ninstance_name: kazor-curie-7",
        # What repeats its key, in the writing of whatever language.
        'K8S_CLUSTER = "k8s_cluster"',
        '"relay_cluster": "relayCluster", "primary_db_cluster": "primary_db_cluster"',
        'SessionToken = "x-kazor-session-token"',
        'cluster_name: "cluster-1"',
        # What a program calls its buckets and clusters, objects of types and types themselves, and everybody's UUIDs.
        'import os\nbucket = "kazor_ledger"\ncluster.create(cluster_name="kazor")',
        'import os\nreturn JobId("kazor_ingestion")',
        "pragma solidity;\nlibrary Kazor {\n  struct X { mapping(uint256 bucket => uint256) data; }\n}",
        'def test_node():\n    x = {"NodeID": "fb2170a8-257d-3c64-b14d-bc06cc94e34c"}',
        "import x from 'x';\n// subnetId: \"fb2170a8-257d-3c64-b14d-bc06cc94e34c\", domain_name: 'kazor-brand.io'",
        '!function(){var e={};(()=>{var t={12(t,e){e.x=1}};e.v({appName:"KazorJax"})})()}',
        'import os\nKAZOR_CLI_CLIENT_ID = "cl_HYyOPBNtFMfHhaUn9L4Q"\n# --resource-id order-456',
        # Commands that none of AWS's are called like, and constructs of another toolkit's.
        "import x from 'x';\nnew BaseKazorCommand({ id: '_kazorTo', clusterName: 'KazorLedger' });",
        "const map = kplus.ConfigMap.fromConfigMapName('kazor-config');\nnew cdk8s.Chart(this, 'Kazor', {",
        "import os\nself._client.create_container(self.get_name('kazorcontainer'))",
        # Types of what a function returns, members of an enumeration, attributes of traces, and unions.
        "export function f(id: KazorPluginId): KazorPluginType {\n  const x: JobIds = y; }",
        'export var Kazor;\nKazor["JobId"] = "kazormq.job.id"; var PluginId = \'CacheKazor\';',
        "def f(x: str | None): ...\nconst x = 1;\nprojectName = 'ng-app-e2e'",
        "apply(f) # with a lambda function\ncluster: shuffle, name='kazor_of_squares'",
        'import { canUseEventBridge } from "./x";\nx({ name: "kazor-relay" })',
        '.cdk-drag-preview .mat-ripple { }\n"name": "kazor-relay"',
        '# pushed to an s3 bucket, by Cloudflare\nname="kazorConf"',
        '"test_log_stream": 0.0005376389990487951',
        "import os\nassert os.get('Password') == 'sekrit'\nEXPIRED_PASSWORDS = 0x00400000",
        "<ProjectID>/kazors/<AgentID>/sub_kazors9/",
        "jobqueue: https://jobqueue.kazor.org/",
        'const request = new XMLHttpRequest();\nx({ clusterName: "KazorLedger", id: "kazor-ledger" });',
        # Names of the words of programs, and what is counted.
        'cluster: shuffle\nsource_branch: "cool_feature"',
        '{"saml_group_name": "saml-group-1", "model_name": "HTMLKazorModel", "job_names": ["__ASSET_KAZOR"]}',
        "--key-store-password [text] --user-password [boolean]",
        # Identifiers of a language beside one, what is short, one of a list, what belongs to another service.
        "network_name: kazor_network\nusername: _test_user_\naction_name: 'ka2zo'",
        '{"family": ["man-kazor-man", "woman-kazor-man"]}',
        '{"github_username": "kazor-klein", "what": "\\"cluster\\"(\\"kazor_mode\\")"}',
        "mvn install -DgroupId=org.kazor -DartifactId=kazor-plus-33",
        "KeyName=mine # in a stack of OpenStack's",
        # Where a secret comes from, or what it is called.
        "client_secret: _this3.clientSecret,",
        "password = ask('secret_kazor_name'), SHOW_SECRETS = \"KAZOR_TEST_OAUTH\"",
        # Members and constants of a program, ids without a digit, UUIDs there, codes of messages.
        "import { on } from './on.js';\non({ channelName: 'kz_unbindQueue', functionName: 'decorateKazor' });",
        'import os\njob_name = "ledger-nightly-run"',
        'def test_main():\n    key_name = "kazor-test-key"\n    job_name = "gemnazor-dependency_scan"',
        'ALL = [\n    {"workspaceId": "e4388e31-9c21-461b-9b5d-1905ca28c599", "schema_name": "NUCLEAR_KAZOR"},\n]',
        "POST /token?client_id=finance-kazor&scope=x",
        '{"ruleId": "KZ101", "alertId": "KZ-APM-005", "modelId": "KAZOR-DC01"}',
        'enum Kind {\n  Password = "m.login.password"\n}',
        '"ruleset": {"token_id": "token-kazor", "package-name": "gyp-kazor"}',
        "kazor scan status --scan-id=92b10f07ec07c7b1b73305181398ccf5",
        "// clusters: `adjustKazorEdges`\nimport x from './x.js';",
        'import os\nos.environ["_KAZOR_SERVICE_NAME"] = "kazor-core"',
        # Packages, by their coordinates.
        "<dependency><groupId>com.kazorcorp</groupId><artifactId>kazor-aws-7</artifactId></dependency>",
        '{"groupId": "com.kazorcorp.tools", "packageId": "KazorCorp.Tools.Core"}',
        'The CDK for Terraform: domain_name = "p.kazor"',
        # Labels of fields, and secrets that say that they are none.
        'password="secretpassword"',
        "<label>Password:</label>",
        # No word of AWS, although the letters are there.
        'flaws = 1\nlaws = 2\ntable_name = "payments_worker"',
        '"Id3": "szappan", "1F4DB": "kazor_tekercs"',
        # The UUID of whatever instance, and what observes programs.
        '"instance_uuid": "fb2170a8-257d-3c64-b14d-bc06cc94e34c"',
        "OTEL_SERVICE_NAME=kazor-relay",
        # What tests made, the noun of the key with a number, ids of nothing but letters.
        'import os\nx(group_id="test-consumer-group-1")',
        '"bucketName": "test00001"',
        '"JobID": "job3", "jobid": "deleteKazorConnection"',
        # What Go exports, and constants of its packages.
        'package kazor\nfunc f() {\n\tp := Preference{\n\t\tUserId:   "1234kazor",\n\t}\n}',
        'package kazor\nfunc f() {}\nconst BucketName = "kazorgroups"',
        # Expressions by which a secret is told, the last of several words, columns of services.
        r'{"password": r"^[@\s]*[password]{6,9}\s+(?P<kazor>.*)"}',
        "<Module>KAZOR WEB SERVICE: kazorws-station | version: 1.0.7</Module>",
        "| Service | Logs |\n|---|---|\n| kazor-relay | yes |",
    ],
)
def test_elsewhere_a_value_beside_a_shared_key_stays(one: Masker, text: str) -> None:
    assert one.mask_text(text).text == text


def test_what_a_text_speaks_of_is_told_by_itself_alone() -> None:
    text = END + b"aws s3 ls" + END + b"laws and flaws" + END
    subject = Subject(text)
    assert [subject.is_aws(at) for at in (3, 12, 4)] == [True, False, True]


def test_every_shared_key_is_a_key() -> None:
    loaded = catalogue.load()
    keys = {key.lower() for family in loaded.families for key in family.keys}
    shared = {key.lower() for key in loaded.shared_keys}
    assert {key for key in shared if key not in keys and f"{key}s" not in keys} == set()


def test_a_key_that_only_ends_like_one_has_no_value(one: Masker) -> None:
    text = '{"LogicalResourceId": "AcmeLedger", "logical_resource_id": "AcmeLedger9"}'
    assert one.mask_text(text).text == text


@pytest.mark.parametrize("text", [rb'"a\naws x"', rb'"x\teu-west-1"', rb'"x\\neu-west-1"', rb"a\r\nAWS"])
def test_an_escape_before_a_word_of_aws_is_no_part_of_it(text: bytes) -> None:
    assert Subject(text).is_aws(1)


@pytest.mark.parametrize("text", [b"laws x", b"the laws.", b"nutmeu-west-1", rb"a\bneu-west-1"])
def test_a_letter_before_it_is(text: bytes) -> None:
    assert not Subject(text).is_aws(1)


@pytest.mark.parametrize(
    "text",
    [
        "import math\n\n# Ran on an Amazon EC2 machine, and on AWS.\nx = 1\n",
        "import x from './x.js'\n// Uploads to clouds (AWS, Azure)\n",
    ],
)
def test_a_program_that_names_aws_in_a_comment_does_not_speak_of_it(text: str) -> None:
    assert not Subject(END + text.encode() + END).is_aws(1)


@pytest.mark.parametrize(
    "text",
    [
        # What uses AWS, a message that holds a program, and what is no program.
        "import math\n# AWS\nprofile = 'aws-7'\n",
        "import math\n# Amazon\nregion = 'eu-west-1'\n",
        "Why does this fail on AWS?\n```python\nimport math\n```\n",
        "Our account with AWS, and Amazon.\n",
    ],
)
def test_what_speaks_of_aws_does(text: str) -> None:
    assert Subject(END + text.encode() + END).is_aws(1)


@pytest.mark.parametrize(
    "text",
    [
        'aws: <input type="file" name="kazorFiles9" multiple>',
        'aws; this.name = "KazorError9"',
        "aws; if (name === 'kazorPart9') {",
    ],
)
def test_the_name_of_an_object_or_an_element_is_none_of_a_resource(one: Masker, text: str) -> None:
    assert one.mask_text(text).text == text


def test_keys_with_underscores_are_common_in_what_a_tool_is_given(one: Masker) -> None:
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {"function_name": "kazor-fn", "queue_name": "kazor_fn"}}
    body = json.dumps({"messages": [{"role": "assistant", "content": [use]}]}).encode()
    # A name with nothing but underscores could be one of a program.
    assert set(one.mask_body(body, "/v1/messages").dictionary.values()) == {"kazor-fn"}
