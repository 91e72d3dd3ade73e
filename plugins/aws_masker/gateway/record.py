"""The record of a request while it is being served, and what is logged of faults. Neither holds an original."""

import json
import logging
import secrets
import time
from dataclasses import dataclass, field

from aws_masker.audit.hub import Bodies
from aws_masker.audit.record import METHODS, AuditRecord, Outcome, kinds_of, model_name, now
from aws_masker.audit.writer import Writer
from aws_masker.edits import MaskedBody
from aws_masker.errors import Refused
from aws_masker.faults import place_of
from aws_masker.restore.text import RestoreCounts
from aws_masker.vault import State

log = logging.getLogger("aws_masker.gateway")


@dataclass(slots=True)
class Draft:
    """What is known of a request so far; its members are those of ``AuditRecord``."""

    method: str
    endpoint: str = "other"
    session: str | None = None
    tenant: str | None = None
    ruleset: str | None = None
    outcome: Outcome = "ok"
    reason: str | None = None
    status: int = 0
    upstream_status: int | None = None
    streamed: bool = False
    bytes_in: int = 0
    bytes_up: int = 0
    bytes_out: int = 0
    masked: MaskedBody = field(default_factory=lambda: MaskedBody((), {}, {}), repr=False)
    restored: RestoreCounts = field(default_factory=RestoreCounts)
    vault: State | None = None
    lost: int = 0
    forwarded: bool = False
    keeps: int = 0
    """How many bytes of each body are kept."""
    sent: bytes = field(default=b"", repr=False)
    answered: bytearray = field(default_factory=bytearray, repr=False)
    answered_length: int = 0
    worth_a_record: bool = True
    """Probes come every few seconds and carry nothing: one that succeeds is not."""
    request_id: str = field(default_factory=lambda: secrets.token_hex(16))
    _time: str = field(default_factory=now)
    _start: float = field(default_factory=time.perf_counter)
    _seconds: dict[str, float] = field(default_factory=dict)

    def took(self, stage: str, since: float | None = None) -> float:
        """Note that ``stage`` ends now, and began at ``since``, by default with the request. Returns this moment.

        The first end of a stage counts.
        """
        moment = time.perf_counter()
        self._seconds.setdefault(stage, moment - (self._start if since is None else since))
        return moment

    def note_masked(self, masked: MaskedBody, since: float) -> None:
        """Take over what masking gave, which began at ``since``."""
        self.masked = masked
        self.lost += masked.vault.lost
        self._seconds["vault"] = masked.vault.seconds
        self._seconds["mask"] = time.perf_counter() - since - masked.vault.seconds

    def note_sent(self, body: bytes) -> None:
        """Note that the masked ``body`` is handed to the API."""
        self.forwarded = True
        self.bytes_up = len(body)
        self.sent = body[: self.keeps]

    def note_answered(self, piece: bytes) -> None:
        """Note a piece of the answer, as the API sent it."""
        self.answered_length += len(piece)
        if len(self.answered) < self.keeps:
            self.answered += piece[: self.keeps - len(self.answered)]

    def bodies(self) -> Bodies | None:
        """Return the masked bodies, where they are kept and there are any."""
        if not self.keeps or not self.forwarded:
            return None
        return Bodies(self.sent, self.bytes_up, bytes(self.answered), self.answered_length)

    def end(self, outcome: Outcome, reason: str | None = None) -> None:
        """Note how it ended."""
        self.outcome, self.reason = outcome, reason

    def refuse(self, refused: Refused) -> None:
        """Note that the client gets an error of ours."""
        self.end("upstream_failed" if self.forwarded else "refused", refused.reason)
        self.status = refused.status

    def finish(self) -> AuditRecord:
        """Return the record, at the end of the answer."""
        self.took("total")
        masked = self.masked
        return AuditRecord(
            time=self._time,
            request_id=self.request_id,
            host="gateway",
            session=self.session,
            tenant=self.tenant,
            model=model_name(masked.model),
            endpoint=self.endpoint,
            ruleset=self.ruleset,
            method=self.method if self.method in METHODS else "other",
            outcome=self.outcome,
            reason=self.reason,
            status=self.status,
            upstream_status=self.upstream_status,
            streamed=self.streamed,
            bytes_in=self.bytes_in,
            bytes_up=self.bytes_up,
            bytes_out=self.bytes_out,
            edits=len(masked.edits),
            families=dict(masked.counts),
            kinds=kinds_of(masked.counts),
            opaque=masked.opaque,
            restored=self.restored.restored,
            unresolved=self.restored.unresolved,
            held=self.restored.held,
            vault=self.vault,
            lost=self.lost,
            ms={stage: round(1000 * seconds, 2) for stage, seconds in self._seconds.items()},
        )


class LogLines(logging.Handler):
    """Hands the lines of the log to a writer, so that none of them waits for whoever reads them."""

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on a line."""
        self._writer.put(record.getMessage())


def notice(text: str) -> None:
    """Log what an operator should know that belongs to no request."""
    log.warning(json.dumps({"time": now(), "notice": text}, separators=(",", ":")))


def log_fault(error: BaseException, where: str, request_id: str = "") -> None:
    """Log a fault of ours by the kind of ``error`` and its place in our code: its message may hold an original."""
    entry = {
        "time": now(),
        "request_id": request_id,
        "fault": type(error).__name__,
        "during": where,
        "at": place_of(error),
    }
    log.error(json.dumps(entry, separators=(",", ":")))
