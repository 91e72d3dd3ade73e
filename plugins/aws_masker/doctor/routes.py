"""The doctor's look at services, routes and plugin entries: all is masked, and nothing stands in the way of streams.

What is asked of each field is what Kong 3.9 was measured to need: docs/kong.md says why.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from aws_masker.doctor.findings import Finding, judge
from aws_masker.doctor.sources import Configuration, Plugin, Route, Service
from aws_masker.errors import SettingsError
from aws_masker.keys import master_key

MASKER: Final = "aws-masker"
FILTER: Final = "aws-masker-filter"
API_HOST: Final = "api.anthropic.com"
LEAST_MILLISECONDS: Final = 600_000

# They send bodies to somewhere else by themselves, before or instead of the upstream.
_FORWARDERS: Final = frozenset(
    {"ai-proxy", "ai-proxy-advanced", "ai-request-transformer", "ai-response-transformer", "aws-lambda"}
    | {"azure-functions", "openwhisk"}
)


def check_routes(configuration: Configuration, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what there is to say of all routes and entries."""
    entries = [one for one in configuration.plugins if one.name == MASKER]
    if not entries and not any(one.name == FILTER for one in configuration.plugins):
        text = "neither of the plugins aws-masker and aws-masker-filter is there: nothing is masked"
        yield Finding("wrong", "plugins", text, "add both to the service: see docs/kong.md")
    checked = set[str]()
    for route in configuration.routes:
        service = configuration.services.get(route.service or "")
        yield from _pair(configuration, route, service)
        if configuration.effective(MASKER, route) or configuration.effective(FILTER, route):
            yield from _route(route)
            if service is not None and service.name not in checked:
                checked.add(service.name)
                yield from _service(service, configuration)
    for entry in entries:
        yield from _entry(entry, environ)
    yield from _priorities(configuration)


def _pair(configuration: Configuration, route: Route, service: Service | None) -> Iterator[Finding]:
    place = f"route {route.name}"
    masker, its_filter = (configuration.effective(name, route) for name in (MASKER, FILTER))
    if masker and its_filter:
        yield Finding("ok", place, "both plugins are on it")
    elif masker or its_filter:
        present, missing = (MASKER, FILTER) if masker else (FILTER, MASKER)
        text = f"only {present} is on it, not {missing}: every request fails"
        remedy = f"add {missing} where {present} stands"
        yield Finding("wrong", place, text, remedy)
    elif service is not None and service.values.get("host") == API_HOST:
        text = f"it leads to {API_HOST} without aws-masker: nothing is masked"
        yield Finding("wrong", place, text, "add both plugins, or remove the route")
    if masker or its_filter:
        for name in sorted(_FORWARDERS & {one.name for one in configuration.plugins}):
            if configuration.effective(name, route):
                text = f"{name} is on it too, and sends bodies elsewhere by itself, unmasked"
                yield Finding("wrong", place, text, f"remove {name} from this route")


def _route(route: Route) -> Iterator[Finding]:
    place, values = f"route {route.name}", route.values
    yield judge(
        values.get("response_buffering") is False,
        Finding("wrong", place, "response_buffering is on: streams are held back", "set response_buffering: false"),
        "response_buffering is off",
    )
    yield judge(
        values.get("request_buffering") is not False,
        Finding("wrong", place, "request_buffering is off: bodies cannot be masked", "set request_buffering: true"),
        "request_buffering is on",
    )
    yield judge(
        not values.get("preserve_host"),
        Finding("wrong", place, "preserve_host is on: the API gets your gateway's name", "set preserve_host: false"),
        "preserve_host is off",
    )


def _service(service: Service, configuration: Configuration) -> Iterator[Finding]:
    place, values = f"service {service.name}", service.values
    text = f"retries is {values.get('retries')}: a request that is billed may be sent twice"
    yield judge(values.get("retries") == 0, Finding("wrong", place, text, "set retries: 0"), "retries is 0")
    for name in ("read_timeout", "write_timeout"):
        given = values.get(name)
        text = f"{name} is {given} ms: long answers are cut off"
        finding = Finding("wrong", place, text, f"set {name}: {LEAST_MILLISECONDS}")
        yield judge(isinstance(given, int) and given >= LEAST_MILLISECONDS, finding, f"{name} is {given} ms")
    if values.get("protocol") == "https" and values.get("tls_verify") is not True:
        known = "plugins" in configuration.process
        verified = configuration.process.get("nginx_proxy_proxy_ssl_verify") == "on"
        text = "the API's certificate is not checked" + ("" if known else ", or Kong's environment says so elsewhere")
        remedy = (
            "set KONG_NGINX_PROXY_PROXY_SSL_VERIFY=on and KONG_NGINX_PROXY_PROXY_SSL_TRUSTED_CERTIFICATE to the "
            "system's certificates"
        )
        finding = Finding("wrong" if known else "doubtful", place, text, remedy)
        yield judge(verified, finding, "the API's certificate is checked")


def _entry(entry: Plugin, environ: Mapping[str, str]) -> Iterator[Finding]:
    place = f"{MASKER} on {entry.place}"
    config = entry.config
    text = "enable_masking is off: identifiers leave as they are"
    finding = Finding("wrong", place, text, "set enable_masking: true")
    yield judge(config.get("enable_masking", True), finding, "enable_masking is on")
    text = "enable_unmasking is off: people and their tools see tokens"
    finding = Finding("doubtful", place, text, "set enable_unmasking: true")
    yield judge(config.get("enable_unmasking", True), finding, "enable_unmasking is on")
    yield from _key(config.get("key"), place, environ)
    yield _vault(config.get("vault"), place, environ)


def _key(key: Any, place: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    variable = variable_of(str(key or ""))
    if key and variable is None:
        if str(key).startswith("{vault://"):
            yield Finding("ok", place, "the key is in a vault of Kong's, which cannot be seen from here")
            return
        text = "the key stands in the configuration in clear"
        yield Finding("doubtful", place, text, 'write key: "{vault://env/aws-masker-key}", and set AWS_MASKER_KEY')
        yield _strength(str(key), place, "config.key")
        return
    for name in (variable, "AWS_MASKER_KEY"):
        if name and environ.get(name):
            yield _strength(environ[name], place, name)
            return
    if environ.get("AWS_MASKER_KEY_FILE"):
        yield Finding("ok", place, "the key comes from the file of AWS_MASKER_KEY_FILE")
    elif variable and "KONG_PLUGINS" not in environ:
        yield Finding("ok", place, f"the key is Kong's {variable}, which cannot be seen from here")
    else:
        remedy = "set AWS_MASKER_KEY in Kong's environment: `aws-masker key` makes one"
        yield Finding("wrong", place, "there is no key: every request is refused", remedy)


def _strength(key: str, place: str, where: str) -> Finding:
    try:
        master_key(key)
    except SettingsError as error:
        problem = str(error).removeprefix("AWS_MASKER_KEY ").partition(":")[0]
        return Finding("wrong", place, f"{where} {problem}", "make one with `aws-masker key`")
    return Finding("ok", place, f"{where} is a good key")


def _vault(vault: Any, place: str, environ: Mapping[str, str]) -> Finding:
    url = resolved(vault, environ) or environ.get("AWS_MASKER_VAULT")
    if not url and vault and str(vault).startswith("{vault://") and "KONG_PLUGINS" not in environ:
        return Finding("ok", place, "the vault is a reference; what it refers to cannot be seen from here")
    text = "the vault is this process's memory: a restart or another node restores nothing of earlier requests"
    finding = Finding("doubtful", place, text, "set AWS_MASKER_VAULT=rediss://HOST:PORT/0")
    return judge(url and not url.startswith("memory:"), finding, "there is a vault")


def _priorities(configuration: Configuration) -> Iterator[Finding]:
    if configuration.reticent:
        text = "it told neither settings nor priorities (500, from the worker with the plugin server): not looked at"
        remedy = "run the doctor inside Kong's container too, where it finds the settings"
        yield Finding("doubtful", "admin API", text, remedy)
    masker, its_filter = (configuration.priorities.get(name) for name in (MASKER, FILTER))
    if masker is None or its_filter is None:
        return
    text = f"priorities are {masker} and {its_filter}: the filter would run before the plugin has decided"
    remedy = "install both halves from one release"
    yield judge(masker > its_filter, Finding("wrong", "plugins", text, remedy), "aws-masker runs before its filter")
    for name in sorted({one.name for one in configuration.plugins} - {MASKER, FILTER}):
        if its_filter < configuration.priorities.get(name, its_filter) < masker:
            text = f"{name} runs between the two: a body that it changes is refused"
            yield Finding("doubtful", "plugins", text, f"do without {name} on these routes")


def variable_of(reference: str) -> str | None:
    """Return the environment variable that ``{vault://env/some-name}`` means, or None for all else."""
    inside = reference.removeprefix("{vault://env/")
    if inside == reference or not inside.endswith("}"):
        return None
    return inside[:-1].replace("-", "_").upper()


def resolved(value: Any, environ: Mapping[str, str]) -> str | None:
    """Return what a field of the plugin means: itself, or the variable that it refers to; None where unknown."""
    if not value:
        return None
    variable = variable_of(str(value))
    if variable is not None:
        return environ.get(variable) or None
    return None if str(value).startswith("{vault://") else str(value)
