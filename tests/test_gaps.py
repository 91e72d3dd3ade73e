"""What docs/gaps.md and docs/threat-model.md say does not hold, so that these pages stay true: no wish, only facts.

Whoever mends one of these takes it out here and there.
"""

import base64
import json
from typing import Any

import pytest

from aws_masker import Masker
from aws_masker.restore import restore_text
from masking import marked, plain

INSTANCE = "i-0a1b2c3d4e5f60718"


@pytest.mark.parametrize(
    "text",
    [
        "see \\u0069-0a1b2c3d4e5f60718",
        "see i&#45;0a1b2c3d4e5f60718",
        "see i%2D0a1b2c3d4e5f60718",
        "see i\u20110a1b2c3d4e5f60718",
        "see \uff49-0a1b2c3d4e5f60718",
        "see I-0A1B2C3D4E5F60718",
        "see i-0a1b2c\n3d4e5f60718",
        "see " + base64.b64encode(INSTANCE.encode()).decode(),
        f"see {INSTANCE[::-1]}, {' '.join(INSTANCE)}",
        "account 4815 1623 4217",
        "account 4.81516234217e11",
        "account 12345678901, which begins with a zero",
    ],
)
def test_an_identifier_in_another_writing_is_not_found(one: Masker, text: str) -> None:
    assert one.mask_text(text).text == text


def test_a_program_that_does_not_speak_of_aws_has_buckets_and_clusters_of_its_own(one: Masker) -> None:
    program = 'import os\nbucket = "kazor_ledger_raw"\nself._client.get_thing(name="kazor_ledger")\n'

    assert one.mask_text(program).text == program
    assert one.mask_text(f"{program}# in AWS").text != program
    assert "kazor_ledger_raw" not in one.mask_text(program.replace("bucket = ", "x(Bucket=")).text


@pytest.mark.parametrize("call", ["load", "file"])
def test_what_is_given_to_a_function_that_does_more_than_put_together_is_not_found(one: Masker, call: str) -> None:
    text = f'provider "aws" {{}}\nbucket = {call}(var.x, "ledger-raw")\n'

    assert one.mask_text(text).text == text
    assert one.mask_text(text.replace(call, "coalesce")).text != text


def test_of_a_map_of_accounts_with_maps_in_it_the_first_is_found(one: Masker) -> None:
    text = '{"accounts": {"«481516234217»": {"env": "prod"}, "111122223333": {"env": "dev"}}}'
    assert marked(one, plain(text)) == text


def test_of_a_map_of_accounts_eight_are_found(one: Masker) -> None:
    numbers = [f"1111222233{last}" for last in range(30, 40)]
    masked = one.mask_text(json.dumps({"accounts": dict.fromkeys(numbers, "x")})).text
    assert [number for number in numbers if number in masked] == numbers[8:]


def test_a_name_in_one_value_with_a_token_is_not_found(one: Masker) -> None:
    masked = one.mask_text('"QueueName": "acme-ledger9"')
    (token,) = masked.dictionary
    text = f'"QueueName": "{token}-kazor9"'
    assert one.mask_text(text).text == text
    assert "kazor9" not in one.mask_text(f'"QueueName": "{token}", "QueueName": "kazor9"').text


def test_a_name_in_another_case_is_another_name(one: Masker) -> None:
    text = "--bucket «acme-ledger-raw» and ACME-LEDGER-RAW"
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize("number", ["481516234217.0", "4.81516234217e11", "12345678901"])
def test_an_account_that_a_program_has_written_as_another_number_is_not_found(one: Masker, number: str) -> None:
    raw = f'{{"AccountId": {number}}}'.encode()
    assert one.mask_body(raw, "/v1/x").edits == ()


@pytest.mark.parametrize(
    "request_",
    [
        {"metadata": {"user_id": INSTANCE}, "model": "arn:aws:bedrock:eu-west-1:481516234217:inference-profile/ledger"},
        {"tool_choice": {"type": "tool", "name": INSTANCE}},
        {"mcp_servers": [{"type": "url", "url": f"https://{INSTANCE}.example", "name": INSTANCE}]},
        {
            "messages": [
                {"role": "assistant", "content": [{"type": "thinking", "thinking": INSTANCE, "signature": "x"}]}
            ]
        },
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": INSTANCE, "name": INSTANCE}]}]},
    ],
)
def test_what_is_the_protocols_own_leaves_as_it_is(one: Masker, request_: Any) -> None:
    assert one.mask_body(json.dumps(request_).encode(), "/v1/messages").edits == ()


def test_the_networks_token_without_a_host_part_comes_back_as_two_numbers_which_are_not_masked(one: Masker) -> None:
    masked = one.mask_text("10.20.5.7")
    network = masked.text.removesuffix(".5.7")
    told = restore_text(f"the range {network}", masked.dictionary)
    assert told == "the range 10.20"
    assert one.mask_text(told).text == told


@pytest.mark.parametrize("change", [str.upper, str.capitalize, lambda token: token.replace("-", "_")])
def test_a_token_that_is_written_otherwise_stays_a_token(one: Masker, change: Any) -> None:
    masked = one.mask_text("--bucket acme-ledger-raw")
    (token,) = masked.dictionary
    assert restore_text(change(token), masked.dictionary) == change(token)
