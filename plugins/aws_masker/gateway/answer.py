"""Passing an answer on: its status and headers first, then piece by piece as it comes, restored on the way.

Nothing is gathered but what a stage itself holds back. An answer that breaks off upstream is broken off here too: a
client takes a cleanly closed stream for a complete one.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Executor
from typing import Final, Protocol

import aiohttp
from aiohttp import HttpVersion11, web

from aws_masker.errors import MaskerError
from aws_masker.gateway.content_coding import CODINGS, Decoder
from aws_masker.gateway.errors import UpstreamUnreadable
from aws_masker.gateway.headers import RawHeaders, content_codings, transfer_codings
from aws_masker.gateway.record import Draft, log_fault
from aws_masker.limits import Limits

# A larger piece is restored in a thread, so that it does not hold up the other streams: some 0.5 ms.
INLINE_BYTES: Final = 1 << 15

_ABORTING_CLOSE: Final = struct.pack("ii", 1, 0)


class Stage(Protocol):
    """Something that an answer's body goes through."""

    def feed(self, data: bytes) -> bytes:
        """Take a piece and return what is ready."""

    def close(self) -> bytes:
        """Return the rest."""


class _BrokenOffError(Exception):
    """The upstream's answer ended before its end."""


class _TooLargeError(Exception):
    """The upstream's answer goes on beyond its limit."""


class Pipeline:
    """What a body goes through: its decoder if it is compressed, then its stages."""

    def __init__(self, decoder: Decoder | None, stages: Sequence[Stage], pool: Executor, *, blocking: bool) -> None:
        """Run the stages in threads of ``pool`` when they are ``blocking``, or have much to do."""
        self.decoder = decoder
        self._stages = stages
        self._pool = pool
        self._blocking = blocking
        self._size = 0

    @property
    def changes_body(self) -> bool:
        """Tell whether other bytes may come out than go in."""
        return self.decoder is not None or bool(self._stages)

    async def feed(self, piece: bytes) -> bytes:
        """Return what is ready after ``piece``."""
        self._size += len(piece)
        return await self._run(lambda: self._fed(piece, self._stages), len(piece))

    async def close(self) -> bytes:
        """Return the rest."""
        return await self._run(self._closed, self._size)  # a stage may have held all of it

    async def _run(self, call: Callable[[], bytes], size: int) -> bytes:
        if self._stages and (self._blocking or size > INLINE_BYTES):
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        return call()

    def _fed(self, piece: bytes, stages: Sequence[Stage]) -> bytes:
        for stage in stages:
            piece = stage.feed(piece)
        return piece

    def _closed(self) -> bytes:
        rest = b""
        for stage in self._stages:
            rest = stage.feed(rest) + stage.close()
        return rest


def answer_decoder(raw_headers: RawHeaders) -> Decoder | None:
    """Return what decodes the answer's body. Raises UpstreamUnreadable when nothing here does."""
    # aiohttp takes the chunks apart and leaves what was compressed below them.
    if transfer_codings(raw_headers) not in ([], ["chunked"]):
        message = "the upstream sent its answer in a transfer coding other than chunked: check what stands in between"
        raise UpstreamUnreadable(message)
    codings = content_codings(raw_headers)
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in CODINGS:
        message = "the upstream compressed its answer although it was asked not to: check what stands in between"
        raise UpstreamUnreadable(message)
    return Decoder(codings[0])


async def _pieces(answer: aiohttp.ClientResponse, decoder: Decoder | None) -> AsyncGenerator[bytes]:
    try:
        async for data in answer.content.iter_any():
            for piece in decoder.feed(data) if decoder else (data,):
                yield piece
        if decoder:
            decoder.close()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise _BrokenOffError from error


async def pass_on(
    request: web.BaseRequest,
    response: web.StreamResponse,
    answer: aiohttp.ClientResponse,
    pipeline: Pipeline | None,
    draft: Draft,
    limits: Limits,
) -> None:
    """Send ``response`` with the body of ``answer``, through ``pipeline``, to the client; without one, without body.

    Whatever goes wrong from here on can only be told by breaking off, which is done here, and noted in ``draft``. The
    client may take at most ``limits.idle_seconds`` for each piece.
    """
    await response.prepare(request)
    if pipeline is None:
        await response.write_eof()
        return

    async def write(piece: bytes) -> None:
        if piece:
            async with asyncio.timeout(limits.idle_seconds):
                await response.write(piece)
            draft.bytes_out += len(piece)
            if draft.bytes_out > limits.answer:
                raise _TooLargeError

    whole = asyncio.timeout(limits.answer_seconds)
    try:
        async with whole, contextlib.aclosing(_pieces(answer, pipeline.decoder)) as pieces:
            async for piece in pieces:
                draft.took("first_byte")
                draft.note_answered(piece)
                await write(await pipeline.feed(piece))
            await write(await pipeline.close())
            await response.write_eof()
    except _BrokenOffError:
        draft.end("broken_off", "upstream")
        with contextlib.suppress(Exception):  # what was held back did arrive, so the client gets it before the end
            await write(await pipeline.close())
        abort(request)
    except TimeoutError:
        if whole.expired():
            draft.end("broken_off", "answer_too_long")
        else:
            draft.end("client_stalled")
        abort(request)
    except ConnectionError:
        draft.end("client_gone")
    except (_TooLargeError, MaskerError):
        draft.end("broken_off", "answer_too_large")  # or a part of it is, to be restored
        abort(request)
    except Exception as error:  # noqa: BLE001 - a fault in a stage, whatever it is, must end in an abort
        draft.end("broken_off", "internal_error")
        log_fault(error, "restoring", draft.request_id)
        abort(request)


def abort(request: web.BaseRequest) -> None:
    """Break off the client's connection so that it cannot take the answer for complete."""
    transport = request.transport
    if transport is None:
        return
    if request.version < HttpVersion11:
        # Without chunks the end of the connection is the end of the body; only a reset says that it is not.
        connection = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORTING_CLOSE)
    transport.abort()
