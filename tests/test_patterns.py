"""Each of the resource patterns is masked in just its identifying parts, and restored, wherever a body carries it."""

import json
import random
from typing import Any

import pytest

from aws_masker import Masker
from aws_masker.edits import MaskedBody, apply
from aws_masker.restore import restorer_for
from masking import marked
from patterns import PATTERNS, Pattern
from restore_parts import cut, events, run, texts_by_block

_PATH = "/v1/messages"
# The host part of a private address stays, so that subnets can still be reasoned about.
_SPLIT = {"«10.42.17.8»": "«10.42».17.8"}
_KEPT = {"10.42.17.8": "10.42"}
_EACH = pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)


def _user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def _masked(masker: Masker, messages: list[dict[str, Any]]) -> tuple[MaskedBody, Any]:
    """Return what masking a body with these messages gives, and the messages that would leave."""
    raw = json.dumps({"model": "claude", "max_tokens": 1, "messages": messages}).encode()
    body = masker.mask_body(raw, _PATH)
    return body, json.loads(apply(list(body.edits), raw))["messages"]


def _leaves_without(sent: object, pattern: Pattern) -> bool:
    """Tell whether nothing that identifies the pattern's resource is in what leaves."""
    text = json.dumps(sent, ensure_ascii=False)
    return not any(_KEPT.get(original, original) in text for original in pattern.originals)


def _restored(document: object, body: MaskedBody) -> Any:
    """Return an answer that holds ``document`` as the client gets it."""
    return json.loads(run(restorer_for("application/json", body.dictionary), [json.dumps(document).encode()]))


def _stream(kind: str, field: str, pieces: list[str]) -> bytes:
    """Return an answer's events that carry ``pieces``, one in each."""
    tool = {"type": "tool_use", "id": "toolu_01", "name": "Bash", "input": {}}
    start = {"type": "text", "text": ""} if kind == "text_delta" else tool
    told: list[dict[str, Any]] = [
        {"type": "content_block_start", "index": 0, "content_block": start},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": kind, field: piece}} for piece in pieces),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode() for data in told)


def _streamed(text: str, kind: str, field: str, body: MaskedBody, chance: random.Random) -> str:
    """Return ``text`` as the client reads it from a stream, cut at random into deltas and again into packets."""
    pieces = [piece.decode() for piece in cut(text.encode("ascii"), chance.sample(range(len(text)), len(text) // 4))]
    raw = _stream(kind, field, pieces)
    packets = cut(raw, chance.sample(range(len(raw)), 12))
    return texts_by_block(events(run(restorer_for("text/event-stream", body.dictionary), packets)))[0, kind]


def test_there_are_at_least_fifty() -> None:
    assert len({pattern.name for pattern in PATTERNS}) >= 50


@_EACH
def test_a_pattern_is_masked_in_its_identifying_parts_and_restored(one: Masker, pattern: Pattern) -> None:
    wanted = pattern.marked
    for whole, parts in _SPLIT.items():
        wanted = wanted.replace(whole, parts)
    assert marked(one, pattern.text) == wanted
    assert one.restore_text(one.mask_text(pattern.text).text) == pattern.text


@_EACH
def test_a_pattern_in_a_json_document_is_masked_and_restored(one: Masker, pattern: Pattern) -> None:
    """The document stands in a text, as Claude Code sends the files that it reads."""
    document = {"note": pattern.text, "more": [pattern.text]}
    body, sent = _masked(one, [_user({"type": "text", "text": json.dumps(document, indent=2)})])
    assert _leaves_without(sent, pattern)
    answered = _restored({"content": sent[0]["content"]}, body)
    assert json.loads(answered["content"][0]["text"]) == document


@_EACH
def test_a_pattern_in_a_tool_input_and_its_result_is_masked_and_restored(one: Masker, pattern: Pattern) -> None:
    call = {"type": "tool_use", "id": "toolu_01", "name": "Bash", "input": {"command": pattern.text}}
    result = {"type": "tool_result", "tool_use_id": "toolu_01", "content": pattern.text}
    body, sent = _masked(one, [{"role": "assistant", "content": [call]}, _user(result)])
    assert _leaves_without(sent, pattern)
    assert sent[0]["content"][0]["input"].keys() == {"command"}
    answered = _restored({"content": sent[0]["content"]}, body)
    assert answered["content"] == [call]
    told = _restored({"content": [{"type": "text", "text": sent[1]["content"][0]["content"]}]}, body)
    assert told["content"][0]["text"] == pattern.text


@_EACH
def test_a_pattern_in_a_stream_is_restored_however_it_is_cut(one: Masker, pattern: Pattern) -> None:
    body, sent = _masked(one, [_user({"type": "text", "text": pattern.text})])
    told = sent[0]["content"][0]["text"]
    assert _leaves_without(sent, pattern)
    chance = random.Random(pattern.marked)  # noqa: S311 - the same cuts in every run, and nothing secret
    for _ in range(5):
        assert _streamed(told, "text_delta", "text", body, chance) == pattern.text
        written = _streamed(json.dumps({"command": told}), "input_json_delta", "partial_json", body, chance)
        assert json.loads(written) == {"command": pattern.text}
