"""Learning: which names are taken from the documents of which tools, and which are left out, and why."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_masker import InvalidBody, TooLarge
from aws_masker.keys import master_key
from aws_masker.learn import Collector, Learned, documents, items, line_item, lines, merged
from aws_masker.masker import compiled
from aws_masker.tokens import Tokens
from masking import KEY, masker


def collector(most: int = 1_000) -> Collector:
    scanner, names = compiled()
    return Collector(scanner, names, Tokens(master_key(KEY), "default", names.labels), most)


def learned(*values: Any, forgotten: tuple[str, ...] = ()) -> Learned:
    """Learn from documents as they would stand in a file."""
    made = collector()
    raw = "\n".join(json.dumps(value, indent=2) for value in values).encode()
    for document in documents(raw, "a file"):
        made.add(items(document, "a file"))
    return made.learned(forgotten)


def names_in(*values: Any) -> set[str]:
    return set(learned(*values).names)


# Terraform


def v4(kind: str, mode: str = "managed", **attributes: Any) -> dict[str, Any]:
    resource = {"mode": mode, "type": kind, "name": "label_in_code", "instances": [{"attributes": attributes}]}
    return {"version": 4, "terraform_version": "1.9.5", "lineage": "x", "outputs": {}, "resources": [resource]}


def v3(address: str, kind: str, **attributes: Any) -> dict[str, Any]:
    primary = {"id": attributes.get("id", "none-1"), "attributes": attributes}
    return {
        "version": 3,
        "terraform_version": "0.11.14",
        "modules": [
            {"path": ["root"], "resources": {}},
            {"path": ["root", "data"], "resources": {address: {"type": kind, "primary": primary}}},
        ],
    }


def shown(kind: str, mode: str = "managed", **values: Any) -> dict[str, Any]:
    resource = {"address": f"module.a.module.b.{kind}.x", "mode": mode, "type": kind, "name": "x", "values": values}
    inner = {"address": "module.a.module.b", "resources": [resource]}
    root = {"resources": [], "child_modules": [{"address": "module.a", "child_modules": [inner]}]}
    return {"format_version": "1.0", "terraform_version": "1.9.5", "values": {"root_module": root}}


@pytest.mark.parametrize(
    "state",
    [
        v4("aws_sqs_queue", name="bluebird", id="https://sqs.eu-west-1.amazonaws.com/481516234217/bluebird"),
        v4("aws_dynamodb_table", id="bluebird"),
        v4("aws_s3_bucket", bucket="bluebird"),
        v4("aws_rds_cluster", tags={"Name": "bluebird"}),
        v3("aws_sns_topic.x", "aws_sns_topic", name="bluebird"),
        v3("aws_instance.x", "aws_instance", **{"tags.%": "1", "tags.Name": "bluebird"}),
        shown("aws_kinesis_stream", name="bluebird"),
        {
            "format_version": "1.2",
            "resource_changes": [
                {"mode": "managed", "type": "aws_glue_job", "name": "x", "change": {"after": {"name": "bluebird"}}}
            ],
        },
    ],
    ids=["v4 name", "v4 id", "v4 bucket", "v4 tag", "v3 name", "v3 tag", "show -json", "plan"],
)
def test_what_terraform_made_is_known_by_its_name(state: dict[str, Any]) -> None:
    assert "bluebird" in names_in(state)


@pytest.mark.parametrize(
    "state",
    [
        v4("aws_ami", mode="data", name="bluebird-2023"),
        v3("data.aws_ami.x", "aws_ami", name="bluebird-2023"),
        shown("aws_ami", mode="data", name="bluebird-2023"),
        v4("random_pet", id="bluebird-2023"),
    ],
    ids=["v4", "v3", "show -json", "another provider"],
)
def test_what_terraform_only_looked_up_or_did_not_make_on_aws_is_no_name(state: dict[str, Any]) -> None:
    assert names_in(state) == set()


def test_what_a_resource_is_called_in_the_code_is_no_name() -> None:
    assert "label_in_code" not in names_in(v4("aws_s3_bucket", bucket="bluebird"))


def test_names_in_context_arns_and_policies_inside_strings_are_taken() -> None:
    policy = {"Statement": [{"Resource": "arn:aws:sqs:eu-west-1:481516234217:ledger-events"}]}
    state = v4(
        "aws_lambda_function",
        function_name="ledger-fn",
        policy=json.dumps(policy),
        role="arn:aws:iam::481516234217:role/LedgerRole",
    )
    assert names_in(state) == {"ledger-fn", "ledger-events", "481516234217", "LedgerRole"}


def test_no_secret_is_kept() -> None:
    found = learned(v4("aws_db_instance", identifier="ledger-db", password="Zx81-Qy92-hunter"))
    assert set(found.names) == {"ledger-db"}
    assert found.left_out["secret"] == 1


# The AWS CLI


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"Buckets": [{"Name": "bluebird", "CreationDate": "2024-01-01T00:00:00Z"}]}, {"bluebird"}),
        ({"clusters": ["bluebird"]}, {"bluebird"}),
        (["bluebird", "ledger-raw"], {"bluebird", "ledger-raw"}),
        ([["bluebird", "running"]], {"bluebird"}),
        ([{"Name": "bluebird"}], {"bluebird"}),
        ({"Name": "bluebird", "ARN": "arn:aws:secretsmanager:eu-west-1:481516234217:secret:bluebird-AbCdEf"},
         {"bluebird", "bluebird-AbCdEf", "481516234217"}),
        ({"cluster": {"name": "bluebird", "status": "ACTIVE"}}, {"bluebird"}),
        ({"items": [{"id": "a1b2c3d4e5", "name": "bluebird"}]}, {"a1b2c3d4e5", "bluebird"}),
        ({"DBInstances": [{"DBInstanceIdentifier": "ledger-db"}]}, {"ledger-db"}),
        ({"Reservations": [{"Instances": [{"State": {"Name": "bluebird"}, "Tags": []}]}]}, set()),
        ({"Reservations": [{"Instances": [{"Tags": [{"Key": "Name", "Value": "bluebird"}]}]}]}, {"bluebird"}),
        ({"Reservations": [{"Instances": [{"Tags": [{"Key": "Team", "Value": "bluebird"}]}]}]}, set()),
        ({"Account": 481516234217, "Count": 12}, {"481516234217"}),
        ({"clusters": ["bluebird"], "nextToken": "eyJl"}, {"bluebird"}),
        ({"Name": "ledger-secret", "VersionStages": ["BLUEBIRD"]}, {"ledger-secret"}),
        ({"AdjustmentTypes": ["BlueBirdCapacity"]}, set()),
        ({"types": ["BLUE_BIRD"], "Hooks": []}, set()),
        ({"Notifications": ["BLUE_BIRD"]}, set()),
        ({"Parameters": [{"ParameterName": "blue-bird-size", "IsModifiable": True}]}, set()),
        ({"Parameters": [{"Name": "/bluebird/db/url", "Type": "String"}]}, {"bluebird"}),
        ({"Parameters": [{"Name": "/aws/service/bluebird/ami"}]}, set()),
        ({"Regions": [{"Name": "bluebird"}]}, set()),
        ({"Images": [{"ImageOwnerAlias": "amazon", "Name": "bluebird-2023"}]}, set()),
        ({"Images": [{"Name": "bluebird-2023"}]}, {"bluebird-2023"}),
        ({"StackResources": [{"PhysicalResourceId": "bluebird-1", "LogicalResourceId": "Bluebird"}]}, {"bluebird-1"}),
    ],
    ids=repr,
)  # fmt: skip
def test_names_in_the_output_of_the_aws_cli(output: Any, expected: set[str]) -> None:
    assert names_in(output) == expected


@pytest.mark.parametrize(
    "output",
    [
        {"configurationItems": [{"resourceType": "AWS::SQS::Queue", "resourceName": "bluebird"}]},
        {"ResourceIdentifiers": [{"ResourceId": "bluebird", "ResourceType": "AWS::S3::Bucket"}]},
        {"Results": ['{"resourceName":"bluebird","resourceType":"AWS::Lambda::Function"}'], "QueryInfo": {}},
        {"Results": ['{"configuration":{"relationships":[{"resourceId":"bluebird"}]}}']},
        {"Resources": [{"Arn": "arn:aws:sns:eu-west-1:481516234217:bluebird", "ResourceType": "sns:topic"}]},
        {"Resources": [{"Properties": [{"Name": "tags", "Data": [{"Key": "Name", "Value": "bluebird"}]}]}]},
        {"ResourceTagMappingList": [{"ResourceARN": "arn:aws:s3:::bluebird", "Tags": []}]},
    ],
    ids=["Config", "aggregator", "query", "nested", "Resource Explorer", "its tags", "tagging API"],
)
def test_names_in_the_output_of_aws_inventories(output: Any) -> None:
    assert "bluebird" in names_in(output)


def test_several_documents_after_each_other_are_read() -> None:
    assert names_in({"clusters": ["bluebird"]}, {"tables": ["ledger-raw"]}) == {"bluebird", "ledger-raw"}


# What is left out


def test_what_is_left_out_is_counted_by_reason() -> None:
    found = learned(
        {"clusters": ["default", "prod", "db1", "i-0a1b2c3d4e5f60718", "forgotten-1", "bluebird", "Claude-Code"]},
        {
            "Policies": [{"PolicyName": "BluebirdFull", "Arn": "arn:aws:iam::aws:policy/job-function/BluebirdFull"}],
            "MasterUserPassword": "Zx81-Qy92-hunter",
        },
        forgotten=("forgotten-1",),
    )
    assert set(found.names) == {"bluebird"}
    assert found.left_out == {
        "common": 2,
        "short": 1,
        "own form": 1,
        "aws": 1,
        "client": 1,
        "secret": 1,
        "forgotten": 1,
    }


def test_tokens_are_not_names() -> None:
    with masker() as made:
        token = made.mask_text("s3://ledger-raw/").text.removeprefix("s3://").removesuffix("/")
    found = learned({"clusters": [token, f"{token}-copy"]})
    assert found.names == {}
    assert found.left_out == {"token": 2}


def test_a_family_that_a_key_names_goes_before_one_that_is_only_an_arn() -> None:
    both = [{"BucketName": "bluebird"}, {"Arn": "arn:aws:s3:::bluebird"}]
    assert learned(*both).names == learned(*reversed(both)).names == {"bluebird": "s3-bucket-name"}
    assert merged({"bluebird": "arn"}, {"bluebird": "s3-bucket-name"}) == {"bluebird": "s3-bucket-name"}
    assert merged({"bluebird": "s3-bucket-name"}, {"bluebird": "name"}) == {"bluebird": "s3-bucket-name"}


def test_more_names_than_are_taken_are_refused() -> None:
    made = collector(most=10)
    with pytest.raises(TooLarge, match="more than 10 names"):
        made.add(items({"clusters": [f"ledger-{number}" for number in range(11)]}, "a file"))


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(
            ["arn:aws:s3:::ledger-raw", "aws_instance", "amazon", "data", "Name", '{"a": ["b"]}', "\ud800"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(
                st.text(max_size=8),
                st.sampled_from(
                    ["type", "mode", "Key", "Value", "ManagedBy", "values", "primary", "attributes", "tags"]
                ),
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON)
def test_any_document_can_be_learned_from(document: Any) -> None:
    """Whatever stands where: each string of it is an item, or inside one that is JSON itself."""
    found = learned(document)
    assert all(name.strip() and "\n" not in name for name in found.names)


# Lines of text


def test_lines_are_names_with_their_fields_apart() -> None:
    made = collector()
    text = b"bluebird\n\n# a comment\n  Project Bluebird \narn:aws:s3:::ledger-raw\npayments/ledger-api\ndb1\n"
    made.add((line_item(line) for line in lines(text, "a file")), shortest=3)
    assert set(made.learned().names) == {"bluebird", "Project Bluebird", "ledger-raw", "ledger-api", "db1"}


# Files that are none


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "is empty"),
        (b'{"Buckets": [\n{"Name": "blue', "line 2: this is not JSON, or it is cut off"),
        (b"bluebird\n", "line 1: this is not JSON"),
        (b'{"a": 1} bluebird', "line 1: this is not JSON"),
        (b"\xff\xff\xff\xff{}", "is not UTF-8"),
        (b"[" * 100_000, "nested deeper"),
        (b"[" * 150 + b"]" * 150, "nested deeper than 100 levels"),
    ],
    ids=["empty", "cut off", "text", "something behind", "not UTF-8", "very deep", "deep"],
)
def test_what_cannot_be_read_is_refused_with_the_place_and_without_a_value(raw: bytes, told: str) -> None:
    with pytest.raises(InvalidBody) as refusal:
        [list(items(document, "state.json")) for document in documents(raw, "state.json")]
    assert str(refusal.value).startswith("state.json")
    assert told in str(refusal.value)
    assert "blue" not in str(refusal.value)


@pytest.mark.parametrize("encode", [lambda text: text.encode("utf-8-sig"), lambda text: text.encode("utf-16")])
def test_what_other_shells_write_is_read(encode: Callable[[str], bytes]) -> None:
    assert list(documents(encode('{"clusters": ["bluebird"]}'), "a file")) == [{"clusters": ["bluebird"]}]
