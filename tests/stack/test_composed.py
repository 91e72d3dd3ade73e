"""The stack in containers, where there is a Docker daemon: one that all tests here share, in the order of this file."""

import contextlib
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from composed import Composed, composed_stack
from stacks import wait_for

SECONDS = 90.0
INSTANCE, ACCOUNT = "i-0a1b2c3d4e5f60718", "111122223333"
FOLDER = "/var/lib/aws-masker/bodies"
TOKEN = re.compile(r"i-x[0-9a-z]{16}")
# Prometheus knows the labels of failures when there has been one.
EMPTY_ON_A_GOOD_DAY = {"Forwarded, but not answered whole"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    with composed_stack(tmp_path_factory.mktemp("checkout")) as stack:
        yield stack


def _ask(url: str, proxy: str | None = None) -> str:
    """Send identifiers, and return the answer's text, in which they come back."""
    content = f"describe {INSTANCE} in account {ACCOUNT}"
    body = {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": [{"role": "user", "content": content}]}
    headers = {"x-api-key": "made-up", "anthropic-version": "2023-06-01", "content-type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy} if proxy else {}))
    with opener.open(request, timeout=30) as answer:
        text: str = json.load(answer)["content"][0]["text"]
    return text


def _get(url: str) -> Any:
    """Return what JSON is there, None where there is nothing yet."""
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)
    return None


def _records(stack: Composed) -> list[dict[str, Any]]:
    lines = stack.inside("kong", "aws-masker", "audit", "--json", "--outcome", "ok").splitlines()
    return [json.loads(line) for line in lines]


def _kept(stack: Composed) -> list[str]:
    """Return the names of the files that hold bodies."""
    return [name for name in stack.inside("kong", "ls", FOLDER).split() if name.endswith(".json")]


def test_every_form_of_the_base_url_is_masked_and_restored(stack: Composed) -> None:
    url = stack.url
    ways = [(url, None), (f"{url}/v1", None), ("http://nginx:8082", url), ("http://nginx:8082/v1", url)]
    for base, proxy in ways:
        text = _ask(base, proxy)
        assert INSTANCE in text
        assert ACCOUNT in text
    wait_for(lambda: len(_records(stack)) == len(ways), SECONDS)
    assert all(one["edits"] == 2 and one["restored"] == 2 for one in _records(stack))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{url}/v2/other", timeout=10)
    assert json.load(refused.value)["error"]["type"] == "not_found_error"


def test_bodies_lie_in_a_volume_for_kong_alone_and_both_commands_show_them(stack: Composed) -> None:
    _ask(stack.url)
    wait_for(lambda: len(_kept(stack)) == len(_records(stack)), SECONDS)
    listed = stack.inside("kong", "sh", "-c", f"stat -c '%U %a' {FOLDER} {FOLDER}/*.json")
    assert set(listed.splitlines()) == {"kong 700", "kong 600"}
    given = _records(stack)[-1]["request_id"]
    for part in ("sent", "answered"):
        masked = stack.inside("kong", "aws-masker", "audit", "--body", given, "--part", part)
        assert TOKEN.search(masked)
        assert INSTANCE not in masked
        clear = stack.inside("kong", "aws-masker", "restore", "--record", given, "--part", part)
        assert INSTANCE in clear
        assert not TOKEN.search(clear)
    told = [json.loads(line) for line in stack.inside("kong", "cat", f"{FOLDER}/restored.jsonl").splitlines()]
    assert [(one["event"], one["request_id"]) for one in told] == [("restored", given)] * 2
    assert stack.inside("kong", "grep", "-rl", "-e", TOKEN.search(masked)[0], FOLDER)  # type: ignore[index]
    done = stack.tried("exec", "-T", "kong", "grep", "-rl", "-e", INSTANCE, "-e", ACCOUNT, FOLDER)
    assert (done.stdout, done.returncode) == ("", 1)


def test_the_page_shows_them_and_can_only_read(stack: Composed) -> None:
    stack.start("page")

    def shown() -> int | None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{stack.at('page')}/events", timeout=2) as events:
            for line in events:
                if line.startswith(b'data: {"number"'):
                    entry = json.loads(line[6:])
                    if entry["record"]["outcome"] == "ok" and entry["bodies"]:
                        return int(entry["number"])
        return None

    number = wait_for(shown, SECONDS)
    bodies = wait_for(lambda: _get(f"{stack.at('page')}/bodies/{number}"), SECONDS)
    for part in ("sent", "answered"):
        assert [text for text, label in bodies[part]["pieces"] if label == "i" and TOKEN.fullmatch(text)]
    assert INSTANCE not in json.dumps(bodies)
    done = stack.tried("exec", "-T", "page", "touch", f"{FOLDER}/other")
    assert done.returncode != 0
    assert "Read-only" in done.stderr


def test_a_restart_keeps_them_and_the_limit_of_the_volume_holds(stack: Composed) -> None:
    before = _kept(stack)
    assert len(before) >= 5
    declared = stack.folder / "kong.yml"
    line = '          bodies: "{vault://env/aws-masker-bodies}"\n'
    more = "          limits: {recorded_bodies: 4000}\n"
    assert line in declared.read_text()
    declared.write_text(declared.read_text().replace(line, line + more))
    stack.run("restart", "kong")
    assert _kept(stack) == before

    def served() -> bool:
        with contextlib.suppress(OSError):
            return INSTANCE in _ask(stack.url)
        return False

    wait_for(served, SECONDS)
    last = _records(stack)[-1]["request_id"]
    wait_for(lambda: any(last in name for name in _kept(stack)), SECONDS)
    sizes = stack.inside("kong", "sh", "-c", f"stat -c %s {FOLDER}/*.json").split()
    assert len(sizes) < len(before)
    assert sum(map(int, sizes)) <= 4000
    assert stack.inside("kong", "ls", f"{FOLDER}/restored.jsonl")


def test_prometheus_gets_figures_of_both_halves_and_no_alert_fires(stack: Composed) -> None:
    stack.start("prometheus")

    def told(kind: str) -> dict[str, Any]:
        data: dict[str, Any] = (_get(f"{stack.at('prometheus')}/api/v1/{kind}") or {"data": {}})["data"]
        return data

    def up() -> bool:
        found = {one["labels"]["job"]: one["health"] for one in told("targets").get("activeTargets", ())}
        return found == {"aws-masker": "up", "kong": "up"}

    wait_for(up, SECONDS)
    rules = [rule for group in told("rules")["groups"] for rule in group["rules"]]
    assert len(rules) >= 10
    assert {rule["state"] for rule in rules} == {"inactive"}


def test_grafana_has_the_dashboard_and_every_panel_gets_an_answer(stack: Composed) -> None:
    stack.start("grafana")
    url = stack.at("grafana")
    dashboard = wait_for(lambda: _get(f"{url}/api/dashboards/uid/aws-masker"), SECONDS)
    assert dashboard["meta"]["provisioned"]
    assert not dashboard["meta"]["canSave"]
    source = _get(f"{url}/api/frontend/settings")["datasources"]["Prometheus"]
    assert source["uid"] == "prometheus"

    def asked(expression: str) -> list[Any]:
        query = expression.replace("$__range", "10m").replace("$__rate_interval", "1m")
        answer = _get(f"{url}{source['url']}/api/v1/query?{urlencode({'query': query})}")
        assert answer["status"] == "success", expression
        found: list[Any] = answer["data"]["result"]
        return found

    def silent() -> set[str]:
        targets = [
            (panel["title"], one) for panel in dashboard["dashboard"]["panels"] for one in panel.get("targets", ())
        ]
        assert len(targets) > 20
        return {title for title, target in targets if not asked(target["expr"])}

    _ask(stack.url)
    wait_for(lambda: silent() <= EMPTY_ON_A_GOOD_DAY, SECONDS)
    (annotation,) = dashboard["dashboard"]["annotations"]["list"]
    assert asked(annotation["target"]["expr"]) == []
    logs = stack.run("logs", "--no-color", "grafana")
    assert not re.search(r"(?:lvl|level)=(?:eror|error).*provision", logs)


def test_it_outlives_its_redis_and_no_log_has_an_original(stack: Composed) -> None:
    stack.run("stop", "redis")
    assert INSTANCE in _ask(stack.url)
    logs = stack.run("logs", "--no-color")
    records = [json.loads(found)["aws_masker"] for found in re.findall(r"\| (\{.*\"aws_masker\".*\})", logs)]
    assert len([one for one in records if one["outcome"] == "ok" and one["edits"] == 2]) >= 6
    assert INSTANCE not in logs
    assert ACCOUNT not in logs


def test_what_is_stored_and_kept_outlives_the_end(stack: Composed) -> None:
    done = stack.script("down")
    assert done.returncode == 0, done.stderr
    assert not stack.run("ps", "-q").strip()
    docker = shutil.which("docker")
    assert docker
    command = [docker, "volume", "ls", "--quiet"]
    volumes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    project = stack.environment["COMPOSE_PROJECT_NAME"]
    assert {f"{project}_bodies", f"{project}_redis-data"} <= set(volumes)
    assert (stack.folder / ".env").exists()
