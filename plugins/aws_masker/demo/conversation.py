"""``aws-masker demo``: one conversation through the gateway, with both sides of it next to each other.

A person asks for help with made-up AWS resources, the model calls a tool, the tool's output goes back. The model is the
fake API, which knows nothing but what arrives there, as Claude would. What is shown is what went over the wire.
"""

import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from aws_masker import gateway
from aws_masker.demo.side_by_side import Column, side_by_side
from aws_masker.errors import MaskerError
from aws_masker.fake_api import FakeApi
from aws_masker.fake_api.client import Block, blocks, message_of
from aws_masker.settings import Settings
from aws_masker.verify.traffic import MODEL, TOKEN, TOOL

ORIGINALS: Final = (
    "481516234217",
    "i-0a1b2c3d4e5f60718",
    "sg-0f1e2d3c4b5a69788",
    "orders-db-prod",
    "c9akciq32abc",
    "acme-orders-logs",
    "10.20",
    "AKIAIOSFODNN7EXAMPLE",
)
QUESTION: Final = (
    "Orders fail in account 481516234217. Restart i-0a1b2c3d4e5f60718, then tell me whether it reaches "
    "orders-db-prod.c9akciq32abc.eu-west-1.rds.amazonaws.com. The logs are in s3://acme-orders-logs/2025/ "
    "(access key AKIAIOSFODNN7EXAMPLE)."
)
COMMAND: Final = "aws ec2 reboot-instances --instance-ids i-0a1b2c3d4e5f60718 --region eu-west-1"
OUTPUT: Final = json.dumps(
    {
        "InstanceId": "i-0a1b2c3d4e5f60718",
        "PrivateIpAddress": "10.20.5.7",
        "SecurityGroups": ["sg-0f1e2d3c4b5a69788"],
        "OwnerId": "481516234217",
        "State": "running",
    }
)
_HEADERS: Final = {"x-api-key": "made-up-key", "anthropic-version": "2023-06-01"}
_TOOLS: Final = [
    {
        "name": TOOL,
        "description": "Runs a command.",
        "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}},
    }
]


@dataclass(slots=True)
class Turn:
    """One request and its answer, as text on each side of the gateway."""

    title: str
    sent: str
    left: str
    came_back: str
    seen: str


@dataclass(slots=True)
class Conversation:
    """A client that talks through the gateway at ``url`` to ``api``."""

    url: str
    api: FakeApi
    messages: list[dict[str, Any]] = field(default_factory=list)
    answered: list[Block] = field(default_factory=list)

    async def ask(self, session: aiohttp.ClientSession, title: str, content: list[Block], sent: str) -> Turn:
        """Send ``content``, which reads as ``sent``, and return the turn."""
        self.messages.append({"role": "user", "content": content})
        body = {"model": MODEL, "max_tokens": 1024, "stream": True, "tools": _TOOLS, "messages": self.messages}
        async with session.post(f"{self.url}/v1/messages", json=body) as answer:
            if answer.status != HTTPStatus.OK:
                message = f"the gateway answered {answer.status}: {message_of(await answer.read())}"
                raise MaskerError(message)
            seen = blocks(answer.content_type, await answer.read())
        self.messages.append({"role": "assistant", "content": seen})
        arrived = self.api.requests[-1].json()["messages"][-1]["content"][0]
        left = arrived["text"] if arrived["type"] == "text" else arrived["content"]
        return Turn(title, sent, left, _as_text(self.answered), _as_text(seen))

    def script(self, request: Mapping[str, Any]) -> Sequence[Block]:
        """Answer as a model would: with what stands in the request, tokens included."""
        words = [match[0] for match in re.finditer(r"[^\s\"',()]+", json.dumps(request["messages"]))]
        instance = next(word for word in words if word.startswith("i-"))
        database = next(word for word in words if ".rds." in word).rstrip(".")
        bucket = next(word for word in words if word.startswith("s3://"))
        account, key = words[words.index("account") + 1].rstrip("."), words[words.index("key") + 1]
        if len(request["messages"]) == 1:
            command = f"aws ec2 reboot-instances --instance-ids {instance} --region eu-west-1"
            text = f"I restart {instance} in account {account} first, then I look at {bucket}."
            self.answered = [
                {"type": "text", "text": text},
                {"type": "tool_use", "name": TOOL, "input": {"command": command}},
            ]
        else:
            output = json.loads(request["messages"][-1]["content"][0]["content"])
            text = (
                f"{instance} is {output['State']} again at {output['PrivateIpAddress']}. "
                f"Let {output['SecurityGroups'][0]} reach {database} on port 5432. "
                f"And deactivate {key}: a key does not belong in a chat."
            )
            self.answered = [{"type": "text", "text": text}]
        return self.answered


def _as_text(content: Sequence[Block]) -> str:
    return "\n".join(
        block["text"] if block["type"] == "text" else f"{block['name']}: {block['input']['command']}"
        for block in content
    )


async def run() -> int:
    """Show the conversation on standard output; return 1 if anything leaked or did not come back, else 0."""
    api = FakeApi()
    await api.start()
    settings = Settings(key=secrets.token_bytes(32), upstream=api.url, listen="127.0.0.1:0")
    running = await gateway.start(settings)
    conversation = Conversation(running.url, api)
    api.script = conversation.script
    try:
        async with aiohttp.ClientSession(headers=_HEADERS) as session:
            question = [{"type": "text", "text": QUESTION}]
            first = await conversation.ask(session, "The question", question, QUESTION)
            call = conversation.messages[-1]["content"][1]
            result = [{"type": "tool_result", "tool_use_id": call["id"], "content": OUTPUT}]
            second = await conversation.ask(session, "The tool's output", result, OUTPUT)
    finally:
        await running.stop()
        await api.stop()
    turns = (first, second)
    show(turns, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    wrong = problems(turns, api, call["input"]["command"])
    for problem in wrong:
        print(f"FAILED: {problem}")
    if not wrong:
        tokens = {match[0] for turn in turns for match in TOKEN.finditer(turn.left)}
        print(f"Nothing leaked: {len(tokens)} identifiers left as tokens, and all of them were restored.")
        print("The command that the model asked for has the real ones.")
    return 1 if wrong else 0


def problems(turns: Sequence[Turn], api: FakeApi, command: str) -> list[str]:
    """Return what is wrong: originals that reached the API, or did not come back; tokens that reached the client."""
    received = [(one.path + str(one.headers)).encode() + one.body for one in api.requests]
    found = [
        f"{original} reached the API" for original in ORIGINALS if any(original.encode() in raw for raw in received)
    ]
    found += [f"{match[0]} reached the client" for turn in turns for match in TOKEN.finditer(turn.seen)]
    seen = "".join(turn.seen for turn in turns)
    found += [f"{original} did not come back" for original in ORIGINALS if original not in seen]
    if command != COMMAND:
        found.append("the tool was called with something else than the person's identifiers")
    return found


def show(turns: Sequence[Turn], *, colour: bool) -> None:
    """Print the turns: the person's side on the left, the API's on the right."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 140)
    marks = re.compile("|".join(map(re.escape, ORIGINALS)))
    for turn in turns:
        print(f"\n{turn.title}\n")
        for titles, texts in (
            (("the client sent  ──▶", "what left"), (turn.sent, turn.left)),
            (("what the client saw  ◀──", "what came back, streamed"), (turn.seen, turn.came_back)),
        ):
            left = Column(titles[0], texts[0], marks, "\x1b[32m")
            right = Column(titles[1], texts[1], TOKEN, "\x1b[35m")
            for line in side_by_side(left, right, width, colour=colour):
                print(line)
            print()
