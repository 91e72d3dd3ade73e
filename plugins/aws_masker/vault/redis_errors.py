"""What goes wrong with Redis, said with its remedy.

Redis and redis-py quote commands, keys, values, users and addresses in their messages. None of that is passed on: only
the kind of an error decides what is said.
"""

import ssl
from collections.abc import Mapping
from typing import Final, Literal

from redis.exceptions import (
    AuthenticationError,
    MaxConnectionsError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

Setting = Literal["vault", "audit"]

_COMMANDS: Final[Mapping[Setting, str]] = {"vault": "+set +getex", "audit": "+xadd +xread +xrange"}
_LOGIN = "refused the login: correct {variables}_USERNAME and {variables}_PASSWORD, or the {setting}'s URL"
_MOVING = "is moving slots: wait until that is done"
_OLD = "does not know a command that is needed: use Redis 6.2 or newer, or Valkey"
_BY_CODE = {
    "NOAUTH": _LOGIN,
    "WRONGPASS": _LOGIN,
    "NOPERM": "does not let this user do it: allow `~aws-masker:* {commands} +select` in its ACL",
    "OOM": "is full: raise its maxmemory, or set its maxmemory-policy to volatile-ttl",
    "READONLY": "is a replica: name its primary, or use redis+sentinel://",
    "LOADING": "is still loading its data: wait until that is done",
    "MISCONF": "cannot save to its disk and takes no writes: free space there",
    "MASTERDOWN": "has lost its primary: bring the primary back",
    "MOVED": "is part of a cluster: use redis+cluster://",
    "ASK": _MOVING,
    "TRYAGAIN": _MOVING,
    "CLUSTERDOWN": "is part of a cluster that is down: bring its nodes back",
    "DENIED": "is in protected mode: give it a password, or bind it to an address that this host may use",
    "WRONGTYPE": "holds something else under this {setting}'s keys: give the {setting} a database of its own",
}
_BY_TEXT = {
    "unknown command": _OLD,
    "syntax error": _OLD,
    "db index": "has no database of that number: correct the {setting}'s URL",
    "invalid db index": "has no database of that number: correct the {setting}'s URL",
    "max number of clients": "takes no more clients: raise its maxclients",
}


def explain(error: RedisError | OSError, label: str, setting: Setting = "vault") -> str:
    """Return what is wrong with the Redis that is called ``label`` (no credentials in it) and stands in ``setting``."""
    variables, commands = f"AWS_MASKER_{setting.upper()}", _COMMANDS[setting]
    return f"{label} {_problem(error).format(setting=setting, variables=variables, commands=commands)}"


def code(error: Exception) -> str:
    """Return the word with which Redis began this error, such as ``READONLY``, ``MOVED`` or ``ERR``."""
    known = getattr(error, "status_code", None)
    return known if isinstance(known, str) else str(error).partition(" ")[0]


def _problem(error: RedisError | OSError) -> str:
    said = _LOGIN if isinstance(error, AuthenticationError) else _said_by_redis(error)
    if said:
        return said
    if isinstance(error, MaxConnectionsError):
        return "has no connection free: raise max_connections in the {setting}'s URL"
    cause = _os_error(error)
    if isinstance(cause, ssl.SSLError):
        return (
            f"failed the TLS handshake ({cause.reason}): name its CA with ?ssl_ca_certs=FILE in the {{setting}}'s URL"
        )
    if isinstance(cause, FileNotFoundError):
        return (
            "needs a file that is not there: correct ssl_ca_certs, ssl_certfile or ssl_keyfile in the {setting}'s URL"
        )
    if isinstance(error, RedisTimeoutError):
        return "did not answer in time: see whether it hangs or is overloaded"
    if isinstance(error, RedisConnectionError | OSError):
        reason = cause.strerror if cause is not None and cause.strerror else "connection lost"
        return f"cannot be reached ({reason}): start it, or correct the {{setting}}'s URL"
    kind = "refused a command" if isinstance(error, ResponseError) else "failed"
    return f"{kind} ({type(error).__name__}): see its log"


def _said_by_redis(error: Exception) -> str | None:
    text = str(error).removeprefix("ERR ").lower()
    return _BY_CODE.get(code(error)) or next((said for start, said in _BY_TEXT.items() if text.startswith(start)), None)


def _os_error(error: BaseException) -> OSError | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    return cause
