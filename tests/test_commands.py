"""Commands of the AWS CLI: what they say of their output, and how that is masked as the result of a tool."""

import json
from typing import Any

import pytest

from aws_masker import Masker
from aws_masker.commands import MAX_COMMAND, head_of, read, selected
from masking import marked, plain

INSTANCES = "aws ec2 describe-instances --query 'Reservations[].Instances[].[InstanceId,Tags[?Key==`Name`]|[0].Value]'"
DATABASES = "aws rds describe-db-instances --query 'DBInstances[].{DB:DBInstanceIdentifier,Engine:Engine}'"
BUCKETS = "aws s3api list-buckets --query 'Buckets[].Name'"
ID = "«i-0a1b2c3d4e5f60718»"
# A command, and what it prints: what must be masked between « and ».
OUTPUTS: dict[str, tuple[str, str]] = {
    "names as text": (f"{BUCKETS} --output text", "«acmeraw»\t«acme.web»\n"),
    "names a line": (f"{BUCKETS} --output text | tr '\\t' '\\n' | sort", "«acmeraw»\n«acme.web»\n"),
    "names as JSON": (BUCKETS, '[\n    "«acmeraw»",\n    "«acme.web»"\n]\n'),
    "names as YAML": (f"{BUCKETS} --output yaml", "- «acmeraw»\n- «acme.web»\n"),
    "one name": (f"{BUCKETS} --output json", '"«acmeraw»"\n'),
    "rows as text": (f"{INSTANCES} --output text", f"{ID}\t«acmeweb»\n{ID}\tNone\n"),
    "rows as JSON": (INSTANCES, f'[["{ID}", "«acmeweb»"], ["{ID}", null]]'),
    "rows as YAML": (f"{INSTANCES} --output yaml", f"- - {ID}\n  - «acmeweb»\n- - {ID}\n  - null\n"),
    "rows as a table": (
        f"{INSTANCES} --output table",
        f"-----\n|  DescribeInstances  |\n+---+---+\n|  {ID} |  «acmeweb» |\n|  {ID} |  None |\n+---+---+\n",
    ),
    "titles as text": (f"{DATABASES} --output text", "«acmepg»\taurora-mysql\n"),
    "titles as JSON": (DATABASES, '[{"DB": "«acmepg»", "Engine": "aurora-mysql"}]'),
    "titles as YAML": (f"{DATABASES} --output yaml", "- DB: «acmepg»\n  Engine: aurora-mysql\n"),
    "titles as a table": (
        f"{DATABASES} --output table",
        "-----\n| DescribeDBs |\n+---+---+\n|  DB  | Engine |\n+---+---+\n| «acmepg» | aurora-mysql |\n+---+---+\n",
    ),
    "titles of one as a table": (
        f"{DATABASES.replace('[]', '[0]')} --output table",
        "-----\n| DescribeDBInstances |\n+---+---+\n| DB | «acmepg» |\n| Engine | aurora-mysql |\n+---+---+\n",
    ),
    "a program of jq": ("aws s3api list-buckets | jq -r '.Buckets[].Name'", "«acmeraw»\n«acme.web»\n"),
    "a string of jq": (
        "aws x list | jq -r '.Functions[] | \"\\(.FunctionName) \\(.Runtime)\"'",
        "«acmeraw» python3.12\n",
    ),
    "a loop": (f'for b in $({BUCKETS} --output text); do echo "== $b"; done', "== «acmeraw»\n== «acme.web»\n"),
    "a variable": (f"cd x && B=$({BUCKETS} --output text); echo $B", "«acmeraw»\n"),
    "an account": ("aws sts get-caller-identity --query Account --output text", "«481516234217»\n"),
    "a secret": ("aws x get --query SecretString --output text", "«xK29dlQpq0+ab»\n"),
    "profiles": ("aws configure list-profiles", "default\n«acmeadmin»\n"),
    "buckets": ("aws s3 ls --profile ops", "2023-03-14 09:26:53 «acmeraw»\n"),
    # What a bucket holds is named by a path, and paths stay.
    "objects": ("aws s3 ls x/", "2023-03-14 09:26:53 1024 SomeThing\nPRE some-thing9/\n"),
    "objects and their sizes": (
        "aws s3 ls --recursive --human-readable s3://x/",
        "2023-03-14 09:26:53 1.2 MiB SomeThing\n2023-03-14 09:26:53 7.0 KiB a/some-thing9.sql\n",
    ),
    "nouns": ("aws ec2 describe-instances --output text", "RESERVATIONS\t«481516234217»\nSTATE\t16\trunning\n"),
    # Of others than names, only what looks like a name.
    "states": (f"{BUCKETS.replace('Name', 'State')} --output text", "in-use\tsome-thing9\n"),
    "unknown keys": (f"{BUCKETS.replace('Name', 'Origin')} --output text", "in-use\tsome\t«acme-web»\tCREATE_FAILED\n"),
    # Not all of it is the AWS CLI's.
    "other commands": (f"{BUCKETS} --output text >x && ls -1", "main-module.tf\nsome-thing9\n"),
    "a file": (f"{BUCKETS} --output text; head -2 x", "some-thing9\n"),
    "no command of AWS": ("ls -1", "some-thing9\tother-thing9\n"),
    "help": ("aws s3api help", "put-bucket-acl9\n"),
    "sizes": ("aws x list --query 'length(Buckets)'", "12\n"),
}


def conversation(command: str, output: Any) -> dict[str, Any]:
    """Return a request in which a tool was given a command, and its output came back."""
    used = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": command}}
    return {
        "messages": [
            {"role": "assistant", "content": [used]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": output}]},
        ]
    }


def sent(masker: Masker, document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what is sent on of a request, and what its tokens stand for."""
    raw = json.dumps(document).encode()
    masked = masker.mask_body(raw, "/v1/messages")
    return json.loads(masked.apply(raw)), dict(masked.dictionary)


def shown(document: dict[str, Any], dictionary: dict[str, str]) -> str:
    """Return the output in a request with marks around what was replaced."""
    text: str = document["messages"][1]["content"][0]["content"]
    for token, original in dictionary.items():
        text = text.replace(token, f"«{original}»")
    return text


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_is_masked_by_what_its_command_selects(one: Masker, output: str) -> None:
    command, expected = OUTPUTS[output]
    assert shown(*sent(one, conversation(command, plain(expected)))) == expected


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_comes_back_and_is_not_masked_twice(one: Masker, output: str) -> None:
    command, expected = OUTPUTS[output]
    document = conversation(command, plain(expected))
    once, dictionary = sent(one, document)
    assert sent(one, once)[0] == once
    restored = json.dumps(once)
    for token, original in dictionary.items():
        restored = restored.replace(token, json.dumps(original)[1:-1])
    assert json.loads(restored) == document


def test_an_output_in_blocks_is_masked_like_one_in_a_string(one: Masker) -> None:
    command, expected = OUTPUTS["names as text"]
    blocks = conversation(command, [{"type": "text", "text": plain(expected)}])
    once, _ = sent(one, blocks)
    assert (
        once["messages"][1]["content"][0]["content"][0]["text"]
        == (sent(one, conversation(command, plain(expected)))[0]["messages"][1]["content"][0]["content"])
    )


def test_only_the_output_of_the_command_itself_is_its_output(one: Masker) -> None:
    command, _ = OUTPUTS["names as text"]
    document = conversation(command, "acmeraw\n")
    other = {"type": "tool_result", "tool_use_id": "t2", "content": "acmeweb\tacme-web\n"}
    said = {"type": "text", "text": "acmeweb\tacme-web\n"}
    document["messages"][1]["content"] += [said, other, said]
    once, dictionary = sent(one, document)
    assert list(dictionary.values()) == ["acmeraw"]
    assert once["messages"][1]["content"][1:] == document["messages"][1]["content"][1:]


def test_what_a_turn_adds_does_not_change_how_an_output_was_masked(one: Masker) -> None:
    command, expected = OUTPUTS["rows as text"]
    document = conversation(command, plain(expected))
    once, _ = sent(one, document)
    later = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    document["messages"].append({"role": "assistant", "content": [later]})
    assert sent(one, document)[0]["messages"][:2] == once["messages"]


def test_a_command_before_its_output_in_a_text_says_the_same(one: Masker) -> None:
    text = f"Look:\n$ {BUCKETS} --output text\nacmeraw\tacme.web\n\nsome-thing9\tother-thing9\n"
    masked = one.mask_text(text)
    assert sorted(masked.dictionary.values()) == ["acme.web", "acmeraw"]
    assert masked.text.endswith("\n\nsome-thing9\tother-thing9\n")


@pytest.mark.parametrize(
    "text",
    [
        f"$ {BUCKETS} --output text\n«acmeraw»",
        f"$ {BUCKETS} --output text\n\nacmeraw",
        f"$ {BUCKETS} --output text\n«acmeraw»\n$ ls\nacmeweb\n",
        json.dumps({"out": f"$ {BUCKETS} --output text\n«acmeraw»"}, ensure_ascii=False),
        json.dumps({"out": f"$ {BUCKETS} --output text\n\nacmeraw", "n": "acmeweb"}),
        json.dumps({"out": f"$ {BUCKETS} --output text\n«acmeraw»\n~ \u276f aws help\nacmeweb\n"}, ensure_ascii=False),
        json.dumps({"out": f'$ {BUCKETS}\n[\n  "«acmeraw»"\n]\n\nacmeweb', "n": "acmelog"}, ensure_ascii=False),
    ],
)
def test_an_output_in_a_text_ends_where_something_else_begins(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("Buckets[].Name", ["Name"]),
        ("Functions[?starts_with(FunctionName, `a[`)].FunctionName", ["FunctionName"]),
        ("Reservations[].Instances[] | [0].[InstanceId,State.Name]", ["InstanceId", "Name"]),
        ("sort_by(Images,&CreationDate)[-1].ImageId", ["ImageId"]),
        ("Stacks[0].Outputs[?OutputKey=='A'].OutputValue | [0]", ["OutputValue"]),
        ("Tags[?Key=='Name'].Value", ["Name"]),
        ("[?", []),
        ("]]}{[", []),
        ("", []),
    ],
)
def test_the_columns_of_a_query_are_the_last_names_of_its_paths(query: str, columns: list[str]) -> None:
    assert [column.key.decode() for column in selected(query.encode())] == columns


@pytest.mark.parametrize(
    "line", ["", "'", '"', "aws", "$(", "aws x y --query", "aws x y --query ''", "| | ;;", "xargs"]
)
def test_a_line_that_is_not_understood_says_nothing(line: str) -> None:
    assert read(line.encode()).columns == ()


@pytest.mark.parametrize("command", ["ls", "laws of x", "kubectl get pods", "aws " + "x" * MAX_COMMAND])
def test_what_is_no_command_of_aws_stands_before_nothing(command: str) -> None:
    assert head_of(command.encode()) is None
