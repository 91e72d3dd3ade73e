"""Figures for Prometheus: what is counted, and that labels are bounded and hold no value."""

import itertools
import json
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aws_masker.audit import AuditRecord
from aws_masker.audit.record import endpoint_of
from aws_masker.errors import SettingsError
from aws_masker.masker import Masker
from aws_masker.metrics import Metrics, Parts
from aws_masker.settings import Settings
from gateway_lab import INSTANCE, KEY, Answering, lab, message, run

TENANT = "a-tenant-of-its-own"


def record(**members: Any) -> AuditRecord:
    """Return a record with these members."""
    given: dict[str, Any] = {"host": "gateway", "outcome": "ok", "endpoint": "/v1/messages", "tenant": TENANT} | members
    return AuditRecord(time="2026-03-01T12:00:00.250+00:00", request_id="a" * 32, **given)


def samples(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Yield name, labels and value of each figure in what is served."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def read(metrics: Metrics) -> str:
    """Return what ``metrics`` serves."""
    stop = metrics.serve(f"127.0.0.1:{(port := free_port())}")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())
    finally:
        stop()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def figure(text: str, name: str, **labels: str) -> float:
    """Return one figure."""
    (value,) = [value for one, found, value in samples(text) if (one, dict(found)) == (name, labels)]
    return value


def test_clients_cannot_make_up_endpoints() -> None:
    metrics = Metrics()
    words = ("messages", "files", "content", "{id}")
    for path in itertools.product(words, repeat=3):
        metrics(record(endpoint=f"/v1/{'/'.join(path)}"))
    metrics(record(endpoint=endpoint_of("/v1/files/file_01/content")))
    text = read(metrics)
    found = [
        labels["endpoint"] for name, labels, value in samples(text) if name == "aws_masker_requests_total" and value
    ]
    assert sorted(found) == ["/v1/files/{id}/content", "other"]


def test_requests_are_counted_by_how_they_ended() -> None:
    metrics = Metrics()
    metrics(record())
    metrics(record())
    metrics(record(outcome="refused", reason="blocked"))
    metrics(record(outcome="broken_off", reason="upstream"))
    text = read(metrics)
    assert figure(text, "aws_masker_requests_total", endpoint="/v1/messages", outcome="ok") == 2
    assert figure(text, "aws_masker_requests_total", endpoint="/v1/messages", outcome="refused") == 1
    assert figure(text, "aws_masker_refusals_total", reason="blocked") == 1
    assert figure(text, "aws_masker_failures_total", outcome="broken_off", reason="upstream") == 1


def test_what_was_masked_and_restored_is_counted() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics(record(families={"ec2-instance": 3}, restored=4, unresolved=5, held=6, opaque=7, lost=8))
    text = read(metrics)
    assert figure(text, "aws_masker_identifiers_masked_total", family="ec2-instance", kind="identifier") == 6
    counted = {
        "tokens_restored": 8,
        "tokens_unresolved": 10,
        "events_held": 12,
        "opaque_parts": 14,
        "vault_lost_entries": 16,
    }
    assert {name: figure(text, f"aws_masker_{name}_total") for name in counted} == counted


def test_times_are_seconds_and_sizes_bytes() -> None:
    metrics = Metrics()
    metrics(record(ms={"mask": 4.0, "total": 30.0}, bytes_in=2000, bytes_up=3000, bytes_out=500))
    text = read(metrics)
    assert figure(text, "aws_masker_stage_seconds_sum", stage="mask") == 0.004
    assert figure(text, "aws_masker_stage_seconds_count", stage="total") == 1
    assert figure(text, "aws_masker_body_bytes_sum", body="up") == 3000


def test_no_label_names_a_tenant_a_session_or_a_request() -> None:
    metrics = Metrics()
    metrics(record(session="0b8f1c5e-9a51-4f0b-8b62-7d1f4a1c2e3d", model="claude-sonnet-4-5"))
    text = read(metrics)
    assert TENANT not in text
    assert "0b8f1c5e" not in text
    assert "a" * 32 not in text
    labels = {label for name, found, _ in samples(text) if name.startswith("aws_masker_") for label in found}
    assert labels == {"endpoint", "outcome", "reason", "stage", "body", "state", "version", "le"}


def test_vaults_caches_and_audits_are_looked_at_when_they_are_asked_for() -> None:
    class Writing:
        written, dropped, failures, waiting = 5, 6, 7, 8

    with Masker(Settings(key=KEY)) as masker:
        metrics = Metrics(lambda: Parts([masker.vault], [masker.cache], [Writing(), Writing()], 9))
        for _ in range(2):
            masker.mask_body(json.dumps(message(f"{INSTANCE} " * 1000)).encode(), "/v1/messages")
        text = read(metrics)
    assert figure(text, "aws_masker_vaults", state="closed") == 1
    assert figure(text, "aws_masker_vaults", state="open") == 0
    assert figure(text, "aws_masker_cache_hits_total") == masker.cache.hits > 0
    assert figure(text, "aws_masker_cache_misses_total") == masker.cache.misses > 0
    written = {"audit_written_total": 10, "audit_dropped_total": 12, "audit_failures_total": 14, "audit_waiting": 16}
    assert {name: figure(text, f"aws_masker_{name}") for name in written} == written
    assert figure(text, "aws_masker_in_flight") == 9


def test_the_process_itself_is_measured_too() -> None:
    assert "process_start_time_seconds" in read(Metrics())


def test_an_address_that_is_taken_is_an_error_with_its_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsError, match=r"cannot be listened on.*choose another"):
            Metrics().serve(f"127.0.0.1:{taken.getsockname()[1]}")


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1", "127.0.0.1:99999"])
def test_an_address_of_another_form_is_none(address: str) -> None:
    with pytest.raises(SettingsError, match="HOST:PORT"):
        Settings(key=KEY, metrics=address)


def test_the_gateway_serves_its_figures_beside_its_own_port() -> None:
    async def echo(answering: Answering) -> None:
        await answering.json({"text": answering.seen.token()})

    async def test() -> None:
        port = free_port()
        async with lab(echo, metrics=f"127.0.0.1:{port}") as one:
            await one.post(message(f"see {INSTANCE}"))
            assert (await one.request("GET", "/metrics")).status == 404
            text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()  # noqa: ASYNC210 - another thread serves it
        assert figure(text, "aws_masker_identifiers_masked_total", family="ec2-instance", kind="identifier") == 1
        assert figure(text, "aws_masker_tokens_restored_total") == 1
        assert INSTANCE not in text

    run(test())
