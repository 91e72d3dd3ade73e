"""Request bodies: what of them is masked, what is refused, and in which words."""

import json
from typing import Any

import pytest

from aws_masker import InvalidBody, Limits, Masker, Refused, Settings, TooLarge, Unsupported, VaultRequired
from aws_masker.documents import read
from masking import KEY, masker

INSTANCE = "i-0a1b2c3d4e5f60718"


@pytest.fixture(scope="module")
def made() -> Any:
    with masker() as one:
        yield one


def send(made: Masker, document: Any, path: str = "/v1/messages") -> Any:
    raw = json.dumps(document).encode()
    return json.loads(made.mask_body(raw, path).apply(raw))


def content(made: Masker, blocks: Any, role: str = "user") -> Any:
    return send(made, {"messages": [{"role": role, "content": blocks}]})["messages"][0]["content"]


@pytest.mark.parametrize(
    "document",
    [
        {"messages": [{"role": "user", "content": INSTANCE}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": INSTANCE}]}]},
        {"messages": [{"role": "system", "content": INSTANCE}]},
        {"system": INSTANCE, "messages": []},
        {"system": [{"type": "text", "text": INSTANCE, "cache_control": {"type": "ephemeral"}}], "messages": []},
        {"tools": [{"name": "t", "description": INSTANCE, "input_schema": {}}], "messages": []},
        {"tools": [{"name": "t", "input_schema": {"properties": {"a": {"enum": [INSTANCE]}}}}], "messages": []},
        {"tools": [{"name": "t", "input_schema": {"properties": {INSTANCE: {}}}}], "messages": []},
        {"tools": [{"name": "t", "input_schema": {}, "input_examples": [{"id": INSTANCE}]}], "messages": []},
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "a", "name": "t", "input": {"id": INSTANCE}}],
                }
            ]
        },
        {
            "messages": [
                {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "t", "input": {INSTANCE: 1}}]}
            ]
        },
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": INSTANCE}]}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": INSTANCE}]}
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": INSTANCE}}
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "title": INSTANCE,
                            "context": INSTANCE,
                            "source": {"type": "url", "url": INSTANCE},
                        }
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "search_result", "source": INSTANCE, "title": INSTANCE, "content": []}],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "", "citations": [{"type": "char_location", "cited_text": INSTANCE}]}
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "never_seen", "id": INSTANCE, "name": INSTANCE, "x": [{"y": INSTANCE}]}],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "a",
                            "content": [{"id": INSTANCE, "name": [INSTANCE], INSTANCE: 1}],
                        }
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "a", "content": {"id": INSTANCE, "role": INSTANCE}}
                    ],
                }
            ]
        },
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "", INSTANCE: 1}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "", "cache_control": {"a": INSTANCE}}]}]},
        {"messages": [{"role": "user", "id": {"a": INSTANCE}, "name": [INSTANCE], "content": ""}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0=", "a": INSTANCE},
                        }
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": INSTANCE}}
                    ],
                }
            ]
        },
        {"messages": [], "stop_sequences": [INSTANCE]},
        {"messages": [], "something_new": {"deep": [INSTANCE]}},
        {"messages": [], "metadata": {"user_id": "a", "team": INSTANCE}},
        {"messages": [], "metadata": {"user_id": {"team": INSTANCE}}},
    ],
)
def test_an_identifier_in_any_place_of_a_request_is_masked(made: Masker, document: Any) -> None:
    assert INSTANCE not in json.dumps(send(made, document))


@pytest.mark.parametrize("path", ["/v1/messages/batches", "/v1/messages/batches?beta=true", "/v1/v1/messages/batches"])
def test_every_item_of_a_batch_is_masked(made: Masker, path: str) -> None:
    item = {"custom_id": "a", "params": {"messages": [{"role": "user", "content": INSTANCE}]}}
    assert INSTANCE not in json.dumps(send(made, {"requests": [item, item | {"custom_id": INSTANCE}]}, path))


@pytest.mark.parametrize(
    "member",
    [
        "id",
        "name",
        "role",
        "tool_use_id",
        "server_name",
        "cache_control",
        "signature",
        "encrypted_content",
        "encrypted_index",
        "encrypted_stdout",
        "encrypted_of_another_kind",
        "file_id",
        "media_type",
        "mcp_server_name",
        "tool_name",
    ],
)
def test_a_member_of_the_protocol_stays_in_a_block_and_is_masked_in_a_tools_input(made: Masker, member: str) -> None:
    block = {"type": "tool_use", member: INSTANCE, "input": {member: INSTANCE}}
    sent = content(made, [block], "assistant")[0]
    assert sent[member] == INSTANCE
    assert sent["input"][member].startswith("i-x")


# Types of blocks, and of what stands in them: the API's and its SDKs' types.
BLOCKS = [
    *("text", "image", "document", "search_result", "tool_use", "tool_result", "server_tool_use", "mcp_tool_use"),
    *("mcp_tool_result", "web_search_tool_result", "web_search_result", "web_fetch_tool_result", "web_fetch_result"),
    *("code_execution_tool_result", "code_execution_result", "bash_code_execution_tool_result"),
    *("bash_code_execution_result", "bash_code_execution_output", "text_editor_code_execution_tool_result"),
    *("tool_search_tool_result", "tool_search_tool_search_result", "container_upload", "tool_reference"),
    *("mcp_tool_listing", "mcp_tool_reference", "mcp_toolset", "mcp_toolset_reference", "tool_addition"),
    *("tool_definition", "tool_removal", "base64", "url", "file", "content", "ephemeral"),
]


@pytest.mark.parametrize("kind", BLOCKS)
def test_in_every_known_block_the_members_of_the_protocol_stay_and_others_are_masked(made: Masker, kind: str) -> None:
    block = {"type": kind, "id": INSTANCE, "name": INSTANCE, "tool_use_id": INSTANCE, "note": INSTANCE}
    (sent,) = content(made, [block], "assistant")
    assert sent.pop("note").startswith("i-x")
    assert sent == {key: value for key, value in block.items() if key != "note"}


@pytest.mark.parametrize("kind", BLOCKS)
def test_in_a_known_block_of_a_result_files_and_tools_stay(made: Masker, kind: str) -> None:
    own = {"cache_control": INSTANCE, "file_id": INSTANCE, "media_type": INSTANCE, "tool_name": INSTANCE}
    block = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": kind, **own, "note": INSTANCE}]}
    ((sent,),) = [one["content"] for one in content(made, [block])]
    assert sent.pop("note").startswith("i-x")
    assert sent == {"type": kind, **own}


def test_what_has_the_form_of_a_tool_keeps_its_name_whatever_its_type(made: Masker) -> None:
    tool = {"type": "custom", "name": INSTANCE, "input_schema": {}}
    assert send(made, {"tools": [tool], "messages": []})["tools"] == [tool]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("bash_20250124", "bash"),
        ("text_editor_20250728", "str_replace_based_edit_tool"),
        ("computer_20251124", "computer"),
        ("code_execution_20250825", "code_execution"),
        ("memory_20250818", "memory"),
        ("web_fetch_20250910", "web_fetch"),
        ("tool_search_tool_bm25", "tool_search_tool_bm25"),
        ("mcp2_call_20300101", INSTANCE),
    ],
)
@pytest.mark.parametrize("holding", ["tools", "mcp_tool_listing", "tool_definition"])
def test_a_tool_of_the_apis_own_keeps_its_name_whatever_an_operator_calls_their_own(
    kind: str, name: str, holding: str
) -> None:
    """Such a tool has no schema to be known by, and the API takes it by this name only."""
    tool = {"type": kind, "name": name, "cache_control": {"type": "ephemeral"}, "display_width_px": 1024}
    block = {"type": holding, "tools": [tool], "definition": tool}
    messages = [] if holding == "tools" else [{"role": "system", "content": [block]}]
    asked = {"tools": [tool], "messages": messages}
    with masker(terms=(name, kind, "ephemeral", "display_width_px")) as made:
        assert made.mask_text(name).text != name
        assert send(made, asked)["tools"] == [tool]
        if messages:
            (sent,) = send(made, asked)["messages"][0]["content"]
            member = {"mcp_tool_listing": "tools", "tool_definition": "definition"}[holding]
            assert sent[member] == block[member]


def test_the_settings_of_a_tool_of_the_apis_own_are_masked(made: Masker) -> None:
    tool = {
        "type": "web_search_20250305",
        "name": "web_search",
        "allowed_domains": [f"{INSTANCE}.example.com", "docs.example.com"],
        "user_location": {"type": "approximate", "city": INSTANCE, "timezone": "Europe/Dublin"},
        "header": f"x {INSTANCE}",
        "Further": {"type": INSTANCE, INSTANCE: [INSTANCE]},
    }
    (sent,) = send(made, {"tools": [tool], "messages": []})["tools"]
    assert INSTANCE not in json.dumps(sent)
    assert (sent["type"], sent["name"], sent["user_location"]["type"]) == (tool["type"], "web_search", "approximate")
    assert (sent["allowed_domains"][1], sent["user_location"]["timezone"]) == ("docs.example.com", "Europe/Dublin")


def test_a_value_of_a_tools_setting_is_read_with_what_it_is_called(made: Masker) -> None:
    tool = {"type": "query_20300101", "name": "query", "bucket_name": "ledger-raw", "account_ids": [123456789012]}
    (sent,) = send(made, {"tools": [tool], "messages": []})["tools"]
    assert sent["bucket_name"].startswith("name-x")
    assert sent["account_ids"][0].startswith("acctn-x")


@pytest.mark.parametrize(
    "asked",
    [
        {"tools": [{"type": "lookup", "name": INSTANCE}], "messages": []},
        {"tools": [{"type": "lookup_2025", "name": INSTANCE}], "messages": []},
        {"tools": [], "system": [{"type": "lookup_20250124", "name": INSTANCE}], "messages": []},
        {"tools": [], "messages": [{"role": "user", "content": [{"type": "lookup_20250124", "name": INSTANCE}]}]},
        {"tools": [{"name": "x", "input_schema": {"type": "lookup_20250124", "name": INSTANCE}}], "messages": []},
    ],
)
def test_what_only_looks_like_a_tool_of_the_apis_own_is_masked(made: Masker, asked: Any) -> None:
    assert INSTANCE not in json.dumps(send(made, asked))


def test_the_tools_that_a_search_found_keep_their_names() -> None:
    found = {
        "type": "tool_search_tool_search_result",
        "tool_references": [{"type": "tool_reference", "tool_name": INSTANCE}],
    }
    block = {"type": "tool_search_tool_result", "tool_use_id": "srvtoolu_a", "content": found}
    with masker(terms=("tool_reference",)) as made:
        assert content(made, [block], "assistant") == [block]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "mcp_toolset", "configs": {INSTANCE: {}}},
        {"type": "mcp_toolset", "tools": [{"name": INSTANCE}]},
        {"type": "mcp_tool_listing", "tools": [{"name": INSTANCE}]},
        {"type": "tool_definition", "definition": {"name": INSTANCE}},
    ],
)
def test_in_a_result_nothing_holds_tools(made: Masker, block: Any) -> None:
    result = {"type": "tool_result", "tool_use_id": "a", "content": [block]}
    assert INSTANCE not in json.dumps(content(made, [result]))


@pytest.mark.parametrize("member", ["type", "cache_control", "signature", "tool_use_id"])
def test_in_an_unknown_block_these_members_stay(made: Masker, member: str) -> None:
    block = {"type": "never_seen", member: INSTANCE, "note": INSTANCE}
    (sent,) = content(made, [block], "assistant")
    assert sent[member] == INSTANCE
    assert sent["note"].startswith("i-x")


def test_the_type_of_anything_stays_whatever_an_operator_calls_their_own() -> None:
    """The API would not know a block whose type is a token."""
    blocks: list[dict[str, Any]] = [{"type": kind} for kind in [*BLOCKS, "never_seen", "thinking"]]
    blocks.append({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}})
    blocks.append({"type": "never_seen", "cache_control": {"type": "ephemeral"}})
    blocks.append({"type": "tool_result", "tool_use_id": "a", "content": [{"type": kind} for kind in BLOCKS]})
    asked = {
        "tools": [{"type": "custom", "name": "a", "input_schema": {}}, {"type": "web_search_20250305", "name": "b"}],
        "messages": [{"role": "user", "content": blocks}],
    }
    with masker(terms=(*BLOCKS, "never_seen", "thinking", "custom", "web_search_20250305", "user")) as made:
        assert made.mask_text("a custom tool_use").text.count("-x") == 2
        assert send(made, asked) == asked


@pytest.mark.parametrize("kind", ["text", "file", "url", "content", "document", "tool_use", "tool_result", "thinking"])
@pytest.mark.parametrize("name", ["id", "name", "role", "signature", "tool_use_id", "encrypted_at", "thinking", "data"])
def test_what_a_tool_answers_has_no_names_and_ids_of_the_protocol(made: Masker, kind: str, name: str) -> None:
    block = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": kind, name: INSTANCE}]}
    ((sent,),) = [
        one["content"] for one in send(made, {"messages": [{"role": "user", "content": [block]}]})["messages"]
    ]
    assert (sent["tool_use_id"], sent["content"][0]["type"]) == ("a", kind)
    assert sent["content"][0][name] != INSTANCE


def test_what_names_a_tool_or_its_server_stays(made: Masker) -> None:
    asked: dict[str, Any] = {
        "tools": [
            {"name": "look", "description": "--bucket ledger-raw", "input_schema": {}},
            {"type": "mcp_toolset", "mcp_server_name": "ledger-raw"},
        ],
        "messages": [
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "a",
                        "content": [{"type": "tool_reference", "tool_name": "mcp__ledger-raw__look"}],
                    }
                ],
            }
        ],
    }
    sent = send(made, asked)
    description = sent["tools"][0].pop("description")
    assert "ledger-raw" not in description
    asked["tools"][0].pop("description")
    assert sent == asked


def test_names_of_tools_stay_wherever_a_request_lists_them() -> None:
    """The API knows a tool by its name: in another spelling it would be none."""
    name = INSTANCE
    tool = {"name": name, "input_schema": {}}
    asked: dict[str, Any] = {
        "system": name,
        "tools": [
            {"type": "mcp_toolset", "mcp_server_name": "x", "configs": {name: {"enabled": True}}, "tools": [tool]},
        ],
        "context_management": {
            "edits": [{"type": "clear_tool_uses_20250919", "exclude_tools": [name], "clear_tool_inputs": [name]}]
        },
        "messages": [
            {
                "role": "system",
                "content": [
                    {"type": "tool_addition", "tool": {"type": "tool_reference", "name": name}},
                    {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": tool}},
                    {"type": "tool_removal", "tool": {"type": "mcp_tool_reference", "server_name": "x", "name": name}},
                    {"type": "mcp_tool_listing", "server_name": "x", "tools": [tool]},
                ],
            }
        ],
    }
    with masker() as made:
        sent = send(made, asked)
        assert name not in sent.pop("system")
        asked.pop("system")
        assert sent == asked


@pytest.mark.parametrize(
    "member",
    [
        {"context_management": {"edits": [{"type": "x", "exclude_tools": [[INSTANCE], {"a": INSTANCE}]}]}},
        {"context_management": {"edits": [{"keep": INSTANCE, INSTANCE: 1}, INSTANCE], "other": INSTANCE}},
        {"context_management": {"edits": {"exclude_tools": [INSTANCE]}, INSTANCE: 1}},
        {"context_management": [{"edits": [{"exclude_tools": [INSTANCE]}]}]},
        {"exclude_tools": [INSTANCE]},
        {"tools": [{"type": "mcp_toolset", "configs": {"a": {"note": INSTANCE}}}]},
        {"tools": [{"type": "mcp_toolset", "configs": [INSTANCE], "tools": [{"name": "a", "description": INSTANCE}]}]},
        {"tools": [{"type": "other", "configs": {INSTANCE: {}}}]},
    ],
)
def test_beside_the_names_of_tools_everything_is_masked(made: Masker, member: Any) -> None:
    assert INSTANCE not in json.dumps(send(made, {**member, "messages": []}))


def test_a_number_that_is_an_account_id_is_masked_in_a_tool_result_too(made: Masker) -> None:
    block = {"type": "tool_result", "tool_use_id": "a", "content": [{"AccountId": 481516234217, "is_error": False}]}
    assert content(made, [block])[0]["content"][0]["AccountId"].startswith("acctn-x")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(481516234217, id="for a content"),
        pytest.param([481516234217], id="for a block"),
        pytest.param([{"type": "text", "text": 481516234217}], id="for a text"),
        pytest.param([{"type": "text", "text": "", "id": 481516234217}], id="for an id"),
        pytest.param([{"type": "text", "text": "", "cache_control": {"account": 481516234217}}], id="for a setting"),
        pytest.param([{"type": "tool_result", "tool_use_id": "a", "content": 481516234217}], id="for a result"),
        pytest.param([{"type": "document", "source": {"type": "text", "data": 481516234217}}], id="for a file"),
    ],
)
def test_a_number_that_is_a_known_account_is_masked_where_the_api_takes_none(made: Masker, content: object) -> None:
    raw = json.dumps({"system": "account 481516234217", "messages": [{"role": "user", "content": content}]}).encode()
    assert b"481516234217" not in made.mask_body(raw, "/v1/messages").apply(raw)


def test_an_account_that_is_the_name_of_a_member_is_masked_for_the_name_of_the_map(made: Masker) -> None:
    maps = {"accounts": {"481516234217": "prod", "by_order_481516": 1}, "orders": {"481516234218": 1}}
    block = {"type": "tool_use", "id": "a", "name": "t", "input": maps}
    sent = content(made, [block], "assistant")[0]["input"]
    assert [name[:6] for name in sent["accounts"]] == ["acct-x", "by_ord"]
    assert sent["orders"] == maps["orders"]


@pytest.mark.parametrize("kind", ["text", "tool_use", "thinking", INSTANCE])
@pytest.mark.parametrize("member", ["id", "name", "role", "signature", "type"])
def test_what_looks_like_a_block_in_what_a_tool_takes_is_none(made: Masker, member: str, kind: str) -> None:
    value = {"type": kind, member: INSTANCE}
    block = {"type": "tool_use", "id": "a", "name": "t", "input": value}
    tool = {"name": "t", "input_schema": value, "input_examples": [value]}
    asked = {"tools": [tool], "messages": [{"role": "assistant", "content": [block]}]}
    assert INSTANCE not in json.dumps(send(made, asked))


@pytest.mark.parametrize(
    "member", ["model", "stream", "tool_choice", "thinking", "container", "mcp_servers", "betas", "service_tier"]
)
def test_a_member_of_the_request_that_is_the_protocols_stays_with_all_that_is_in_it(made: Masker, member: str) -> None:
    asked: dict[str, Any] = {member: INSTANCE, "messages": []}
    assert send(made, asked) == asked
    asked = {member: [{"type": "tool", "name": INSTANCE, INSTANCE: 481516234217}], "messages": []}
    assert send(made, asked) == asked


def test_members_that_say_whose_request_it_is_stay(made: Masker) -> None:
    asked = {"metadata": {"user_id": INSTANCE}, "model": "m", "service_tier": "auto", "betas": ["a-1"], "messages": []}
    assert send(made, asked) == asked


@pytest.mark.parametrize("media", ["text/plain", "text/plain; charset=utf-8", "multipart/form-data; boundary=B"])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens?beta=true"])
def test_a_message_is_read_as_json_whatever_its_content_type_says(made: Masker, path: str, media: str) -> None:
    raw = b'{"messages":[{"role":"user","content":"\\u0069-0a1b2c3d4e5f60718"}]}'
    assert made.mask_body(raw, path, media).dictionary
    with pytest.raises(InvalidBody, match="not JSON"):
        made.mask_body(b"--B\r\n\r\n{}\r\n--B--", path, media)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/messages",
        "/v1/messages?beta=true",
        "/v1/messages/",
        "/v1/v1/messages?beta=true&x=/y",
        "/v1/messages/count_tokens",
        "/v1/messages/count_tokens?beta=true",
        "/v1/mess%61ges",
    ],
)
def test_thinking_stays_whatever_the_path_of_a_messages_request_carries_along(made: Masker, path: str) -> None:
    block = {"type": "thinking", "thinking": INSTANCE, "signature": "c2ln"}
    document = {"messages": [{"role": "assistant", "content": [block]}]}
    assert send(made, document, path) == document


def test_an_item_of_a_batch_knows_no_names_of_another(made: Masker) -> None:
    texts = ["ledger-raw", "--bucket ledger-raw", "ledger-raw"]
    items = [{"custom_id": "a", "params": {"messages": [{"role": "user", "content": content}]}} for content in texts]
    sent = send(made, {"requests": items}, "/v1/messages/batches")["requests"]
    out = [item["params"]["messages"][0]["content"] for item in sent]
    assert [out[0], out[2]] == ["ledger-raw", "ledger-raw"]
    assert out[1].startswith("--bucket name-x")


def test_an_item_of_a_batch_knows_no_commands_of_another(made: Masker) -> None:
    command = {"command": "aws s3api list-buckets --query 'Buckets[].Name' --output text"}
    use = {"type": "tool_use", "id": "t1", "name": "Bash", "input": command}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "acmeraw\n"}
    talks = [
        [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}],
        [{"role": "user", "content": [result]}],
    ]
    items = [{"custom_id": "a", "params": {"messages": messages}} for messages in talks]
    first, second = send(made, {"requests": items}, "/v1/messages/batches")["requests"]
    assert "acmeraw" not in json.dumps(first)
    assert second == items[1]


@pytest.mark.parametrize("order", [("MasterUserPassword", "Note"), ("Note", "MasterUserPassword")])
def test_a_long_text_seen_before_under_another_key_is_looked_at_for_its_own(order: tuple[str, str]) -> None:
    text = "every word of it, " * 40
    with masker() as fresh:
        for key in order:
            block = {"type": "tool_use", "id": "a", "name": "t", "input": {key: text}}
            sent = content(fresh, [block], "assistant")[0]["input"][key]
            assert (sent == text) == (key == "Note")


def test_in_another_json_body_every_string_counts(made: Masker) -> None:
    assert INSTANCE not in json.dumps(send(made, {"model": INSTANCE, INSTANCE: [INSTANCE]}, "/v1/anything"))


def test_a_number_that_is_an_account_id_becomes_a_string_token_and_other_numbers_stay(made: Masker) -> None:
    raw = b'{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"t","input":'
    raw += b'{"AccountId":481516234217,"n":481516234218,"f":1.50,"big":9007199254740993}}]}]}'
    result = made.mask_body(raw, "/v1/messages")
    out = result.apply(raw)
    given = json.loads(out)["messages"][0]["content"][0]["input"]
    assert given["AccountId"].startswith("acctn-x")
    assert result.dictionary[given["AccountId"]] == "481516234217"
    assert out.endswith(b',"n":481516234218,"f":1.50,"big":9007199254740993}}]}]}')


@pytest.mark.parametrize(
    ("text", "leaks"),
    [
        (f"a\n{INSTANCE}", INSTANCE),
        (f"a\\n{INSTANCE}", INSTANCE),
        (json.dumps({"a": f"x\n{INSTANCE}"}), INSTANCE),
        (json.dumps(json.dumps({"a": f"x\n{INSTANCE}\t"})), INSTANCE),
        (f"\x1b[31m{INSTANCE}\x1b[0m", INSTANCE),
        (f"%2F{INSTANCE}%2F", INSTANCE),
        (f"\\u001b[31m{INSTANCE}", INSTANCE),
        ('{"Bucket": "ledger-logs-raw"}', "ledger-logs-raw"),
        ('{\\"Bucket\\": \\"ledger-logs-raw\\"}', "ledger-logs-raw"),
        ('{\\\\\\"Bucket\\\\\\":\\\\\\"ledger-logs-raw\\\\\\"}', "ledger-logs-raw"),
        ("arn:aws:iam::481516234217:role\\/LedgerDeployer", "LedgerDeployer"),
        ("arn%3Aaws%3Aiam%3A%3A481516234217%3Arole%2FLedgerDeployer", "LedgerDeployer"),
    ],
)
def test_no_escape_hides_an_identifier(made: Masker, text: str, leaks: str) -> None:
    assert leaks not in json.dumps(content(made, text))


@pytest.mark.parametrize(
    "spelled", ["\\u0069-0a1b2c3d4e5f60718", "i\\u002d0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f6071\\u0038"]
)
def test_an_identifier_that_is_spelled_with_escapes_is_masked(made: Masker, spelled: str) -> None:
    raw = b'{"messages":[{"role":"user","content":"x ' + spelled.encode() + b' y"}]}'
    result = made.mask_body(raw, "/v1/messages")
    assert result.apply(raw).startswith(b'{"messages":[{"role":"user","content":"x i-x')
    assert set(result.dictionary.values()) == {INSTANCE}


def test_a_structured_value_is_masked_for_the_key_it_stands_under(made: Masker) -> None:
    block = {
        "type": "tool_use",
        "id": "a",
        "name": "t",
        "input": {"DBInstanceIdentifier": "ledger-pg", "Note": "ledger-pg-x"},
    }
    assert content(made, [block], "assistant")[0]["input"]["DBInstanceIdentifier"].startswith("name-x")


def test_a_secret_of_a_structured_value_is_masked_whole(made: Masker) -> None:
    secret = 'pa"ss\\w0rd, with all that'
    block = {"type": "tool_use", "id": "a", "name": "t", "input": {"MasterUserPassword": secret}}
    masked = content(made, [block], "assistant")[0]["input"]["MasterUserPassword"]
    assert made.restore_text(masked) == secret
    assert "w0rd" not in masked


def test_images_and_pdfs_pass_and_are_counted_or_are_refused() -> None:
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    raw = json.dumps(
        {"messages": [{"role": "user", "content": [block, {"type": "tool_result", "content": [block]}]}]}
    ).encode()
    with masker() as passing, masker(opaque="block") as blocking:
        assert passing.mask_body(raw, "/v1/messages").opaque == 2
        with pytest.raises(Unsupported, match="images and PDFs"):
            blocking.mask_body(raw, "/v1/messages")


@pytest.mark.parametrize("media", ["IMAGE/PNG", "application/PDF"])
def test_the_case_of_a_media_type_does_not_matter(made: Masker, media: str) -> None:
    block = {"type": "image", "source": {"type": "base64", "media_type": media, "data": "iVBORw0KGgo="}}
    assert content(made, [block]) == [block]


def test_base64_of_something_else_is_refused(made: Masker) -> None:
    block = {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": "aS0wYTFi"}}
    with pytest.raises(Unsupported, match="media type"):
        content(made, [block])


def test_a_drawing_is_text_and_its_base64_is_refused(made: Masker) -> None:
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/svg+xml", "data": "PHN2Zz4="}}
    with pytest.raises(Unsupported, match="media type"):
        content(made, [block])


@pytest.mark.parametrize(
    ("raw", "error", "words"),
    [
        (b"not json", InvalidBody, "not JSON"),
        (b'{"messages":[', InvalidBody, "whole"),
        (b'{"messages":[],"messages":[]}', InvalidBody, "two members"),
        (b"\xff\xfe", InvalidBody, "UTF-8"),
        (b"\xef\xbb\xbf{}", InvalidBody, "byte order mark"),
        (b'{"a":NaN}', InvalidBody, "NaN"),
        (b"[1]", InvalidBody, "JSON object"),
        (b"[" * 300 + b"]" * 300, InvalidBody, "deeper"),
    ],
)
def test_a_body_that_cannot_be_read_whole_is_refused_in_words_that_help(
    made: Masker, raw: bytes, error: type[Refused], words: str
) -> None:
    with pytest.raises(error, match=words) as refusal:
        made.mask_body(raw, "/v1/messages")
    shape = json.loads(refusal.value.body())
    assert (shape["type"], shape["error"]["type"]) == ("error", "invalid_request_error")


def test_a_batch_without_requests_is_refused(made: Masker) -> None:
    with pytest.raises(InvalidBody, match="list of requests"):
        made.mask_body(b"{}", "/v1/messages/batches")


def test_a_text_body_is_masked_as_one_text(made: Masker) -> None:
    raw = f"log line {INSTANCE}\n".encode()
    assert INSTANCE.encode() not in made.mask_body(raw, "/v1/x", "text/plain; charset=utf-8").apply(raw)


JSON_TEXT = b'{"text":"\\u0069-0a1b2c3d4e5f60718"}'


@pytest.mark.parametrize("lead", [b"", b" \r\n"])
@pytest.mark.parametrize("path", ["/v1/x", "/v1/messages;v=1", "/v1/Messages", "/v1/messages%20", "/v1/m%2565ssages"])
@pytest.mark.parametrize("media", ["text/plain", "text/x-json", "text/plain; application/json"])
def test_a_text_body_that_is_json_is_read_as_such(made: Masker, lead: bytes, path: str, media: str) -> None:
    masked = made.mask_body(lead + JSON_TEXT, path, media)
    assert list(masked.dictionary.values()) == [INSTANCE]


@pytest.mark.parametrize(
    "other", [b'{"a":1,"a":2}', b'{"a":NaN}', b"[" * 300 + b"]" * 300, b"[" * 10**5 + b"]" * 10**5]
)
def test_a_text_body_that_others_may_read_as_json_is_refused_as_json_is(made: Masker, other: bytes) -> None:
    for raw in (other, b"\xef\xbb\xbf" + JSON_TEXT, b"[" + JSON_TEXT + b"," + other + b"]"):
        with pytest.raises(InvalidBody):
            made.mask_body(raw, "/v1/x", "text/plain")


@pytest.mark.parametrize("text", ["[12:00] {INSTANCE} started", '"{INSTANCE}" is its name', "{{INSTANCE}}", "12"])
def test_a_text_body_that_only_begins_like_json_is_text(made: Masker, text: str) -> None:
    raw = text.replace("{INSTANCE}", INSTANCE).encode()
    assert INSTANCE.encode() not in made.mask_body(raw, "/v1/x", "text/plain").apply(raw)


def test_a_text_body_that_is_not_utf8_is_refused(made: Masker) -> None:
    with pytest.raises(InvalidBody, match="UTF-8"):
        made.mask_body(b"\xff", "/v1/x", "text/plain")


@pytest.mark.parametrize("charset", ["utf-7", '"UTF-16"', "ibm037", "hz-gb-2312"])
def test_a_text_body_that_says_it_is_of_another_encoding_is_refused(made: Masker, charset: str) -> None:
    with pytest.raises(Unsupported, match="UTF-8"):
        made.mask_body(b"+AGk--0a1b2c3d4e5f60718", "/v1/x", f"text/plain; charset={charset}")


def test_a_json_body_that_says_it_is_of_another_encoding_is_refused(made: Masker) -> None:
    with pytest.raises(Unsupported, match="UTF-8"):
        made.mask_body(b'"+AGk--0a1b2c3d4e5f60718"', "/v1/x", "application/json; charset=utf-7")


def test_a_text_body_of_two_bytes_a_character_is_refused_where_it_does_not_say_so(made: Masker) -> None:
    with pytest.raises(InvalidBody, match="null bytes"):
        made.mask_body(INSTANCE.encode("utf-16-le"), "/v1/x", "text/plain")


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "us-ascii", '"utf-8"'])
def test_a_text_body_that_says_it_is_utf8_passes(made: Masker, charset: str) -> None:
    assert made.mask_body(INSTANCE.encode(), "/v1/x", f"text/plain; format=flowed; charset={charset}").edits


def test_an_unknown_content_type_is_refused_unless_allowed() -> None:
    with masker() as strict, masker(allow_content_types=("application/zip",)) as lax:
        with pytest.raises(Unsupported, match="content type"):
            strict.mask_body(b"PK", "/v1/x", "application/zip")
        assert lax.mask_body(b"PK", "/v1/x", "application/zip").edits == ()


def test_an_empty_body_passes(made: Masker) -> None:
    assert made.mask_body(b"", "/v1/messages", "whatever/thing").edits == ()


def form(*parts: tuple[str, bytes], end: bytes = b"--B--\r\n") -> bytes:
    return b"".join(b"--B\r\n" + head.encode() + b"\r\n\r\n" + body + b"\r\n" for head, body in parts) + end


FORM = "multipart/form-data; boundary=B"


def test_the_text_parts_and_file_names_of_a_form_are_masked(made: Masker) -> None:
    raw = form(
        ('Content-Disposition: form-data; name="purpose"', INSTANCE.encode()),
        (
            f'Content-Disposition: form-data; name="file"; filename="{INSTANCE}.log"\r\nContent-Type: text/plain',
            b"x " + INSTANCE.encode(),
        ),
        (
            'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/octet-stream',
            INSTANCE.encode(),
        ),
        ('Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png', b"\x89PNG\xff"),
    )
    result = made.mask_body(raw, "/v1/files", FORM)
    assert INSTANCE.encode() not in result.apply(raw)
    assert b"\x89PNG\xff" in result.apply(raw)
    assert (len(result.edits), result.opaque) == (4, 1)


@pytest.mark.parametrize(
    ("raw", "content_type", "words"),
    [
        (form(("Content-Type: application/zip", b"PK\xff")), FORM, "not UTF-8 text"),
        (form(("Content-Transfer-Encoding: base64", b"aS0w")), FORM, "transfer encoding"),
        (form(("A: b", b"x"), end=b""), FORM, "cut off"),
        (b"preamble" + form(("A: b", b"x")), FORM, "begin with its boundary"),
        (form(("A: b", b"x")) + b"epilogue i-0a1b2c3d4e5f60718", FORM, "cut off"),
        (form(("A: b", b"x")), "multipart/form-data", "no boundary"),
    ],
)
def test_a_form_that_cannot_be_read_whole_is_refused(made: Masker, raw: bytes, content_type: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        made.mask_body(raw, "/v1/files", content_type)


def test_a_vault_that_is_down_costs_nothing_but_the_memory_of_it() -> None:
    with Masker(Settings(key=KEY, vault="redis://127.0.0.1:1/0")) as without:
        masked = without.mask_text(f"stop {INSTANCE}")
        assert masked.dictionary[masked.text.removeprefix("stop ")] == INSTANCE
        assert without.lost == 1


def test_a_vault_that_is_required_and_down_refuses() -> None:
    settings = Settings(key=KEY, vault="redis://127.0.0.1:1/0", vault_required=True)
    with Masker(settings) as without, pytest.raises(VaultRequired, match="vault does not answer"):
        without.mask_text(f"stop {INSTANCE}")


def test_what_a_tenant_pastes_is_recalled_from_its_own_entries() -> None:
    with masker(tenant="acme") as ours:
        token = ours.mask_text(INSTANCE).text
        ours.vault.remember("default", {token: "another's"})
        assert ours.mask_text(token).dictionary == {token: INSTANCE}
        assert ours.restore_text(token) == INSTANCE


def test_a_pasted_token_is_recalled_for_the_answer(tmp_path: Any) -> None:
    vault = f"sqlite:///{tmp_path / 'vault.db'}"
    with masker(vault=vault) as first, masker(vault=vault) as second:
        token = first.mask_text(INSTANCE).text
        raw = json.dumps({"messages": [{"role": "user", "content": f"what is {token}?"}]}).encode()
        result = second.mask_body(raw, "/v1/messages")
        assert result.edits == ()
        assert result.dictionary == {token: INSTANCE}


def test_nothing_shows_an_original() -> None:
    with masker() as made:
        raw = json.dumps({"messages": [{"role": "user", "content": INSTANCE}]}).encode()
        shown = repr(made) + repr(made.mask_body(raw, "/v1/messages")) + repr(made.mask_text(INSTANCE))
        assert INSTANCE not in shown
        assert KEY not in repr(made.settings) + shown


def test_nothing_that_is_read_of_a_body_shows_what_stands_in_it() -> None:
    held = {"role": "user", "content": [INSTANCE, {INSTANCE: 481516234217, "type": "new"}]}
    raw = json.dumps({"model": INSTANCE, "messages": [held]}).encode()
    document = read(raw, "/v1/messages", Settings(key=KEY))
    texts = [place.text(raw) for part in document.parts for place in part]
    assert {INSTANCE.encode(), b"481516234217"} <= {text.data for text in texts}
    shown = repr((document, document.messages[0], document.parts, texts))
    assert (INSTANCE in shown, "481516234217" in shown) == (False, False)


def test_the_body_limit_is_the_hosts_but_depth_and_identifiers_are_the_maskers() -> None:
    with masker(limits=Limits(depth=3)) as flat, pytest.raises(InvalidBody, match="3 levels"):
        flat.mask_body(b'{"a":[[[[1]]]]}', "/v1/x")
    with masker(limits=Limits(identifiers=1)) as few, pytest.raises(TooLarge):
        few.mask_body(b'{"a":"i-0a1b2c3d4e5f60718 i-0a1b2c3d4e5f60719"}', "/v1/x")
