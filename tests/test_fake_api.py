"""The fake Anthropic API says what the real one says, in its framing, and refuses what the real one refuses."""

import asyncio
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from aws_masker.fake_api import MAX_BODY, FakeApi
from aws_masker.fake_api.answers import ApiError, Block, Request, echo_agent, echoed_words

KEY = {"x-api-key": "dummy", "anthropic-version": "2023-06-01"}
QUESTION: Mapping[str, Any] = {
    "model": "claude-test",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "What is i-0a1b2c3d4e5f60718 in eu-west-1?"}],
}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def call(url: str, method: str, path: str, body: object = None, headers: Mapping[str, str] = KEY) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, raw, dict(headers))
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def events(stream: bytes) -> list[dict[str, Any]]:
    """Parse a stream, strictly in the framing of the real API: an event line, a data line, an empty line."""
    assert stream.endswith(b"\n\n")
    parsed = []
    for chunk in stream.decode().removesuffix("\n\n").split("\n\n"):
        event, data = chunk.split("\n")
        parsed.append(json.loads(data.removeprefix("data: ")))
        assert event == f"event: {parsed[-1]['type']}"
    return parsed


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi.in_thread() as running:
        yield running


def says(*blocks: Block) -> Any:
    return lambda _request: list(blocks)


def test_an_answer_repeats_identifier_looking_words(api: FakeApi) -> None:
    answer = call(api.url, "POST", "/v1/messages", QUESTION).json()
    assert answer["content"] == [{"type": "text", "text": "I read:\n- i-0a1b2c3d4e5f60718\n- eu-west-1"}]
    assert answer["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("plain words only, nothing else", []),
        ('{"Arn": "arn:aws:iam::111122223333:role/x-y"}', ["arn:aws:iam::111122223333:role/x-y"]),
        ("s3://quokka-raw/a.csv, 10.1.2.3.", ["s3://quokka-raw/a.csv", "10.1.2.3"]),
        (r'"v3"\ni-0a1b2c3d\tnow', ["i-0a1b2c3d"]),
        ("name-x0123456789abcdef name-x0123456789abcdef", ["name-x0123456789abcdef"]),
    ],
)
def test_identifier_looking_words_are_found_once_each(text: str, words: list[str]) -> None:
    assert echoed_words(text) == words


def test_a_directive_becomes_a_tool_call() -> None:
    text = 'Please [[tool Bash {"command": "echo [[tool Inner {}]] \\"]]\\""}]] now'
    request = {"messages": [{"role": "user", "content": text}], "tools": [{"name": "Bash"}, {"name": "Inner"}]}
    *_, call_block = echo_agent(request)
    assert call_block == {
        "type": "tool_use",
        "name": "Bash",
        "input": {"command": 'echo [[tool Inner {}]] "]]"'},
    }


def test_a_directive_in_a_tool_result_counts() -> None:
    result = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "1\t[[tool Read {}]]"}]}
    request = {"messages": [{"role": "user", "content": [result]}], "tools": [{"name": "Read"}]}
    assert echo_agent(request)[-1]["name"] == "Read"


@pytest.mark.parametrize("text", ['[[tool Bash {"a": }]]', '[[tool Bash {"a": 1}', "[[tool Other {}]]"])
def test_what_is_no_directive_or_not_offered_is_plain_text(text: str) -> None:
    request = {"messages": [{"role": "user", "content": text}], "tools": [{"name": "Bash"}]}
    assert [block["type"] for block in echo_agent(request)] == ["text"]


def test_only_words_since_the_last_answer_count() -> None:
    messages = [
        {"role": "user", "content": "i-11111111"},
        {"role": "assistant", "content": "i-22222222"},
        {"role": "user", "content": "i-33333333"},
        {"role": "system", "content": "i-44444444"},
    ]
    assert echo_agent({"messages": messages})[-1]["text"] == "I read:\n- i-33333333"


@pytest.mark.parametrize("kind", ["enabled", "adaptive"])
def test_thinking_comes_first_where_the_request_enables_it(api: FakeApi, kind: str) -> None:
    answer = call(api.url, "POST", "/v1/messages", {**QUESTION, "thinking": {"type": kind}}).json()
    assert [block["type"] for block in answer["content"]] == ["thinking", "text"]
    assert "i-0a1b2c3d4e5f60718" in answer["content"][0]["thinking"]


def test_a_stream_has_the_events_of_the_real_api_in_their_order(api: FakeApi) -> None:
    api.script = says(
        {"type": "thinking", "thinking": "abcd"},
        {"type": "text", "text": "efgh", "citations": [{"type": "char_location", "cited_text": "e"}]},
        {"type": "redacted_thinking", "data": "AAAA"},
        {"type": "tool_use", "name": "Bash", "input": {"command": "é"}},
    )
    api.pieces = (2,)
    answer = call(api.url, "POST", "/v1/messages", {**QUESTION, "stream": True})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    got = events(answer.body)
    shapes = [(e["type"], e.get("index"), e.get("delta", e.get("content_block", {})).get("type")) for e in got]
    assert shapes == [
        ("message_start", None, None),
        ("content_block_start", 0, "thinking"),
        ("ping", None, None),
        *[("content_block_delta", 0, "thinking_delta")] * 2,
        ("content_block_delta", 0, "signature_delta"),
        ("content_block_stop", 0, None),
        ("content_block_start", 1, "text"),
        *[("content_block_delta", 1, "text_delta")] * 2,
        ("content_block_delta", 1, "citations_delta"),
        ("content_block_stop", 1, None),
        ("content_block_start", 2, "redacted_thinking"),
        ("content_block_stop", 2, None),
        ("content_block_start", 3, "tool_use"),
        *[("content_block_delta", 3, "input_json_delta")] * 9,
        ("content_block_stop", 3, None),
        ("message_delta", None, None),
        ("message_stop", None, None),
    ]
    partial = [e["delta"]["partial_json"] for e in got if e.get("delta", {}).get("type") == "input_json_delta"]
    assert partial[0] == ""
    assert json.loads("".join(partial)) == {"command": "é"}
    assert got[-2]["delta"]["stop_reason"] == "tool_use"


def test_text_is_cut_into_pieces_of_the_sizes_given(api: FakeApi) -> None:
    api.script = says({"type": "text", "text": "abcdefghij"})
    api.pieces = (1, 4)
    got = events(call(api.url, "POST", "/v1/messages", {**QUESTION, "stream": True}).body)
    texts = [event["delta"]["text"] for event in got if event["type"] == "content_block_delta"]
    assert texts == ["a", "bcde", "f", "ghij"]


def test_a_stream_can_use_crlf(api: FakeApi) -> None:
    api.newline = "\r\n"
    body = call(api.url, "POST", "/v1/messages", {**QUESTION, "stream": True}).body
    assert body.count(b"\n") == body.count(b"\r\n") > 0
    assert events(body.replace(b"\r\n", b"\n"))[-1] == {"type": "message_stop"}


def test_a_delay_stands_before_every_event(api: FakeApi) -> None:
    api.delay = 0.01
    begun = time.monotonic()
    got = events(call(api.url, "POST", "/v1/messages", {**QUESTION, "stream": True}).body)
    assert time.monotonic() - begun >= len(got) * 0.01


def test_a_lone_surrogate_comes_back_as_an_escape(api: FakeApi) -> None:
    api.script = says({"type": "text", "text": "\ud83d"})
    api.pieces = (1,)
    assert b'"text":"\\ud83d"' in call(api.url, "POST", "/v1/messages", QUESTION).body
    assert b'"text":"\\ud83d"' in call(api.url, "POST", "/v1/messages", {**QUESTION, "stream": True}).body


def test_every_request_is_kept_with_its_answers_status(api: FakeApi) -> None:
    call(api.url, "POST", "/v1/messages?beta=true", b'{"a\xff', {**KEY, "X-Some": "Thing"})
    call(api.url, "HEAD", "/", headers={})
    first, second = api.requests
    assert (first.method, first.path, first.body, first.status) == ("POST", "/v1/messages?beta=true", b'{"a\xff', 400)
    assert ("X-Some", "Thing") in first.headers
    assert (second.method, second.path, second.body, second.status) == ("HEAD", "/", b"", 200)


def test_a_request_that_breaks_off_is_kept_as_far_as_it_came(api: FakeApi) -> None:
    connection = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=10)
    connection.putrequest("POST", "/v1/messages")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"only this")
    connection.close()
    while all(request.method != "POST" for request in api.requests):
        call(api.url, "HEAD", "/")
    assert [r.body for r in api.requests if r.method == "POST"] == [b"only this"]


def test_representations_show_no_header_and_no_body(api: FakeApi) -> None:
    call(api.url, "POST", "/v1/messages", QUESTION, {**KEY, "x-api-key": "very-secret"})
    assert "very-secret" not in repr(api.requests)
    assert "i-0a1b2c3d4e5f60718" not in repr(api.requests)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in QUESTION.items() if key != name}


def saying(*messages: object) -> dict[str, Any]:
    return {**QUESTION, "messages": list(messages)}


CALL = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "valid dictionary"),
        (without("model"), "model: Field required"),
        (without("max_tokens"), "max_tokens: Field required"),
        (without("messages"), "messages: Field required"),
        (saying(), "at least one message"),
        (saying({"role": "robot", "content": "x"}), "messages.0.role"),
        (saying({"role": "user", "content": 7}), "messages.0.content"),
        (saying({"role": "user", "content": [{}]}), "messages.0.content.0.type"),
        (saying({"role": "user", "content": [{"type": "text", "text": ""}]}), "must be non-empty"),
        ({**QUESTION, "tools": [{"name": "a b"}]}, "tools.0.name"),
        (saying({"role": "assistant", "content": [{**CALL, "id": "a.b"}]}), "tool_use.id"),
        (saying({"role": "assistant", "content": [{**CALL, "name": "x" * 129}]}), "tool_use.name"),
        (saying({"role": "assistant", "content": [{**CALL, "input": "{}"}]}), "tool_use.input"),
        (saying({"role": "user", "content": [RESULT]}), "unexpected `tool_use_id`"),
        (
            saying({"role": "assistant", "content": [CALL]}, {"role": "user", "content": "no"}),
            "without `tool_result` blocks immediately after: toolu_1",
        ),
    ],
)
def test_what_the_real_api_refuses_is_a_400_in_its_shape(api: FakeApi, body: object, message: str) -> None:
    answer = call(api.url, "POST", "/v1/messages", body)
    assert answer.status == 400
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert message in answer.json()["error"]["message"]


def test_a_system_message_may_stand_between_a_call_and_its_result(api: FakeApi) -> None:
    body = saying(
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [CALL]},
        {"role": "system", "content": "by the way"},
        {"role": "user", "content": [RESULT]},
    )
    assert call(api.url, "POST", "/v1/messages", body).status == 200


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({}, 401, "authentication_error"),
        ({"authorization": "Basic eA=="}, 401, "authentication_error"),
        ({"x-api-key": "dummy"}, 400, "invalid_request_error"),
        ({"authorization": "Bearer dummy", "anthropic-version": "2023-06-01"}, 200, None),
    ],
)
def test_credentials_and_version_are_demanded(api: FakeApi, headers: dict[str, str], status: int, kind: str) -> None:
    answer = call(api.url, "POST", "/v1/messages", QUESTION, headers)
    assert (answer.status, answer.json().get("error", {}).get("type")) == (status, kind)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/nothing", 404), ("PUT", "/v1/messages", 405)])
def test_unknown_paths_and_methods_are_errors_in_the_api_s_shape(
    api: FakeApi, method: str, path: str, status: int
) -> None:
    answer = call(api.url, method, path)
    assert answer.status == status
    assert answer.json()["type"] == "error"


def test_a_body_over_the_limit_is_a_413(api: FakeApi) -> None:
    answer = call(api.url, "POST", "/v1/messages", b" " * (MAX_BODY + 1))
    assert (answer.status, answer.json()["error"]["type"]) == (413, "request_too_large")


def test_a_script_can_answer_with_an_error(api: FakeApi) -> None:
    def overloaded(_request: Request) -> list[Block]:
        raise ApiError(429, "rate_limit_error", "Slow down", headers={"retry-after": "0"})

    api.script = overloaded
    answer = call(api.url, "POST", "/v1/messages", {**QUESTION, "stream": True})
    assert (answer.status, answer.headers["retry-after"]) == (429, "0")
    assert answer.json()["error"] == {"type": "rate_limit_error", "message": "Slow down"}


def thinking_turn(api: FakeApi) -> tuple[dict[str, Any], dict[str, Any]]:
    """Hold a turn with thinking; return the next request, and the thinking block in it."""
    first = {**QUESTION, "thinking": {"type": "enabled"}, "system": [{"type": "text", "text": "billing"}] * 2}
    content = call(api.url, "POST", "/v1/messages", first).json()["content"]
    messages = [*first["messages"], {"role": "assistant", "content": content}, {"role": "user", "content": "go on"}]
    return json.loads(json.dumps({**first, "messages": messages})), content[0]


def test_thinking_that_comes_back_as_issued_is_accepted(api: FakeApi) -> None:
    request, _ = thinking_turn(api)
    assert call(api.url, "POST", "/v1/messages", request).status == 200


def test_changed_thinking_is_a_400(api: FakeApi) -> None:
    request, _ = thinking_turn(api)
    request["messages"][1]["content"][0]["thinking"] += " "
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        answer = call(api.url, "POST", path, request)
        assert answer.status == 400
        assert answer.json()["error"]["message"] == "messages.1.content.0: Invalid `signature` in `thinking` block"


def test_a_made_up_signature_is_a_400(api: FakeApi) -> None:
    request, _ = thinking_turn(api)
    request["messages"][1]["content"][0]["signature"] = "not base64!"
    assert call(api.url, "POST", "/v1/messages", request).status == 400


def test_thinking_after_a_changed_conversation_is_a_400_unless_binding_is_off(api: FakeApi) -> None:
    request, _ = thinking_turn(api)
    request["messages"][0]["content"] = "Another question"
    answer = call(api.url, "POST", "/v1/messages", request)
    assert "bound to a different conversation" in answer.json()["error"]["message"]
    api.bind_thinking = False
    assert call(api.url, "POST", "/v1/messages", request).status == 200


def test_thinking_is_not_bound_to_cache_control_spelling_or_the_first_system_entry(api: FakeApi) -> None:
    request, _ = thinking_turn(api)
    text = request["messages"][0]["content"]
    request["messages"][0]["content"] = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]
    request["system"][0]["text"] = "billing, changed"
    assert call(api.url, "POST", "/v1/messages", request).status == 200


def test_count_tokens_gives_a_number(api: FakeApi) -> None:
    answer = call(api.url, "POST", "/v1/messages/count_tokens", without("max_tokens"))
    assert answer.json()["input_tokens"] > 10


def test_models_are_listed(api: FakeApi) -> None:
    page = call(api.url, "GET", "/v1/models?limit=1000").json()
    assert {model["type"] for model in page["data"]} == {"model"}
    assert page["has_more"] is False


def test_json_is_compressed_for_those_who_take_it(api: FakeApi) -> None:
    answer = call(api.url, "GET", "/v1/models", headers={**KEY, "Accept-Encoding": "gzip, br"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.body.startswith(b"\x1f\x8b")
    assert "content-encoding" not in call(api.url, "GET", "/v1/models").headers


def test_a_batch_ends_with_results_at_the_api_s_own_address(api: FakeApi) -> None:
    body = {"requests": [{"custom_id": f"item-{n}", "params": dict(QUESTION)} for n in (1, 2)]}
    begun = call(api.url, "POST", "/v1/messages/batches", body, {**KEY, "Host": "gateway.example"}).json()
    assert (begun["processing_status"], begun["results_url"]) == ("in_progress", None)
    ended = call(
        api.url, "GET", f"/v1/messages/batches/{begun['id']}", headers={**KEY, "Host": "gateway.example"}
    ).json()
    assert ended["processing_status"] == "ended"
    assert ended["results_url"] == f"{api.url}/v1/messages/batches/{begun['id']}/results"
    results = call(api.url, "GET", urlsplit(ended["results_url"]).path)
    assert results.headers["content-type"] == "application/x-jsonl"
    lines = [json.loads(line) for line in results.body.splitlines()]
    assert [line["custom_id"] for line in lines] == ["item-1", "item-2"]
    assert "i-0a1b2c3d4e5f60718" in lines[0]["result"]["message"]["content"][0]["text"]
    assert [batch["id"] for batch in call(api.url, "GET", "/v1/messages/batches").json()["data"]] == [begun["id"]]


@pytest.mark.parametrize("path", ["/v1/messages/batches/nope", "/v1/messages/batches/nope/results", "/v1/files/nope"])
def test_what_does_not_exist_is_a_404(api: FakeApi, path: str) -> None:
    assert call(api.url, "GET", path).json()["error"]["type"] == "not_found_error"


def test_a_batch_without_requests_is_a_400(api: FakeApi) -> None:
    assert call(api.url, "POST", "/v1/messages/batches", {"requests": []}).status == 400


def test_a_file_comes_back_as_it_was_uploaded(api: FakeApi) -> None:
    content = b"line one\r\n\x00\xff--b\r\n\r\nlast"
    body = (
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nhi\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/x-thing'
        b"\r\n\r\n" + content + b"\r\n--b--\r\n"
    )
    meta = call(api.url, "POST", "/v1/files", body, {**KEY, "Content-Type": "multipart/form-data; boundary=b"}).json()
    assert (meta["filename"], meta["mime_type"], meta["size_bytes"]) == ("a.bin", "application/x-thing", len(content))
    assert call(api.url, "GET", f"/v1/files/{meta['id']}").json() == meta
    assert call(api.url, "GET", "/v1/files").json()["data"] == [meta]
    answer = call(api.url, "GET", f"/v1/files/{meta['id']}/content")
    assert (answer.body, answer.headers["content-type"]) == (content, "application/x-thing")


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=b", "application/json"])
def test_an_upload_without_a_file_is_a_400(api: FakeApi, content_type: str) -> None:
    answer = call(api.url, "POST", "/v1/files", b"--b--\r\n", {**KEY, "Content-Type": content_type})
    assert answer.json()["error"]["message"] == "file: Field required"


def test_it_runs_in_an_event_loop_and_stops() -> None:
    async def main() -> tuple[int, str]:
        api = FakeApi()
        url = await api.start()
        status = (await asyncio.to_thread(call, url, "HEAD", "/")).status
        await api.stop()
        return status, url

    status, url = asyncio.run(main())
    assert status == 200
    with pytest.raises(ConnectionRefusedError):
        call(url, "HEAD", "/")


def test_as_a_process_it_prints_its_url_and_records_for_its_owner_only(tmp_path: Path) -> None:
    record = tmp_path / "received.jsonl"
    command = [sys.executable, "-m", "aws_masker.fake_api", "--record", str(record)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        call(url, "POST", "/v1/messages", QUESTION)
        call(url, "POST", "/v1/messages", b"\xff")
        process.terminate()
        assert process.wait(10) == 0
    first, second = [json.loads(line) for line in record.read_text().splitlines()]
    assert (first["method"], first["path"], json.loads(first["body"])) == ("POST", "/v1/messages", QUESTION)
    assert ["x-api-key", "dummy"] in first["headers"]
    assert second["body_base64"] == "/w=="
    assert record.stat().st_mode & 0o777 == 0o600
