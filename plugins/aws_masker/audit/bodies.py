"""Masked bodies on disk, one file for each exchange: what was sent to the API, and what it answered.

They are masked: both are kept as the API saw them. What the masker did not find is in them as it was sent, and so are
images. Files are for their owner only, appear whole or not at all, and go when they are old or when there are too many.
"""

import base64
import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from aws_masker.audit.hub import Bodies
from aws_masker.audit.record import SCHEMA, AuditRecord, parse
from aws_masker.audit.writer import Writer
from aws_masker.errors import AuditError
from aws_masker.keyfile import state_folder

PRUNE_SECONDS: Final = 60.0
"""Seconds between two looks at all files; in between, only what this process adds is known."""

DRAFT_SECONDS: Final = 3600.0
"""Seconds after which a draft is nobody's: who wrote it was ended before it was whole."""

_NAME: Final = re.compile(r"\d{8}T\d{9}-[0-9a-fA-F-]{16,36}\.json")
_DRAFT: Final = ".part"
# So much of an id tells requests apart.
_MIN_ID: Final = 8


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file holds. A body is cut where its length is more than it is long."""

    record: AuditRecord
    sent: bytes
    sent_length: int
    answered: bytes
    answered_length: int


def document_of(record: AuditRecord, bodies: Bodies) -> bytes:
    """Return what is written of an exchange: its file's name and, on the next line, JSON."""
    entry = {
        "schema": SCHEMA,
        "record": asdict(record),
        "sent": _body(bodies.sent, bodies.sent_length),
        "answered": _body(bodies.answered, bodies.answered_length),
    }
    return f"{name_of(record)}\n{json.dumps(entry, separators=(',', ':'))}".encode()


def name_of(record: AuditRecord) -> str:
    """Return the name of the file for this exchange."""
    moment = re.sub(r"[-:.]", "", record.time[:23])
    return f"{moment}-{record.request_id}.json"


def folder_of(bodies: str) -> Path:
    """Return the folder that the setting ``bodies`` names."""
    return Path(bodies).expanduser() if bodies else state_folder(os.environ) / "bodies"


class BodyFolder:
    """A ``Target`` for documents of ``document_of``: a folder that holds ``most`` bytes, none older than ``ttl``."""

    def __init__(self, folder: Path, most: int, ttl: float, clock: Callable[[], float] = time.time) -> None:
        """Make ``folder`` when there is something to write. ``ttl`` and ``clock`` are in seconds."""
        self._folder = folder
        self._most = most
        self._ttl = ttl
        self._clock = clock
        self._size = 0
        self._next_look: float | None = None

    def write(self, lines: Sequence[bytes]) -> int:
        """See ``Target.write``: a file for each of them."""
        written = 0
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for line in lines:
                name, _, document = line.partition(b"\n")
                self._make_room(len(document))
                self._write(self._folder / name.decode("ascii"), document)
                self._size += len(document)
                written += 1
        except OSError as error:
            if not written:
                message = f"bodies: {self._folder} cannot be written ({error.strerror}): free space, or name another"
                raise AuditError(message) from None
        return written

    def close(self) -> None:
        """See ``Target.close``."""

    def _write(self, path: Path, document: bytes) -> None:
        draft = path.with_suffix(_DRAFT)
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(file, "wb") as opened:
                opened.write(document)
            draft.rename(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def _make_room(self, size: int) -> None:
        """Delete what is too old, and the oldest until ``size`` more bytes fit."""
        moment = self._clock()
        if self._next_look is not None and moment < self._next_look and self._size + size <= self._most:
            return
        self._next_look = moment + PRUNE_SECONDS
        for draft, state in _states(self._folder.glob(f"*{_DRAFT}")):
            if state.st_mtime + DRAFT_SECONDS < moment:
                draft.unlink(missing_ok=True)
        files = _states(files_of(self._folder))
        self._size = sum(state.st_size for _, state in files)
        for path, state in files:
            if state.st_mtime + self._ttl > moment and self._size + size <= self._most:
                break
            path.unlink(missing_ok=True)
            self._size -= state.st_size


class BodyKeeper:
    """A ``Listener``: has the bodies that come with records written to a folder. Close its ``writer``."""

    def __init__(self, folder: Path, most: int, ttl: float, tell: Callable[[str], None], *, room: int) -> None:
        """Write to a ``BodyFolder``; ``tell`` gets a notice, without any value, when that fails.

        At most ``room`` bytes wait to be written.
        """
        self.writer = Writer(BodyFolder(folder, most, ttl), tell, room=room, tells_gaps=False)

    def __call__(self, record: AuditRecord, bodies: Bodies | None = None) -> None:
        """See ``Listener``."""
        if bodies is not None:
            size = len(bodies.sent) + len(bodies.answered)
            self.writer.put_later(size, lambda: document_of(record, bodies))


def files_of(folder: Path) -> list[Path]:
    """Return the files of exchanges in ``folder``, the oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def _states(paths: Iterable[Path]) -> list[tuple[Path, os.stat_result]]:
    """Return paths with what is known of them, without those that another process has deleted meanwhile."""
    found = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            found.append((path, path.stat()))
    return found


def find(folder: Path, request_id: str) -> Stored:
    """Return what is kept of the request whose id is, or begins with, ``request_id``.

    Of several that have this very id, as clients may give, the latest. Raises AuditError where there is none, or where
    more than one begins so.
    """
    found = [
        path
        for path in files_of(folder)
        if len(request_id) >= _MIN_ID and path.name.partition("-")[2].startswith(request_id)
    ]
    found = [path for path in found if path.stem.partition("-")[2] == request_id][-1:] or found
    if len(found) != 1:
        message = (
            f"bodies: {len(found)} requests in {folder} have an id that begins so: give the whole id, as "
            "`aws-masker audit --json` shows it; bodies are kept where record_bodies is masked"
        )
        raise AuditError(message)
    return _stored(found[0])


def kept_of(folder: Path, record: AuditRecord) -> Bodies | None:
    """Return the bodies that ``folder`` has of the exchange with this record, None where it has none."""
    with contextlib.suppress(AuditError):
        stored = _stored(folder / name_of(record))
        return Bodies(stored.sent, stored.sent_length, stored.answered, stored.answered_length)
    return None


def _stored(path: Path) -> Stored:
    try:
        entry: Any = json.loads(path.read_bytes())
        return Stored(parse(entry["record"]), *_read(entry["sent"]), *_read(entry["answered"]))
    except (OSError, ValueError, KeyError, TypeError):
        message = f"bodies: {path} cannot be read"
        raise AuditError(message) from None


def _body(data: bytes, length: int) -> dict[str, Any]:
    try:
        return {"length": length, "text": data.decode()}
    except UnicodeDecodeError as error:
        if length > len(data) and error.end == len(data) and error.reason == "unexpected end of data":
            return {"length": length, "text": data[: error.start].decode()}
        return {"length": length, "base64": base64.b64encode(data).decode()}


def _read(entry: dict[str, Any]) -> tuple[bytes, int]:
    data = entry["text"].encode() if "text" in entry else base64.b64decode(entry["base64"])
    return data, int(entry["length"])
