"""The stack in containers: what its files promise, and, where there is a Docker daemon, the stack itself."""

import contextlib
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from front_door import ROOT
from stacks import free_port, wait_for

from aws_masker.doctor.process import check_process, settings_of

NEEDED: tuple[str, ...] = (
    "scripts",
    "kong",
    "nginx",
    "plugins",
    "claude-code",
    "docker-compose.yml",
    "kong.yml",
    "stack.mk",
)
NEEDED += ("pyproject.toml", "requirements-kong.lock", "README.md", "LICENSE", ".dockerignore", "observability")
PROFILES = ("demo", "cli", "page", "observability")
START_SECONDS = 900
PROFILE_SECONDS = 60.0
NO_IMAGES = "pull access denied|no such host|manifest unknown|dial tcp"
INSTANCE, ACCOUNT = "i-0a1b2c3d4e5f60718", "111122223333"


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
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def _script(checkout: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", str(checkout / "scripts/stack.sh"), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def test_fresh_secrets_are_written_once_for_the_owner_only(checkout: Path) -> None:
    assert _script(checkout, "env").returncode == 0
    path = checkout / ".env"
    first = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secrets = dict(re.findall(r"^(\w+)=([0-9a-f]{64})$", first, re.MULTILINE))
    assert set(secrets) == {"AWS_MASKER_KEY", "REDIS_PASSWORD"}
    assert len(set(secrets.values())) == 2
    assert _script(checkout, "env").returncode == 0
    assert path.read_text() == first
    assert [one.name for one in checkout.glob(".env*")] == [".env"]


def test_an_env_file_without_a_secret_is_left_as_it_is_and_told(checkout: Path) -> None:
    (checkout / ".env").write_text("AWS_MASKER_KEY=something\n")
    done = _script(checkout, "env")
    assert done.returncode == 1
    assert ".env has no REDIS_PASSWORD" in done.stderr
    assert (checkout / ".env").read_text() == "AWS_MASKER_KEY=something\n"


def _compose() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0
        ):
            return command
    return pytest.skip("stack: this needs Docker Compose")


def test_compose_takes_the_file_with_every_profile(checkout: Path) -> None:
    _script(checkout, "env")
    command = [*_compose(), *(f"--profile={name}" for name in PROFILES), "config", "--quiet"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Composed:
    """The stack with the fake API, in a project of its own. ``ports`` are those of its services."""

    folder: Path
    environment: Mapping[str, str]
    ports: Mapping[str, int]

    @property
    def url(self) -> str:
        return self.at("nginx")

    def at(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def run(self, *arguments: str) -> str:
        """Return what Compose prints."""
        done = self.tried(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def tried(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        every = {**os.environ, **self.environment}
        command = [*_compose(), *arguments]
        return subprocess.run(command, cwd=self.folder, env=every, capture_output=True, text=True, check=False)


@pytest.fixture
def stack(checkout: Path) -> Iterator[Composed]:
    """Start the stack with the fake API."""
    _compose()
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        pytest.skip("stack: this needs a Docker daemon")
    variables = {"nginx": "AWS_MASKER_PORT", "page": "AWS_MASKER_PAGE_PORT", "prometheus": "PROMETHEUS_PORT"}
    ports = {service: free_port() for service in variables}
    environment = {variables[service]: str(port) for service, port in ports.items()}
    environment |= {"COMPOSE_PROJECT_NAME": f"aws-masker-test-{ports['nginx']}", "DEMO": "1"}
    environment["AWS_MASKER_RECORD_BODIES"] = "masked"
    composed = Composed(checkout, environment, ports)
    try:
        done = _script(checkout, "up", **environment)
        if done.returncode != 0 and re.search(NO_IMAGES, done.stderr):
            pytest.skip("stack: the images cannot be had here")
        assert done.returncode == 0, done.stderr
        yield composed
    finally:
        _script(checkout, "down", **environment)
        composed.tried("down", "--volumes")


def _ask(url: str, proxy: str | None = None) -> dict[str, Any]:
    content = f"describe {INSTANCE} in account {ACCOUNT}"
    body = {"model": "made-up", "max_tokens": 100, "messages": [{"role": "user", "content": content}]}
    headers = {"x-api-key": "made-up", "anthropic-version": "2023-06-01", "content-type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy} if proxy else {}))
    with opener.open(request, timeout=30) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


def test_the_stack_in_containers_masks_restores_and_outlives_its_redis(stack: Composed) -> None:
    url = stack.url
    ways = [(url, None), (f"{url}/v1", None), ("http://nginx:8082", url), ("http://nginx:8082/v1", url)]
    for base, proxy in ways:
        text = _ask(base, proxy)["content"][0]["text"]
        assert INSTANCE in text
        assert ACCOUNT in text
    _see_on_the_page(stack, len(ways))
    _see_in_prometheus(stack)
    stack.run("stop", "redis")
    assert INSTANCE in _ask(url)["content"][0]["text"]
    logs = stack.run("logs", "--no-color")
    records = [json.loads(found) for found in re.findall(r"\| (\{.*\"aws_masker\".*\})", logs)]
    served = [one["aws_masker"] for one in records if one["aws_masker"]["outcome"] == "ok"]
    assert len(served) == len(ways) + 1
    assert all(one["edits"] >= 2 and one["restored"] >= 2 for one in served)
    assert INSTANCE not in logs
    assert ACCOUNT not in logs
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{url}/v2/other", timeout=10)
    assert json.load(refused.value)["error"]["type"] == "not_found_error"


def _see_on_the_page(stack: Composed, requests: int) -> None:
    stack.run("up", "-d", "page")

    def shown() -> list[int]:
        found: list[int] = []
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{stack.at('page')}/events", timeout=2) as events:
            for line in events:
                if line.startswith(b'data: {"number"'):
                    entry = json.loads(line[6:])
                    found += [entry["number"]] if entry["record"]["outcome"] == "ok" else []
                if len(found) == requests:
                    return found
        return []

    def bodies() -> str:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{stack.at('page')}/bodies/{numbers[0]}") as answer:
            text: str = answer.read().decode()
            return text
        return ""

    numbers = wait_for(shown, PROFILE_SECONDS)
    sent = wait_for(bodies, PROFILE_SECONDS)
    assert '"i"]' in sent
    assert INSTANCE not in sent


def _see_in_prometheus(stack: Composed) -> None:
    """See that it gets figures of both halves, and has the rules. Leaves it out where its image cannot be had."""
    done = stack.tried("up", "-d", "prometheus")
    if done.returncode != 0 and re.search(NO_IMAGES, done.stderr):
        return
    assert done.returncode == 0, done.stderr

    def told(kind: str) -> dict[str, Any]:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{stack.at('prometheus')}/api/v1/{kind}") as answer:
            data: dict[str, Any] = json.load(answer)["data"]
            return data
        return {}

    def up() -> bool:
        found = {one["labels"]["job"]: one["health"] for one in told("targets").get("activeTargets", ())}
        return found == {"aws-masker": "up", "kong": "up"}

    wait_for(up, PROFILE_SECONDS)
    rules = [rule for group in told("rules")["groups"] for rule in group["rules"]]
    assert len(rules) >= 10
    assert {rule["state"] for rule in rules} == {"inactive"}
