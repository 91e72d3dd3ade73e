"""Where an audit is read: a file with those of earlier times, a stream in Redis, or standard input.

All give lines, the oldest first, and go on with what comes when they are followed. A line may be there twice, where a
target failed in the middle of a write: ``events`` leaves the second one out.
"""

import contextlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from redis.exceptions import RedisError

from aws_masker.audit import targets
from aws_masker.audit.events import Event, parse_event
from aws_masker.audit.files import earlier
from aws_masker.audit.record import AuditRecord
from aws_masker.audit.stream import FIELD
from aws_masker.errors import AuditError, SettingsError, VaultError
from aws_masker.vault.redis_errors import explain
from aws_masker.vault.redis_links import Link

# How often a file or a stream that is followed is looked at, and how much of a stream is read at a time.
POLL_SECONDS: Final = 0.2
PAGE: Final = 1000
# Lines of one request stand near one another, if they stand twice.
REMEMBERED: Final = 4096

Wait = Callable[[float], None]


def lines(
    url: str, *, follow: bool, environ: Mapping[str, str] = os.environ, wait: Wait = time.sleep
) -> Iterator[bytes]:
    """Yield the lines of the audit at ``url``, a value of the setting; with ``follow`` without end.

    Raises SettingsError where nothing can be read there, AuditError where reading fails.
    """
    place = targets.place_of(url)
    if isinstance(place, targets.FilePlace):
        return file_lines(place.path, follow=follow, wait=wait)
    if isinstance(place, targets.StreamPlace):
        return stream_lines(place.link(environ), place.key.encode(), follow=follow, wait=wait)
    message = f"audit: {url} cannot be read back: name the file that it was written to, or - for standard input"
    raise SettingsError(message)


def file_lines(path: Path, *, follow: bool, wait: Wait = time.sleep) -> Iterator[bytes]:
    """Yield the lines of ``path`` and, before them, of the files that made room for it."""
    try:
        if not follow and not path.exists() and not earlier(path):
            message = f"{path} is not there: no record has been written yet, or the setting audit names another file"
            raise AuditError(message)
        last: os.stat_result | None = None
        while True:
            # Opened before the others are looked for: none can slip through between the two.
            with _opened(path) as file:
                for old in _behind(last, path):
                    if file is None or not os.path.samestat(old.stat(), os.fstat(file.fileno())):
                        with old.open("rb") as lines_of_old:
                            yield from lines_of_old
                        last = old.stat()
                if file is not None:
                    yield from _lines_while_named(file, path, follow=follow, wait=wait)
                    last = os.fstat(file.fileno())
            if not follow:
                return
            if file is None:
                wait(POLL_SECONDS)
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror})"
        raise AuditError(message) from None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes] | None]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        yield file


def _behind(last: os.stat_result | None, path: Path) -> list[Path]:
    """Return the files that made room for ``path`` after the one that was read last; all, where that is not there."""
    files = earlier(path)
    for number, one in enumerate(files, 1):
        if last is not None and os.path.samestat(one.stat(), last):
            return files[number:]
    return files


def _lines_while_named(file: IO[bytes], path: Path, *, follow: bool, wait: Wait) -> Iterator[bytes]:
    """Yield lines until their file has made room for another, and all of it has been read."""
    held = b""
    while True:
        named = _is_named(file, path)  # before the last look, not after it
        for piece in file:
            held += piece
            if held.endswith(b"\n"):
                yield held
                held = b""
        if not follow or not named:
            return
        wait(POLL_SECONDS)


def _is_named(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def stream_lines(link: Link, key: bytes, *, follow: bool, wait: Wait = time.sleep) -> Iterator[bytes]:
    """Yield the lines of a stream."""
    after = b"-"
    try:
        while True:
            found: Any = link.client(key).xrange(key, min=after, max="+", count=PAGE)
            for number, fields in found:
                after = b"(" + number
                if FIELD in fields:
                    yield fields[FIELD]
            if not found:
                if not follow:
                    return
                wait(POLL_SECONDS)
    except (RedisError, OSError) as error:
        raise AuditError(explain(error, link.label, "audit")) from None
    except VaultError as error:
        raise AuditError(str(error)) from None
    finally:
        link.close()


def events(found: Iterable[bytes], damaged: Callable[[], None]) -> Iterator[Event]:
    """Yield what the lines say, each request once. ``damaged`` is called for each line that says nothing."""
    seen: OrderedDict[str, None] = OrderedDict()
    for line in found:
        if not line.strip():
            continue
        try:
            event = parse_event(line)
        except (ValueError, RecursionError):
            damaged()
            continue
        if isinstance(event, AuditRecord):
            # Not the id alone: clients can give two requests the same.
            key = f"{event.request_id} {event.time} {event.host}"
            if key in seen:
                continue
            seen[key] = None
            if len(seen) > REMEMBERED:
                seen.popitem(last=False)
        yield event
