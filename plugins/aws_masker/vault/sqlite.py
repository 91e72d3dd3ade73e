"""The vault in a SQLite file: for the gateway on one machine, restarts and several processes included.

One connection, used under a lock: an operation takes a millisecond or less, a SQLite file has only one writer anyway,
and a host's threads come and go, so that connections of their own would pile up. The file is readable by its owner
only, its journal is a WAL (readers never wait for the writer), and it is opened at first use, again after a fork,
and again after someone has moved or deleted it.

An entry lives for between three quarters of its time to live and the whole of it after it was last used: it is
renewed when a quarter has passed. Every write removes some expired rows as well, so no sweep ever takes long.
"""

import contextlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from aws_masker.errors import VaultError
from aws_masker.vault.recent import REFRESH_FRACTION, RecentWrites
from aws_masker.vault.sealing import Sealer, TenantSealer

BUSY_SECONDS = 0.5
OPENING_SECONDS = 5.0
_OPENING_PAUSE = 0.01
"""How long a call waits for another thread, and then for another process."""

WRITE_CHUNK = 2_000
"""Rows a transaction: other processes write in between."""

READ_CHUNK = 500
"""Rows a query; SQLite's limit of bound values was 999 for long."""

PURGE_CHUNK = 500
"""Expired rows that one write removes."""

MAX_BYTES = 2 << 30
"""Of the file, unless its URL says so; some ten million entries. When full, those that would expire first make room."""

EVICT_CHUNK = 20_000

CACHE_KIB = 16_384
"""Of the file's pages in memory, at most."""

_APPLICATION_ID = 0x41574D56
_SCHEMA_VERSION = 1
_SCHEMA = (
    "CREATE TABLE entries (key BLOB PRIMARY KEY, sealed BLOB NOT NULL, expires REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX entries_by_expiry ON entries (expires)",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_SCHEMA_VERSION}",
)
_WRITE = "INSERT OR REPLACE INTO entries (key, sealed, expires) VALUES (?, ?, ?)"
_PURGE = "DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE expires <= ? LIMIT ?)"
_EVICT = "DELETE FROM entries WHERE key IN (SELECT key FROM entries ORDER BY expires LIMIT ?)"
_RENEW = "UPDATE entries SET expires = ? WHERE key = ?"
_REMEDIES = {
    "SQLITE_NOTADB": "is no SQLite database: move it away, and a new one is made (older tokens stay as they are)",
    "SQLITE_CORRUPT": "is damaged: move it away, and a new one is made (older tokens stay as they are)",
    "SQLITE_BUSY": "is locked by another process: end that process, or give this one a file of its own",
    "SQLITE_FULL": "cannot grow: free space on its disk, shorten vault_ttl, or raise size in its URL",
    "SQLITE_READONLY": "cannot be written: make it and its folder writable for this user",
    "SQLITE_CANTOPEN": "cannot be opened: make it and its folder writable for this user",
    "SQLITE_PERM": "cannot be opened: make it and its folder writable for this user",
}


class SqliteVault:
    """See ``Store``. Thread-safe, and safe with other processes on the same file."""

    def __init__(
        self,
        path: Path,
        sealer: Sealer,
        ttl: float,
        clock: Callable[[], float] = time.time,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """``ttl`` and ``clock`` are in seconds; the clock must be one that all processes share."""
        self._path = path
        self._sealer = sealer
        self._ttl = ttl
        self._clock = clock
        self._max_bytes = max_bytes
        self._recent = RecentWrites(ttl, clock)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int, int] | None = None
        self._epoch = 0

    def __repr__(self) -> str:
        """Return the kind of the vault and its file."""
        return f"SqliteVault({str(self._path)!r})"

    @property
    def unreadable(self) -> int:
        """See ``Store.unreadable``."""
        return self._sealer.unreadable

    def remember(self, tenant: str, entries: Mapping[str, str]) -> None:
        """See ``Vault.remember``. Costs no write for what this process has written lately."""
        tenant_sealer = self._sealer.of(tenant)
        with self._session() as connection:
            # In the order of their keys: neighbours share a page, where tokens at random would touch one each.
            stale = sorted(self._recent.stale(tenant_sealer.place, self._epoch, entries))
            for start in range(0, len(stale), WRITE_CHUNK):
                tokens = stale[start : start + WRITE_CHUNK]
                expires = self._clock() + self._ttl
                rows = [
                    (_key(tenant_sealer, token), tenant_sealer.seal(token, entries[token]), expires) for token in tokens
                ]
                try:
                    self._write(connection, rows)
                except sqlite3.OperationalError as error:
                    if _name(error) != "SQLITE_FULL":
                        raise
                    with _transaction(connection):
                        connection.execute(_EVICT, (EVICT_CHUNK,))
                    self._write(connection, rows)
                self._recent.written(tenant_sealer.place, self._epoch, tokens)

    def recall(self, tenant: str, tokens: Collection[str]) -> dict[str, str]:
        """See ``Vault.recall``."""
        now = self._clock()
        found: dict[str, str] = {}
        aging: list[bytes] = []
        with self._session() as connection:
            for tenant_sealer in self._sealer.all_of(tenant):
                wanted = {_key(tenant_sealer, token): token for token in tokens if token not in found}
                for key, sealed, expires in _select(connection, list(wanted), now):
                    original = tenant_sealer.open(wanted[key], sealed)
                    if original is None:
                        continue
                    found[wanted[key]] = original
                    if expires - now < self._ttl * (1 - 1 / REFRESH_FRACTION):
                        aging.append(key)
            self._recent.forget(self._sealer.of(tenant).place, (token for token in tokens if token not in found))
            if aging:
                self._renew(connection, aging, now + self._ttl)
        return found

    def check(self) -> None:
        """See ``Vault.check``: takes and releases the write lock."""
        with self._session() as connection, _transaction(connection):
            connection.execute(_PURGE, (self._clock(), PURGE_CHUNK))

    def close(self) -> None:
        """Close the file; the last process to do so folds the journal into it."""
        with self._lock:
            self._disconnect()

    def _write(self, connection: sqlite3.Connection, rows: Sequence[tuple[bytes, bytes, float]]) -> None:
        with _transaction(connection):
            connection.execute(_PURGE, (self._clock(), PURGE_CHUNK))
            connection.executemany(_WRITE, rows)

    def _renew(self, connection: sqlite3.Connection, keys: Sequence[bytes], expires: float) -> None:
        # What was read matters more than its renewal: a writer in the way must not fail the recall.
        with contextlib.suppress(sqlite3.OperationalError), _transaction(connection):
            connection.executemany(_RENEW, ((expires, key) for key in keys))

    @contextlib.contextmanager
    def _session(self) -> Iterator[sqlite3.Connection]:
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            message = f"the vault file {self._path} is busy with other threads' calls: try again"
            raise VaultError(message)
        try:
            yield self._connected()
        except sqlite3.Error as error:
            name = _name(error)
            if name != "SQLITE_BUSY":
                self._disconnect()
            problem = _REMEDIES.get(name, f"failed with {name or type(error).__name__}: check its disk")
            message = f"the vault file {self._path} {problem}"
            raise VaultError(message) from error
        except OSError as error:
            self._disconnect()
            message = f"the vault file {self._path} cannot be used ({error.strerror}): make it and its folder writable"
            raise VaultError(message) from error
        finally:
            self._lock.release()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None:
            if self._identity == self._identify():
                return self._connection
            self._disconnect()
        _make_private(self._path)
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._identity = connection, self._identify()
        self._epoch += 1
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA max_page_count = {self._max_bytes // page_size}")
        with _transaction(connection):
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if not tables and not application:
                for statement in _SCHEMA:
                    connection.execute(statement)
            elif application != _APPLICATION_ID:
                message = f"the vault file {self._path} belongs to another program: name another file"
                raise VaultError(message)
            elif version != _SCHEMA_VERSION:
                message = (
                    f"the vault file {self._path} is of format {version}, this aws-masker knows {_SCHEMA_VERSION}: "
                    "use the aws-masker that made it, or name another file"
                )
                raise VaultError(message)

    def _identify(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return os.getpid(), status.st_dev, status.st_ino

    def _disconnect(self) -> None:
        if self._connection is None:
            return
        forked = self._identity is not None and self._identity[0] != os.getpid()
        if not forked:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
            return
        # A connection that came through a fork must not even be closed (https://www.sqlite.org/howtocorrupt.html, 2.6):
        # it is kept out of the garbage collector's reach.
        _INHERITED.append(self._connection)
        self._connection = None


_INHERITED: list[sqlite3.Connection] = []


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on. Where others do so at the same moment, SQLite does not wait but fails: try again."""
    deadline = time.monotonic() + OPENING_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _name(error) != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(_OPENING_PAUSE)
        else:
            return


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors, a full disk for one.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _select(connection: sqlite3.Connection, keys: Sequence[bytes], now: float) -> Iterator[tuple[bytes, bytes, float]]:
    for start in range(0, len(keys), READ_CHUNK):
        chunk = keys[start : start + READ_CHUNK]
        places = ",".join("?" * len(chunk))
        yield from connection.execute(
            f"SELECT key, sealed, expires FROM entries WHERE key IN ({places}) AND expires > ?",  # noqa: S608 - ? only
            (*chunk, now),
        )


def _make_private(path: Path) -> None:
    """Make the file, and its folders where missing, for the owner only; narrow the file's mode if need be."""
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    # Never opened and closed by hand once it exists: on POSIX that would drop the locks which SQLite holds on it.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        path.chmod(mode & 0o700)


def _key(tenant_sealer: TenantSealer, token: str) -> bytes:
    return f"{tenant_sealer.place}:{token}".encode("utf-8", "surrogatepass")


def _name(error: sqlite3.Error) -> str:
    """Return SQLite's name of the error, without its extension: SQLITE_BUSY for SQLITE_BUSY_SNAPSHOT."""
    return "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
