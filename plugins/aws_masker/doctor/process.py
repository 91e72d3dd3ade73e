"""The doctor's look at Kong's own settings, at nginx's, and at versions: sockets, waiting times, sizes."""

import re
import shlex
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from aws_masker.doctor.findings import Finding, Level, judge
from aws_masker.doctor.routes import FILTER, MASKER
from aws_masker.doctor.sources import Configuration
from aws_masker.errors import SettingsError
from aws_masker.limits import Limits
from aws_masker.settings_load import SETTINGS

KONG_PREFIX: Final = "/usr/local/kong"
PDK_VERSION: Final = "0.36"
# The plugin server answers within 4 s, whatever happens; Kong has to wait longer than that, and not much.
LEAST_WAIT: Final = 4.0
MOST_WAIT: Final = 10.0
LEAST_SECONDS: Final = 600.0

_FIRST_VERSION: Final = (3, 0)
_LAST_VERSION: Final = (3, 9)
_UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_TIMES: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def settings_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Return Kong's settings that an environment holds, by their names in kong.conf."""
    return {name[5:].lower(): value for name, value in environ.items() if name.startswith("KONG_")}


def check_process(process: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what there is to say of Kong's settings; nothing where they are not known."""
    if "plugins" not in process:
        return
    loaded = _names(process["plugins"])
    for name in (MASKER, FILTER):
        finding = Finding("wrong", "KONG_PLUGINS", f"{name} is not loaded", f"add {name} to KONG_PLUGINS")
        yield judge(name in loaded, finding, f"{name} is loaded")
    if "pluginserver_names" in process:
        yield from _plugin_server(process)
    yield from _wait(process)


def _plugin_server(process: Mapping[str, str]) -> Iterator[Finding]:
    place = "KONG_PLUGINSERVER_NAMES"
    servers = [name for name in _names(process["pluginserver_names"]) if _command(process, name) is not None]
    ours = [name for name in servers if MASKER in (_command(process, name) or "").replace("_", "-")]
    if not ours:
        remedy = f"set KONG_PLUGINSERVER_NAMES={MASKER} and KONG_PLUGINSERVER_AWS_MASKER_START_CMD: see kong.yml"
        yield Finding("wrong", place, "no server is started for the plugin aws-masker", remedy)
        return
    name = ours[0]
    variable = f"KONG_PLUGINSERVER_{name.upper().replace('-', '_')}"
    command = _command(process, name) or ""
    prefix = process.get("prefix", KONG_PREFIX).rstrip("/")
    awaited = process.get(f"{_key(name)}_socket") or f"{prefix}/{name}.socket"
    made = _socket_of(command)
    if made is None:
        text = "the command is not that of aws-masker: kong-pdk's own server lets requests pass unmasked when it fails"
        yield Finding("wrong", f"{variable}_START_CMD", text, f"let it be `aws-masker plugin-server -p {prefix}`")
        return
    text = "Kong waits at another socket than the one that the plugin server makes"
    remedy = f"set {variable}_SOCKET={made}"
    yield judge(awaited == made, Finding("wrong", f"{variable}_SOCKET", text, remedy), "both sides mean one socket")
    query = process.get(f"{_key(name)}_query_cmd", "")
    finding = Finding("wrong", f"{variable}_QUERY_CMD", "it does not say --dump", "end it with --dump")
    yield judge("--dump" in query, finding, "Kong asks for the plugin's schema")


def _socket_of(command: str) -> str | None:
    """Return the socket that a command of ours listens at, or None for another command."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if "plugin-server" not in words and not any(word.startswith("aws_masker.kong") for word in words):
        return None
    given = {"--socket": "", "--prefix": KONG_PREFIX}
    names = {"-p": "--prefix"}
    for number, word in enumerate(words):
        option, equals, value = word.partition("=")
        option = names.get(option, option)
        if option in given:
            given[option] = value if equals else "".join(words[number + 1 : number + 2])
    return given["--socket"] or f"{given['--prefix'].rstrip('/')}/{MASKER}.socket"


def _wait(process: Mapping[str, str]) -> Iterator[Finding]:
    name = "nginx_http_lua_socket_read_timeout"
    variable = f"KONG_{name.upper()}"
    given = _seconds(process.get(name, "60s"))
    remedy = f"set {variable}=5s"
    if given is not None and given <= LEAST_WAIT:
        text = f"{given:g} s is less than the plugin server may take ({LEAST_WAIT:g} s): slow requests fail"
        yield Finding("wrong", variable, text, remedy)
    else:
        told = "a while" if given is None else f"{given:g} s"
        finding = Finding("doubtful", variable, f"when the plugin server hangs, requests wait {told}", remedy)
        yield judge(given is not None and given <= MOST_WAIT, finding, f"a hanging plugin server costs {told}")


def check_sizes(configuration: Configuration, nginx: str | None, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield whether what nginx and Kong let through is at least what the plugin takes. ``nginx`` is its file's text."""
    places: dict[str, str | None] = {}
    if "plugins" in configuration.process:
        places["Kong"] = configuration.process.get("nginx_http_client_max_body_size", "0")
    if nginx is not None:
        # nginx's own default; http://nginx.org/en/docs/http/ngx_http_core_module.html#client_max_body_size
        found = re.search(r"^\s*client_max_body_size\s+(\S+);", nginx, re.MULTILINE)
        places["nginx"] = found[1] if found else "1m"
    for entry in configuration.plugins:
        if entry.name != MASKER:
            continue
        limit = _limit(entry.config, environ)
        for place, told in places.items():
            size = _size(told or "")
            text = f"bodies over {told} get 413 here, though aws-masker on {entry.place} takes {limit} bytes"
            remedy = f"set client_max_body_size to {-(-limit // (1 << 20)) + 1}m, or limits.body lower"
            finding = Finding("doubtful", f"{place}, client_max_body_size", text, remedy)
            yield judge(size == 0 or (size or 0) >= limit, finding, "not less than the plugin takes")


def check_nginx(nginx: str) -> Iterator[Finding]:
    """Yield what there is to say of an nginx before Kong; ``nginx`` is its file's text."""
    text = "streams are held back"
    finding = Finding("wrong", "nginx, proxy_buffering", text, "set proxy_buffering off")
    yield judge(re.search(r"^\s*proxy_buffering\s+off;", nginx, re.MULTILINE), finding, "streams pass as they come")
    found = re.findall(r"^\s*proxy_read_timeout\s+(\S+);", nginx, re.MULTILINE)
    longest = max((_seconds(one) or 0.0 for one in found), default=60.0)
    text = f"long answers are cut off after {longest:g} s without a byte"
    finding = Finding("wrong", "nginx, proxy_read_timeout", text, "set proxy_read_timeout 630s")
    yield judge(longest >= LEAST_SECONDS, finding, f"{longest:g} s")
    yield _logs_of(nginx)


def _logs_of(nginx: str) -> Finding:
    """Judge what nginx's error log holds of requests. What `http` says goes before the level outside of it."""
    plain = re.sub(r"#.*", "", nginx)
    outside, _, inside = plain.partition("\nhttp {")
    named = r"^\s*error_log\s+[^\s;]+[ \t]*(\w*)[^;]*;"
    levels = re.findall(named, inside, re.MULTILINE) or re.findall(named, outside, re.MULTILINE)
    level: Level
    if "debug" in levels or "debug_connection" in plain:
        level, text = "wrong", "at debug it writes every header, keys of the API among them, and parts of bodies"
    else:
        level, text = "doubtful", "each line about a request holds its first line, Host and Referer"
    remedy = "set error_log /dev/stderr emerg in http, and let the access log tell what went wrong"
    return judge(
        levels and set(levels) == {"emerg"} and level != "wrong",
        Finding(level, "nginx, error_log", text, remedy),
        "nothing of requests",
    )


def check_versions(version: str | None) -> Iterator[Finding]:
    """Yield what there is to say of Kong's version, where it is known, and of kong-pdk's, where it is installed."""
    found = re.match(r"(\d+)\.(\d+)", version or "")
    if found:
        number = (int(found[1]), int(found[2]))
        text = f"Kong {version} is " + (
            "older than 3.0" if number < _FIRST_VERSION else "not among the open-source versions, which end with 3.9"
        )
        finding = Finding("wrong", "Kong", text, "use Kong Gateway 3.9 (the image kong:3.9.2)")
        yield judge(_FIRST_VERSION <= number <= _LAST_VERSION, finding, f"version {version}")
    try:
        pdk = metadata.version("kong-pdk")
    except metadata.PackageNotFoundError:
        return
    finding = Finding(
        "doubtful", "kong-pdk", f"version {pdk} is not the one tested", f"install kong-pdk=={PDK_VERSION}"
    )
    yield judge(pdk == PDK_VERSION, finding, f"version {pdk}")


def read_nginx(path: Path) -> str:
    """Return the text of nginx's configuration. Raises SettingsError."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        message = f"--nginx: {path} cannot be read as a text"
        raise SettingsError(message) from None


def _limit(config: Mapping[str, Any], environ: Mapping[str, str]) -> int:
    setting = next(one for one in SETTINGS if one.name == "limits_body")
    given = (config.get("limits") or {}).get("body") or environ.get(setting.variable)
    return int(setting.read(given, "config.limits.body")) if given else Limits().body


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _key(name: str) -> str:
    return f"pluginserver_{name.replace('-', '_')}"


def _command(process: Mapping[str, str], name: str) -> str | None:
    return process.get(f"{_key(name)}_start_cmd")


def _size(text: str) -> int | None:
    found = re.fullmatch(r"(\d{1,12})([kmg]?)", text.lower())
    return int(found[1]) * _UNITS[found[2]] if found else None


def _seconds(text: str) -> float | None:
    found = re.fullmatch(r"(\d{1,9})(ms|s|m|h)?", text.lower())
    return int(found[1]) * _TIMES[found[2] or ""] if found else None
