"""Records under Kong: which part of them Python knows, and what becomes of them when the filter has joined the rest.

How an answer ends is known only to the filter. So what Python knows of a request goes to the filter with its result (a
``Part``), the filter adds what it sees, and brings the whole back, many at a time, after the answers. Nothing waits
here meanwhile, so nothing is lost when this process is started again; and a request for which Python was not there at
all is recorded by the filter alone, and brought when there is a Python again. Only what is brought before the first
request of its configuration waits here until that comes, and goes with the process.
"""

import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aws_masker.audit import targets
from aws_masker.audit.hub import Records
from aws_masker.audit.record import kinds_of, model_name, parse
from aws_masker.audit.writer import Writer
from aws_masker.edits import MaskedBody
from aws_masker.errors import SettingsError
from aws_masker.kong.bodies import Keepers
from aws_masker.kong.maskers import CONFIGURATIONS, REMEDY
from aws_masker.masker import Masker
from aws_masker.metrics import Metrics, Parts
from aws_masker.settings import Settings
from aws_masker.vault import state_of

# Kong asks for them with every few records: far more often than there are so many.
MAX_NOTICES: Final = 16
# The audit of requests of which only the filter knows, and so not whose they are: every one that there is.
EVERY: Final = "-"

# What a health check sends. It comes every few seconds, carries nothing, and is refused.
PROBE: Final = b"{"


class NotReadyError(Exception):
    """No configuration has come from Kong yet, so nobody knows where records go: bring them again."""


@dataclass(slots=True)
class Part:
    """What Python knows of one request. ``audit`` names where its record goes; without one, nobody wants it."""

    audit: str = ""
    tenant: str | None = None
    ruleset: str | None = None
    bytes_in: int = 0
    masked: MaskedBody = field(default_factory=lambda: MaskedBody((), {}, {}), repr=False)
    vault: str | None = None
    _seconds: dict[str, float] = field(default_factory=dict)
    _moment: float = field(default_factory=time.perf_counter)

    def note_read(self, raw: bytes) -> None:
        """Note that the body is there."""
        self.bytes_in = len(raw)
        if raw == PROBE:
            self.audit = ""
        self._lap("read")

    def note_masked(self, masked: MaskedBody, masker: Masker) -> None:
        """Note what masking gave."""
        self.masked, self.vault = masked, state_of(masker.vault)
        self._lap("mask")
        self._seconds["mask"] -= masked.vault.seconds
        self._seconds["vault"] = masked.vault.seconds

    def json(self) -> str:
        """Return the members of the record that are known; see ``audit.record``."""
        masked = self.masked
        members = {
            "tenant": self.tenant,
            "ruleset": self.ruleset,
            "model": model_name(masked.model),
            "bytes_in": self.bytes_in,
            "edits": len(masked.edits),
            "families": dict(masked.counts),
            "kinds": kinds_of(masked.counts),
            "opaque": masked.opaque,
            "vault": self.vault,
            "lost": masked.vault.lost,
            "ms": {stage: round(1000 * seconds, 2) for stage, seconds in self._seconds.items()},
        }
        # Lua's JSON has no good word for null.
        return json.dumps({name: value for name, value in members.items() if value is not None}, separators=(",", ":"))

    def _lap(self, stage: str) -> None:
        moment = time.perf_counter()
        self._seconds[stage] = moment - self._moment
        self._moment = moment


class Journal:
    """Where the records of this process go: the audits of all configurations, and the figures. Thread-safe."""

    def __init__(self, maskers: Callable[[], Iterable[Masker]]) -> None:
        """Take figures of vaults and caches from ``maskers``."""
        self.records = Records()
        # The most audits that are written to.
        self.most = CONFIGURATIONS
        self._maskers = maskers
        self._writers: dict[str, Writer | None] = {}
        # Records of audits that this process has not opened yet, by the audits' names.
        self._early: dict[str, list[str]] = {}
        # How many of those may wait: after a restart, those of one configuration may come before its first request.
        self._most_early = 0
        self._lock = threading.Lock()
        self._notices: deque[str] = deque(maxlen=MAX_NOTICES)
        self._keepers = Keepers(self.tell)
        self._metrics = Metrics(self._parts)
        self._addresses: dict[str, Callable[[], None]] = {}
        self.records.listen(self._metrics)

    def opened(self, settings: Settings) -> str:
        """Return the name of the audit that ``settings`` name, opened where it is not; empty where nobody listens.

        Raises SettingsError for an audit that nobody could write to.
        """
        with self._lock:
            if settings.metrics and settings.metrics not in self._addresses:
                self._addresses[settings.metrics] = self._served(settings.metrics)
            limits = settings.limits
            self._most_early = max(self._most_early, limits.waiting_records)
            name = _name_of(settings.audit)
            if name not in self._writers:
                if len(self._writers) >= self.most:
                    message = f"audit: this process writes to {self.most} of them, and no more: {REMEDY}"
                    raise SettingsError(message)
                # Standard output is Kong's own log here, in which the filter puts the record.
                stdout = settings.audit == targets.STDOUT
                target = None if stdout else targets.open_target(settings.audit)
                self._writers[name] = (
                    Writer(target, self.tell, capacity=limits.waiting_records, room=limits.waiting_bytes)
                    if target is not None
                    else None
                )
                for line in self._early.pop(name, ()):
                    self._put(name, line)
            return name if self._writers[name] is not None or settings.metrics else ""

    def take(self, entries: Sequence[str]) -> list[str]:
        """Take records, each behind the name of its audit and a space; return what Kong should log.

        Raises NotReadyError.
        """
        with self._lock:
            if not self._writers:
                raise NotReadyError
        for entry in entries:
            name, _, line = entry.partition(" ")
            try:
                record = parse(line)
            except ValueError as error:
                self.tell(f"a record from the filter is none: {error}")
                continue
            self.records.publish(record)
            written = record.json()
            with self._lock:
                for one in self._writers if name == EVERY else (name,):
                    self._put(one, written)
        return self.notices()

    def _put(self, name: str, line: str) -> None:
        """Have a record written to an audit, or keep it until that is opened."""
        if name in self._writers:
            if (writer := self._writers[name]) is not None:
                writer.put(line)
        elif sum(map(len, self._early.values())) < self._most_early:
            self._early.setdefault(name, []).append(line)
        else:
            self.tell(
                "records are lost: they are for an audit that no request has come for since this process began, and "
                "more than limits.waiting_records"
            )

    def take_bodies(self, entries: Sequence[str | bytes]) -> list[str]:
        """Take masked bodies, each with its record; return what Kong should log."""
        self._keepers.take(entries)
        return self.notices()

    def bound(self, configurations: int) -> None:
        """Write to so many audits, and to so many folders of bodies, at most."""
        self.most = self._keepers.most = configurations

    def tell(self, text: str) -> None:
        """Keep a notice for Kong's error log. There is a way to it only when Kong calls."""
        self._notices.append(text)

    def notices(self) -> list[str]:
        """Return the notices that Kong has not logged yet."""
        found = []
        while self._notices:
            found.append(self._notices.popleft())
        return found

    def close(self, seconds: float) -> None:
        """Write what waits, for ``seconds`` at most for each audit and each folder of bodies."""
        with self._lock:
            addresses = list(self._addresses.values())
        for stop in addresses:
            stop()
        for writer in self._all_writers():
            writer.close(seconds)

    def _served(self, address: str) -> Callable[[], None]:
        try:
            return self._metrics.serve(address)
        except SettingsError as error:
            self.tell(str(error))  # no reason to serve nobody
            return lambda: None

    def _parts(self) -> Parts:
        maskers = list(self._maskers())
        vaults = {id(one.vault): one.vault for one in maskers}
        return Parts(vaults.values(), [one.cache for one in maskers], self._all_writers())

    def _all_writers(self) -> list[Writer]:
        with self._lock:
            writers = [writer for writer in self._writers.values() if writer is not None]
        return writers + self._keepers.writers()


def _name_of(audit: str) -> str:
    """Return the name of an audit: the same in every process, so that a record that one has named is another's too."""
    return hashlib.blake2b(audit.encode(), digest_size=8).hexdigest()
