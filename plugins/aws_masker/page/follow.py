"""Follows an audit stream in Redis: first the records that are in it already, then those that come."""

from collections.abc import Callable
from typing import Final

from redis.exceptions import RedisError

from aws_masker.audit.record import AuditRecord, parse
from aws_masker.audit.stream import FIELD
from aws_masker.errors import AuditError, VaultError
from aws_masker.vault.redis_errors import explain
from aws_masker.vault.redis_links import Link

BATCH: Final = 200
"""Entries that are asked for at once."""


class Follower:
    """Reads one stream, in one thread. Entries that are no record of a request are left out."""

    def __init__(self, link: Link, key: bytes, take: Callable[[AuditRecord], None], begin_with: int) -> None:
        """Own ``link``. Give ``take`` the last ``begin_with`` records, and then each that comes."""
        self._link = link
        self._key = key
        self._take = take
        self._begin_with = begin_with
        self._last: bytes | None = None

    def read(self) -> int:
        """Take what there is and return how much that was. Raises AuditError where Redis cannot be read."""
        try:
            entries = self._entries()
        except (RedisError, OSError) as error:
            if isinstance(error, RedisError):
                self._link.failed(error)
            # Not chained: redis-py's messages quote commands and addresses.
            raise AuditError(explain(error, self._link.label, "audit")) from None
        except VaultError as error:
            raise AuditError(str(error)) from None
        for number, fields in entries:
            self._last = number
            try:
                record = parse(dict(zip(fields[::2], fields[1::2], strict=True)).get(FIELD, b""))
            except ValueError:  # a gap, a later version, or somebody else's
                continue
            self._take(record)
        return len(entries)

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    def _entries(self) -> list[tuple[bytes, list[bytes]]]:
        """Return entries, oldest first, as number and a list of fields and values in turn."""
        client = self._link.client(self._key)
        if self._last is None:
            found = client.execute_command("XREVRANGE", self._key, "+", "-", "COUNT", self._begin_with)  # type: ignore[no-untyped-call]
            self._last = b"0-0"
            return _plain(found)[::-1]
        after = b"(" + self._last
        return _plain(client.execute_command("XRANGE", self._key, after, "+", "COUNT", BATCH))  # type: ignore[no-untyped-call]


def _plain(found: list[tuple[bytes, object]]) -> list[tuple[bytes, list[bytes]]]:
    """Return entries as redis-py gives them, whether their fields are a list or a mapping."""
    return [
        (number, [part for pair in fields.items() for part in pair] if isinstance(fields, dict) else list(fields))  # type: ignore[call-overload]
        for number, fields in found
    ]
