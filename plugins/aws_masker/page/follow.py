"""Follows an audit stream in Redis: first the records that are in it already, then those that come."""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from aws_masker.audit.record import AuditRecord, parse
from aws_masker.audit.stream import FIELD, told
from aws_masker.vault.redis_links import Link

BATCH: Final = 200
"""Entries that are asked for at once."""

REMEMBERED: Final = 256
"""Requests whose second record would be noticed: the two stand near one another."""


class Follower:
    """Reads one stream, in one thread. Entries that are no record of a request are left out."""

    def __init__(self, link: Link, key: bytes, take: Callable[[AuditRecord], None], begin_with: int) -> None:
        """Own ``link``. Give ``take`` the last ``begin_with`` records, and then each that comes."""
        self._link = link
        self._key = key
        self._take = take
        self._begin_with = begin_with
        self._last: bytes | None = None
        self._seen: deque[str] = deque(maxlen=REMEMBERED)

    def read(self) -> int:
        """Take what there is and return how much that was. Raises AuditError where Redis cannot be read."""
        with told(self._link):
            entries = self._entries()
        for number, fields in entries:
            self._last = number
            try:
                record = parse(fields.get(FIELD, b""))
            except (ValueError, RecursionError):  # a gap, a later version, or somebody else's
                continue
            if record.request_id not in self._seen:  # it may be there twice, see audit.stream
                self._seen.append(record.request_id)
                self._take(record)
        return len(entries)

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    def _entries(self) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Return entries, oldest first, as number and fields."""
        client: Any = self._link.client(self._key)
        found: list[tuple[bytes, dict[bytes, bytes]]]
        if self._last is None:
            found = client.xrevrange(self._key, count=self._begin_with)[::-1]
            self._last = b"0-0"
        else:
            found = client.xrange(self._key, min=b"(" + self._last, count=BATCH)
        return found
