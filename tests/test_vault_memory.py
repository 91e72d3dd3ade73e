"""The bounds of the vault in memory; what all stores share is in test_vault.py."""

from aws_masker.vault.memory import MemoryVault
from vault_parts import Clock, many


def test_the_least_recently_used_entries_go_first_when_it_is_full() -> None:
    vault = MemoryVault(ttl=60, clock=Clock(), max_entries=3)
    vault.remember("acme", {"a": "1", "b": "2", "c": "3"})
    assert vault.recall("acme", ["a"]) == {"a": "1"}
    vault.remember("acme", {"d": "4"})
    assert vault.recall("acme", ["a", "b", "c", "d"]) == {"a": "1", "c": "3", "d": "4"}
    assert len(vault) == 3


def test_all_tenants_share_one_bound() -> None:
    vault = MemoryVault(ttl=60, clock=Clock(), max_entries=100)
    for tenant in ("acme", "globex", "initech"):
        vault.remember(tenant, many(90))
    assert len(vault) == 100
    assert len(vault.recall("initech", many(90))) == 90


def test_long_originals_are_bounded_by_their_length() -> None:
    vault = MemoryVault(ttl=60, clock=Clock(), max_characters=1000)
    vault.remember("acme", {"a": "x" * 600})
    vault.remember("acme", {"b": "y" * 600})
    assert set(vault.recall("acme", ["a", "b"])) == {"b"}
    vault.remember("acme", {"b": "y" * 10})
    vault.remember("acme", {"c": "z" * 900})
    assert set(vault.recall("acme", ["b", "c"])) == {"b", "c"}


def test_expired_entries_give_their_memory_back_at_the_next_call() -> None:
    clock = Clock()
    vault = MemoryVault(ttl=60, clock=clock)
    vault.remember("acme", many(1000))
    clock.advance(60)
    vault.remember("acme", {"a": "1"})
    assert len(vault) == 1


def test_closing_forgets() -> None:
    vault = MemoryVault(ttl=60, clock=Clock())
    vault.remember("acme", {"a": "1"})
    vault.close()
    assert vault.recall("acme", ["a"]) == {}
    assert repr(vault) == "MemoryVault()"
