"""The record of one request: a line of JSON that holds no value of the conversation, no path, no query and no key."""

import json
import logging
import re
import secrets
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from aws_masker.restore.text import RestoreCounts

log = logging.getLogger("aws_masker.gateway")

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PACKAGE: Final = __name__.partition(".")[0]


@dataclass(slots=True)
class Record:
    """What is known of one request. Sizes are bytes of bodies; ``outcome`` is one short word."""

    method: str
    endpoint: str = "other"
    session: str | None = None
    status: int = 0
    upstream_status: int | None = None
    bytes_in: int = 0
    bytes_up: int = 0
    bytes_out: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    restored: RestoreCounts | None = None
    outcome: str = "ok"
    request_id: str = field(default_factory=lambda: secrets.token_hex(8))
    _times: dict[str, float] = field(default_factory=dict)
    _start: float = field(default_factory=time.monotonic)

    def name_session(self, header: str | None) -> None:
        """Take over a session id, if it has the form of one: a header could hold anything."""
        self.session = header if header is not None and _UUID.fullmatch(header) else None

    def mark(self, stage: str) -> None:
        """Note how long after the request's first line ``stage`` was reached."""
        self._times.setdefault(stage, round(1000 * (time.monotonic() - self._start), 2))

    def write(self) -> None:
        """Log the record. Milliseconds count from the request's first line."""
        self.mark("total")
        entry: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request_id": self.request_id,
            "session": self.session,
            "method": self.method,
            "endpoint": self.endpoint,
            "status": self.status,
            "upstream_status": self.upstream_status,
            "outcome": self.outcome,
            "bytes_in": self.bytes_in,
            "bytes_up": self.bytes_up,
            "bytes_out": self.bytes_out,
            "counts": dict(self.counts),
            "restored": self.restored.restored if self.restored else 0,
            "unresolved": self.restored.unresolved if self.restored else 0,
            "held": self.restored.held if self.restored else 0,
            "ms": self._times,
        }
        log.info(json.dumps(entry, separators=(",", ":")))


def log_fault(error: BaseException, where: str, request_id: str = "") -> None:
    """Log a fault of ours by the kind of ``error`` and its place in our code: its message may hold an original."""
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == _PACKAGE:
            place = f"{module}:{line}"
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request_id": request_id,
        "fault": type(error).__name__,
        "during": where,
        "at": place,
    }
    log.error(json.dumps(entry, separators=(",", ":")))
