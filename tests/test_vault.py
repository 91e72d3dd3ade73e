"""What every store promises, and how the settings choose one."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aws_masker.errors import SettingsError, VaultError
from aws_masker.settings import Settings
from aws_masker.vault import GuardedVault, Vault, open_vault
from redis_fixture import RedisServer
from vault_parts import BUCKET, INSTANCE, KEY, OTHER_KEY, TTL, many

Opener = Callable[..., GuardedVault]


def storage(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if kind == "memory":
        return "memory://"
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/vault.sqlite"
    server: RedisServer = request.getfixturevalue("redis_server")
    return server.url


@pytest.fixture
def opener() -> Iterator[Opener]:
    """Return a function that opens vaults; they are closed when the test ends."""
    vaults: list[GuardedVault] = []

    def open_one(url: str, key: bytes = KEY) -> GuardedVault:
        vaults.append(open_vault(Settings(key=key, vault=url, vault_ttl=TTL), environ={}))
        return vaults[-1]

    yield open_one
    for vault in vaults:
        vault.close()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def vault(request: pytest.FixtureRequest, tmp_path: Path, opener: Opener) -> GuardedVault:
    return opener(storage(request.param, request, tmp_path))


@pytest.fixture(params=["sqlite", "redis"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a storage that several vaults can share."""
    return storage(request.param, request, tmp_path)


def test_what_is_remembered_is_recalled(vault: Vault) -> None:
    vault.check()
    vault.remember("acme", INSTANCE | BUCKET)
    assert vault.recall("acme", [*INSTANCE, *BUCKET, "i-xunknownunknown0"]) == INSTANCE | BUCKET
    assert vault.recall("acme", list(INSTANCE) * 2) == INSTANCE


@pytest.mark.parametrize("original", ["", "half \ud83d a pair", 'a "quoted"\nline \\', "bücket", "\x00", "x" * 70_000])
def test_any_text_comes_back_as_it_was(vault: Vault, original: str) -> None:
    vault.remember("acme", {"name-x0000000000000000": original})
    assert vault.recall("acme", ["name-x0000000000000000"]) == {"name-x0000000000000000": original}


def test_a_tenant_sees_only_its_own(vault: GuardedVault) -> None:
    vault.remember("acme", INSTANCE)
    for other in ("globex", "", "Acme", "acme ", "acme:i"):
        assert vault.recall(other, INSTANCE) == {}
    assert vault.recall("acme", INSTANCE) == INSTANCE


def test_strange_tenants_and_tokens_stop_nothing(vault: GuardedVault) -> None:
    for tenant in ("", "\udcff", "a" * 10_000, "{}:*?"):
        vault.remember(tenant, BUCKET)
        assert vault.recall(tenant, [*BUCKET, "\ud800", "", "%", "*", "a" * 10_000]) == BUCKET


def test_thousands_of_entries_are_stored_and_found(vault: GuardedVault) -> None:
    entries = many(5_000)
    vault.remember("acme", entries)
    assert vault.recall("acme", [*entries, *many(100, start=9_000)]) == entries


def test_another_master_key_finds_nothing_and_raises_nothing(opener: Opener, shared: str) -> None:
    opener(shared).remember("acme", INSTANCE)
    other = opener(shared, OTHER_KEY)
    assert other.recall("acme", INSTANCE) == {}
    other.remember("acme", BUCKET)
    assert other.recall("acme", BUCKET) == BUCKET
    assert opener(shared).recall("acme", [*INSTANCE, *BUCKET]) == INSTANCE


def test_a_second_vault_on_the_same_storage_knows_it_too(opener: Opener, shared: str) -> None:
    opener(shared).remember("acme", INSTANCE)
    assert opener(shared).recall("acme", INSTANCE) == INSTANCE


def test_many_threads_use_one_vault(vault: GuardedVault, monkeypatch: pytest.MonkeyPatch) -> None:
    # How soon a thread gives up waiting for the others is not what this is about.
    monkeypatch.setattr("aws_masker.vault.sqlite.BUSY_SECONDS", 30.0)
    barrier = threading.Barrier(8)
    wrong: list[object] = []

    def work(number: int) -> None:
        barrier.wait(timeout=10)
        own = many(40, start=number * 40)
        shared = many(40, start=100_000)
        tenant = f"tenant {number % 2}"
        try:
            for _ in range(10):
                vault.remember(tenant, own | shared)
                if vault.recall(tenant, [*own, *shared]) != own | shared:
                    wrong.append(number)
        except VaultError as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert wrong == []
    assert vault.status().failures == 0


def test_reprs_and_errors_hold_no_key_and_no_tenant(vault: GuardedVault) -> None:
    vault.remember("acme-secret-project", BUCKET)
    for shown in (repr(vault), str(vault), repr(vault.status())):
        assert "acme" not in shown
        assert KEY.hex() not in shown


# How the settings choose a store.


def settings(url: str) -> Settings:
    return Settings(key=KEY, vault=url)


@pytest.mark.parametrize("url", ["", "postgres://db/x", "memory", "redis:", "Redis://h", "hunter2"])
def test_an_unknown_scheme_is_answered_with_the_known_ones(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_vault(settings(url))
    for scheme in ("memory://", "sqlite:///PATH", "redis://", "rediss://", "redis+sentinel://", "redis+cluster://"):
        assert scheme in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("sqlite:///", "write sqlite:///relative/path or sqlite:////absolute/path"),
        ("sqlite://relative", "write sqlite:///relative/path or sqlite:////absolute/path"),
        ("sqlite:///:memory:", "write memory://"),
        ("sqlite:////data/vault.sqlite?mode=ro", "has size"),
        ("sqlite:////data/vault.sqlite?size=1kB", "1MiB or more"),
        ("sqlite:////data/vault.sqlite?size=", "size=2GiB"),
        ("sqlite:////data/vault.sqlite?entries=10", "has size"),
        ("memory://?entries=0", "has entries and size"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_the_remedy(url: str, remedy: str) -> None:
    with pytest.raises(SettingsError, match=remedy):
        open_vault(settings(url))


def test_a_url_says_how_much_a_vault_in_memory_keeps() -> None:
    vault = open_vault(settings("memory://?entries=2"))
    vault.remember("t", {"a": "1", "b": "2", "c": "3"})
    assert vault.recall("t", ["a", "b", "c"]) == {"b": "2", "c": "3"}
    large = open_vault(settings("memory://?size=1MiB"))
    large.remember("t", {"a": "x" * 600_000, "b": "y" * 600_000})
    assert large.recall("t", ["a", "b"]) == {"b": "y" * 600_000}


def test_a_url_says_how_large_a_vault_in_a_file_grows(tmp_path: Path) -> None:
    vault = open_vault(settings(f"sqlite:///{tmp_path}/vault.sqlite?size=1MiB"))
    for number in range(4):
        vault.remember("t", {f"{number}-{each}": "x" * 20_000 for each in range(20)})
    assert len(vault.recall("t", [f"3-{each}" for each in range(20)])) == 20
    vault.close()
    assert (tmp_path / "vault.sqlite").stat().st_size <= 1 << 20


def test_sqlite_paths_are_read_as_sqlalchemy_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for url in ("sqlite:///near.sqlite", f"sqlite:///{tmp_path}/far.sqlite", "sqlite:///~/at-home.sqlite"):
        vault = open_vault(settings(url))
        vault.check()
        vault.close()
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.sqlite"))
    assert found == ["far.sqlite", "home/at-home.sqlite", "near.sqlite"]


def test_opening_touches_neither_file_nor_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *place, **_: asked.append(place))
    for url in ("redis://h.example/0", "redis+sentinel://h.example/main", "redis+cluster://h.example"):
        open_vault(settings(url), environ={}).close()
    open_vault(settings(f"sqlite:///{tmp_path}/new/vault.sqlite")).close()
    assert asked == []
    assert list(tmp_path.iterdir()) == []


def test_the_environment_is_the_process_s_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "AWS_MASKER_VAULT_PASSWORD", "hunter2")
    assert "hunter2" not in repr(open_vault(settings("redis://127.0.0.1:1/0")))
