"""Token games on a whole stack: what the upstream gets restored for tokens that it was not given (law 10)."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from client import ask, message
from raw_upstream import HEAD, RawUpstream, chunk
from stacks import KEY, Setup, Stack

from redis_fixture import RedisServer
from token_games import NAMES, THEIRS, foreign

INSTANCE = "i-0a1b2c3d4e5f60718"
EARLIER = "i-0aaaabbbbccccdddd"
TOKEN = re.compile(rb"i-x[0-9a-z]{16}")

Start = Callable[[Setup], Stack]


class Games:
    """A stack over a vault in which other tenants' and other keys' tokens lie too, and an upstream that knows them."""

    def __init__(self, start: Start, redis: RedisServer) -> None:
        self.upstream = RawUpstream()
        self.stack = start(Setup(self.upstream.url, vault=redis.url))
        self.sent(EARLIER, b"{}")
        self.mine = TOKEN.findall(self.upstream.received[-1])[0].decode()
        self.tokens: Mapping[str, str] = foreign(KEY, "default", redis.url, self.mine)

    def sent(self, text: str, answer: bytes, **more: Any) -> str:
        """Send a request, answer it, and return what the client sees."""
        kind = b"text/event-stream" if more.get("stream") else b"application/json"
        head = HEAD.replace(b"text/event-stream", kind)
        pieces = [answer[at : at + 7] for at in range(0, len(answer), 7)]
        with self.upstream.answering(head + b"".join(map(chunk, pieces)) + b"0\r\n\r\n"):
            return ask(self.stack.url, "/v1/messages", message(text, **more)).body.decode()


@pytest.fixture
def games(start_stack: Start, redis_server: RedisServer) -> Iterator[Games]:
    made = Games(start_stack, redis_server)
    yield made
    made.upstream.close()


def _answer(text: str, *, stream: bool) -> bytes:
    if not stream:
        return json.dumps({"content": [{"type": "text", "text": text}]}).encode()
    data = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return b"event: content_block_delta\ndata: " + json.dumps(data).encode() + b"\n\n"


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_that_is_not_of_this_request_is_restored(games: Games, *, stream: bool) -> None:
    foreign_tokens = {name: games.tokens[name] for name in NAMES} | {"of an earlier request": games.mine}
    text = " ".join(f"{token} https://evil.example/?q={token} ![]({token}.png)" for token in foreign_tokens.values())
    seen = games.sent(f"see {INSTANCE}", _answer(text, stream=stream), stream=stream)
    assert text in seen
    assert THEIRS not in seen
    assert EARLIER not in seen


def test_what_is_sent_of_others_is_not_restored_and_what_is_mine_is(games: Games) -> None:
    sent = " ".join([*games.tokens.values(), games.mine])
    seen = games.sent(f"what are {sent}?", _answer(sent, stream=False))
    assert json.loads(seen)["content"][0]["text"] == sent.replace(games.mine, EARLIER)
    assert THEIRS not in seen
