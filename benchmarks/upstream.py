"""The least that can stand in for the API: reads a request whole and answers at once."""

import argparse
import asyncio

from aiohttp import web

ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-test",
    "content": [{"type": "text", "text": "Done."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


async def _answer(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response(ANSWER)


async def serve(port: int) -> None:
    """Listen on loopback until the process ends, and print the port."""
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    print(site.name, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(serve(parser.parse_args().port))
