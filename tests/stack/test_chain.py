"""The whole chain: nginx, Kong (or its stand-in) with both plugins, Redis, and an upstream that a test controls."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError, ClientResponse, ClientSession, web
from choice import Choice, start
from front_door import Nginx, front_door
from stacks import Setup

from redis_fixture import RedisServer

INSTANCE = "i-0a1b2c3d4e5f60718"
TOKEN = re.compile(rb"i-x[0-9a-z]{16}")
EVENTS = 12
MOST_SECONDS = 90
HEADERS = {"x-api-key": "made-up-key", "anthropic-version": "2023-06-01", "Content-Type": "application/json"}
BODY = json.dumps({"model": "made-up", "stream": True, "messages": [{"role": "user", "content": f"stop {INSTANCE}"}]})


class Upstream:
    """Answers with a stream. Sends each event only when the one before has arrived at the client."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.arrived = asyncio.Queue[int]()
        self.breaks_after = EVENTS

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()
        if request.method == "GET":
            return web.json_response({"data": []})
        self.bodies.append(body)
        self.paths.append(request.path_qs)
        found = TOKEN.search(body)
        assert found is not None
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(EVENTS):
            if number == self.breaks_after:
                assert request.transport is not None
                request.transport.abort()
                return response
            text = f"{number}: {found[0].decode()}. "
            delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
            await response.write(f"event: content_block_delta\ndata: {json.dumps(delta)}\n\n".encode())
            assert await self.arrived.get() == number
        return response


@contextlib.asynccontextmanager
async def _chain(
    choice: Choice, upstream: Upstream, redis: RedisServer, folder: Path
) -> AsyncIterator[tuple[Nginx, ClientSession]]:
    runner = web.ServerRunner(web.Server(upstream.handle), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        setup = Setup(f"http://127.0.0.1:{runner.addresses[0][1]}", vault=redis.url)
        stack = await asyncio.to_thread(start, choice, setup, folder)
        try:
            with front_door(choice, stack.url.removeprefix("http://")) as front:
                async with ClientSession() as client:
                    yield front, client
        finally:
            await asyncio.to_thread(stack.stop)
    finally:
        await runner.cleanup()


Test = Callable[[Upstream, Nginx, ClientSession], Awaitable[None]]


@pytest.fixture
def run(choice: Choice, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Test], None]:
    """Return a function that runs a test on a chain of its own."""

    async def on_chain(test: Test) -> None:
        upstream = Upstream()
        folder = tmp_path_factory.mktemp("kong")
        async with (
            asyncio.timeout(MOST_SECONDS),
            _chain(choice, upstream, redis_server, folder) as (front, client),
        ):
            await test(upstream, front, client)

    return lambda test: asyncio.run(on_chain(test))


async def _texts(upstream: Upstream, answer: ClientResponse) -> AsyncIterator[str]:
    """Yield the text of each event as it arrives, and have the next one sent."""
    number = 0
    async for line in answer.content:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])["delta"]["text"]
            upstream.arrived.put_nowait(number)
            number += 1


FORMS = [("", "/v1/messages?beta=true"), ("", "/v1/v1/messages?beta=true")]
FORMS += [("proxy", path) for _, path in FORMS]


def test_every_way_in_is_masked_streamed_event_by_event_and_restored(run: Callable[[Test], None]) -> None:
    async def test(upstream: Upstream, front: Nginx, client: ClientSession) -> None:
        async with client.get(f"{front.url}/_aws-masker/health") as answer:
            assert await answer.json() == {"status": "ok"}
        for form, path in FORMS:
            url = f"http://nginx:8082{path}" if form else f"{front.url}{path}"
            proxy = front.url if form else None
            async with client.post(url, data=BODY, headers=HEADERS, proxy=proxy) as answer:
                assert answer.status == 200
                # Each was sent only when the one before had been read here: nothing on the way waits for more.
                texts = [text async for text in _texts(upstream, answer)]
            assert texts == [f"{number}: {INSTANCE}. " for number in range(EVENTS)]
        assert upstream.paths == ["/v1/messages?beta=true"] * len(FORMS)
        assert len(set(upstream.bodies)) == 1
        assert INSTANCE.encode() not in upstream.bodies[0]

    run(test)


def test_a_stream_that_breaks_off_is_broken_off_for_the_client_too(run: Callable[[Test], None]) -> None:
    async def test(upstream: Upstream, front: Nginx, client: ClientSession) -> None:
        upstream.breaks_after = 3
        texts = []
        with pytest.raises(ClientPayloadError):  # noqa: PT012 - where in the stream it is raised, is the point
            async with client.post(f"{front.url}/v1/messages", data=BODY, headers=HEADERS) as answer:
                async for text in _texts(upstream, answer):
                    texts.append(text)  # noqa: PERF401 - those before the break count
        assert texts == [f"{number}: {INSTANCE}. " for number in range(3)]

    run(test)
