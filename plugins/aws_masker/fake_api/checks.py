"""What the fake Anthropic API refuses, in the words of the real one.

Only what a gateway in front of it could break: the shape of a request, the references between tool calls and their
results, the forms of names and ids, and thinking blocks, which must come back as they were issued.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from aws_masker.fake_api.answers import Request, conversation_digest, refuse, signs_conversation, signs_thinking

_ROLES = ("user", "assistant", "system")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]+")


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in ``body``. Raises ``ApiError`` (400) when it holds none."""
    try:
        value = json.loads(body)
    except ValueError as error:
        refuse(f"The request body is not valid JSON: {error}")
    if not isinstance(value, dict):
        refuse("Input should be a valid dictionary")
    return value


def check_request(request: Request, *, bind_thinking: bool) -> None:
    """Raise ``ApiError`` (400) when this is no acceptable Messages request; ``max_tokens`` is not looked at.

    With ``bind_thinking`` a thinking block must also stand after the very conversation in which it was issued.
    """
    if not isinstance(request.get("model"), str):
        refuse("model: Field required")
    messages = request.get("messages")
    if not isinstance(messages, list):
        refuse("messages: Field required")
    if not messages:
        refuse("messages: at least one message is required")
    for index, tool in enumerate(request.get("tools", [])):
        if not _TOOL_NAME.fullmatch(tool.get("name", "")):
            refuse(f"tools.{index}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    for index, message in enumerate(messages):
        _check_message(message, f"messages.{index}")
    _check_tool_results(messages)
    for index, message in enumerate(messages):
        _check_thinking(request, index, message, bind_thinking=bind_thinking)


def _check_message(message: Any, place: str) -> None:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        refuse(f"{place}.role: Input should be 'user', 'assistant' or 'system'")
    content = message.get("content")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        refuse(f"{place}.content: Input should be a valid list")
    for index, block in enumerate(content):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            refuse(f"{place}.content.{index}.type: Field required")
        if block["type"] == "text" and not block.get("text"):
            refuse("messages: text content blocks must be non-empty")
        if block["type"] == "tool_use":
            _check_tool_use(block, f"{place}.content.{index}.tool_use")


def _check_tool_use(block: Mapping[str, Any], place: str) -> None:
    if not _TOOL_ID.fullmatch(block.get("id", "")):
        refuse(f"{place}.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if not _TOOL_NAME.fullmatch(block.get("name", "")):
        refuse(f"{place}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    if not isinstance(block.get("input"), dict):
        refuse(f"{place}.input: Input should be a valid dictionary")


def _check_tool_results(messages: list[dict[str, Any]]) -> None:
    """Every call must be answered in the next message, and every result must answer a call of the one before."""
    turns = [(index, message) for index, message in enumerate(messages) if message["role"] != "system"]
    called: set[str] = set()
    for index, message in turns:
        answered = {block.get("tool_use_id") for block in _blocks(message, "tool_result")}
        for unknown in sorted(map(str, answered - called)):
            refuse(
                f"messages.{index}.content: unexpected `tool_use_id` found in `tool_result` blocks: {unknown}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        if missing := called - answered:
            refuse(
                f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(sorted(missing))}. Each `tool_use` block must have a corresponding `tool_result` block "
                "in the next message."
            )
        called = {block["id"] for block in _blocks(message, "tool_use")}


def _check_thinking(request: Request, index: int, message: Mapping[str, Any], *, bind_thinking: bool) -> None:
    for block in _blocks(message, "thinking"):
        place = f"messages.{index}.content.{message['content'].index(block)}"
        signature = block.get("signature", "")
        if not signs_thinking(signature, block.get("thinking", "")):
            refuse(f"{place}: Invalid `signature` in `thinking` block")
        if bind_thinking and not signs_conversation(signature, conversation_digest(request, index)):
            refuse(f"{place}: `thinking` block is bound to a different conversation")


def _blocks(message: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    content = message["content"]
    return (block for block in content if block["type"] == kind) if isinstance(content, list) else iter(())
