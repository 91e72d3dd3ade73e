"""Reading a request's body: whole, within its limits of size and time, and never further than they allow."""

import asyncio
from typing import Final

from aiohttp import web

from aws_masker.errors import InvalidBody, TooLarge, Unsupported
from aws_masker.gateway.content_coding import CODINGS
from aws_masker.gateway.errors import SlowBody
from aws_masker.gateway.headers import RawHeaders, content_codings, transfer_codings
from aws_masker.limits import Limits

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


def body_coding(raw_headers: RawHeaders) -> str | None:
    """Return the one coding that the body has to be decoded from, or None.

    Raises Unsupported for codings that cannot be decoded, several on top of each other included.
    """
    if transfer_codings(raw_headers) not in ([], ["chunked"]):
        message = "this Transfer-Encoding cannot be read: send the body chunked or with a Content-Length"
        raise Unsupported(message)
    codings = content_codings(raw_headers)
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in CODINGS:
        message = "this Content-Encoding cannot be read: send the body uncompressed, or as gzip or deflate alone"
        raise Unsupported(message)
    return codings[0]


async def read_body(request: web.BaseRequest, limits: Limits) -> bytes:
    """Return the body as it was sent, still coded.

    Raises TooLarge above ``limits.body`` bytes (before reading, where the length is declared), SlowBody after
    ``limits.body_seconds``, InvalidBody when the body's framing breaks.
    """
    if request.content_length is not None and request.content_length > limits.body:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.body_seconds):
            if request.body_exists and request.headers.get("Expect", "").lower() == "100-continue":
                await request.writer.write(CONTINUE)
            return await _collect(request, limits)
    except TimeoutError:
        message = f"the body did not arrive within {limits.body_seconds:g} s: try again, or raise limits.body_seconds"
        raise SlowBody(message) from None
    except web.RequestPayloadError:
        message = "the body's framing is broken: send it chunked or with its true Content-Length"
        raise InvalidBody(message) from None


async def _collect(request: web.BaseRequest, limits: Limits) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := await request.content.readany():
        size += len(piece)
        if size > limits.body:
            raise _too_large(limits)
        pieces.append(piece)
    return b"".join(pieces)


def _too_large(limits: Limits) -> TooLarge:
    message = f"the body is larger than {limits.body} bytes: shorten the conversation, or raise limits.body"
    return TooLarge(message)
