"""Figures for Prometheus: counted from the records as they are published, and read from vaults and caches when asked.

No label has a value of the conversation. What labels can be is bounded: families and kinds come from the catalogue,
endpoints, outcomes, reasons and stages from this package. The tenant is none, as there may be any number of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aws_masker.audit.hub import Bodies
from aws_masker.audit.record import OUTCOMES, STAGES, AuditRecord, kind_of
from aws_masker.errors import Refused, SettingsError
from aws_masker.settings import parse_address
from aws_masker.vault import GuardedVault, Vault

DISTRIBUTION: Final = "kong-aws-masker"

# Seconds: from a small body that is known already, to an answer that streams for minutes.
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_BYTES: Final = tuple(float(1 << power) for power in range(10, 26, 2))
# A client could put words of the API's together in a hundred thousand other ways, and each would be kept.
_ENDPOINTS: Final = frozenset(
    {
        "/",
        "/_aws-masker/health",
        "/v1/complete",
        "/v1/files",
        "/v1/files/{id}",
        "/v1/files/{id}/content",
        "/v1/messages",
        "/v1/messages/batches",
        "/v1/messages/batches/{id}",
        "/v1/messages/batches/{id}/cancel",
        "/v1/messages/batches/{id}/results",
        "/v1/messages/count_tokens",
        "/v1/models",
        "/v1/models/{id}",
    }
)
_STATES: Final = ("closed", "open", "half_open")


class Cache(Protocol):
    """A cache that counts."""

    hits: int
    misses: int


class Writing(Protocol):
    """What writes records down, and counts."""

    written: int
    dropped: int
    failures: int

    @property
    def waiting(self) -> int:
        """How many records are not written yet."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process has at this moment, whose figures are read when they are asked for."""

    vaults: Iterable[Vault] = ()
    caches: Iterable[Cache] = ()
    audits: Iterable[Writing] = ()
    in_flight: int = field(default=0)


class Metrics:
    """The figures of one process. A listener of records."""

    def __init__(self, parts: Callable[[], Parts] = Parts) -> None:
        """Read what does not come with records from ``parts``."""
        self.registry = CollectorRegistry()
        self.registry.register(_PartsCollector(parts))
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        one = self._counter
        self._requests = one("requests", "Requests by how they ended", "endpoint", "outcome")
        self._refusals = one("refusals", "Requests of which nothing was sent to the API", "reason")
        self._failures = one("failures", "Requests that were forwarded, but not answered whole", "outcome", "reason")
        self._masked = one("identifiers_masked", "Identifiers replaced by tokens", "family", "kind")
        self._restored = one("tokens_restored", "Tokens in answers that were put back")
        self._unresolved = one("tokens_unresolved", "Text in answers that has the form of a token, but is not known")
        self._held = one("events_held", "Events of streams from whose text something waited for the next")
        self._opaque = one("opaque_parts", "Images and documents that passed and cannot be read")
        self._lost = one("vault_lost_entries", "Entries that the vault did not take or did not give")
        self._stages = self._histogram("stage_seconds", "Time by stage", _SECONDS, "stage")
        self._bytes = self._histogram("body_bytes", "Sizes of bodies: as sent, as forwarded, answers", _BYTES, "body")
        self._begin_with_nothing()

    def _begin_with_nothing(self) -> None:
        """Have what alerts and the dashboard look for there from the start.

        Prometheus sees a figure rise only once it has seen it before: else the first fault would be none.
        """
        for stage in STAGES:
            self._stages.labels(stage)
        for outcome in OUTCOMES:
            self._requests.labels("/v1/messages", outcome)
        for refused in Refused.__subclasses__():
            self._refusals.labels(refused.reason)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, namespace="aws_masker", registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], label: str) -> Histogram:
        return Histogram(name, text, (label,), namespace="aws_masker", buckets=buckets, registry=self.registry)

    def __call__(self, record: AuditRecord, _bodies: Bodies | None = None) -> None:
        """Count a record."""
        self._requests.labels(record.endpoint if record.endpoint in _ENDPOINTS else "other", record.outcome).inc()
        if record.outcome == "refused":
            self._refusals.labels(record.reason or "unknown").inc()
        elif record.outcome != "ok":
            self._failures.labels(record.outcome, record.reason or "").inc()
        for family, count in record.families.items():
            self._masked.labels(family, kind_of(family)).inc(count)
        self._restored.inc(record.restored)
        self._unresolved.inc(record.unresolved)
        self._held.inc(record.held)
        self._opaque.inc(record.opaque)
        self._lost.inc(record.lost)
        for stage, milliseconds in record.ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)
        for body, size in (("in", record.bytes_in), ("up", record.bytes_up), ("out", record.bytes_out)):
            self._bytes.labels(body).observe(size)

    def serve(self, address: str) -> Callable[[], None]:
        """Serve the figures at ``address``, HOST:PORT, on every path; return what ends that.

        Raises SettingsError where it cannot be listened on.
        """
        host, port = parse_address(address)
        try:
            server, thread = start_http_server(port, host, self.registry)
        except OSError as error:
            message = f"metrics: {address} cannot be listened on ({error.strerror}): choose another HOST:PORT"
            raise SettingsError(message) from None

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop


class _PartsCollector(Collector):
    """Reads the figures of vaults, caches and audits."""

    def __init__(self, parts: Callable[[], Parts]) -> None:
        self._parts = parts

    def describe(self) -> Iterable[Metric]:
        """Name nothing: the registry would else ask for everything before there is anything."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of this moment."""
        parts = self._parts()
        yield _gauge("build_info", "The version that runs", {version(DISTRIBUTION): 1}, "version")
        yield _gauge("in_flight", "Requests that are being served", {"": parts.in_flight})
        statuses = [vault.status() for vault in parts.vaults if isinstance(vault, GuardedVault)]
        states = {state: sum(one.state == state for one in statuses) for state in _STATES}
        yield _gauge("vaults", "Vaults by the state of their circuit breaker", states, "state")
        yield _sum("vault_failures", "Calls of the vault that failed", (one.failures for one in statuses))
        yield _sum("vault_skipped", "Calls not made, as the vault is left alone", (one.skipped for one in statuses))
        yield _sum("vault_unreadable", "Stored values that do not open", (one.unreadable for one in statuses))
        caches = list(parts.caches)
        yield _sum("cache_hits", "Texts that had been looked at before", (one.hits for one in caches))
        yield _sum("cache_misses", "Texts that had to be looked at", (one.misses for one in caches))
        audits = list(parts.audits)
        yield _sum("audit_written", "Records written down", (one.written for one in audits))
        yield _sum("audit_dropped", "Records lost, as they could not be written", (one.dropped for one in audits))
        yield _sum("audit_failures", "Tries to write records that failed", (one.failures for one in audits))
        yield _gauge("audit_waiting", "Records that wait", {"": sum(one.waiting for one in audits)})


def _sum(name: str, text: str, figures: Iterable[int]) -> Metric:
    return CounterMetricFamily(f"aws_masker_{name}", text, value=sum(figures))


def _gauge(name: str, text: str, values: Mapping[str, float], label: str = "") -> Metric:
    family = GaugeMetricFamily(f"aws_masker_{name}", text, labels=[label] if label else [])
    for value, number in values.items():
        family.add_metric([value] if label else [], number)
    return family
