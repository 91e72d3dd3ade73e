"""The least that can stand in for the API: reads a request whole and answers at once, or with a stream of events.

An event of a stream carries the time at which it was sent, so that its reader can tell how long it was under way.
"""

import argparse
import asyncio
import json
import time
from typing import Final

from aiohttp import web

EVENTS: Final = 60
# Between two events: a model is not faster.
PAUSE_SECONDS: Final = 0.01

ANSWER: Final = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-test",
    "content": [{"type": "text", "text": "Done."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


async def _answer(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    # Where a stream is wanted, the request's first member says so.
    return await _stream(request) if body.startswith(b'{"stream":true') else web.json_response(ANSWER)


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(_event("message_start", message=ANSWER))
    await response.write(_event("content_block_start", index=0, content_block={"type": "text", "text": ""}))
    for _ in range(EVENTS):
        await asyncio.sleep(PAUSE_SECONDS)
        delta = {"type": "text_delta", "text": f"sent at {time.monotonic_ns()} ns "}
        await response.write(_event("content_block_delta", index=0, delta=delta))
    await response.write(_event("content_block_stop", index=0))
    await response.write(_event("message_stop"))
    return response


def _event(kind: str, **members: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members}, separators=(',', ':'))}\n\n".encode()


async def serve(port: int) -> None:
    """Listen on loopback until the process ends."""
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True, help="127.0.0.1:port")
    asyncio.run(serve(int(parser.parse_args().listen.rpartition(":")[2])))
