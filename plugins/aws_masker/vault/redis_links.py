"""From a URL to a Redis client: one server, a primary that Sentinel names, or a cluster.

::

    redis://[user:password@]host[:port][/database][?option=value&…]            rediss:// for TLS
    redis+sentinel://[user:password@]host:port,host:port/service[/database]    rediss+sentinel://
    redis+cluster://[user:password@]host:port,host:port                        rediss+cluster://

Options are those of redis-py, such as ``ssl_ca_certs``, ``ssl_certfile``, ``ssl_keyfile``, ``socket_timeout`` and
``max_connections`` (https://redis.readthedocs.io/en/stable/connections.html). Credentials that are not in the URL come
from the environment: ``AWS_MASKER_VAULT_USERNAME``, ``AWS_MASKER_VAULT_PASSWORD``, and for the sentinels themselves
``AWS_MASKER_VAULT_SENTINEL_USERNAME``, ``AWS_MASKER_VAULT_SENTINEL_PASSWORD``. Another setting than ``vault`` has
variables with its own name.

Nothing here connects; errors and reprs carry no credentials.
"""

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias
from urllib.parse import SplitResult, urlsplit

from redis import ConnectionPool, Redis, RedisCluster, SSLConnection
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import Connection, parse_url
from redis.exceptions import ClusterDownError, MovedError, RedisClusterException, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from redis.sentinel import Sentinel

from aws_masker.errors import SettingsError, VaultError

CONNECT_SECONDS = 0.25
READ_SECONDS = 0.5
DEFAULT_PORTS = {"": 6379, "cluster": 6379, "sentinel": 26379}

Options: TypeAlias = dict[str, Any]

_DEFAULTS: Options = {
    "socket_connect_timeout": CONNECT_SECONDS,
    "socket_timeout": READ_SECONDS,
    "socket_keepalive": True,
}
_FIXED: Options = {"decode_responses": False, "protocol": 2, "driver_info": None}


class Link(Protocol):
    """A way to the Redis server that holds a key."""

    @property
    def label(self) -> str:
        """What errors call it: no credentials."""

    def client(self, key: bytes) -> Redis:
        """Return the client of the server that holds ``key``. Raises RedisError or VaultError."""

    def failed(self, error: RedisError) -> bool:
        """Take note that a client raised ``error``; return whether the same call may succeed if made again at once."""

    def close(self) -> None:
        """Close all connections."""


def open_link(url: str, environ: Mapping[str, str], setting: str = "vault") -> Link:
    """Return the link for a URL of one of the six schemes, which stands in ``setting``.

    Raises SettingsError, which never quotes the URL.
    """
    variables = f"AWS_MASKER_{setting.upper()}"
    try:
        return _open_link(url, environ, variables)
    except _WrongUrlError as error:
        message = f"{setting}: the URL {str(error).format(variables=variables)}"
        raise SettingsError(message) from None


class _WrongUrlError(Exception):
    """Says what is wrong with a URL; ``{variables}`` stands for the beginning of the environment's names."""


def _open_link(url: str, environ: Mapping[str, str], variables: str) -> Link:
    try:
        parts = urlsplit(url)
    except ValueError:
        problem = "is no URL: write redis://HOST:PORT/DATABASE"
        raise _WrongUrlError(problem) from None
    transport, _, mode = parts.scheme.partition("+")
    if parts.fragment:
        problem = "has a # in it: write it as %23, or give the password in {variables}_PASSWORD"
        raise _WrongUrlError(problem)
    hosts = _hosts(parts, mode)
    options = _options(parts, transport, environ, variables)
    path = [step for step in parts.path.split("/") if step]
    if mode == "cluster":
        if path or options.get("db"):
            problem = "names a database, but a cluster has only one: end the URL after the hosts"
            raise _WrongUrlError(problem)
        return ClusterLink(hosts, options)
    if mode == "sentinel":
        if not path:
            problem = "names no service: write redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DATABASE"
            raise _WrongUrlError(problem)
        service, *path = path
        return SentinelLink(hosts, service, options | _database(path), _environment(environ, f"{variables}_SENTINEL"))
    if len(hosts) > 1:
        problem = "names several hosts: use redis+sentinel:// or redis+cluster://"
        raise _WrongUrlError(problem)
    return ServerLink(hosts[0], options | _database(path))


class ServerLink:
    """One server."""

    def __init__(self, address: tuple[str, int], options: Options) -> None:
        """``options`` are keyword arguments of redis-py's connections."""
        host, port = address
        self.label = f"Redis at {host}:{port}/{options.get('db', 0)}"
        kind = SSLConnection if options.pop("ssl", False) else Connection
        # A connection that died while it lay in the pool is replaced once; a server that hangs is not asked twice.
        retry = Retry(NoBackoff(), 1, (RedisConnectionError,))
        pool = ConnectionPool(connection_class=kind, host=host, port=port, retry=retry, **options)
        self._client = Redis.from_pool(pool)

    def client(self, key: bytes) -> Redis:  # noqa: ARG002 - it holds every key
        """See ``Link.client``."""
        return self._client

    def failed(self, error: RedisError) -> bool:  # noqa: ARG002 - redis-py has tried again already
        """See ``Link.failed``."""
        return False

    def close(self) -> None:
        """See ``Link.close``."""
        self._client.close()


class SentinelLink:
    """The primary of a service that sentinels watch. redis-py asks them anew for every new connection."""

    def __init__(
        self, sentinels: list[tuple[str, int]], service: str, options: Options, credentials: Mapping[str, str]
    ) -> None:
        """``credentials`` are for the sentinels, those in ``options`` for the service."""
        self.label = f"Redis service {service} of the sentinels {_listed(sentinels)}"
        own = ("username", "password", "db")
        # redis-py's Sentinel and cluster classes are typed in part only: hence the ignores.
        to_sentinels = {name: value for name, value in options.items() if name not in own} | dict(credentials)
        to_sentinels["retry"] = Retry(NoBackoff(), 0)
        self._sentinel = Sentinel(sentinels, sentinel_kwargs=to_sentinels)  # type: ignore[no-untyped-call]
        retry = Retry(NoBackoff(), 1, (RedisConnectionError,))
        self._client: Redis = self._sentinel.master_for(service, retry=retry, **options)  # type: ignore[no-untyped-call]

    def client(self, key: bytes) -> Redis:  # noqa: ARG002 - it holds every key
        """See ``Link.client``."""
        return self._client

    def failed(self, error: RedisError) -> bool:  # noqa: ARG002 - redis-py has tried again already
        """See ``Link.failed``."""
        return False

    def close(self) -> None:
        """See ``Link.close``."""
        self._client.close()
        self._sentinel.close()


class ClusterLink:
    """A cluster. All keys of one tenant lie in one slot (see redis.py), hence on one node: one pipeline goes there.

    redis-py's own cluster pipeline is not used: after a failure it sends every command again one at a time, each with
    a time-out of its own.
    """

    def __init__(self, nodes: list[tuple[str, int]], options: Options) -> None:
        """``nodes`` are some of the cluster's; the others are learned from them."""
        self.label = f"Redis cluster of {_listed(nodes)}"
        self._nodes = nodes
        self._options = options
        self._cluster: RedisCluster | None = None

    def client(self, key: bytes) -> Redis:
        """See ``Link.client``. The first call, and the first after a failure, asks for the cluster's layout."""
        try:
            cluster = self._cluster or self._discover()
            node = cluster.get_node_from_key(key)  # type: ignore[no-untyped-call]
            return cluster.get_redis_connection(node)
        except RedisClusterException:
            self._cluster = None
            message = (
                f"{self.label} gives no layout: see whether its nodes run, are in cluster mode, cover all slots "
                "and let this user log in and call CLUSTER SLOTS and COMMAND"
            )
            raise VaultError(message) from None

    def failed(self, error: RedisError) -> bool:
        """See ``Link.failed``. The layout is asked for again after every error that may come from an old one."""
        if isinstance(error, RedisConnectionError | RedisTimeoutError | MovedError | ClusterDownError):
            # Not closed: other threads may be in the middle of a call. The last of them to finish frees it.
            self._cluster = None
        return isinstance(error, MovedError)

    def close(self) -> None:
        """See ``Link.close``."""
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.close()

    def _discover(self) -> RedisCluster:
        # Without a lock: while the cluster hangs, all threads are to fail in the same half second, not one by one.
        seeds = [ClusterNode(host, port) for host, port in self._nodes]  # type: ignore[no-untyped-call]
        cluster = RedisCluster(
            startup_nodes=seeds, dynamic_startup_nodes=False, retry=Retry(NoBackoff(), 0), **self._options
        )
        self._cluster = cluster
        return cluster


def _hosts(parts: SplitResult, mode: str) -> list[tuple[str, int]]:
    hosts = []
    for place in parts.netloc.rpartition("@")[2].split(","):
        try:
            one = urlsplit(f"//{place}")
            host, port = one.hostname, one.port or DEFAULT_PORTS[mode]
        except ValueError:
            host = None
        if not host:
            problem = (
                "names no host: write redis://HOST:PORT/DATABASE, and in a password %40 for @, %2F for /, %3F for ?, "
                "or give the password in {variables}_PASSWORD"
            )
            raise _WrongUrlError(problem)
        hosts.append((host, port))
    return hosts


def _options(parts: SplitResult, transport: str, environ: Mapping[str, str], variables: str) -> Options:
    """Return credentials and parameters as redis-py's keyword arguments, and prove that redis-py takes them."""
    credentials = parts.netloc.rpartition("@")[0]
    try:
        given: Options = parse_url(f"redis://{credentials}@localhost/?{parts.query}")  # type: ignore[no-untyped-call]
    except ValueError:
        problem = "has a parameter with a wrong value: see the options of redis-py's connections"
        raise _WrongUrlError(problem) from None
    given.pop("host", None)
    options = _DEFAULTS | _environment(environ, variables) | given | _FIXED
    options["ssl"] = transport == "rediss"
    kind = SSLConnection if options["ssl"] else Connection
    plain = {name: value for name, value in options.items() if name not in ("ssl", "max_connections")}
    try:
        kind(**plain)
    except (TypeError, ValueError, RedisError):
        problem = "has a parameter that redis-py does not take: see the options of its connections"
        raise _WrongUrlError(problem) from None
    return options


def _environment(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    names = {"username": f"{prefix}_USERNAME", "password": f"{prefix}_PASSWORD"}
    return {option: environ[name] for option, name in names.items() if environ.get(name)}


def _database(path: list[str]) -> Options:
    if not path:
        return {}
    if len(path) > 1 or not path[0].isdecimal():
        problem = "ends in something that is no database number: write /0 to /15"
        raise _WrongUrlError(problem)
    return {"db": int(path[0])}


def _listed(addresses: list[tuple[str, int]]) -> str:
    return ", ".join(f"{host}:{port}" for host, port in addresses)
