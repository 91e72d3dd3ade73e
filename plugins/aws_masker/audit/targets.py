"""From the setting ``audit`` to where records go.

::

    stdout:                                             standard output; under Kong, Kong's own log record
    file:///var/log/aws-masker/audit.jsonl?size=64MiB&every=1d&keep=30
    redis://HOST:PORT/DB?stream=aws-masker:audit&length=100000      rediss://, redis+sentinel:// and so on as well
    off                                                 nowhere

A Redis URL is one as the vault takes it (``vault.redis_links``), with credentials of its own in the environment:
``AWS_MASKER_AUDIT_USERNAME`` and ``AWS_MASKER_AUDIT_PASSWORD``.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from aws_masker.audit.files import FileTarget, Rotation
from aws_masker.audit.stream import StreamTarget
from aws_masker.audit.writer import Target
from aws_masker.errors import AuditError, SettingsError
from aws_masker.settings import REDIS_SCHEMES
from aws_masker.settings_fields import Unit, quantity
from aws_masker.vault.redis_links import Link, open_link

STDOUT: Final = "stdout:"
OFF: Final = "off"
STREAM: Final = "aws-masker:audit"
STREAM_LENGTH: Final = 100_000

_ROTATION: Final = Rotation()


@dataclass(frozen=True, slots=True)
class FilePlace:
    """An audit file."""

    path: Path
    rotation: Rotation


@dataclass(frozen=True, slots=True)
class StreamPlace:
    """An audit stream in the Redis at ``url``, whose parameters are redis-py's only."""

    url: str
    key: str
    length: int

    def link(self, environ: Mapping[str, str]) -> Link:
        """Return the way to its server. Raises SettingsError."""
        return open_link(self.url, environ, "audit")


Place = FilePlace | StreamPlace


class StdoutTarget:
    """A ``Target``: standard output."""

    def write(self, lines: Sequence[bytes]) -> int:
        """See ``Target.write``. Waits for whoever reads it."""
        try:
            sys.stdout.buffer.write(b"".join(line + b"\n" for line in lines))
            sys.stdout.buffer.flush()
        except (OSError, ValueError):
            message = "standard output cannot be written: see who reads it"
            raise AuditError(message) from None
        return len(lines)

    def close(self) -> None:
        """See ``Target.close``."""


def place_of(url: str) -> Place | None:
    """Return where ``url`` leads, None for ``stdout:`` and ``off``.

    Raises SettingsError, which never quotes the URL: it may hold a password.
    """
    if url in (STDOUT, OFF):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        problem = "is no URL"
        raise _wrong(problem) from None
    if parts.scheme == "file":
        return _file_place(parts)
    if parts.scheme in REDIS_SCHEMES:
        return _stream_place(parts)
    problem = "is none of the known forms: stdout:, off, file:///PATH, redis://HOST:PORT/DB"
    raise _wrong(problem)


def open_target(url: str, environ: Mapping[str, str] = os.environ) -> Target | None:
    """Return the target that ``url`` names, None for ``off``. Opens neither file nor connection.

    Raises SettingsError.
    """
    place = place_of(url)
    if isinstance(place, FilePlace):
        return FileTarget(place.path, place.rotation)
    if isinstance(place, StreamPlace):
        return StreamTarget(place.link(environ), place.key.encode(), place.length)
    return StdoutTarget() if url == STDOUT else None


def _file_place(parts: SplitResult) -> FilePlace:
    path = unquote(parts.path)
    if parts.netloc or not path.startswith("/") or path.endswith("/"):
        problem = "names no file: write file:///absolute/path, with three slashes"
        raise _wrong(problem)
    given = _parameters(parts)
    rotation = Rotation(
        size=int(_quantity(given, "size", "bytes", _ROTATION.size)),
        every=_quantity(given, "every", "seconds", _ROTATION.every),
        keep=int(_quantity(given, "keep", "", _ROTATION.keep)),
    )
    if given:
        problem = "has a parameter that is not known: size, every and keep are"
        raise _wrong(problem)
    return FilePlace(Path(path), rotation)


def _stream_place(parts: SplitResult) -> StreamPlace:
    given = _parameters(parts)
    key = given.pop("stream", STREAM)
    length = int(_quantity(given, "length", "", STREAM_LENGTH))
    return StreamPlace(parts._replace(query=urlencode(given)).geturl(), key, length)


def _parameters(parts: SplitResult) -> dict[str, str]:
    return dict(parse_qsl(parts.query, keep_blank_values=True))


def _quantity(given: dict[str, str], name: str, unit: Unit, default: float) -> float:
    """Take a parameter out of ``given`` and return what it means."""
    text = given.pop(name, None)
    if text is None:
        return default
    value = quantity(text, unit)
    if not value:
        problem = f"has a wrong {name}: expected a number above 0, such as size=64MiB, every=1d, keep=30, length=100000"
        raise _wrong(problem)
    return value


def _wrong(problem: str) -> SettingsError:
    return SettingsError(f"audit: the URL {problem}")
