"""``aws-masker verify``: identifiers of every family through a gateway, and a report of what leaked.

A fake Claude API stands where the gateway sends to. It says back what it was sent, in a text and in a tool call, so
that both ways are seen: what arrived there must hold no identifier, and what comes back to the client must be what it
sent.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from aws_masker.errors import MaskerError
from aws_masker.fake_api import FakeApi, Received
from aws_masker.fake_api.client import blocks, message_of
from aws_masker.verify.traffic import MODEL, PLACES, TOOL, Body, Example, Place, Planted, pairs

# Few examples a request, so that little of what is learned from one can help another, and spread over the catalogue.
EXAMPLES_A_REQUEST: Final = 24
HEADERS: Final = {"x-api-key": "made-up-key", "anthropic-version": "2023-06-01", "content-type": "application/json"}
_BETWEEN: Final = "\n=====\n"
# For a gateway under test, which has no more than the examples of one request to do.
_POLL_SECONDS: Final = 0.5
_REQUEST_SECONDS: Final = 120.0


class Unreachable(MaskerError):
    """The gateway does not answer, or what it forwards does not reach the fake API."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong with an example; ``what`` is "leaked", "not restored", or a sentence."""

    place: str
    family: str
    text: str
    what: str


@dataclass(slots=True)
class Report:
    """What was seen: how many strings with identifiers went through each place, and all problems."""

    strings: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether identifiers were sent, none leaked, and all came back."""
        return bool(self.strings) and not self.problems

    def count(self, place: str, what: str) -> int:
        """Return the number of problems of a kind in a place."""
        return sum(problem.place == place and problem.what == what for problem in self.problems)


@dataclass(slots=True)
class Verification:
    """Sends examples through the gateway at ``gateway``, whose upstream is ``api``. One run at a time.

    ``headers`` go along with each request. ``tell`` is called with a line of progress.
    """

    gateway: str
    api: FakeApi
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tell: Callable[[str], None] = lambda _line: None
    report: Report = field(default_factory=Report)
    _sent: Body = field(default_factory=dict)

    async def run(self, examples: Sequence[Example], places: Sequence[Place] = PLACES) -> Report:
        """Send all ``examples`` through all ``places``, and thinking blocks there and back.

        Raises Unreachable.
        """
        self.api.script = self._say_back
        timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS)
        async with aiohttp.ClientSession(headers={**HEADERS, **self.headers}, timeout=timeout) as session:
            try:
                for number, place in enumerate(places, 1):
                    self.tell(f"{number} of {len(places)} places: {place.title}")
                    for chosen in _spread(examples):
                        await self._send(session, place, chosen)
                await self._thinking(session, examples)
                self.tell("")
            except aiohttp.ClientError as error:
                message = f"{self.gateway} does not answer as a gateway does: {type(error).__name__}"
                raise Unreachable(message) from None
        return self.report

    async def wait(self, seconds: float) -> None:
        """Wait until a harmless request through the gateway reaches the fake API.

        Raises Unreachable after ``seconds``.
        """
        deadline = time.monotonic() + seconds
        body = {"model": MODEL, "max_tokens": 16, "messages": [{"role": "user", "content": "hello"}]}
        timeout = aiohttp.ClientTimeout(total=max(seconds, _POLL_SECONDS))
        async with aiohttp.ClientSession(headers={**HEADERS, **self.headers}, timeout=timeout) as session:
            while True:
                before = len(self.api.requests)
                told = ""
                try:
                    async with session.post(f"{self.gateway}/v1/messages", json=body) as answer:
                        told = f"; it answered {answer.status}"
                except (aiohttp.ClientError, TimeoutError):
                    told = "; it does not answer"
                if len(self.api.requests) > before:
                    return
                if time.monotonic() >= deadline:
                    message = (
                        f"nothing that {self.gateway} forwards reaches {self.api.url}{told}: set its upstream to that"
                    )
                    raise Unreachable(message)
                await asyncio.sleep(_POLL_SECONDS)

    def _say_back(self, request: Mapping[str, Any]) -> list[Body]:
        """Answer with the strings that arrived in place of the planted ones: the script of the fake API."""
        sent = self._sent["requests"][0]["params"] if "requests" in self._sent else self._sent
        try:
            strings = [received for _, received in pairs(sent, request)]
        except ValueError:
            strings = []
        text = _BETWEEN.join(strings) or "Nothing."
        return [
            {"type": "text", "text": text},
            {"type": "tool_use", "name": TOOL, "input": {"command": "echo", "lines": strings}},
        ]

    async def _send(self, session: aiohttp.ClientSession, place: Place, chosen: Sequence[Example]) -> None:
        self._sent = place.body(chosen)
        self.report.strings[place.title] = self.report.strings.get(place.title, 0) + len(chosen)
        before = len(self.api.requests)
        async with session.post(f"{self.gateway}{place.path}", data=place.raw(self._sent)) as answer:
            status, media, content = answer.status, answer.content_type, await answer.read()
        arrived = [one for one in self.api.requests[before:] if one.method == "POST"]
        if not arrived or status >= HTTPStatus.BAD_REQUEST:
            self._problem(place, chosen[0], f"answered {status}: {message_of(content)}")
            return
        self._inspect(place, chosen, arrived[-1])
        if place.answers:
            if place.path.endswith("/batches"):
                content = await self._batch_result(session, content)
            self._compare(place, media, content)

    def _inspect(self, place: Place, chosen: Sequence[Example], received: Received) -> None:
        """Look for identifiers in what arrived."""
        try:
            found = list(pairs(self._sent, received.json()))
        except ValueError as error:
            self._problem(place, chosen[0], str(error))
            return
        for planted, text in found:
            if planted.leaked(text):
                self._problem(place, planted.example, "leaked")

    def _compare(self, place: Place, media: str, content: bytes) -> None:
        """Compare what came back with what was sent."""
        sent = [planted for planted, _ in pairs(self._sent, self._sent)]
        try:
            said, call = blocks(media, content)
            text, lines = said["text"], call["input"]["lines"]
        except (ValueError, LookupError, TypeError):
            self._problem(place, sent[0].example, "the answer cannot be read")
            return
        spoken = text.split(_BETWEEN)
        for number, planted in enumerate(sent):
            if spoken[number : number + 1] != [planted] or lines[number : number + 1] != [planted]:
                self._problem(place, planted.example, "not restored")

    async def _batch_result(self, session: aiohttp.ClientSession, created: bytes) -> bytes:
        """Fetch the only result of a batch, by the URL that the client is given for it; return its message."""
        batch = json.loads(created)["id"]
        async with session.get(f"{self.gateway}/v1/messages/batches/{batch}") as answer:
            url = json.loads(await answer.read())["results_url"]
        if not url.startswith(self.gateway):
            self._problem(PLACES[-1], Example("(batches)", url, (), ""), "results_url leads past the gateway")
            url = f"{self.gateway}/v1/messages/batches/{batch}/results"
        async with session.get(url) as answer:
            line = json.loads((await answer.read()).splitlines()[0])
        return json.dumps(line["result"]["message"]).encode()

    async def _thinking(self, session: aiohttp.ClientSession, examples: Sequence[Example]) -> None:
        """Take a thinking block that holds tokens and send it back: the API refuses one that was changed on the way."""
        place = Place("thinking, there and back", lambda _chosen: {})
        chosen = list(examples[:EXAMPLES_A_REQUEST])
        texts = [Planted.of(one) for one in chosen]
        thoughts: list[str] = []

        def think(request: Mapping[str, Any]) -> list[Body]:
            received = [block["text"] for block in request["messages"][0]["content"]]
            thoughts.append("I see " + " and ".join(received))
            return [{"type": "thinking", "thinking": thoughts[0]}, {"type": "text", "text": "I see."}]

        self.api.script = think
        first = {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}
        body = {"model": MODEL, "max_tokens": 4096, "thinking": {"type": "enabled", "budget_tokens": 1024}}
        self.report.strings[place.title] = len(chosen)
        async with session.post(f"{self.gateway}/v1/messages", json={**body, "messages": [first]}) as answer:
            content = json.loads(await answer.read()).get("content", [])
        if not content or content[0].get("thinking") != thoughts[0]:
            self._problem(place, chosen[0], "changed on its way to the client")
            return
        messages = [first, {"role": "assistant", "content": content}, {"role": "user", "content": "Go on."}]
        async with session.post(f"{self.gateway}/v1/messages", json={**body, "messages": messages}) as answer:
            if answer.status != HTTPStatus.OK:
                self._problem(place, chosen[0], f"refused when it came back: {message_of(await answer.read())}")

    def _problem(self, place: Place, example: Example, what: str) -> None:
        self.report.problems.append(Problem(place.title, example.family, example.text, what))


def _spread(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    """Yield all examples in groups, neighbours in different ones."""
    groups = -(-len(examples) // EXAMPLES_A_REQUEST)
    for first in range(groups):
        yield examples[first::groups]
