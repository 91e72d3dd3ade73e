"""An audit file that grows by lines, and makes room for a new one when it is large or of an earlier day.

A file that makes room is renamed to its name and the moment, ``audit.jsonl.20260301T120000.250000Z``, so that names
sort by time. Several processes may write the same file: each line is appended in one piece, and a file that another
process, or logrotate, has renamed is noticed before the next lines.
"""

import contextlib
import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from aws_masker.errors import AuditError

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file makes room: from ``size`` bytes on, or at the end of a period of ``every`` seconds, counted in UTC.

    ``keep`` files of earlier times are kept.
    """

    size: int = 64 * MIB
    every: float = 24 * 3600
    keep: int = 30


class FileTarget:
    """A ``Target``: a file that only its owner can read."""

    def __init__(self, path: Path, rotation: Rotation, clock: Callable[[], float] = time.time) -> None:
        """Write to ``path``; nothing is opened before there is a line. ``clock`` gives seconds since 1970."""
        self._path = path
        self._rotation = rotation
        self._clock = clock
        self._file: int | None = None
        self._torn = False

    def write(self, lines: Sequence[bytes]) -> int:
        """See ``Target.write``."""
        try:
            file = self._ready()
            # Behind a line that was cut, as the disk was full, a new one begins.
            lead = b"\n" if self._torn else b""
            data = lead + b"".join(line + b"\n" for line in lines)
            written = os.write(file, data)
        except OSError as error:
            self.close()
            message = f"{self._path} cannot be written ({error.strerror}): free space there, or name another file"
            raise AuditError(message) from None
        self._torn = written > 0 and data[written - 1 : written] != b"\n"
        return data.count(b"\n", len(lead), written)

    def close(self) -> None:
        """See ``Target.close``."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _ready(self) -> int:
        """Return a descriptor of the file that lines belong to now."""
        if self._file is not None and not self._is_current(self._file):
            self.close()
        if self._file is None:
            self._file = self._opened()
        state = os.fstat(self._file)
        if stat.S_ISREG(state.st_mode) and state.st_size and self._is_due(state):
            self._make_room()
            self.close()
            self._file = self._opened()
        return self._file

    def _opened(self) -> int:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _is_current(self, file: int) -> bool:
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(file))

    def _is_due(self, state: os.stat_result) -> bool:
        every = self._rotation.every
        return state.st_size >= self._rotation.size or state.st_mtime // every < self._clock() // every

    def _make_room(self) -> None:
        moment = datetime.fromtimestamp(self._clock(), UTC)
        while (aside := self._path.with_name(f"{self._path.name}.{moment:%Y%m%dT%H%M%S.%fZ}")).exists():
            moment += timedelta(microseconds=1)
        # Gone, where another process has just done the same.
        with contextlib.suppress(FileNotFoundError):
            self._path.rename(aside)
        for old in earlier(self._path)[: -self._rotation.keep]:
            old.unlink(missing_ok=True)
        self._torn = False


def earlier(path: Path) -> list[Path]:
    """Return the files that have made room for ``path``, the oldest first."""
    return sorted(one for one in path.parent.glob(f"{path.name}.[0-9]*Z") if one.is_file())
