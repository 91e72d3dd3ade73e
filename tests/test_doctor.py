"""The doctor: each mistake in kong.yml, Kong's environment, nginx or Redis is named, with its remedy and no secret."""

import copy
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from aws_masker import doctor
from aws_masker.doctor.process import check_nginx, check_process, check_sizes, check_versions
from aws_masker.doctor.routes import check_routes
from aws_masker.doctor.sources import Configuration, Plugin, from_file
from redis_fixture import RedisServer

ROOT = Path(__file__).resolve().parents[1]
KEY = "7c" + "0123456789abcdef" * 3 + "5e1f9a0b3c4d77"
PASSWORD = "made-up-password-4711"
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "AWS_MASKER_KEY",
        "AWS_MASKER_KEY_FILE",
        "AWS_MASKER_VAULT",
        "AWS_MASKER_VAULT_PASSWORD",
        "KONG_PLUGINS",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def declared() -> dict[str, Any]:
    """Return this repository's kong.yml."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "kong.yml").read_text())
    return loaded


def _examined(declared: Mapping[str, Any], folder: Path, *options: str) -> tuple[int, list[dict[str, str]]]:
    path = folder / "kong.yml"
    path.write_text(yaml.safe_dump(dict(declared)))
    return _run(folder, "--kong-yml", str(path), *options)


def _run(folder: Path, *options: str) -> tuple[int, list[dict[str, str]]]:
    out = folder / "out.json"
    with out.open("w") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", file)
        code = doctor.run([*options, "--json"])
    return code, json.loads(out.read_text())


def _bad(findings: list[dict[str, str]]) -> list[dict[str, str]]:
    return [one for one in findings if one["level"] != "ok"]


def _redis(findings: list[dict[str, str]]) -> list[dict[str, str]]:
    return [one for one in findings if one["place"] == "Redis"]


def _service(declared: dict[str, Any]) -> dict[str, Any]:
    service: dict[str, Any] = declared["services"][0]
    return service


def _plugin(declared: dict[str, Any], name: str = "aws-masker") -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in _service(declared)["plugins"] if one["name"] == name)
    return found


def _without(declared: dict[str, Any], *names: str) -> None:
    service = _service(declared)
    service["plugins"] = [one for one in service["plugins"] if one["name"] not in names]


def test_the_kong_yml_of_this_repository_is_well(declared: dict[str, Any], tmp_path: Path) -> None:
    code, findings = _examined(declared, tmp_path, "--nginx", str(ROOT / "nginx/nginx.conf.template"))
    assert code == 0
    assert not [one for one in findings if one["level"] == "wrong"]
    assert "both plugins are on it" in {one["text"] for one in findings}


MISTAKES: list[tuple[Edit, str, str]] = [
    (
        lambda d: _without(d, "aws-masker-filter"),
        "only aws-masker is on it, not aws-masker-filter",
        "add aws-masker-filter",
    ),
    (lambda d: _without(d, "aws-masker"), "only aws-masker-filter is on it, not aws-masker", "add aws-masker where"),
    (lambda d: _plugin(d).update(enabled=False), "only aws-masker-filter is on it", "add aws-masker where"),
    (lambda d: _without(d, "aws-masker", "aws-masker-filter"), "neither of the plugins", "add both"),
    (lambda d: _plugin(d)["config"].update(enable_masking=False), "enable_masking is off", "enable_masking: true"),
    (
        lambda d: _service(d)["routes"][0].pop("response_buffering"),
        "response_buffering is on",
        "response_buffering: false",
    ),
    (
        lambda d: _service(d)["routes"][0].update(request_buffering=False),
        "request_buffering is off",
        "request_buffering: true",
    ),
    (lambda d: _service(d)["routes"][0].update(preserve_host=True), "preserve_host is on", "preserve_host: false"),
    (lambda d: _service(d).pop("retries"), "retries is 5", "retries: 0"),
    (lambda d: _service(d).update(read_timeout=60000), "read_timeout is 60000 ms", "read_timeout: 600000"),
    (lambda d: _service(d).pop("write_timeout"), "write_timeout is 60000 ms", "write_timeout: 600000"),
    (lambda d: _plugin(d)["config"].pop("key"), "there is no key", "aws-masker key"),
    (lambda d: _plugin(d)["config"].update(key="short-secret"), "config.key is 12 bytes, needs 32", "aws-masker key"),
    (lambda d: _service(d)["plugins"].append({"name": "ai-proxy"}), "ai-proxy is on it too", "remove ai-proxy"),
    (
        lambda d: d["services"].append(
            {"url": "https://api.anthropic.com", "routes": [{"name": "past", "paths": ["/p"]}]}
        ),
        "without aws-masker: nothing is masked",
        "add both plugins",
    ),
]


@pytest.mark.parametrize(("mistake", "text", "remedy"), MISTAKES, ids=[text for _, text, _ in MISTAKES])
def test_each_mistake_in_kong_yml_is_wrong_and_has_its_remedy(
    declared: dict[str, Any], tmp_path: Path, mistake: Edit, text: str, remedy: str
) -> None:
    mistake(declared)
    code, findings = _examined(declared, tmp_path)
    assert code == 1
    found = [one for one in findings if one["level"] == "wrong" and text in one["text"]]
    assert found, _bad(findings)
    assert remedy in found[0]["remedy"]


def test_what_may_be_meant_is_doubtful_and_no_failure(declared: dict[str, Any], tmp_path: Path) -> None:
    _plugin(declared)["config"].update(enable_unmasking=False, key=KEY)
    code, findings = _examined(declared, tmp_path)
    texts = {one["text"] for one in findings if one["level"] == "doubtful"}
    assert code == 0
    assert {"enable_unmasking is off: people and their tools see tokens"} <= texts
    assert any("in clear" in text for text in texts)
    assert KEY not in json.dumps(findings)


@pytest.mark.parametrize("scope", ["route", "global", "top-level"])
def test_plugins_count_wherever_they_stand(declared: dict[str, Any], tmp_path: Path, scope: str) -> None:
    service = _service(declared)
    pair = [one for one in service["plugins"] if one["name"].startswith("aws-masker")]
    _without(declared, "aws-masker", "aws-masker-filter")
    if scope == "route":
        service["routes"][0]["plugins"] = pair
    elif scope == "global":
        declared["plugins"] += pair
    else:
        declared["plugins"] += [{**one, "service": "claude-api"} for one in pair]
    code, findings = _examined(declared, tmp_path)
    assert code == 0, _bad(findings)


def test_an_entry_for_one_consumer_masks_nobody_else(declared: dict[str, Any], tmp_path: Path) -> None:
    masker = copy.deepcopy(_plugin(declared))
    _without(declared, "aws-masker")
    declared["consumers"] = [{"username": "developer-1", "plugins": [masker]}]
    code, findings = _examined(declared, tmp_path)
    assert code == 1
    assert any("not aws-masker:" in one["text"] for one in findings)


def test_a_key_that_the_environment_holds_is_checked_and_never_shown(
    declared: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MASKER_KEY", "ab" * 32)
    code, findings = _examined(declared, tmp_path)
    assert code == 1
    assert any("AWS_MASKER_KEY is too regular" in one["text"] for one in findings)
    monkeypatch.setenv("AWS_MASKER_KEY", KEY)
    code, findings = _examined(declared, tmp_path)
    assert code == 0
    assert any(one["text"] == "AWS_MASKER_KEY is a good key" for one in findings)
    assert KEY not in json.dumps(findings)


def test_a_reference_counts_as_present_except_where_kongs_own_environment_lacks_it(
    declared: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _examined(declared, tmp_path)[0] == 0
    monkeypatch.setenv("KONG_PLUGINS", "bundled,aws-masker,aws-masker-filter")
    code, findings = _examined(declared, tmp_path)
    assert code == 1
    assert any("there is no key" in one["text"] for one in findings)


@pytest.mark.parametrize(("verify", "level"), [("on", "ok"), ("", "wrong")])
def test_whether_the_certificate_of_the_api_is_checked_is_told(
    declared: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verify: str, level: str
) -> None:
    monkeypatch.setenv("KONG_PLUGINS", "bundled,aws-masker,aws-masker-filter")
    monkeypatch.setenv("KONG_NGINX_PROXY_PROXY_SSL_VERIFY", verify)
    _, findings = _examined(declared, tmp_path)
    (told,) = [one for one in findings if "certificate" in one["text"]]
    assert told["level"] == level


GOOD_PROCESS = {
    "plugins": "bundled,aws-masker,aws-masker-filter",
    "prefix": "/kong",
    "pluginserver_names": "aws-masker",
    "pluginserver_aws_masker_socket": "/kong/aws-masker.socket",
    "pluginserver_aws_masker_start_cmd": "aws-masker plugin-server -p /kong",
    "pluginserver_aws_masker_query_cmd": "aws-masker plugin-server --dump",
    "nginx_http_lua_socket_read_timeout": "5s",
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"pluginserver_aws_masker_socket": ""},
        {
            "pluginserver_aws_masker_socket": "/other/x.socket",
            "pluginserver_aws_masker_start_cmd": "/opt/bin/python -m aws_masker.kong.server --socket=/other/x.socket",
        },
    ],
)
def test_a_plugin_server_whose_socket_both_sides_mean_is_well(change: Mapping[str, str]) -> None:
    findings = list(check_process(GOOD_PROCESS | dict(change)))
    assert findings
    assert {one.level for one in findings} == {"ok"}, findings


@pytest.mark.parametrize(
    ("change", "place", "remedy"),
    [
        ({"plugins": "bundled,aws-masker"}, "KONG_PLUGINS", "add aws-masker-filter"),
        ({"pluginserver_names": "other"}, "KONG_PLUGINSERVER_NAMES", "KONG_PLUGINSERVER_NAMES=aws-masker"),
        (
            {"pluginserver_aws_masker_socket": "/kong/aws-masker.sock"},
            "KONG_PLUGINSERVER_AWS_MASKER_SOCKET",
            "KONG_PLUGINSERVER_AWS_MASKER_SOCKET=/kong/aws-masker.socket",
        ),
        (
            {"pluginserver_aws_masker_start_cmd": "kong-python-pluginserver -d /plugins/aws-masker"},
            "KONG_PLUGINSERVER_AWS_MASKER_START_CMD",
            "aws-masker plugin-server -p /kong",
        ),
        ({"pluginserver_aws_masker_query_cmd": "aws-masker"}, "KONG_PLUGINSERVER_AWS_MASKER_QUERY_CMD", "--dump"),
        ({"nginx_http_lua_socket_read_timeout": "60s"}, "KONG_NGINX_HTTP_LUA_SOCKET_READ_TIMEOUT", "5s"),
        ({"nginx_http_lua_socket_read_timeout": "3s"}, "KONG_NGINX_HTTP_LUA_SOCKET_READ_TIMEOUT", "5s"),
    ],
)
def test_each_mistake_in_kongs_environment_has_its_remedy(change: Mapping[str, str], place: str, remedy: str) -> None:
    (finding,) = [one for one in check_process(GOOD_PROCESS | dict(change)) if one.level != "ok"]
    assert finding.place == place
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("limit", "kong", "nginx", "bad"),
    [
        (None, "0", "client_max_body_size 33m;", []),
        (None, "33m", "client_max_body_size 33m;", []),
        (None, "8m", "client_max_body_size 33m;", ["Kong, client_max_body_size"]),
        (None, "0", "# nothing", ["nginx, client_max_body_size"]),
        (64 << 20, "33m", "client_max_body_size 33m;", ["Kong, client_max_body_size", "nginx, client_max_body_size"]),
    ],
)
def test_a_body_limit_before_the_plugin_that_is_lower_than_its_own_is_told(
    limit: int | None, kong: str, nginx: str, bad: list[str]
) -> None:
    process = {"plugins": "bundled", "nginx_http_client_max_body_size": kong}
    configuration = Configuration({}, [], [Plugin("aws-masker", {"limits": {"body": limit}})], process=process)
    findings = check_sizes(configuration, nginx, {})
    assert [one.place for one in findings if one.level != "ok"] == bad


NGINX = (ROOT / "nginx/nginx.conf.template").read_text()
OF_REQUESTS = "    error_log /dev/stderr emerg;\n"


@pytest.mark.parametrize(
    ("nginx", "level"),
    [
        (NGINX, "ok"),
        (NGINX.replace(OF_REQUESTS, ""), "doubtful"),
        (NGINX.replace(OF_REQUESTS, "    error_log /dev/stderr;\n"), "doubtful"),
        (NGINX.replace(OF_REQUESTS, "    # error_log /dev/stderr emerg;\n"), "doubtful"),
        (NGINX.replace("server {", "server {\n        error_log /var/log/nginx/error.log notice;"), "doubtful"),
        (NGINX.replace(OF_REQUESTS, "").replace("error_log /dev/stderr error", "error_log /dev/stderr debug"), "wrong"),
        (NGINX.replace("server {", "server {\n        error_log /dev/stderr debug;"), "wrong"),
        (NGINX.replace("events {", "events {\n    debug_connection 127.0.0.1;"), "wrong"),
    ],
)
def test_an_nginx_that_writes_what_it_is_sent_is_told(nginx: str, level: str) -> None:
    (finding,) = [one for one in check_nginx(nginx) if one.place == "nginx, error_log"]
    assert finding.level == level


@pytest.mark.parametrize(("version", "good"), [("3.9.1", True), ("3.4.2", True), ("2.8.5", False), ("3.10.0.1", False)])
def test_versions_that_cannot_work_are_told(version: str, good: bool) -> None:  # noqa: FBT001
    first = next(iter(check_versions(version)))
    assert (first.level == "ok") is good


def test_a_plugin_that_runs_between_the_two_is_told() -> None:
    names = ("aws-masker", "aws-masker-filter", "body-changer")
    plugins = [Plugin(name, {"key": KEY}) for name in names]
    priorities = {"aws-masker": 750, "aws-masker-filter": 740, "body-changer": 745}
    findings = list(check_routes(Configuration({}, [], plugins, priorities=priorities), {}))
    assert any("body-changer runs between" in one.text for one in findings)
    swapped = Configuration({}, [], plugins, priorities={"aws-masker": 740, "aws-masker-filter": 750})
    assert any(one.level == "wrong" and "740 and 750" in one.text for one in check_routes(swapped, {}))


class _Admin(BaseHTTPRequestHandler):
    """An admin API as Kong 3.9 has it, with pages of one entity, and / that fails so many times.

    Where there is an ``idle`` worker, it takes what comes and fails, busy until another comes, or for a while.
    """

    entities: Mapping[str, list[dict[str, Any]]] = {}
    root: Mapping[str, Any] = {}
    failures = 0
    idle: threading.Semaphore | None = None
    came = threading.Event()

    def version_string(self) -> str:
        return "kong/3.9.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path, _, query = self.path.lstrip("/").partition("?")
        if not path and not type(self).failures:
            if self._is_of_another():
                self._answer(self.root)
            else:
                self.send_error(500)
            return
        listed = self.entities.get(path)
        if listed is None:
            type(self).failures -= 1
            self.send_error(500)
            return
        at = int(query.partition("offset=")[2] or 0)
        following = f"/{path}?offset={at + 1}" if at + 1 < len(listed) else None
        self._answer({"data": listed[at : at + 1], "next": following})

    def _is_of_another(self) -> bool:
        if self.idle is None:
            return True
        if not self.idle.acquire(blocking=False):
            self.came.set()
            return True
        self.came.wait(0.5)
        self.idle.release()
        return False

    def _answer(self, told: Mapping[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def admin() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Admin)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_running_kong_is_read_through_its_admin_api(admin: str, tmp_path: Path) -> None:
    service = {"id": "s", "name": "claude-api", "host": "api.anthropic.com", "protocol": "https", "retries": 5}
    route = {"id": "r", "name": "claude-route", "service": {"id": "s"}, "response_buffering": False}
    masker = {"name": "aws-masker", "service": {"id": "s"}, "config": {"key": "{vault://env/aws-masker-key}"}}
    _Admin.entities = {
        "services": [service | {"read_timeout": 600000, "write_timeout": 600000}],
        "routes": [route],
        "plugins": [{"name": "prometheus"}, masker, {"name": "aws-masker-filter", "enabled": False}],
    }
    _Admin.failures = 1000
    code, findings = _run(tmp_path, "--admin", admin)
    wrong = {(one["place"], one["text"].partition(":")[0]) for one in findings if one["level"] == "wrong"}
    assert code == 1
    assert wrong == {
        ("route claude-route", "only aws-masker is on it, not aws-masker-filter"),
        ("service claude-api", "retries is 5"),
    }
    assert any(one["text"] == "version 3.9.1" for one in findings)
    (untold,) = (one for one in findings if one["place"] == "admin API")
    assert untold["level"] == "doubtful"
    assert "not looked at" in untold["text"]


def test_another_worker_is_asked_where_the_one_with_the_plugin_server_fails(admin: str, tmp_path: Path) -> None:
    plugins = [{"name": name, "config": {"key": KEY}} for name in ("aws-masker", "aws-masker-filter")]
    _Admin.entities = {"services": [], "routes": [], "plugins": plugins}
    _Admin.root = {
        "plugins": {"available_on_server": {"aws-masker": {"priority": 750}, "aws-masker-filter": {"priority": 740}}}
    }
    _Admin.failures = 5
    _code, findings = _run(tmp_path, "--admin", admin)
    assert "aws-masker runs before its filter" in [one["text"] for one in findings]


def test_another_worker_is_asked_where_that_one_takes_all_that_comes_while_it_is_idle(
    admin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = [{"name": name, "config": {"key": KEY}} for name in ("aws-masker", "aws-masker-filter")]
    monkeypatch.setattr(_Admin, "entities", {"services": [], "routes": [], "plugins": plugins})
    priorities = {"aws-masker": {"priority": 750}, "aws-masker-filter": {"priority": 740}}
    monkeypatch.setattr(_Admin, "root", {"plugins": {"available_on_server": priorities}})
    monkeypatch.setattr(_Admin, "failures", 0)
    monkeypatch.setattr(_Admin, "idle", threading.Semaphore())
    _code, findings = _run(tmp_path, "--admin", admin)
    assert "aws-masker runs before its filter" in [one["text"] for one in findings]


def test_sources_that_cannot_be_read_are_errors_that_quote_nothing(tmp_path: Path) -> None:
    path = tmp_path / "kong.yml"
    for content in ("a: [made-up-secret", "services: []\n", "- made-up-secret\n"):
        path.write_text(content)
        with pytest.raises(ValueError, match=r"kong\.yml") as caught:
            from_file(path)
        assert "made-up-secret" not in str(caught.value)
    with pytest.raises(ValueError, match="no admin API answers"):
        doctor.run(["--admin", "http://127.0.0.1:9"])


def test_a_redis_that_is_well_protected_is_well(
    start_redis: Callable[..., RedisServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_redis("--requirepass", PASSWORD, "--maxmemory-policy", "volatile-ttl")
    monkeypatch.setenv("AWS_MASKER_VAULT_PASSWORD", PASSWORD)
    code, findings = _run(tmp_path, "--redis", server.url)
    assert code == 0
    assert _bad(_redis(findings)) == []
    assert len(_redis(findings)) >= 5


def test_what_is_wrong_with_a_redis_is_told(start_redis: Callable[..., RedisServer], tmp_path: Path) -> None:
    server = start_redis("--maxmemory-policy", "allkeys-random")
    code, findings = _run(tmp_path, "--redis", server.url)
    texts = " | ".join(one["text"] for one in _bad(findings))
    assert code == 1
    assert "lets everybody in" in texts
    assert "allkeys-random" in texts
    server.stop()
    code, findings = _run(tmp_path, "--redis", server.url)
    assert code == 1
    assert "cannot be reached" in _redis(findings)[0]["text"]


def test_a_wrong_password_is_told_and_never_shown(
    start_redis: Callable[..., RedisServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_redis("--requirepass", PASSWORD)
    monkeypatch.setenv("AWS_MASKER_VAULT_PASSWORD", "wrong-password-0815")
    code, findings = _run(tmp_path, "--redis", server.url)
    assert code == 1
    assert "refuses the password" in _redis(findings)[0]["text"]
    assert "wrong-password-0815" not in json.dumps(findings)


def test_the_redis_of_the_configuration_is_looked_at_without_being_named(
    declared: dict[str, Any],
    start_redis: Callable[..., RedisServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = start_redis("--requirepass", PASSWORD)
    monkeypatch.setenv("AWS_MASKER_VAULT", server.url.replace("redis://", f"redis://:{PASSWORD}@"))
    code, findings = _examined(declared, tmp_path)
    assert code == 0
    assert any(one["place"] == "Redis" for one in findings)
    assert PASSWORD not in json.dumps(findings)


def test_the_table_shows_remedies_and_counts(
    declared: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _service(declared)["retries"] = 3
    (tmp_path / "kong.yml").write_text(yaml.safe_dump(declared))
    assert doctor.run(["--kong-yml", str(tmp_path / "kong.yml")]) == 1
    out = capsys.readouterr().out
    assert "wrong     service claude-api" in out
    assert "-> set retries: 0" in out
    assert out.splitlines()[-1].endswith("1 wrong")
