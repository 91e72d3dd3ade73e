"""The vault in Redis, against a real server: what is stored, what a round trip costs, and every way to lose it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
import redis

from aws_masker.errors import VaultError
from aws_masker.settings import Settings
from aws_masker.vault import open_vault
from aws_masker.vault.breaker import Breaker
from aws_masker.vault.guard import GuardedVault
from aws_masker.vault.redis import CHUNK, CONFIRM_SECONDS, RedisVault
from aws_masker.vault.redis_links import CONNECT_SECONDS, READ_SECONDS, open_link
from aws_masker.vault.sealing import Sealer
from redis_fixture import RedisServer
from vault_parts import BUCKET, INSTANCE, KEY, TTL, Clock, many
from waiting import wait_until

PLACE = Sealer(KEY).of("acme").place
TOKEN, ORIGINAL = next(iter(INSTANCE.items()))
STORED = f"aws-masker:v1:{{{PLACE}}}:{TOKEN}"
MARKER = f"aws-masker:v1:{{{PLACE}}}"

Opener = Callable[..., RedisVault]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Iterator[Opener]:
    vaults: list[RedisVault] = []

    def opener(server: RedisServer, url: str = "", environ: dict[str, str] | None = None, **options: int) -> RedisVault:
        link = open_link(url or server.url, environ or {})
        vaults.append(RedisVault(link, Sealer(KEY), TTL, clock, **options))
        return vaults[-1]

    yield opener
    for vault in vaults:
        vault.close()


@pytest.fixture
def vault(redis_server: RedisServer, opened: Opener) -> RedisVault:
    return opened(redis_server)


@pytest.fixture
def admin(redis_server: RedisServer) -> Iterator[redis.Redis]:
    client = redis_server.admin()
    yield client
    client.close()


class Traffic:
    """Counts what a block sends: round trips (as the server's reads) and commands."""

    def __init__(self, admin: redis.Redis) -> None:
        self._admin = admin

    def __enter__(self) -> Self:
        self._reads, self._commands = self._count()
        return self

    def __exit__(self, *_: object) -> None:
        reads, commands = self._count()
        self.round_trips = reads - self._reads - 1  # one is the count itself
        self.commands = commands - self._commands - 1

    def _count(self) -> tuple[int, int]:
        stats = self._admin.info("stats")
        assert isinstance(stats, dict)
        return int(stats["total_reads_processed"]), int(stats["total_commands_processed"])


# What is stored.


def test_keys_and_values_show_no_original_and_no_tenant(vault: RedisVault, admin: redis.Redis) -> None:
    vault.remember("acme-secret-project", INSTANCE | BUCKET)
    place = Sealer(KEY).of("acme-secret-project").place
    names = {key if isinstance(key, str) else key.decode() for key in admin.keys("*")}
    assert names == {f"aws-masker:v1:{{{place}}}" + end for end in ("", *(f":{token}" for token in INSTANCE | BUCKET))}


def test_the_dump_and_the_journal_show_no_original_and_no_tenant(
    vault: RedisVault, admin: redis.Redis, redis_server: RedisServer
) -> None:
    vault.remember("acme-secret-project", INSTANCE | BUCKET)
    admin.save()
    files = {file.name: file.read_bytes() for file in redis_server.folder.rglob("*") if file.is_file()}
    assert "dump.rdb" in files
    seen = [name for name, content in files.items() if TOKEN.encode() in content]
    assert len(seen) >= 2, "the scan would not have found anything"
    for content in files.values():
        for planted in ("acme-secret-project", *INSTANCE.values(), *BUCKET.values()):
            assert planted.encode() not in content


def test_entries_survive_a_restart_of_redis_and_of_the_process(
    vault: RedisVault, redis_server: RedisServer, opened: Opener
) -> None:
    vault.remember("acme", INSTANCE)
    redis_server.stop(signal.SIGKILL)
    redis_server.start()
    assert opened(redis_server).recall("acme", INSTANCE) == INSTANCE
    assert vault.recall("acme", INSTANCE) == INSTANCE, "its pooled connection was dead"


def test_an_entry_lives_for_its_ttl_and_use_renews_it(vault: RedisVault, admin: redis.Redis, clock: Clock) -> None:
    vault.remember("acme", INSTANCE)
    assert TTL - 5 <= int(admin.ttl(STORED)) <= TTL
    admin.expire(STORED, 100)
    vault.recall("acme", INSTANCE)
    assert TTL - 5 <= int(admin.ttl(STORED)) <= TTL
    admin.expire(STORED, 100)
    clock.advance(TTL / 4)
    vault.remember("acme", INSTANCE)
    assert TTL - 5 <= int(admin.ttl(STORED)) <= TTL
    assert TTL - 5 <= int(admin.ttl(MARKER)) <= TTL


def test_an_expired_entry_is_unknown(vault: RedisVault, admin: redis.Redis) -> None:
    vault.remember("acme", INSTANCE)
    admin.pexpire(STORED, 1)
    wait_until(lambda: not admin.exists(STORED))
    assert vault.recall("acme", INSTANCE) == {}


def test_a_value_copied_to_another_tenant_or_token_stays_closed(vault: RedisVault, admin: redis.Redis) -> None:
    vault.remember("acme", INSTANCE)
    globex = Sealer(KEY).of("globex").place
    admin.copy(STORED, f"aws-masker:v1:{{{globex}}}:{TOKEN}")
    admin.copy(STORED, f"aws-masker:v1:{{{PLACE}}}:i-x0000000000000000")
    assert vault.recall("globex", INSTANCE) == {}
    assert vault.recall("acme", ["i-x0000000000000000"]) == {}
    assert vault.unreadable == 2
    assert vault.recall("acme", INSTANCE) == INSTANCE


def test_a_damaged_value_is_unknown_counted_and_written_again(vault: RedisVault, admin: redis.Redis) -> None:
    vault.remember("acme", INSTANCE)
    admin.append(STORED, b"!")
    assert vault.recall("acme", INSTANCE) == {}
    assert vault.unreadable == 1
    vault.remember("acme", INSTANCE)
    assert vault.recall("acme", INSTANCE) == INSTANCE


# What it costs.


def test_writing_and_reading_are_one_round_trip_each(vault: RedisVault, admin: redis.Redis) -> None:
    vault.check()  # connects
    entries = many(
        30
    )  # under 6000 bytes: redis-py sends more than that in several pieces, which count as several reads
    with Traffic(admin) as writing:
        vault.remember("acme", entries)
    with Traffic(admin) as reading:
        vault.recall("acme", entries)
    assert (writing.round_trips, writing.commands) == (1, 32)
    assert (reading.round_trips, reading.commands) == (1, 30)


def test_a_repeated_conversation_costs_no_round_trip(vault: RedisVault, admin: redis.Redis) -> None:
    vault.remember("acme", many(50))
    with Traffic(admin) as same:
        vault.remember("acme", many(50))
        vault.remember("acme", many(10))
    assert same.commands == 0
    with Traffic(admin) as grown:
        vault.remember("acme", many(52))
    assert (grown.round_trips, grown.commands) == (1, 4)


def test_after_a_while_a_repeated_conversation_costs_one_look_at_the_marker(
    vault: RedisVault, admin: redis.Redis, clock: Clock
) -> None:
    vault.remember("acme", many(50))
    clock.advance(CONFIRM_SECONDS)
    with Traffic(admin) as looking:
        vault.remember("acme", many(50))
    with Traffic(admin) as again:
        vault.remember("acme", many(50))
    assert (looking.round_trips, looking.commands) == (1, 2)
    assert again.commands == 0


def test_entries_are_written_again_when_a_quarter_of_the_ttl_has_passed(
    vault: RedisVault, admin: redis.Redis, clock: Clock
) -> None:
    vault.remember("acme", many(50))
    clock.advance(TTL / 4)
    with Traffic(admin) as traffic:
        vault.remember("acme", many(50))
    assert traffic.commands == 52


def test_thousands_of_entries_go_in_chunks(vault: RedisVault, admin: redis.Redis) -> None:
    vault.check()
    entries = many(2 * CHUNK + 1)
    with Traffic(admin) as writing:
        vault.remember("acme", entries)
    assert writing.commands == len(entries) + 3 * 2
    assert vault.recall("acme", entries) == entries


def test_the_memory_for_what_was_written_is_bounded(
    redis_server: RedisServer, opened: Opener, admin: redis.Redis
) -> None:
    vault = opened(redis_server, capacity=10)
    vault.remember("acme", many(50))
    assert len(vault._recent) == 10
    with Traffic(admin) as traffic:
        vault.remember("acme", many(50))
    assert traffic.commands == 2 + 40


# An emptied Redis.


def test_an_emptied_redis_is_filled_again_with_the_next_new_entry(vault: RedisVault, admin: redis.Redis) -> None:
    vault.remember("acme", many(50))
    admin.flushall()
    vault.remember("acme", many(51))
    assert vault.recall("acme", many(51)) == many(51)


def test_an_emptied_redis_is_filled_again_by_a_repeated_conversation_after_a_while(
    vault: RedisVault, admin: redis.Redis, clock: Clock
) -> None:
    vault.remember("acme", many(50))
    admin.flushall()
    clock.advance(CONFIRM_SECONDS)
    vault.remember("acme", many(50))
    assert vault.recall("acme", many(50)) == many(50)


def test_the_belief_in_other_conversations_ends_too_when_redis_was_emptied(
    vault: RedisVault, admin: redis.Redis, clock: Clock
) -> None:
    vault.remember("acme", many(50))
    vault.remember("acme", many(50, start=1_000))
    admin.flushall()
    clock.advance(CONFIRM_SECONDS)
    vault.remember("acme", many(50))
    vault.remember("acme", many(50, start=1_000))
    assert len(vault.recall("acme", many(2_000))) == 100


def test_a_flush_noticed_by_one_process_does_not_hide_it_from_another(
    vault: RedisVault, redis_server: RedisServer, opened: Opener, admin: redis.Redis, clock: Clock
) -> None:
    other = opened(redis_server)
    for each in (vault, other):
        each.remember("acme", many(50))
    admin.flushall()
    clock.advance(CONFIRM_SECONDS)
    other.remember("acme", many(1))
    vault.remember("acme", many(50))
    assert vault.recall("acme", many(50)) == many(50)


def test_a_single_evicted_entry_is_written_again_once_a_recall_has_missed_it(
    vault: RedisVault, admin: redis.Redis
) -> None:
    vault.remember("acme", many(50))
    gone = next(iter(many(1)))
    admin.delete(f"aws-masker:v1:{{{PLACE}}}:{gone}")
    assert set(vault.recall("acme", many(50))) == set(many(50)) - {gone}
    with Traffic(admin) as traffic:
        vault.remember("acme", many(50))
    assert traffic.commands == 3
    assert vault.recall("acme", many(50)) == many(50)


# Redis hangs, dies, comes back.


def test_a_redis_that_hangs_costs_the_read_timeout_and_not_more(vault: RedisVault, redis_server: RedisServer) -> None:
    vault.check()
    redis_server.freeze()
    started = time.perf_counter()
    with pytest.raises(VaultError, match="did not answer in time"):
        vault.remember("acme", many(5_000))
    assert READ_SECONDS <= time.perf_counter() - started < READ_SECONDS + 1.0
    redis_server.thaw()
    vault.remember("acme", many(5_000))
    assert vault.recall("acme", many(5_000)) == many(5_000)


def test_a_redis_that_hangs_costs_a_new_connection_its_timeouts_and_not_more(
    vault: RedisVault, redis_server: RedisServer
) -> None:
    redis_server.freeze()  # the kernel still accepts
    started = time.perf_counter()
    with pytest.raises(VaultError, match="did not answer in time"):
        vault.check()
    assert time.perf_counter() - started < CONNECT_SECONDS + READ_SECONDS + 1.0


def test_threads_that_meet_a_hanging_redis_wait_together_and_then_skip_it(redis_server: RedisServer) -> None:
    vault = open_vault(Settings(key=KEY, vault=redis_server.url), environ={})
    vault.check()
    redis_server.freeze()
    waits: list[float] = []

    def work() -> None:
        started = time.perf_counter()
        with pytest.raises(VaultError):
            vault.remember("acme", many(50))
        waits.append(time.perf_counter() - started)

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(waits) == 32
    assert max(waits) < CONNECT_SECONDS + READ_SECONDS + 1.0
    assert vault.status().state == "open"
    started = time.perf_counter()
    for _ in range(100):
        with pytest.raises(VaultError, match="left alone"):
            vault.remember("acme", many(50))
    assert (time.perf_counter() - started) / 100 < 0.001
    assert vault.status().lost_entries == 132 * 50
    vault.close()


def test_the_breaker_lets_redis_rest_and_closes_when_it_is_back(
    vault: RedisVault, redis_server: RedisServer, clock: Clock
) -> None:
    guarded = GuardedVault(vault, Breaker(clock, threshold=2, cool_down=5))
    guarded.remember("acme", INSTANCE)
    redis_server.stop()
    for _ in range(2):
        with pytest.raises(VaultError, match=r"cannot be reached \((Connection refused|connection lost)\): start it"):
            guarded.remember("acme", BUCKET)
    with pytest.raises(VaultError, match=r"left alone for 5\.0 s more, because Redis at"):
        guarded.recall("acme", INSTANCE)
    redis_server.start()
    clock.advance(5)
    assert guarded.recall("acme", INSTANCE) == INSTANCE
    guarded.remember("acme", BUCKET)
    status = guarded.status()
    assert (status.state, status.failures, status.skipped, status.lost_entries) == ("closed", 2, 1, 2)


def test_entries_that_were_lost_are_written_when_the_conversation_is_sent_again(
    vault: RedisVault, redis_server: RedisServer
) -> None:
    redis_server.stop()
    with pytest.raises(VaultError):
        vault.remember("acme", INSTANCE)
    redis_server.start()
    vault.remember("acme", INSTANCE)
    assert vault.recall("acme", INSTANCE) == INSTANCE


def test_requests_with_threads_survive_a_redis_that_is_killed_and_restarted_under_them(
    vault: RedisVault, redis_server: RedisServer
) -> None:
    stop = threading.Event()
    wrong: list[BaseException] = []
    failed = threading.Event()

    def work(number: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            entries = many(20, start=number * 100_000 + turn * 20)
            try:
                vault.remember("acme", entries)
                assert vault.recall("acme", entries) == entries
            except VaultError:
                failed.set()
            except BaseException as error:  # noqa: BLE001 - the thread must tell
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    redis_server.stop()
    assert failed.wait(timeout=10)
    redis_server.start()
    stop.set()
    for thread in threads:
        thread.join(timeout=10)
    assert wrong == []
    vault.remember("globex", INSTANCE)
    assert vault.recall("globex", INSTANCE) == INSTANCE


# What Redis refuses.


def test_a_full_redis_is_an_error_with_the_remedy(vault: RedisVault, admin: redis.Redis) -> None:
    admin.config_set("maxmemory", "1")
    with pytest.raises(VaultError, match="is full: raise its maxmemory, or set its maxmemory-policy to volatile-ttl"):
        vault.remember("acme", INSTANCE)
    with pytest.raises(VaultError, match="is full"):
        vault.check()
    admin.config_set("maxmemory", "0")
    vault.remember("acme", INSTANCE)
    assert vault.recall("acme", INSTANCE) == INSTANCE


def test_a_replica_is_an_error_with_the_remedy(vault: RedisVault, admin: redis.Redis) -> None:
    admin.replicaof("127.0.0.1", "1")
    with pytest.raises(VaultError, match=r"is a replica: name its primary, or use redis\+sentinel://"):
        vault.check()


def test_a_foreign_value_under_the_vaults_key_is_an_error_with_the_remedy(
    vault: RedisVault, admin: redis.Redis
) -> None:
    admin.lpush(STORED, "x")
    with pytest.raises(VaultError, match="give the vault a database of its own"):
        vault.recall("acme", INSTANCE)


def test_a_redis_that_is_too_old_is_an_error_with_the_remedy(
    start_redis: Callable[..., RedisServer], opened: Opener
) -> None:
    server = start_redis("--rename-command", "GETEX", "")
    with pytest.raises(VaultError, match=r"use Redis 6\.2 or newer, or Valkey"):
        opened(server).check()


def test_a_database_that_is_not_there_is_an_error_with_the_remedy(redis_server: RedisServer, opened: Opener) -> None:
    with pytest.raises(VaultError, match="has no database of that number: correct the vault's URL"):
        opened(redis_server, url=f"redis://127.0.0.1:{redis_server.port}/99").check()


# Credentials.

PASSWORD = "made-up/pass@word?#1"
QUOTED = "made-up%2Fpass%40word%3F%231"


@pytest.fixture
def closed_server(start_redis: Callable[..., RedisServer]) -> RedisServer:
    """Return a Redis with a password, and with a user that may do just what the vault does."""
    server = start_redis("--requirepass", PASSWORD)
    admin = server.admin(password=PASSWORD)
    rules = ["reset", "on", f">{PASSWORD}", "~aws-masker:*"]
    admin.execute_command("ACL", "SETUSER", "masker", *rules, "+set", "+getex", "+select")  # type: ignore[no-untyped-call]
    admin.execute_command("ACL", "SETUSER", "reader", *rules, "+getex")  # type: ignore[no-untyped-call]
    admin.close()
    return server


def test_credentials_come_from_the_url_or_from_the_environment(closed_server: RedisServer, opened: Opener) -> None:
    place = f"127.0.0.1:{closed_server.port}/0"
    environ = {"AWS_MASKER_VAULT_PASSWORD": PASSWORD}
    for url, environment in (
        (f"redis://:{QUOTED}@{place}", {}),
        (f"redis://masker:{QUOTED}@{place}", {}),
        (f"redis://masker:{QUOTED}@{place}", {"AWS_MASKER_VAULT_PASSWORD": "another"}),
        (f"redis://{place}", environ),
        (f"redis://{place}", environ | {"AWS_MASKER_VAULT_USERNAME": "masker"}),
        (f"redis://masker@{place}", environ),
    ):
        vault = opened(closed_server, url=url, environ=environment)
        vault.check()
        vault.remember("acme", INSTANCE)
        assert vault.recall("acme", INSTANCE) == INSTANCE


@pytest.mark.parametrize(
    ("login", "problem"),
    [
        ("", "refused the login: correct AWS_MASKER_VAULT_USERNAME and AWS_MASKER_VAULT_PASSWORD"),
        (":hunter2@", "refused the login"),
        ("masker:hunter2@", "refused the login"),
        (f"reader:{QUOTED}@", r"allow `~aws-masker:\* \+set \+getex \+select` in its ACL"),
    ],
)
def test_a_refused_login_is_an_error_that_names_no_credentials(
    closed_server: RedisServer, opened: Opener, login: str, problem: str
) -> None:
    vault = opened(closed_server, url=f"redis://{login}127.0.0.1:{closed_server.port}/0")
    for use in (vault.check, lambda: vault.remember("acme", INSTANCE)):
        with pytest.raises(VaultError, match=problem) as caught:
            use()
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
        for secret in ("hunter2", "made-up", "reader", ORIGINAL):
            assert secret not in str(caught.value)
    assert "hunter2" not in repr(vault)
    assert "made-up" not in repr(vault)


# Processes and greenlets.


def test_a_vault_that_was_forked_makes_connections_of_its_own(vault: RedisVault) -> None:
    vault.remember("acme", INSTANCE)
    child = os.fork()
    if child == 0:
        try:
            vault.remember("acme", BUCKET)
            os._exit(0 if vault.recall("acme", [*INSTANCE, *BUCKET]) == INSTANCE | BUCKET else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert vault.recall("acme", [*INSTANCE, *BUCKET]) == INSTANCE | BUCKET


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import os, signal, sys, time
import gevent
from vault_parts import KEY, many
from aws_masker.errors import VaultError
from aws_masker.settings import Settings
from aws_masker.vault import open_vault
vault = open_vault(Settings(key=KEY, vault=sys.argv[1]), environ={})

def work(number):
    for turn in range(10):
        entries = many(20, start=number * 1000 + turn * 20)
        vault.remember("acme", entries)
        assert vault.recall("acme", entries) == entries
    return True

jobs = [gevent.spawn(work, number) for number in range(20)]
gevent.joinall(jobs, timeout=30)
assert all(job.value for job in jobs)

os.kill(int(sys.argv[2]), signal.SIGSTOP)
ticks = []
def tick():
    while True:
        ticks.append(time.monotonic())
        gevent.sleep(0.01)
ticker = gevent.spawn(tick)
def hang(number):
    try:
        vault.remember("acme", many(5, start=100_000 + number * 5))
    except VaultError:
        return True
jobs = [gevent.spawn(hang, number) for number in range(20)]
gevent.joinall(jobs, timeout=30)
ticker.kill()
assert all(job.value for job in jobs)
assert vault.status().state == "open"
longest = max(later - sooner for sooner, later in zip(ticks, ticks[1:]))
assert longest < 0.45, longest  # a hub that is blocked stands still for the read time-out, 0.5 s
print("done")
"""


def test_greenlets_share_a_vault_and_a_hanging_redis_does_not_stop_the_others(redis_server: RedisServer) -> None:
    pytest.importorskip("gevent", reason="install gevent")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    ended = subprocess.run(
        [sys.executable, "-c", GREENLETS, redis_server.url, str(redis_server.process.pid)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert (ended.stdout, ended.returncode) == ("done\n", 0), ended.stderr
