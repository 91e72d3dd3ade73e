"""Alert rules and dashboard: every figure that they name exists, and each rule fires when it should and only then."""

import functools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from aws_masker.audit.record import OUTCOMES, STAGES
from aws_masker.metrics import Metrics
from page_parts import record

ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "observability/prometheus/alerts.yml"
RULE_TESTS = RULES.with_name("alerts.test.yml")
DASHBOARD = ROOT / "observability/grafana/dashboards/aws-masker.json"
NOT_OURS: Mapping[str, frozenset[str]] = {
    "up": frozenset({"job", "instance"}),
    "ALERTS": frozenset({"alertname", "alertstate"}),
    # https://docs.konghq.com/hub/kong-inc/prometheus/
    "kong_http_requests_total": frozenset({"service", "route", "code", "source", "workspace", "consumer"}),
}
# What Prometheus itself puts to each figure.
ADDED = frozenset({"job", "instance"})
_WORDS = frozenset({"and", "or", "by", "without", "on", "ignoring", "unless"})
_SELECTOR = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)\s*(\{[^}]*\})?(\s*\()?")
_GROUPING = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")


@functools.cache
def _exported() -> dict[str, frozenset[str]]:
    """Return the figures that a process exports, with their labels."""
    metrics = Metrics()
    for outcome in OUTCOMES:
        metrics(record(outcome=outcome, reason=None if outcome == "ok" else "made_up", vault="closed"))
    found: dict[str, frozenset[str]] = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, frozenset()) | frozenset(sample.labels)
    return found


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _expressions() -> Iterator[tuple[str, str]]:
    """Yield where an expression stands, and the expression."""
    for rule in _rules():
        yield rule["alert"], rule["expr"]
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__range", "1h").replace("$__rate_interval", "1m")
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], annotation["target"]["expr"]


def _used(expression: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the figures in an expression, with the labels by which they are chosen."""
    for name, chosen, call in _SELECTOR.findall(re.sub(r"\[[^\]]*\]", "", _GROUPING.sub("", expression))):
        if not call and name not in _WORDS:
            yield name, frozenset(re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", chosen))


@pytest.mark.parametrize(("where", "expression"), list(_expressions()))
def test_every_figure_and_label_exists(where: str, expression: str) -> None:
    known = {**_exported(), **NOT_OURS}
    used = list(_used(expression))
    assert used, where
    for name, labels in used:
        assert name in known, name
        assert labels <= known[name] | ADDED, (name, labels)
    grouped = {label.strip() for labels in _GROUPING.findall(expression) for label in labels.split(",")}
    every = frozenset().union(*(known[name] for name, _ in used)) | ADDED
    assert grouped <= every


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_what_an_alert_waits_for_is_there_before_it_happens(rule: Mapping[str, Any]) -> None:
    """Prometheus sees no rise in a figure that begins with it."""
    registry = Metrics().registry
    for name, chosen in re.findall(r"increase\((aws_masker_\w+)(?:\{([^}]*)\})?\[", rule["expr"]):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', chosen))
        samples = [one for family in registry.collect() for one in family.samples if one.name == name]
        known = [one for one in samples if labels.items() <= one.labels.items()]
        # Of identifiers there may be none: the rule says what that means.
        assert known or "or vector(0)" in rule["expr"], (name, labels)
        assert [one for one in known if one.value] == []


def test_values_of_labels_that_are_named_exist() -> None:
    text = " ".join(expression for _, expression in list(_expressions()))
    assert set(re.findall(r'stage="(\w+)"', text)) <= set(STAGES)
    assert set(re.findall(r'outcome="(\w+)"', text)) <= set(OUTCOMES)
    assert set(re.findall(r'state=~"([\w|]+)"', text)) == {"open|half_open"}
    assert set(re.findall(r'service="([\w-]+)"', text)) == {
        service["name"] for service in yaml.safe_load((ROOT / "kong.yml").read_text())["services"]
    }


def test_every_alert_says_what_happened_and_what_to_do() -> None:
    for rule in _rules():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "action"}


def test_every_alert_is_shown_to_fire() -> None:
    fired = set(re.findall(r'alertname="(\w+)"', RULE_TESTS.read_text()))
    assert fired == {rule["alert"] for rule in _rules()}


def _promtool(*arguments: str, folder: Path = RULES.parent) -> "subprocess.CompletedProcess[str]":
    if shutil.which("promtool") is None:
        pytest.skip("install promtool (Debian: prometheus)")
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_promtool_takes_the_rules_and_their_tests_pass() -> None:
    for arguments in (("check", "rules", RULES.name), ("test", "rules", RULE_TESTS.name)):
        done = _promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_what_the_dashboard_asks(tmp_path: Path) -> None:
    rules = [{"record": f"made:up{number}", "expr": asked} for number, (_, asked) in enumerate(_expressions())]
    (tmp_path / "asked.yml").write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    done = _promtool("check", "rules", "asked.yml", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


def test_without_the_rules_no_alert_is_shown_to_fire(tmp_path: Path) -> None:
    (tmp_path / RULES.name).write_text("groups: []\n")
    shutil.copy(RULE_TESTS, tmp_path)
    done = _promtool("test", "rules", RULE_TESTS.name, folder=tmp_path)
    missed = set(re.findall(r'alertname="(\w+)"', done.stdout + done.stderr))
    assert done.returncode != 0
    assert missed == {rule["alert"] for rule in _rules()}


def test_promtool_takes_the_configuration(tmp_path: Path) -> None:
    text = (RULES.parent / "prometheus.yml").read_text().replace("/etc/prometheus/", f"{RULES.parent}/")
    (tmp_path / "prometheus.yml").write_text(text)
    done = _promtool("check", "config", "prometheus.yml", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_ports_that_are_scraped_are_those_that_are_served() -> None:
    jobs = yaml.safe_load((RULES.parent / "prometheus.yml").read_text())["scrape_configs"]
    ports = {job["job_name"]: job["dns_sd_configs"][0]["port"] for job in jobs}
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert services["kong"]["environment"]["AWS_MASKER_METRICS"].endswith(f":{ports['aws-masker']}")
    assert f"KONG_STATUS_LISTEN=0.0.0.0:{ports['kong']}" in (ROOT / "kong/Dockerfile").read_text()


def test_the_dashboard_is_provisioned_as_it_stands() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    source = yaml.safe_load((ROOT / "observability/grafana/provisioning/datasources/prometheus.yml").read_text())
    (uid,) = (one["uid"] for one in source["datasources"])
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert {panel["datasource"]["uid"] for panel in panels} == {uid}
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells
