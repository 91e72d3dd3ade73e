"""The stack in containers: what its files promise."""

import re
import shlex
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from composed import compose, copy_checkout, script
from front_door import ROOT

from aws_masker.doctor.process import check_process, settings_of

PROFILES = ("demo", "cli", "page", "observability")


def _services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return services


@pytest.mark.parametrize("name", _services())
def test_no_container_can_do_more_than_it_needs(name: str) -> None:
    service = _services()[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["networks"] == ["stack"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert "privileged" not in service


def test_only_the_front_door_is_open_unless_asked_for_and_all_only_to_this_machine() -> None:
    opened = {name: service for name, service in _services().items() if "ports" in service}
    assert [name for name, service in opened.items() if "profiles" not in service] == ["nginx"]
    assert sorted(opened) == ["grafana", "nginx", "page", "prometheus"]
    assert all(port.startswith("127.0.0.1:") for service in opened.values() for port in service["ports"])


def test_what_only_looks_has_no_key_and_no_way_to_the_vault_without_the_page() -> None:
    services = _services()
    assert not any(
        "KEY" in name for one in ("page", "prometheus", "grafana") for name in services[one].get("environment", {})
    )
    assert not any("REDIS" in str(services[one].get("environment")) for one in ("prometheus", "grafana"))


def test_masked_bodies_are_read_by_the_page_and_written_by_kong_alone() -> None:
    services = _services()
    places = {one: services[one]["environment"]["AWS_MASKER_BODIES"] for one in ("kong", "page")}
    mounts = {
        name: volume.removeprefix("bodies:")
        for name, service in services.items()
        for volume in service.get("volumes", [])
        if volume.startswith("bodies:")
    }
    assert mounts == {"kong": places["kong"], "page": f"{places['page']}:ro"}
    assert all("${AWS_MASKER_RECORD_BODIES:-off}" in str(services[one]["environment"]) for one in places)
    assert f"-o kong -m 0700 {places['kong']}\n" in (ROOT / "kong/Dockerfile").read_text()


def test_every_file_that_a_container_is_given_is_there() -> None:
    given = [volume for service in _services().values() for volume in service.get("volumes", []) if volume[0] == "."]
    assert len(given) >= 5
    assert [volume for volume in given if not (ROOT / volume.partition(":")[0]).exists()] == []
    assert all(volume.endswith(":ro") for volume in given)


def test_no_secret_stands_in_a_file_and_none_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("AWS_MASKER_KEY", "REDIS_PASSWORD"):
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", text)
        assert uses
        assert all(use.startswith(":?") for use in uses), name


def test_no_variable_stands_inside_another() -> None:
    """Compose 1 does not resolve it."""
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"\$\{[^{}]*\$\{", text) == []


def test_each_service_waits_until_the_one_that_it_needs_really_serves() -> None:
    services = _services()
    needed = {name: service.get("depends_on", {}) for name, service in services.items()}
    assert needed["nginx"] == {"kong": {"condition": "service_healthy"}}
    assert needed["kong"] == {"redis": {"condition": "service_healthy"}}
    for name in ("redis", "nginx", "fake-api"):
        assert "healthcheck" in services[name], name
    assert "HEALTHCHECK" in (ROOT / "kong/Dockerfile").read_text()


def test_each_service_is_stopped_by_the_signal_that_it_heeds() -> None:
    """Kong's image says SIGQUIT, for whatever runs on it."""
    given = {name: one.get("stop_signal") for name, one in _services().items() if one["image"] == "aws-masker-kong"}
    assert given == {"kong": "SIGQUIT", "page": "SIGTERM", "fake-api": "SIGTERM"}


def test_claude_code_gets_the_base_url_that_needs_no_proxy() -> None:
    environment = _services()["claude-code-sdk"]["environment"]
    assert environment["ANTHROPIC_BASE_URL"] == "http://nginx:8082"
    assert not {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} & set(environment)


def test_the_doctor_finds_nothing_in_the_settings_of_the_image() -> None:
    text = (ROOT / "kong/Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.removeprefix("ENV ") for line in text.splitlines() if line.startswith("ENV ")]
    environment = dict(word.split("=", 1) for line in lines for word in shlex.split(line))
    findings = list(check_process(settings_of(environment)))
    assert len(findings) >= 5
    assert [one for one in findings if one.level != "ok"] == []
    assert environment["KONG_NGINX_PROXY_PROXY_SSL_VERIFY"] == "on"


def test_the_doctor_finds_nothing_in_the_settings_that_the_documentation_tells() -> None:
    text = (ROOT / "docs/kong.md").read_text()
    environment = dict(re.findall(r"^ +(KONG_\w+)=(.+?)(?: {5,}.*)?$", text, re.MULTILINE))
    findings = list(check_process(settings_of(environment)))
    assert len(findings) >= 5
    assert [one for one in findings if one.level != "ok"] == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of what the stack needs of this repository."""
    return copy_checkout(tmp_path)


def test_fresh_secrets_are_written_once_for_the_owner_only(checkout: Path) -> None:
    assert script(checkout, "env").returncode == 0
    path = checkout / ".env"
    first = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secrets = dict(re.findall(r"^(\w+)=([0-9a-f]{64})$", first, re.MULTILINE))
    assert set(secrets) == {"AWS_MASKER_KEY", "REDIS_PASSWORD"}
    assert len(set(secrets.values())) == 2
    assert script(checkout, "env").returncode == 0
    assert path.read_text() == first
    assert [one.name for one in checkout.glob(".env*")] == [".env"]


def test_an_env_file_without_a_secret_is_left_as_it_is_and_told(checkout: Path) -> None:
    (checkout / ".env").write_text("AWS_MASKER_KEY=something\n")
    done = script(checkout, "env")
    assert done.returncode == 1
    assert ".env has no REDIS_PASSWORD" in done.stderr
    assert (checkout / ".env").read_text() == "AWS_MASKER_KEY=something\n"


def test_compose_takes_the_file_with_every_profile(checkout: Path) -> None:
    script(checkout, "env")
    command = [*compose(), *(f"--profile={name}" for name in PROFILES), "config", "--quiet"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
