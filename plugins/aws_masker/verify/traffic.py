"""What ``aws-masker verify`` sends: requests of a coding agent's shape, with made-up identifiers in every place.

The identifiers are the catalogue's own examples, so a family that is added is verified from then on. Each *place*
(system prompt, tool results, JSON in text, …) is a request of its own: what the masker learned in one place must not
help it in the next. A string that holds an example is a ``Planted``, so that it is found again in what arrived.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aws_masker.catalogue import Catalogue
from aws_masker.settings import Policy
from aws_masker.tokens import ALPHABET, MAX_LABEL_LENGTH, TAIL_LENGTH

MODEL: Final = "claude-sonnet-4-5-20250929"
TOOL: Final = "Bash"

_MARKED: Final = re.compile("«([^»]*)»")
TOKEN: Final = re.compile(f"[a-z][a-z0-9-]{{0,{MAX_LABEL_LENGTH - 1}}}-x[{ALPHABET}]{{{TAIL_LENGTH}}}")
_GONE: Final = "\0"

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """A text of the catalogue with made-up identifiers in it: all of it, these parts, and what stands around them."""

    family: str
    text: str
    originals: tuple[str, ...]
    around: str


class Planted(str):
    """A string of a request that holds an example; ``spelled`` is how that spells what it holds."""

    __slots__ = ("example", "spelled")
    example: Example
    spelled: Callable[[str], str]

    @classmethod
    def of(cls, example: Example, text: str | None = None, spelled: Callable[[str], str] = str) -> "Planted":
        """Return ``text``, by default the example's."""
        planted = cls(example.text if text is None else text)
        planted.example = example
        planted.spelled = spelled
        return planted

    def leaked(self, received: str) -> bool:
        """Say whether ``received``, which arrived in place of this string, holds an identifier of the example."""
        text = TOKEN.sub(_GONE, received)
        around = self.spelled(self.example.around)
        return any(
            text.count(self.spelled(original)) > around.count(self.spelled(original))
            for original in self.example.originals
        )


@dataclass(frozen=True, slots=True)
class Place:
    r"""A place in which identifiers leave a machine.

    ``body`` makes the request's body from examples. ``answers`` says that what is sent there can come back in an
    answer, ``streams`` that the answer is streamed, ``escapes`` that the body spells all text in ``\uXXXX`` escapes.
    """

    title: str
    body: Callable[[Sequence[Example]], Body]
    path: str = "/v1/messages"
    streams: bool = True
    answers: bool = True
    escapes: bool = False

    def raw(self, body: Body) -> bytes:
        """Return ``body`` as it is sent."""
        if self.escapes:
            return _escaped(body).encode()
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def examples(catalogue: Catalogue, policy: Mapping[str, Policy], skip: Collection[str] = ()) -> list[Example]:
    """Return the examples of all families that are to be masked."""
    return [
        example(family.name, marked)
        for family in catalogue.families
        if policy.get(family.name, policy.get(family.kind, "mask")) == "mask" and family.name not in skip
        for marked in family.match
    ]


def example(family: str, marked: str) -> Example:
    """Read an example of the catalogue: ``«`` and ``»`` stand around each identifier."""
    return Example(family, _MARKED.sub(r"\1", marked), tuple(_MARKED.findall(marked)), _MARKED.sub(_GONE, marked))


def pairs(sent: object, received: object) -> Iterator[tuple[Planted, str]]:
    """Yield each planted string of ``sent`` with what stands in its place in ``received``.

    Raises ValueError where the two differ in anything but text: a masker changes nothing else.
    """
    if isinstance(sent, dict) and isinstance(received, dict) and len(sent) == len(received):
        for (name, value), (name_received, value_received) in zip(sent.items(), received.items(), strict=True):
            yield from pairs(name, name_received)
            yield from pairs(value, value_received)
    elif isinstance(sent, list) and isinstance(received, list) and len(sent) == len(received):
        for value, value_received in zip(sent, received, strict=True):
            yield from pairs(value, value_received)
    elif isinstance(sent, Planted) and isinstance(received, str):
        yield sent, received
    elif sent != received and not (isinstance(sent, str) and isinstance(received, str)):
        message = "the request arrived with another structure than it was sent with"
        raise ValueError(message)


# The places


def _request(
    messages: list[Body], *, system: list[Body] | None = None, tools: list[Body] | None = None, stream: bool = True
) -> Body:
    schema = {"type": "object", "properties": {"command": {"type": "string"}}}
    return {
        "model": MODEL,
        "max_tokens": 4096,
        "system": [{"type": "text", "text": "You are a coding agent."}, *(system or [])],
        "tools": [{"name": TOOL, "description": "Runs a command.", "input_schema": schema}, *(tools or [])],
        "messages": messages,
        "stream": stream,
    }


def _prompt(content: list[Body]) -> list[Body]:
    return [{"role": "user", "content": [*content, {"type": "text", "text": "Tell me what you see."}]}]


def _texts(strings: Sequence[str]) -> list[Body]:
    return [{"type": "text", "text": string} for string in strings]


def _tool_turn(call: object, content: object) -> list[Body]:
    """Return a conversation in which a tool was called with ``call`` and has given ``content``."""
    block = {"type": "tool_use", "id": "toolu_verify", "name": TOOL, "input": call}
    return [
        {"role": "user", "content": "Look into it."},
        {"role": "assistant", "content": [{"type": "text", "text": "I call the tool."}, block]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_verify", "content": content}]},
    ]


def _in_prompt(chosen: Sequence[Example]) -> Body:
    return _request(_prompt(_texts([Planted.of(one) for one in chosen])))


def _unstreamed(chosen: Sequence[Example]) -> Body:
    return _request(_prompt(_texts([Planted.of(one) for one in chosen])), stream=False)


def _after_line_break(chosen: Sequence[Example]) -> Body:
    return _request(_prompt(_texts([Planted.of(one, f"first line\n{one.text}\nlast line") for one in chosen])))


def _in_system(chosen: Sequence[Example]) -> Body:
    return _request(_prompt([]), system=_texts([Planted.of(one) for one in chosen]))


def _in_tools(chosen: Sequence[Example]) -> Body:
    schema = {"type": "object", "properties": {}}
    tools = [
        {"name": f"tool_{number}", "description": Planted.of(one), "input_schema": schema}
        for number, one in enumerate(chosen)
    ]
    return _request(_prompt([]), tools=tools)


def _in_calls(chosen: Sequence[Example]) -> Body:
    call = {"command": "run", "options": {"nested": [Planted.of(one) for one in chosen]}}
    return _request(_tool_turn(call, "done"))


def _in_call_keys(chosen: Sequence[Example]) -> Body:
    call = {
        "command": "run",
        "labels": {Planted.of(one, f"{number}\n{one.text}"): True for number, one in enumerate(chosen)},
    }
    return _request(_tool_turn(call, "done"))


def _in_results(chosen: Sequence[Example]) -> Body:
    turns = [_tool_turn({"command": f"show {number}"}, Planted.of(one)) for number, one in enumerate(chosen)]
    return _request([message for turn in turns for message in turn])


def _in_result_blocks(chosen: Sequence[Example]) -> Body:
    return _request(_tool_turn({"command": "show"}, _texts([Planted.of(one) for one in chosen])))


def _as_json_text(chosen: Sequence[Example]) -> Body:
    strings = [Planted.of(one, json.dumps({"exit": 0, "output": one.text}), _json_inside) for one in chosen]
    return _request(_tool_turn({"command": "show"}, _texts(strings)))


def _in_documents(chosen: Sequence[Example]) -> Body:
    sources = [{"type": "text", "media_type": "text/plain", "data": Planted.of(one)} for one in chosen]
    return _request(_prompt([{"type": "document", "source": source} for source in sources]))


def _in_unknown_blocks(chosen: Sequence[Example]) -> Body:
    return _request(_prompt([{"type": "block_of_tomorrow", "payload": {"part": Planted.of(one)}} for one in chosen]))


def _in_batch(chosen: Sequence[Example]) -> Body:
    return {"requests": [{"custom_id": "verify-1", "params": _unstreamed(chosen)}]}


def _json_inside(text: str) -> str:
    return json.dumps(text)[1:-1]


def _escaped(value: object) -> str:
    r"""Return JSON in which every character of every string is a ``\uXXXX`` escape."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_escaped(name)}:{_escaped(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_escaped, value)) + "]"
    if isinstance(value, str):
        units = value.encode("utf-16-be", "surrogatepass")
        return '"' + "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)) + '"'
    return json.dumps(value)


PLACES: Final = (
    Place("prompt", _in_prompt),
    Place("prompt, after a line break", _after_line_break),
    Place("prompt, in \\u escapes", _in_prompt, escapes=True),
    Place("prompt, answer not streamed", _unstreamed, streams=False),
    Place("system prompt", _in_system),
    Place("tool definitions", _in_tools),
    Place("tool calls", _in_calls),
    Place("keys of tool calls", _in_call_keys),
    Place("tool results", _in_results),
    Place("tool results, in blocks", _in_result_blocks),
    Place("tool results, JSON in text", _as_json_text),
    Place("documents", _in_documents),
    Place("unknown blocks", _in_unknown_blocks),
    Place("token counts", _in_prompt, path="/v1/messages/count_tokens", streams=False, answers=False),
    Place("batches", _in_batch, path="/v1/messages/batches", streams=False),
)
