"""The vault in Redis (6.2 or newer, or Valkey): shared by all nodes and processes of a team.

Keys are ``aws-masker:v1:{PLACE}:TOKEN``, values sealed (sealing.py). The braces put all keys of a tenant into one slot
of a cluster, hence on one node, where one pipeline reaches them.

**One round trip, or none.** What this process has written lately (recent.py) is not written again until a quarter of
the time to live has passed. That belief would outlive a FLUSHALL, a failover to an empty replica or an eviction, so:

- Each tenant has a *marker* key with a random value, made by whoever comes first. Every write reads it in the same
  pipeline, before the values. The marker is the epoch of what is believed: when it is gone or another, all belief
  in what was written under the old one ends, and the entries at hand are written again at once.
- Where nothing is to be written, the marker alone is read every CONFIRM_SECONDS. So an emptied Redis is filled
  again by the first request of a conversation after that time.
- A token that a recall does not find, or finds unreadable, is believed no more: this heals single evictions.

**Bounded time.** Connecting and reading have short time-outs (redis_links.py), thousands of entries go in chunks, and
the first chunk that fails ends the call. The circuit breaker (breaker.py) keeps the next calls away.

Fork-safe and thread-safe; with gevent it needs ``monkey.patch_all()`` before the import, as all of redis-py does.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from redis.exceptions import RedisError

from aws_masker.errors import VaultError
from aws_masker.vault import redis_pipe
from aws_masker.vault.recent import CAPACITY, RecentWrites
from aws_masker.vault.redis_errors import explain
from aws_masker.vault.redis_links import Link
from aws_masker.vault.redis_pipe import Command
from aws_masker.vault.sealing import Sealer, TenantSealer

CHUNK = 1_000
"""Commands a pipeline: a read time-out is for one of these, and other clients get their turn in between."""

CONFIRM_SECONDS = 10.0
"""How old the last look at a tenant's marker may be before a call that writes nothing looks again."""

MARKERS = 4_096
"""Tenants whose marker is kept in mind."""

CHECK_SECONDS = 60
"""The life of the value that ``check`` writes."""

_CHECK_KEY = b"aws-masker:v1:check"


class RedisVault:
    """See ``Store``."""

    def __init__(
        self,
        link: Link,
        sealer: Sealer,
        ttl: int,
        clock: Callable[[], float] = time.time,
        capacity: int = CAPACITY,
    ) -> None:
        """``ttl`` and ``clock`` are in seconds; ``capacity`` bounds the tokens kept in mind as written."""
        self._link = link
        self._sealer = sealer
        self._ttl = ttl
        self._clock = clock
        self._recent = RecentWrites(ttl, clock, capacity)
        self._markers: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    def __repr__(self) -> str:
        """Return the kind of the vault and the address, without credentials."""
        return f"RedisVault({self._link.label!r})"

    @property
    def unreadable(self) -> int:
        """See ``Store.unreadable``."""
        return self._sealer.unreadable

    def remember(self, tenant: str, entries: Mapping[str, str]) -> None:
        """See ``Vault.remember``: one round trip, none for what was written lately, two after Redis was emptied."""
        tenant_sealer = self._sealer.of(tenant)
        marker, seen = self._markers.get(tenant_sealer.place, (None, float("-inf")))
        stale = self._recent.stale(tenant_sealer.place, marker, entries)
        if not stale and 0 <= self._clock() - seen < CONFIRM_SECONDS:
            return
        current = self._write(tenant_sealer, entries, stale)
        if current != marker and len(stale) < len(entries):
            written = set(stale)
            self._write(tenant_sealer, entries, [token for token in entries if token not in written])

    def recall(self, tenant: str, tokens: Collection[str]) -> dict[str, str]:
        """See ``Vault.recall``: one round trip, and one for each accepted key while something has not been found."""
        wanted = list(dict.fromkeys(tokens))
        found: dict[str, str] = {}
        for tenant_sealer in self._sealer.all_of(tenant):
            found |= self._read(tenant_sealer, [token for token in wanted if token not in found])
        self._recent.forget(self._sealer.of(tenant).place, (token for token in wanted if token not in found))
        return found

    def _read(self, tenant_sealer: TenantSealer, tokens: Sequence[str]) -> dict[str, str]:
        """Return the originals of ``tokens`` that are stored under one key."""
        found: dict[str, str] = {}
        for start in range(0, len(tokens), CHUNK):
            chunk = tokens[start : start + CHUNK]
            replies = self._run(
                _marker_key(tenant_sealer),
                [("GETEX", _key(tenant_sealer, token), "EX", self._ttl) for token in chunk],
            )
            for token, sealed in zip(chunk, replies, strict=True):
                original = None if sealed is None else tenant_sealer.open(token, sealed)
                if original is not None:
                    found[token] = original
        return found

    def check(self) -> None:
        """See ``Vault.check``: writes a value, under a key of its own, and reads it back."""
        probe = secrets.token_bytes(16)
        _, reply = self._run(
            _CHECK_KEY,
            [("SET", _CHECK_KEY, probe, "EX", CHECK_SECONDS), ("GETEX", _CHECK_KEY, "EX", CHECK_SECONDS)],
        )
        if reply is None:
            message = f"{self._link.label} forgets what it is told: see its maxmemory and maxmemory-policy"
            raise VaultError(message)

    def close(self) -> None:
        """Close all connections."""
        self._link.close()

    def _write(self, tenant_sealer: TenantSealer, entries: Mapping[str, str], tokens: Sequence[str]) -> bytes:
        """Write these ``tokens`` of ``entries``; return the tenant's marker as it was just before."""
        marker_key = _marker_key(tenant_sealer)
        marker = b""
        for start in range(0, max(len(tokens), 1), CHUNK):
            chunk = tokens[start : start + CHUNK]
            commands: list[Command] = [
                ("SET", _key(tenant_sealer, token), tenant_sealer.seal(token, entries[token]), "EX", self._ttl)
                for token in chunk
            ]
            # Each chunk reads the marker again: Redis may have been emptied since the last one.
            head: list[Command] = [
                ("SET", marker_key, secrets.token_bytes(16), "NX", "EX", self._ttl),
                ("GETEX", marker_key, "EX", self._ttl),
            ]
            _, marker, *_ = self._run(marker_key, head + commands)
            self._recent.written(tenant_sealer.place, marker, chunk)
        self._keep_marker(tenant_sealer.place, marker)
        return marker

    def _keep_marker(self, place: str, marker: bytes) -> None:
        self._markers[place] = (marker, self._clock())
        if len(self._markers) > MARKERS:
            self._markers.popitem(last=False)

    def _run(self, key: bytes, commands: Sequence[Command]) -> list[Any]:
        """Send ``commands`` in one pipeline to the server that holds ``key``; return the replies. Raises VaultError."""
        try:
            try:
                return redis_pipe.run(self._link.client(key), commands)
            except RedisError as error:
                if not self._link.failed(error):
                    raise
                return redis_pipe.run(self._link.client(key), commands)
        except (RedisError, OSError) as error:
            # Not chained: redis-py's messages quote commands and addresses.
            raise VaultError(explain(error, self._link.label)) from None


def _marker_key(tenant_sealer: TenantSealer) -> bytes:
    return f"aws-masker:v1:{{{tenant_sealer.place}}}".encode()


def _key(tenant_sealer: TenantSealer, token: str) -> bytes:
    return f"aws-masker:v1:{{{tenant_sealer.place}}}:{token}".encode("utf-8", "surrogatepass")
