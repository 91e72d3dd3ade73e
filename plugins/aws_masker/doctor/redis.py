"""The doctor's look at the Redis of the vault: reached, protected, of the same time, and keeping what it is given."""

import ipaddress
import time
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError

from aws_masker.doctor.findings import Finding, judge
from aws_masker.errors import SettingsError, VaultError
from aws_masker.vault.redis_links import open_link

PLACE: Final = "Redis"
MOST_SKEW_SECONDS: Final = 5.0
# What goes first under these has not been used for the longest time, or nothing goes.
_GOOD_POLICIES: Final = frozenset({"noeviction", "volatile-ttl", "volatile-lru"})
# Any key does: only clusters ask where one lies.
_KEY: Final = b"aws-masker:v1:doctor"


def check_redis(url: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what there is to say of the Redis at ``url``; credentials may stand in ``environ``, as for the vault."""
    try:
        link = open_link(url, environ)
    except SettingsError as error:
        yield Finding("wrong", PLACE, str(error).removeprefix("vault: "), "see docs/configuration.md")
        return
    try:
        client = link.client(_KEY)
        began = time.time()
        seconds, microseconds = client.time()
        ended = time.time()
    except AuthenticationError:
        yield Finding(
            "wrong", PLACE, "it refuses the password or the user", "give them as in Redis's own configuration"
        )
        return
    except (RedisError, VaultError) as error:
        remedy = "see whether it runs, at this address, and lets this machine in"
        yield Finding("wrong", PLACE, f"it cannot be reached ({type(error).__name__})", remedy)
        return
    else:
        yield Finding("ok", PLACE, f"it answers in {(ended - began) * 1000:.1f} ms")
        yield from _protection(url, client)
        yield _clock(seconds + microseconds / 1e6, began, ended)
        yield _eviction(client)
    finally:
        link.close()


def _protection(url: str, client: Redis) -> Iterator[Finding]:
    parts = urlsplit(url)
    options = client.connection_pool.connection_kwargs
    remedy = "set requirepass (or ACL users) in Redis, and the password in AWS_MASKER_VAULT_PASSWORD"
    finding = Finding("wrong", PLACE, "it lets everybody in without a password", remedy)
    yield judge(options.get("password"), finding, "it has a password")
    if not parts.scheme.startswith("rediss"):
        text = "no TLS: what passes is sealed, but the password and the tokens are not"
        finding = Finding("doubtful", PLACE, text, "write rediss://, unless the network between is yours alone")
        yield judge(_is_loopback(parts.hostname or ""), finding, "no TLS, on this machine")
    else:
        yield Finding("ok", PLACE, "TLS")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _clock(theirs: float, began: float, ended: float) -> Finding:
    skew = max(began - theirs, theirs - ended, 0.0)
    text = f"its clock and this one are {skew:.0f} s apart: what is stored expires early or late"
    finding = Finding("doubtful", PLACE, text, "let both use NTP")
    return judge(skew <= MOST_SKEW_SECONDS, finding, "its clock agrees with this one")


def _eviction(client: Redis) -> Finding:
    try:
        told = client.config_get("maxmemory-policy")
    except RedisError:
        return Finding("ok", PLACE, "its eviction policy cannot be seen by this user")
    policy = str({_text(name): _text(value) for name, value in told.items()}.get("maxmemory-policy"))
    text = f"maxmemory-policy {policy} may drop originals that are still in use"
    finding = Finding("doubtful", PLACE, text, "set maxmemory-policy volatile-ttl")
    return judge(policy in _GOOD_POLICIES, finding, f"maxmemory-policy {policy}")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
