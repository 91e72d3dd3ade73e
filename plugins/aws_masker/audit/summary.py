"""Which records somebody wants, and what they come to: by day, family, session and so on."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aws_masker.audit.events import Event
from aws_masker.audit.record import AuditRecord
from aws_masker.settings_fields import quantity


@dataclass(frozen=True, slots=True)
class Wanted:
    """Criteria; those that are empty do not matter. Of each list, one value has to fit."""

    since: datetime | None = None
    until: datetime | None = None
    sessions: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Families or kinds of identifiers."""
    outcomes: tuple[str, ...] = ()
    """Outcomes or reasons."""

    def __contains__(self, event: Event) -> bool:
        """Tell whether ``event`` is wanted. What is no request only has a time."""
        moment = datetime.fromisoformat(event.time)
        if (self.since and moment < self.since) or (self.until and moment >= self.until):
            return False
        if not isinstance(event, AuditRecord):
            return not (self.sessions or self.tenants or self.names or self.outcomes)
        return (
            (not self.sessions or any((event.session or "").startswith(one) for one in self.sessions))
            and (not self.tenants or event.tenant in self.tenants)
            and (not self.names or any(one in event.families or one in event.kinds for one in self.names))
            and (not self.outcomes or event.outcome in self.outcomes or event.reason in self.outcomes)
        )


@dataclass(slots=True)
class Sum:
    """What some records come to."""

    requests: int = 0
    refused: int = 0
    failed: int = 0
    masked: int = 0
    restored: int = 0
    unresolved: int = 0
    lost: int = 0
    bytes_up: int = 0

    def add(self, record: AuditRecord, masked: int) -> None:
        """Add a record, of whose identifiers ``masked`` count."""
        self.requests += 1
        self.refused += record.outcome == "refused"
        self.failed += record.outcome not in {"ok", "refused"}
        self.masked += masked
        self.restored += record.restored
        self.unresolved += record.unresolved
        self.lost += record.lost
        self.bytes_up += record.bytes_up

    def columns(self) -> dict[str, int]:
        """Return the sums by name."""
        return asdict(self)


Keys = Callable[[AuditRecord], Mapping[str, int]]

# By what sums can be made: for a record, what it counts for, and with how many identifiers.
BY: Final[Mapping[str, Keys]] = {
    "day": lambda one: {one.time[:10]: one.masked},
    "family": lambda one: one.families,
    "kind": lambda one: one.kinds,
    "session": lambda one: {one.session or "(none)": one.masked},
    "tenant": lambda one: {one.tenant or "(none)": one.masked},
    "model": lambda one: {one.model or "(none)": one.masked},
    "outcome": lambda one: {one.outcome + (f" ({one.reason})" if one.reason else ""): one.masked},
    "ruleset": lambda one: {one.ruleset or "(none)": one.masked},
}


@dataclass(slots=True)
class Summary:
    """Sums by one of ``BY``."""

    by: str
    sums: dict[str, Sum] = field(default_factory=dict)

    def add(self, record: AuditRecord) -> None:
        """Add a record to the sums that it belongs to."""
        for key, masked in BY[self.by](record).items():
            self.sums.setdefault(key, Sum()).add(record, masked)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the sums: by what comes first in time or alphabet, families by what was masked most."""
        by_count = self.by in {"family", "kind"}
        order = sorted(self.sums.items(), key=lambda one: (-one[1].masked if by_count else 0, one[0]))
        for key, total in order:
            yield {self.by: key, **total.columns()}


def summary_of(by: str, records: Iterable[Event]) -> Summary:
    """Return the sums of ``records``."""
    found = Summary(by)
    for one in records:
        if isinstance(one, AuditRecord):
            found.add(one)
    return found


def moment_of(text: str, now: datetime) -> datetime:
    """Return the time that ``text`` means: ISO 8601 (without a zone: UTC), or so long before ``now``, such as 7d.

    Raises ValueError.
    """
    ago = quantity(text, "seconds") if not text.isdigit() else None
    if ago is not None:
        return now - timedelta(seconds=ago)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
