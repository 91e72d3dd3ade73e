"""Kong's configuration as the doctor sees it, read from a declarative file or from a running Kong's admin API.

Fields that a declarative file leaves out have Kong's defaults (Kong: ``kong/db/schema/entities``).
"""

import contextlib
import functools
import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import yaml

from aws_masker.errors import SettingsError

SERVICE_DEFAULTS: Final[Mapping[str, Any]] = {
    "retries": 5,
    "read_timeout": 60000,
    "write_timeout": 60000,
    "protocol": "http",
    "tls_verify": None,
}
ROUTE_DEFAULTS: Final[Mapping[str, Any]] = {
    "request_buffering": True,
    "response_buffering": True,
    "preserve_host": False,
}
# Guards against an admin API that is none: one that works answers in far less, with far less.
ADMIN_SECONDS: Final = 5.0
_MOST_PAGES: Final = 100
_ROOT_TRIES: Final = 64
_ROOT_AT_ONCE: Final = 4
_MOST_BYTES: Final = 32 << 20


@dataclass(frozen=True, slots=True)
class Service:
    """A service; ``values`` are its fields, complete."""

    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """A route, and the name of its service where it has one."""

    name: str
    service: str | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry of a plugin, and the names of what it is limited to; None where it is not."""

    name: str
    config: Mapping[str, Any] = field(repr=False)
    service: str | None = None
    route: str | None = None
    consumer: str | None = None

    @property
    def place(self) -> str:
        """Where it stands, in words."""
        scopes = {"route": self.route, "service": self.service, "consumer": self.consumer}
        told = [f"{kind} {name}" for kind, name in scopes.items() if name is not None]
        return ", ".join(told) or "all services"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Services, routes and plugins that are enabled. ``version`` is Kong's, ``process`` its settings, where known.

    ``process`` has the names of kong.conf (``nginx_http_client_max_body_size``) and texts as values. ``reticent``: a
    running Kong that did not tell its settings and the plugins' priorities.
    """

    services: Mapping[str, Service]
    routes: Sequence[Route]
    plugins: Sequence[Plugin]
    version: str | None = None
    priorities: Mapping[str, int] = field(default_factory=dict)
    process: Mapping[str, str] = field(default_factory=dict)
    reticent: bool = False

    def effective(self, name: str, route: Route) -> Plugin | None:
        """Return the entry of a plugin that counts for every request of a route: the narrowest goes before."""
        entries = [one for one in self.plugins if one.name == name and one.consumer is None]
        for fits in (
            lambda one: one.route == route.name,
            lambda one: one.route is None and one.service is not None and one.service == route.service,
            lambda one: one.route is None and one.service is None,
        ):
            found = next((one for one in entries if fits(one)), None)
            if found is not None:
                return found
        return None


def from_file(path: Path) -> Configuration:
    """Return what a declarative file says. Raises SettingsError, which quotes nothing of it."""
    try:
        declared = yaml.safe_load(path.read_text())
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror})"
        raise SettingsError(message) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        message = f"{path} is not YAML" + (f": see line {mark.line + 1}" if mark else "")
        raise SettingsError(message) from None
    if not isinstance(declared, dict) or "_format_version" not in declared:
        message = f"{path} is no declarative configuration of Kong: it has no _format_version"
        raise SettingsError(message)
    return _Declared(declared).read()


class _Declared:
    """Flattens a declarative file, in which entities may stand inside others."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        self._declared = declared
        self._services: dict[str, Service] = {}
        self._routes: list[Route] = []
        self._plugins: list[Plugin] = []

    def read(self) -> Configuration:
        for one in _entities(self._declared, "services"):
            self._service(one)
        for one in _entities(self._declared, "routes"):
            self._route(one, _name_of(one.get("service")))
        for one in _entities(self._declared, "consumers"):
            for inner in _entities(one, "plugins"):
                self._plugin({**inner, "consumer": one.get("username") or "?"})
        for one in _entities(self._declared, "plugins"):
            self._plugin(one)
        return Configuration(self._services, self._routes, self._plugins)

    def _service(self, values: Mapping[str, Any]) -> None:
        if not values.get("enabled", True):
            return
        name = str(values.get("name") or values.get("id") or f"number {len(self._services) + 1}")
        url = urlsplit(str(values.get("url") or ""))
        told = {"protocol": url.scheme, "host": url.hostname} if url.scheme else {}
        self._services[name] = Service(name, {**SERVICE_DEFAULTS, **told, **values})
        for one in _entities(values, "routes"):
            self._route(one, name)
        for one in _entities(values, "plugins"):
            self._plugin({**one, "service": name})

    def _route(self, values: Mapping[str, Any], service: str | None) -> None:
        name = str(values.get("name") or values.get("id") or f"number {len(self._routes) + 1}")
        self._routes.append(Route(name, service, {**ROUTE_DEFAULTS, **values}))
        for one in _entities(values, "plugins"):
            self._plugin({**one, "route": name})

    def _plugin(self, values: Mapping[str, Any]) -> None:
        if values.get("enabled", True):
            scope = {kind: _name_of(values.get(kind)) for kind in ("service", "route", "consumer")}
            self._plugins.append(Plugin(str(values.get("name")), values.get("config") or {}, **scope))


def _entities(values: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    listed = values.get(kind) or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        message = f"{kind}: expected a list of entities"
        raise SettingsError(message)
    yield from listed


def _name_of(reference: Any) -> str | None:
    if isinstance(reference, dict):
        reference = reference.get("name") or reference.get("username") or reference.get("id")
    return None if reference is None else str(reference)


def from_admin(url: str) -> Configuration:
    """Return what a running Kong says of itself. Raises SettingsError where its admin API cannot be read."""
    with contextlib.closing(_Admin(url)) as admin:
        return _told_by(admin)


def _told_by(admin: "_Admin") -> Configuration:
    services = {one["id"]: one for one in admin.listed("services")}
    routes = {one["id"]: one for one in admin.listed("routes")}
    names = {identifier: str(one.get("name") or identifier) for identifier, one in (services | routes).items()}

    def named(entity: Mapping[str, Any], kind: str) -> str | None:
        reference = entity.get(kind)
        return names.get(reference["id"], reference["id"]) if reference else None

    plugins = [
        Plugin(one["name"], one.get("config") or {}, named(one, "service"), named(one, "route"), named(one, "consumer"))
        for one in admin.listed("plugins")
        if one.get("enabled", True)
    ]
    told = admin.root()
    root = told or {}
    available = root.get("plugins", {}).get("available_on_server") or {}
    process = {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in (root.get("configuration") or {}).items()
        if not isinstance(value, dict)
    }
    return Configuration(
        {names[key]: Service(names[key], one) for key, one in services.items() if one.get("enabled", True)},
        [Route(names[key], named(one, "service"), one) for key, one in routes.items()],
        plugins,
        version=root.get("version") or admin.version,
        priorities={name: one["priority"] for name, one in available.items() if isinstance(one, dict)},
        process=process,
        reticent=told is None,
    )


class _Admin:
    """The admin API. ``version`` is Kong's as its answers say."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/") + "/"
        parts = urlsplit(self._url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = "--admin: expected http(s)://HOST:PORT"
            raise SettingsError(message)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._new = functools.partial(kind, parts.hostname, parts.port, timeout=ADMIN_SECONDS)
        self._connection = self._new()
        self.version: str | None = None

    def close(self) -> None:
        self._connection.close()

    def listed(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield all entities of a kind."""
        path: str | None = f"{kind}?size=1000"
        for _ in range(_MOST_PAGES):
            page = self._get(path) if path else None
            if page is None:
                return
            yield from page.get("data") or []
            path = page.get("next")

    def root(self) -> dict[str, Any] | None:
        """Return what Kong says of itself, or None where it does not.

        3.9 answers 500 in the worker that runs external plugin servers, and not in the others. An idle worker may take
        all connections that come one after the other, so those that failed are asked again before a new one is opened:
        their worker is busy then.
        """
        asked = list[http.client.HTTPConnection]()
        with contextlib.ExitStack() as stack:
            for _ in range(_ROOT_TRIES):
                asked.append(stack.enter_context(contextlib.closing(self._new())))
                del asked[:-_ROOT_AT_ONCE]
                for connection in asked:
                    with contextlib.suppress(SettingsError):
                        self._ask(connection, "")
                for connection in reversed(asked):
                    with contextlib.suppress(SettingsError):
                        return self._read(connection)
        return None

    def _get(self, path: str) -> dict[str, Any] | None:
        self._ask(self._connection, path)
        return self._read(self._connection)

    def _ask(self, connection: http.client.HTTPConnection, path: str) -> None:
        target = urlsplit(urljoin(self._url, path))
        with _as_admin(connection):
            connection.request("GET", target.path + (f"?{target.query}" if target.query else ""))

    def _read(self, connection: http.client.HTTPConnection) -> dict[str, Any] | None:
        with _as_admin(connection):
            answer = connection.getresponse()
            body = answer.read(_MOST_BYTES)
            server = answer.headers.get("Server") or ""
            if server.startswith("kong/"):
                self.version = server.removeprefix("kong/")
            if answer.status != http.client.OK:
                message = (
                    f"--admin: the admin API answered {answer.status}: give its URL, and a Kong that is in service"
                )
                raise SettingsError(message)
            told = json.loads(body)
        return told if isinstance(told, dict) else None


@contextlib.contextmanager
def _as_admin(connection: http.client.HTTPConnection) -> Iterator[None]:
    """Raise a SettingsError for what goes wrong with the admin API on a connection, which is closed then."""
    try:
        yield
    except SettingsError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        connection.close()
        message = f"--admin: no admin API answers there ({type(error).__name__}): see KONG_ADMIN_LISTEN"
        raise SettingsError(message) from None
