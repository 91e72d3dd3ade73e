"""The vault in a SQLite file: what is on disk, what several processes do, what goes wrong."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aws_masker.errors import VaultError
from aws_masker.vault.sealing import Sealer
from aws_masker.vault.sqlite import PURGE_CHUNK, SqliteVault
from vault_parts import BUCKET, INSTANCE, KEY, OTHER_KEY, TTL, Clock, many

Opener = Callable[..., SqliteVault]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.sqlite"


@pytest.fixture
def opened(path: Path, clock: Clock) -> Iterator[Opener]:
    vaults: list[SqliteVault] = []

    def opener(key: bytes = KEY, at: Path = path, **options: int) -> SqliteVault:
        vaults.append(SqliteVault(at, Sealer(key), TTL, clock, **options))
        return vaults[-1]

    yield opener
    for vault in vaults:
        vault.close()


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_entries_survive_a_restart(opened: Opener) -> None:
    vault = opened()
    vault.remember("acme", INSTANCE)
    vault.close()
    assert opened().recall("acme", INSTANCE) == INSTANCE


def test_the_files_show_no_original_and_no_tenant(opened: Opener, tmp_path: Path) -> None:
    vault = opened()
    vault.remember("acme-secret-project", INSTANCE | BUCKET)
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert set(files) == {"vault.sqlite", "vault.sqlite-wal", "vault.sqlite-shm"}
    vault.close()
    files["closed"] = (tmp_path / "vault.sqlite").read_bytes()
    token = next(iter(BUCKET)).encode()
    assert token in files["vault.sqlite-wal"], "the scan would not have found anything"
    assert token in files["closed"], "the scan would not have found anything"
    for content in files.values():
        for planted in ("acme-secret-project", *INSTANCE.values(), *BUCKET.values()):
            assert planted.encode() not in content


def test_files_and_new_folders_are_for_the_owner_only(opened: Opener, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        vault = opened(at=tmp_path / "new" / "deep" / "vault.sqlite")
        vault.remember("acme", INSTANCE)
    finally:
        os.umask(before)
    assert [mode(tmp_path / folder) for folder in ("new", "new/deep")] == [0o700, 0o700]
    files = list((tmp_path / "new" / "deep").iterdir())
    assert len(files) == 3
    assert {mode(file) for file in files} == {0o600}


def test_a_file_that_others_may_read_is_narrowed(opened: Opener, path: Path) -> None:
    opened().remember("acme", INSTANCE)
    path.chmod(0o644)
    opened().check()
    assert mode(path) == 0o600


def test_the_journal_is_a_wal_and_commits_do_not_wait_for_the_disk(opened: Opener, path: Path) -> None:
    vault = opened()
    with vault._session() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


def test_an_entry_ends_when_its_ttl_has_passed(opened: Opener, clock: Clock) -> None:
    vault = opened()
    vault.remember("acme", INSTANCE)
    clock.advance(TTL * 0.999)
    assert opened().recall("acme", INSTANCE) == INSTANCE
    clock.advance(TTL)
    assert vault.recall("acme", INSTANCE) == {}


@pytest.mark.parametrize("use", ["remember", "recall"])
def test_use_renews_an_entry(opened: Opener, clock: Clock, use: str) -> None:
    vault = opened()
    vault.remember("acme", INSTANCE)
    for _ in range(8):
        clock.advance(TTL / 2)
        if use == "remember":
            vault.remember("acme", INSTANCE)
        else:
            assert vault.recall("acme", INSTANCE) == INSTANCE
    assert opened().recall("acme", INSTANCE) == INSTANCE


def test_what_was_written_lately_is_not_written_again(opened: Opener, path: Path, clock: Clock) -> None:
    vault = opened()
    vault.remember("acme", INSTANCE)
    before = rows(path, "SELECT sealed FROM entries")
    clock.advance(TTL / 4 - 1)
    vault.remember("acme", INSTANCE)
    assert rows(path, "SELECT sealed FROM entries") == before
    clock.advance(1)
    vault.remember("acme", INSTANCE)
    assert rows(path, "SELECT sealed FROM entries") != before


def test_each_write_purges_a_bounded_number_of_expired_rows(opened: Opener, path: Path, clock: Clock) -> None:
    vault = opened()
    vault.remember("acme", many(PURGE_CHUNK * 2))
    clock.advance(TTL)
    counts = []
    for number in range(3):
        vault.remember("acme", many(1, start=90_000 + number))
        counts.append(rows(path, "SELECT count(*) FROM entries")[0][0])
    assert counts == [PURGE_CHUNK + 1, 2, 3]


def test_a_full_file_gives_up_what_would_expire_first(opened: Opener, path: Path, clock: Clock) -> None:
    vault = opened(max_bytes=16 * 1024 * 1024)
    for start in range(0, 120_000, 20_000):
        vault.remember("acme", many(20_000, start))
        clock.advance(1)
    assert path.stat().st_size <= 16 * 1024 * 1024
    newest = many(1_000, 119_000)
    assert vault.recall("acme", newest) == newest
    assert vault.recall("acme", many(10)) == {}
    vault.remember("acme", many(10))
    assert vault.recall("acme", many(10)) == many(10), "a recall that misses ends the belief that it was written"


def test_a_value_under_another_tokens_name_is_unknown_and_counted(opened: Opener, path: Path) -> None:
    vault = opened()
    vault.remember("acme", INSTANCE | BUCKET)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE entries SET sealed = (SELECT sealed FROM entries ORDER BY key LIMIT 1)")
    connection.close()
    assert len(vault.recall("acme", [*INSTANCE, *BUCKET])) == 1
    assert vault.unreadable == 1
    vault.remember("acme", INSTANCE | BUCKET)
    assert vault.recall("acme", [*INSTANCE, *BUCKET]) == INSTANCE | BUCKET, "it was written again"


def test_rows_of_one_tenant_copied_to_another_stay_closed(opened: Opener, path: Path) -> None:
    vault = opened()
    vault.remember("acme", INSTANCE)
    place = Sealer(KEY).of("globex").place
    connection = sqlite3.connect(path)
    with connection:
        copy = "INSERT INTO entries SELECT CAST(? || substr(key, 33) AS BLOB), sealed, expires FROM entries"
        connection.execute(copy, (place,))
    connection.close()
    assert rows(path, "SELECT count(*) FROM entries") == [(2,)]
    assert vault.recall("globex", INSTANCE) == {}
    assert vault.unreadable == 1


def test_two_master_keys_share_a_file_without_meeting(opened: Opener) -> None:
    opened().remember("acme", INSTANCE)
    other = opened(OTHER_KEY)
    assert other.recall("acme", INSTANCE) == {}
    other.remember("acme", INSTANCE)
    assert other.recall("acme", INSTANCE) == INSTANCE


def test_a_deleted_file_is_made_anew_and_filled_again(opened: Opener, path: Path) -> None:
    vault = opened()
    vault.remember("acme", INSTANCE)
    for file in path.parent.iterdir():
        file.unlink()
    vault.remember("acme", INSTANCE)
    assert rows(path, "SELECT count(*) FROM entries") == [(1,)]
    assert vault.recall("acme", INSTANCE) == INSTANCE


WRITER = """
import sys
from pathlib import Path
from vault_parts import KEY, TTL, many
from aws_masker.vault.sealing import Sealer
from aws_masker.vault.sqlite import SqliteVault
vault = SqliteVault(Path(sys.argv[1]), Sealer(KEY), TTL)
print("ready", flush=True)
sys.stdin.readline()
for turn in range(20):
    own = many(50, start=int(sys.argv[2]) * 10_000 + turn * 50)
    vault.remember("acme", own | many(20, start=900_000))
    assert vault.recall("acme", [*own, *many(20, start=900_000)]) == own | many(20, start=900_000)
vault.close()
print("done")
"""


def test_several_processes_write_and_read_one_file_at_once(path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for number in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    assert not path.exists()
    for process in processes:  # so that they all start at once
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [(*process.communicate(timeout=60), process.returncode) for process in processes]
    assert ends == [("done\n", "", 0)] * 4
    assert rows(path, "SELECT count(*) FROM entries") == [(4 * 20 * 50 + 20,)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_vault_that_was_forked_opens_the_file_for_itself(opened: Opener, path: Path) -> None:
    vault = opened()
    vault.remember("acme", INSTANCE)
    child = os.fork()
    if child == 0:
        try:
            vault.remember("acme", BUCKET)
            os._exit(0 if vault.recall("acme", [*INSTANCE, *BUCKET]) == INSTANCE | BUCKET else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    vault.remember("globex", INSTANCE)
    assert vault.recall("acme", [*INSTANCE, *BUCKET]) == INSTANCE | BUCKET
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_file_that_another_process_locks_costs_the_busy_time_and_heals(
    opened: Opener, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aws_masker.vault.sqlite.BUSY_SECONDS", 0.05)
    vault = opened()
    vault.remember("acme", INSTANCE)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(VaultError, match="is locked by another process"):
        vault.remember("acme", BUCKET)
    assert vault.recall("acme", INSTANCE) == INSTANCE, "readers do not wait for the writer"
    other.execute("ROLLBACK")
    other.close()
    vault.remember("acme", BUCKET)
    assert vault.recall("acme", BUCKET) == BUCKET


def test_a_thread_does_not_wait_longer_than_the_busy_time_for_another(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aws_masker.vault.sqlite.BUSY_SECONDS", 0.05)
    vault = opened()
    problems: list[VaultError] = []

    def work() -> None:
        try:
            vault.recall("acme", INSTANCE)
        except VaultError as error:
            problems.append(error)

    with vault._session():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(timeout=10)
    assert "is busy with other threads" in str(problems[0])


def test_what_is_no_database_is_refused_with_the_remedy_and_left_alone(opened: Opener, path: Path) -> None:
    path.write_bytes(b"these are somebody's notes, no database at all\n" * 200)
    before = path.read_bytes()
    vault = opened()
    for use in (vault.check, lambda: vault.remember("acme", INSTANCE), lambda: vault.recall("acme", INSTANCE)):
        with pytest.raises(VaultError, match="is no SQLite database: move it away, and a new one is made"):
            use()
    assert path.read_bytes() == before
    path.rename(path.with_suffix(".old"))
    vault.remember("acme", INSTANCE)
    assert vault.recall("acme", INSTANCE) == INSTANCE


def test_a_damaged_database_is_refused_with_the_remedy(opened: Opener, path: Path) -> None:
    vault = opened()
    vault.remember("acme", many(2_000))
    vault.close()
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 200] = b"\xff" * 200
    path.write_bytes(content)
    with pytest.raises(VaultError, match="is damaged: move it away"):
        vault.recall("acme", many(2_000))


def test_the_database_of_another_program_is_not_touched(opened: Opener, path: Path) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    with pytest.raises(VaultError, match="belongs to another program: name another file"):
        opened().check()
    assert rows(path, "SELECT name FROM sqlite_schema") == [("notes",)]


def test_a_later_format_is_refused_with_the_remedy(opened: Opener, path: Path) -> None:
    vault = opened()
    vault.check()
    vault.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(VaultError, match="is of format 2, this aws-masker knows 1: use the aws-masker that made it"):
        vault.check()


def test_a_place_that_cannot_be_written_is_refused_with_the_remedy(opened: Opener, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file" / "vault.sqlite", tmp_path):
        with pytest.raises(VaultError, match="make it and its folder writable"):
            opened(at=place).check()
