"""An audit stream in Redis: ``XADD key MAXLEN ~ n * record LINE``, for other systems to follow.

Behind a failure in the middle of a write, lines may stand twice: they have the same request id.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from redis.exceptions import RedisError

from aws_masker.errors import AuditError, VaultError
from aws_masker.vault.redis_errors import explain
from aws_masker.vault.redis_links import Link

FIELD: Final = b"record"


@contextlib.contextmanager
def told(link: Link) -> Iterator[None]:
    """Raise AuditError for whatever goes wrong with Redis meanwhile."""
    try:
        yield
    except (RedisError, OSError) as error:
        if isinstance(error, RedisError):
            link.failed(error)
        # Not chained: redis-py's messages quote commands and addresses.
        raise AuditError(explain(error, link.label, "audit")) from None
    except VaultError as error:
        raise AuditError(str(error)) from None


class StreamTarget:
    """A ``Target``: a stream that keeps about its ``length`` newest entries."""

    def __init__(self, link: Link, key: bytes, length: int) -> None:
        """Own ``link``. Nothing is opened before there is a line."""
        self._link = link
        self._key = key
        self._length = length

    def write(self, lines: Sequence[bytes]) -> int:
        """See ``Target.write``: all lines or none, in one round trip."""
        with told(self._link), self._link.client(self._key).pipeline(transaction=False) as pipe:
            for line in lines:
                pipe.execute_command("XADD", self._key, "MAXLEN", "~", self._length, "*", FIELD, line)  # type: ignore[no-untyped-call]
            return len(pipe.execute())

    def close(self) -> None:
        """See ``Target.close``."""
        self._link.close()
