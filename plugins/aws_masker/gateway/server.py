"""The HTTP server of the gateway: aiohttp's, without what would alter requests or tell what must not be told.

aiohttp's server decompresses bodies by itself and without a bound on the whole, answers malformed requests with a piece
of them in plain text, and logs them likewise. Here bodies stay as they were sent, and answers and logs hold no values.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, BadHttpMethod, LineTooLong

from aws_masker.audit.hub import Records
from aws_masker.errors import InternalError, Refused, TooLarge
from aws_masker.gateway.errors import BadTarget
from aws_masker.gateway.record import Draft, log_fault
from aws_masker.limits import Limits

# A refused client gets this long to finish sending, so that it can read why. What it sends is not looked at any more.
LINGER_SECONDS: Final = 5.0

# How aiohttp says it; there is no class for it.
_TOO_MANY: Final = "Too many headers"


def refusal(status: int, body: bytes, retry_after: int | None = None) -> web.Response:
    """Return an answer of the gateway's own, in the shape of the API's errors."""
    response = web.Response(status=status, body=body, content_type="application/json")
    if status == 529:  # noqa: PLR2004 - Anthropic's own status, which no table of phrases knows
        response.set_status(status, "Overloaded")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    response.headers["Server"] = "aws-masker"
    return response


class Connection(web.RequestHandler):
    """One connection of a client."""

    __slots__ = ("limits", "records")

    limits: Limits
    records: Records

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to a request that is not valid HTTP, or that met a fault in aiohttp or in the gateway.

        Neither ``message`` nor the text of ``exc`` is told or logged: they hold parts of the request.
        """
        del message
        if request.writer.output_size > 0:
            detail = "an answer has begun already"
            raise ConnectionError(detail)
        error = _refusal_of(status, exc, self.limits)
        response = refusal(error.status, error.body())
        draft = Draft("other", bytes_out=len(error.body()))
        draft.refuse(error)
        self.records.publish(draft.finish())
        response.force_close()
        return response

    def log_exception(self, *_args: object, **kwargs: object) -> None:
        """Log a fault by its kind and place only."""
        error = kwargs.get("exc_info")
        if isinstance(error, BaseException):
            log_fault(error, "serving")


def _refusal_of(status: int, exc: BaseException | None, limits: Limits) -> Refused:
    if status >= 500 and exc is not None:  # noqa: PLR2004 - the first status that is our fault
        log_fault(exc, "serving")
        return InternalError("internal error: please report it, with what was logged")
    if isinstance(exc, BadHttpMethod):
        return BadTarget("this is not HTTP: use http:// and not https:// in ANTHROPIC_BASE_URL")
    if isinstance(exc, LineTooLong):
        return TooLarge(f"a header field or the request line is longer than {limits.header} bytes: raise limits.header")
    if isinstance(exc, BadHttpMessage) and exc.message.startswith(_TOO_MANY):
        return TooLarge(f"the request has more than {limits.headers} header fields: send less, or raise limits.headers")
    return BadTarget("this is not a valid HTTP request")


class Server(web.Server):
    """Makes connections. aiohttp's own would fall back to its defaults, decompression included, on any TypeError."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        records: Records,
        limits: Limits,
    ) -> None:
        """Serve requests by ``handler``, which is cancelled when its client goes away.

        Requests that do not get there, as they are no HTTP, are published in ``records``.
        """
        super().__init__(handler, handler_cancellation=True)
        self._records = records
        self._limits = limits

    def __call__(self) -> Connection:
        """Return the protocol of a new connection."""
        connection = Connection(
            self,
            loop=asyncio.get_running_loop(),
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type] # aiohttp's way to have none, which its types forget
            keepalive_timeout=self._limits.keep_alive_seconds,
            lingering_time=LINGER_SECONDS,
            max_line_size=self._limits.header,
            max_field_size=self._limits.header,
            max_headers=self._limits.headers,
        )
        connection.limits = self._limits
        connection.records = self._records
        return connection
