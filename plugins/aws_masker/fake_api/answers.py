"""What the fake Anthropic API says: its default script, and a message in all the forms in which the API sends one.

No sockets here. A *script* is any callable that takes the parsed request and returns content blocks as the Messages
API defines them (https://docs.anthropic.com/en/api/messages): ``{"type": "text", "text": …}``, ``thinking``,
``redacted_thinking``, ``tool_use``, text with ``citations``. Ids, signatures and usage are added where they
are missing. A script that raises ``ApiError`` makes the API answer with that error.

The default script, ``echo_agent``, is driven by what it reads, as an agent is, so that whoever talks to it can
make it call any tool and can see that what it was sent comes back.
"""

import base64
import contextlib
import hashlib
import itertools
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

Block = dict[str, Any]
Request = Mapping[str, Any]
Script = Callable[[Request], Sequence[Block]]

# Small and irregular, so that every token of a masker is cut, and every time at another place.
DEFAULT_PIECES = (3, 7, 1, 5, 2, 11, 4, 1, 9)

MAX_ECHOED_WORDS = 400

_DIRECTIVE = re.compile(r"\[\[tool ([A-Za-z0-9_-]{1,128}) (?=\{)")
# An escape such as \n ends a word for whoever reads it, and its letter begins none.
_WORD = re.compile(r"\\[a-z]|([A-Za-z0-9][A-Za-z0-9._:/@+-]{4,}[A-Za-z0-9])")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MAC_BYTES = 32
_SIGNATURE_BYTES = 264


class ApiError(Exception):
    """An answer that is an error: HTTP status, the API's error type, its message, and further headers."""

    def __init__(self, status: int, error_type: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        """Take the parts of the answer; ``error_type`` is a word of the API, such as ``rate_limit_error``."""
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """Return the JSON of the answer, in the shape of https://docs.anthropic.com/en/api/errors."""
        error = {"type": self.error_type, "message": self.message}
        return compact({"type": "error", "error": error, "request_id": new_id("req")})


def refuse(message: str, *, status: int = 400, error_type: str = "invalid_request_error") -> NoReturn:
    """Raise ``ApiError``: the answer to a request that the API does not accept."""
    raise ApiError(status, error_type, message)


def compact(value: object) -> bytes:
    """Return JSON without white space, non-ASCII as it is, as the API sends it."""
    return _utf8(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _utf8(document: str) -> bytes:
    # A lone surrogate, as JavaScript sends it, becomes the escape that it was in the request.
    return document.encode("utf-8", "backslashreplace")


def new_id(prefix: str) -> str:
    """Return a fresh id of the API's form: ``msg_01`` and 22 letters and digits."""
    return f"{prefix}_01{''.join(secrets.choice(_BASE62) for _ in range(22))}"


# The default script


def echo_agent(request: Request) -> list[Block]:
    """Call the tools that the user's last words ask for, or repeat the identifier-looking words among them.

    A directive is ``[[tool NAME {"json": "input"}]]``, anywhere in a prompt or a tool result; it counts only when
    the request offers a tool of that name, so that side queries about the same text get plain answers.
    Where the request enables thinking, a thinking block with the same words comes first.
    """
    text = last_text(request)
    words = echoed_words(text)
    offered = {tool.get("name") for tool in request.get("tools", ())}
    calls = [call for call in directives(text) if call["name"] in offered]
    blocks: list[Block] = []
    if request.get("thinking", {}).get("type") in {"enabled", "adaptive"}:
        blocks.append({"type": "thinking", "thinking": f"The user is asking about {' and '.join(words)}."})
    if calls:
        return [*blocks, {"type": "text", "text": "I call the tool."}, *calls]
    return [*blocks, {"type": "text", "text": "\n".join(["I read:", *(f"- {word}" for word in words)])}]


def directives(text: str) -> list[Block]:
    """Return the ``tool_use`` blocks that the directives in ``text`` ask for, in their order."""
    decoder = json.JSONDecoder()
    found: list[Block] = []
    position = 0
    while match := _DIRECTIVE.search(text, position):
        position = match.end()
        with contextlib.suppress(ValueError):
            value, end = decoder.raw_decode(text, position)
            if text.startswith("]]", end):
                found.append({"type": "tool_use", "name": match[1], "input": value})
                # Past its end, for a directive may stand inside the input of another one.
                position = end
    return found


def echoed_words(text: str) -> list[str]:
    """Return the words of ``text`` that look like identifiers (a digit, or an inner mark), each once, in order."""
    words = (match[1] for match in _WORD.finditer(text) if match[1])
    marked = (word for word in words if any(not character.isalpha() for character in word))
    return list(itertools.islice(dict.fromkeys(marked), MAX_ECHOED_WORDS))


def last_text(request: Request) -> str:
    """Return the text of what the user said since the last answer, tool results included, one line feed between blocks.

    Clients add messages with the role ``system`` (about their surroundings) after it: they are not the user's.
    """
    since = itertools.takewhile(lambda message: message["role"] != "assistant", reversed(request["messages"]))
    said = [message["content"] for message in since if message["role"] == "user"]
    return "\n".join(text for content in reversed(said) for text in _texts(content))


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for block in content:
            if isinstance(block, dict) and block.get("type") == "text":
                yield block.get("text", "")
            elif isinstance(block, dict):
                yield from _texts(block.get("content", ""))


# Signatures of thinking


def sign(thinking: str, conversation: bytes) -> str:
    """Return a signature that binds a thinking text to ``conversation``, the digest of all that came before it.

    As long and as random-looking as a real one: base64, so that a masker which looks into it does harm.
    """
    macs = _mac(b"thinking", thinking.encode("utf-8", "surrogatepass")) + _mac(b"conversation", conversation)
    filler = hashlib.shake_256(macs).digest(_SIGNATURE_BYTES - len(macs))
    return base64.b64encode(macs + filler).decode()


def signs_thinking(signature: str, thinking: str) -> bool:
    """Say whether ``signature`` was issued for exactly this thinking text."""
    return _signature_macs(signature)[0] == _mac(b"thinking", thinking.encode("utf-8", "surrogatepass"))


def signs_conversation(signature: str, conversation: bytes) -> bool:
    """Say whether ``signature`` was issued after a conversation with this digest."""
    return _signature_macs(signature)[1] == _mac(b"conversation", conversation)


def conversation_digest(request: Request, messages: int) -> bytes:
    """Return a digest of tools, system and the first ``messages`` messages: what a thinking block is bound to.

    Moving ``cache_control``, and writing a content string as a list of one text block, change nothing; neither does the
    first ``system`` entry, where clients put what the API removes by position.
    """
    system = _as_blocks(request.get("system", []))
    before = [
        {"role": message.get("role"), "content": _as_blocks(message.get("content"))}
        for message in request.get("messages", [])[:messages]
    ]
    bound = _without_cache_control([request.get("tools", []), system[1:], before])
    return hashlib.sha256(json.dumps(bound, sort_keys=True).encode()).digest()


def _as_blocks(content: object) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content if isinstance(content, list) else []


def _without_cache_control(value: object) -> object:
    if isinstance(value, dict):
        if value.get("type") == "tool_result":
            value = {**value, "content": _as_blocks(value.get("content", ""))}
        return {key: _without_cache_control(item) for key, item in value.items() if key != "cache_control"}
    if isinstance(value, list):
        return [_without_cache_control(item) for item in value]
    return value


def _mac(purpose: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, key=b"fake-anthropic-api", person=purpose, digest_size=_MAC_BYTES).digest()


def _signature_macs(signature: str) -> tuple[bytes, bytes]:
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError:
        raw = b""
    return raw[:_MAC_BYTES], raw[_MAC_BYTES : 2 * _MAC_BYTES]


# Messages and their stream


def message(request: Request, blocks: Sequence[Block]) -> dict[str, Any]:
    """Return the whole message that answers ``request`` with ``blocks``, as the API's plain JSON."""
    conversation = conversation_digest(request, len(request["messages"]))
    content = [_completed(block, conversation) for block in blocks]
    calls = any(block["type"] == "tool_use" for block in content)
    return {
        "model": request["model"],
        "id": new_id("msg"),
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": "tool_use" if calls else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": token_count(request),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": token_count(content),
            "service_tier": "standard",
        },
    }


def token_count(value: object) -> int:
    """Return a plausible number of tokens: a quarter of the bytes of the JSON."""
    return max(1, len(json.dumps(value, ensure_ascii=False)) // 4)


def _completed(block: Block, conversation: bytes) -> Block:
    if block["type"] == "tool_use":
        return {"type": "tool_use", "id": block.get("id") or new_id("toolu"), **block}
    if block["type"] == "thinking":
        return {**block, "signature": block.get("signature") or sign(block["thinking"], conversation)}
    return dict(block)


def stream(whole: Mapping[str, Any], pieces: Sequence[int] = DEFAULT_PIECES) -> Iterator[dict[str, Any]]:
    """Yield the events of a streamed message; texts are cut into pieces of the given numbers of characters, in turn.

    Order: https://docs.anthropic.com/en/api/messages-streaming, with a ping after the start of the first block.
    """
    usage = {**whole["usage"], "output_tokens": 1}
    start = {**whole, "content": [], "stop_reason": None, "usage": usage}
    yield {"type": "message_start", "message": start}
    sizes = itertools.cycle(pieces)
    for index, block in enumerate(whole["content"]):
        begun, deltas = _cut(block, sizes)
        yield {"type": "content_block_start", "index": index, "content_block": begun}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    reason = {"stop_reason": whole["stop_reason"], "stop_sequence": whole["stop_sequence"]}
    yield {"type": "message_delta", "delta": reason, "usage": {"output_tokens": whole["usage"]["output_tokens"]}}
    yield {"type": "message_stop"}


def _cut(block: Block, sizes: Iterator[int]) -> tuple[Block, Iterator[Block]]:
    """Return the block as ``content_block_start`` shows it, and its deltas."""
    if block["type"] == "text":
        return _cut_text(block, sizes)
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _split(block["thinking"], sizes)]
        signed = {"type": "signature_delta", "signature": block["signature"]}
        return {"type": "thinking", "thinking": "", "signature": ""}, iter([*deltas, signed])
    if block["type"] == "tool_use":
        text = json.dumps(block["input"], ensure_ascii=False)
        # The API opens every tool input with an empty piece.
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *_split(text, sizes)]]
        return {**block, "input": {}}, iter(deltas)
    return block, iter(())


def _cut_text(block: Block, sizes: Iterator[int]) -> tuple[Block, Iterator[Block]]:
    citations = block.get("citations") or ()
    deltas: list[Block] = [{"type": "text_delta", "text": piece} for piece in _split(block["text"], sizes)]
    deltas += [{"type": "citations_delta", "citation": citation} for citation in citations]
    begun: Block = {"type": "text", "text": ""}
    if citations:
        begun["citations"] = []
    return begun, iter(deltas)


def _split(text: str, sizes: Iterator[int]) -> Iterator[str]:
    position = 0
    while position < len(text):
        size = next(sizes)
        yield text[position : position + size]
        position += size


def frame(event: Mapping[str, Any], newline: str = "\n") -> bytes:
    """Return one event as server-sent events frame it, with the spaces that the API pads short events with."""
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    padded = f"{data[:-1]}{' ' * (-len(data) % 8)}}}"
    return _utf8(f"event: {event['type']}{newline}data: {padded}{newline}{newline}")
