"""A reverse proxy that does nothing: what the gateway would cost without masking, with the same libraries.

It reads a request whole, sends it on, and passes the answer back piece by piece as it comes.
"""

import argparse
import asyncio
from typing import Final

import aiohttp
from aiohttp import web

_OWN: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


async def serve(port: int, upstream: str) -> None:
    """Listen on loopback until the process ends."""
    async with aiohttp.ClientSession(upstream, auto_decompress=False) as session:

        async def pass_on(request: web.BaseRequest) -> web.StreamResponse:
            headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _OWN]
            # Not `request.read`, which takes 1 MiB at most.
            body = await request.content.read()
            async with session.request(request.method, request.rel_url, headers=headers, data=body) as answer:
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _OWN}
                response = web.StreamResponse(status=answer.status, headers=kept)
                await response.prepare(request)
                async for piece in answer.content.iter_any():
                    await response.write(piece)
                return response

        runner = web.ServerRunner(web.Server(pass_on))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True, help="127.0.0.1:port")
    parser.add_argument("--upstream", required=True, help="http://127.0.0.1:port")
    arguments = parser.parse_args()
    asyncio.run(serve(int(arguments.listen.rpartition(":")[2]), arguments.upstream))
