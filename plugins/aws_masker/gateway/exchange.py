"""One request from its first line to the last byte of its answer. Composes the other gateway modules.

Order matters: nothing is read before there is room for it, nothing is sent before all of it is masked, and whatever
goes wrong before the answer begins is told in the shape of the API's errors.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Final, TypeVar, cast

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from aws_masker.audit.hub import Records
from aws_masker.audit.record import request_id, session_id
from aws_masker.edits import MaskedBody
from aws_masker.errors import InternalError, Refused, VaultError
from aws_masker.gateway.admission import Admission
from aws_masker.gateway.answer import Pipeline, Stage, abort, answer_decoder, pass_on
from aws_masker.gateway.body import body_coding, read_body
from aws_masker.gateway.content_coding import decode
from aws_masker.gateway.errors import BadMethod, Stopping, UpstreamUnreadable
from aws_masker.gateway.headers import Headers, downward, upgrades, upward
from aws_masker.gateway.health import health
from aws_masker.gateway.recall import RecallingRestorer
from aws_masker.gateway.record import Draft, log_fault
from aws_masker.gateway.server import refusal
from aws_masker.gateway.target import Target, parse_target
from aws_masker.gateway.upstream import Upstream
from aws_masker.gateway.urls import API_ORIGIN, ResultsUrls, client_base, leads_away, on_gateway
from aws_masker.masker import Masker
from aws_masker.restore import Restorer, Untouched, restorer_for
from aws_masker.restore.bounds import Bounds
from aws_masker.settings import Settings
from aws_masker.vault import state_of

T = TypeVar("T")
Dictionary = Mapping[str, str]

SESSION_HEADER: Final = "x-claude-code-session-id"
REQUEST_ID_HEADER: Final = "x-request-id"
# What a refused client is told to wait, and no time that anything here waits.
RETRY_AFTER_SECONDS: Final = 2
RETRY_STATUSES: Final = frozenset({503, 529})

_REFUSED_METHODS: Final = frozenset({"CONNECT", "TRACE"})
_BATCHES: Final = "/v1/messages/batches"
_BATCH_RESULTS: Final = "/v1/messages/batches/{id}/results"
_BODILESS_STATUSES: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Upload:
    """What goes upstream, and what its answer is restored with; both None when the request has no body."""

    body: bytes | None = field(repr=False)
    dictionary: Dictionary | None = field(repr=False)


class Exchanges:
    """Serves requests; ``serve`` is the handler of the server."""

    def __init__(
        self, settings: Settings, masker: Masker, upstream: Upstream, pool: Executor, records: Records
    ) -> None:
        """Mask and restore with ``masker`` in the threads of ``pool``, and publish in ``records``.

        The caller owns all that it gives.
        """
        self._settings = settings
        self._limits = settings.limits
        self._bounds = Bounds.of(settings.limits)
        self._masker = masker
        self._upstream = upstream
        self._pool = pool
        self._records = records
        self._keeps = settings.limits.recorded_body if settings.record_bodies == "masked" else 0
        self._admission = Admission(self._limits.concurrency, self._limits.queue, self._limits.queue_seconds)
        self._open: dict[asyncio.Task[object], web.BaseRequest] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    @property
    def in_flight(self) -> int:
        """How many requests are being served."""
        return len(self._open)

    async def drain(self) -> None:
        """Take no new requests, and return when all that are being served have ended."""
        self._stopping = True
        await self._idle.wait()

    def break_off(self) -> None:
        """End all requests that are being served at once."""
        self._stopping = True
        for task, request in self._open.items():
            abort(request)
            task.cancel()

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        draft = Draft(request.method, keeps=self._keeps)
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._open[task] = request
        self._idle.clear()
        try:
            return await self._answer(request, draft)
        except Refused as refused:
            return self._refusal(request, refused, draft)
        except asyncio.CancelledError:
            draft.end("stopped" if self._stopping else "client_gone")
            raise
        except ConnectionError:
            draft.end("client_gone")
            return web.Response(status=500)  # nobody will read it
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told, and nothing of it is logged
            log_fault(error, "serving", draft.request_id)
            fault = InternalError("internal error: please report it, with the record of this request")
            return self._refusal(request, fault, draft)
        finally:
            del self._open[task]
            if not self._open:
                self._idle.set()
            if draft.worth_a_record:
                self._records.publish(draft.finish(), draft.bodies())

    def _refusal(self, request: web.BaseRequest, refused: Refused, draft: Draft) -> web.Response:
        draft.refuse(refused)
        body = refused.body()
        draft.bytes_out = len(body)
        response = refusal(refused.status, body, RETRY_AFTER_SECONDS if refused.status in RETRY_STATUSES else None)
        if self._stopping or isinstance(refused, BadMethod) or not request.content.is_eof():
            response.force_close()
        return response

    async def _answer(self, request: web.BaseRequest, draft: Draft) -> web.StreamResponse:
        if request.method in _REFUSED_METHODS:
            message = f"{request.method} is not served: leave HTTPS_PROXY and HTTP_PROXY alone, set ANTHROPIC_BASE_URL"
            raise BadMethod(message)
        target = parse_target(request.raw_path)
        draft.endpoint = target.template
        draft.session = session_id(request.headers.get(SESSION_HEADER))
        draft.request_id = request_id(request.headers.get(REQUEST_ID_HEADER)) or draft.request_id
        if "websocket" in upgrades(request.raw_headers):
            message = "WebSocket is not served: use plain HTTP requests"
            raise BadMethod(message)
        if target.is_probe or target.is_health:
            return await self._own_answer(request, target, draft)
        if self._stopping:
            message = "the gateway is stopping: try again"
            raise Stopping(message)
        async with self._admission.slot():
            draft.tenant = self._settings.tenant
            upload = await self._upload(request, target, draft)
            dictionary = upload.dictionary
            draft.note_sent(upload.body or b"")
            sent = time.perf_counter()
            answer = await self._upstream.send(request.method, target, upward(request.raw_headers), upload.body)
            draft.took("upstream", sent)
            del upload  # an answer may stream for minutes: its request's body is not kept that long
            try:
                return await self._relay(request, target, answer, dictionary, draft)
            finally:
                answer.close()

    async def _own_answer(self, request: web.BaseRequest, target: Target, draft: Draft) -> web.Response:
        if request.method not in {"GET", "HEAD"}:
            message = "only GET and HEAD are served here: set ANTHROPIC_BASE_URL to this address and ask for /v1/…"
            raise BadMethod(message)
        if target.is_probe:
            status, body = 200, b'{"status":"ok","service":"aws-masker"}\n'
        else:
            status, body = await health(self._masker.vault, self._settings, self.in_flight - 1, stopping=self._stopping)
        draft.status = status
        draft.worth_a_record = status != HTTPStatus.OK
        return refusal(status, body)

    async def _upload(self, request: web.BaseRequest, target: Target, draft: Draft) -> Upload:
        """Return the masked body. Raises Refused when it cannot be masked whole."""
        coding = body_coding(request.raw_headers)
        raw = await read_body(request, self._limits)
        draft.bytes_in = len(raw)
        read = draft.took("read")
        if not raw:
            return Upload(None, None)
        content_type = request.headers.get("Content-Type", "")
        draft.ruleset = self._masker.ruleset
        try:
            upload, masked = await self._in_thread(lambda: self._masked(raw, coding, target.path, content_type))
        except Refused:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the request must not pass
            log_fault(error, "masking", draft.request_id)
            message = "internal error while masking: nothing was forwarded; please report it"
            raise InternalError(message) from None
        draft.note_masked(masked, since=read)
        draft.vault = state_of(self._masker.vault)
        return upload

    def _masked(self, raw: bytes, coding: str | None, path: str, content_type: str) -> tuple[Upload, MaskedBody]:
        body = raw if coding is None else decode(raw, coding, self._limits.body)
        masked = self._masker.mask_body(body, path, content_type)
        return Upload(masked.apply(body), masked.dictionary), masked

    async def _relay(
        self,
        request: web.BaseRequest,
        target: Target,
        answer: aiohttp.ClientResponse,
        dictionary: Dictionary | None,
        draft: Draft,
    ) -> web.StreamResponse:
        """Pass the answer on. Raises UpstreamUnreadable while that can still be told."""
        draft.upstream_status = draft.status = answer.status
        draft.streamed = answer.content_type == "text/event-stream"
        if answer.status < HTTPStatus.OK:
            message = "the upstream would switch protocols, which nobody asked it to: check what stands in between"
            raise UpstreamUnreadable(message)
        base = client_base(_scheme(request), target.authority or request.headers.get("Host", ""))
        pipeline = None
        if request.method != "HEAD" and answer.status not in _BODILESS_STATUSES:
            pipeline = self._pipeline(answer, target, dictionary, base, draft)
        down = self._headers_down(answer, base, has_upload=dictionary is not None, pipeline=pipeline)
        response = web.StreamResponse(status=answer.status, reason=_reason(answer), headers=CIMultiDict(down))
        response.headers.setdefault("Server", "aws-masker")
        if self._stopping:
            response.force_close()
        await pass_on(request, response, answer, pipeline, draft, self._limits)
        return response

    def _headers_down(
        self, answer: aiohttp.ClientResponse, base: str | None, *, has_upload: bool, pipeline: Pipeline | None
    ) -> Headers:
        """Return the answer's header fields for the client.

        Raises UpstreamUnreadable for a redirect that would make the client send its body, unmasked, to somewhere else.
        """
        # Without a body, its length would be that of the body which was not sent.
        body_changes = pipeline is None or pipeline.changes_body
        origins = (self._upstream.base, API_ORIGIN)
        headers: Headers = []
        for name, value in downward(answer.raw_headers, body_changes=body_changes):
            if name.lower() != "location":
                headers.append((name, value))
                continue
            if has_upload and leads_away(value, origins):
                message = "the upstream redirects to where the body would go unmasked: check AWS_MASKER_UPSTREAM"
                raise UpstreamUnreadable(message)
            headers.append((name, (on_gateway(value, base, origins) if base else None) or value))
        return headers

    def _pipeline(
        self,
        answer: aiohttp.ClientResponse,
        target: Target,
        dictionary: Dictionary | None,
        base: str | None,
        draft: Draft,
    ) -> Pipeline:
        """Return what the answer's body goes through. Raises UpstreamUnreadable when it cannot be decoded."""
        decoder = answer_decoder(answer.raw_headers)
        content_type = answer.headers.get("Content-Type", "")
        restorer: Restorer
        if dictionary is None:
            restorer = RecallingRestorer(content_type, partial(self._recall, draft), self._bounds)
        else:
            restorer = restorer_for(content_type, dictionary, self._bounds)
        draft.restored = restorer.counts
        stages: list[Stage] = [restorer]
        if isinstance(restorer_for(content_type, {}), Untouched):
            stages = []
        template = target.template
        if template.startswith(_BATCHES) and template != _BATCH_RESULTS and base is not None:
            stages.append(ResultsUrls(base, self._upstream.base))
        return Pipeline(decoder, stages, self._pool, blocking=dictionary is None)

    def _recall(self, draft: Draft, piece: bytes) -> Mapping[str, str]:
        """Return the originals of the tokens in ``piece``. Without the vault there are none, and the tokens stay."""
        tokens = self._masker.tokens_in(piece.decode("latin-1"))
        if not tokens:
            return {}
        try:
            return self._masker.vault.recall(self._settings.tenant, tokens)
        except VaultError:
            draft.lost += len(tokens)
            draft.vault = state_of(self._masker.vault)
            return {}

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def _scheme(request: web.BaseRequest) -> str:
    """Return the scheme of the address that the client used: that of a front door which ends TLS, if there is one."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    return forwarded if forwarded in {"http", "https"} else request.scheme


def _reason(answer: aiohttp.ClientResponse) -> str | None:
    reason = answer.reason
    return reason if reason and reason.isascii() and reason.isprintable() else None
