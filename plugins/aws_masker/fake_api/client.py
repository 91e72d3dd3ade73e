"""The client's side of an answer: what an SDK makes of the bytes that it gets. For ``aws-masker`` verify and demo."""

import json
from collections.abc import Iterator
from typing import Any

Block = dict[str, Any]


def blocks(content_type: str, content: bytes) -> list[Block]:
    """Return the content blocks of an answer of the Messages API, streamed or not.

    Raises ValueError, LookupError or TypeError when the answer is not what the API sends.
    """
    if content_type.startswith("text/event-stream"):
        return _assembled(content)
    found: list[Block] = json.loads(content)["content"]
    return found


def message_of(content: bytes) -> str:
    """Return the message of an error answer, or a few words where it is none."""
    try:
        message = json.loads(content)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return "no error in the API's shape"
    return str(message)


def _assembled(stream: bytes) -> list[Block]:
    """Put a stream's blocks together, as https://docs.anthropic.com/en/api/messages-streaming describes."""
    found: list[Block] = []
    inputs: dict[int, str] = {}
    for event in _events(stream):
        if event["type"] == "content_block_start":
            found.append(dict(event["content_block"]))
        elif event["type"] == "content_block_delta":
            block, delta = found[event["index"]], event["delta"]
            if delta["type"] == "input_json_delta":
                inputs[event["index"]] = inputs.get(event["index"], "") + delta["partial_json"]
            else:
                for name in ("text", "thinking", "signature"):
                    if name in delta:
                        block[name] = block.get(name, "") + delta[name]
        elif event["type"] == "content_block_stop" and event["index"] in inputs:
            found[event["index"]]["input"] = json.loads(inputs[event["index"]])
    return found


def _events(stream: bytes) -> Iterator[dict[str, Any]]:
    for line in stream.decode().split("\n"):
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))
