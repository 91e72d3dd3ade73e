"""The plugin by itself, over a PDK that records the calls."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from aws_masker.kong import batches
from aws_masker.kong import plugin as kong_plugin
from aws_masker.kong.maskers import Maskers
from aws_masker.kong.plugin import DEAD_END, Plugin
from aws_masker.limits import Limits
from aws_masker.masker import Masker
from aws_masker.settings import Settings

KEY = "7c0123456789abcdef0123456789abcdef0123456789abcdef5e1f9a0b3c4d77"
INSTANCE = "i-0a1b2c3d4e5f60718"
BODY = json.dumps({"messages": [{"role": "user", "content": f"stop {INSTANCE}"}]}).encode()


class Pdk:
    """Answers the plugin's calls for one request, and keeps their names; ``told`` is what the filter would read."""

    def __init__(
        self,
        body: bytes | None = BODY,
        path: str = "/v1/messages",
        headers: Mapping[str, str | list[str]] | None = None,
    ) -> None:
        self.calls: list[str] = []
        self.logged: list[str] = []
        self.target: tuple[object, ...] = ()
        self.limit = -1
        self._pieces: dict[str, bytes] = {}
        given = {"content-type": "application/json", **(headers or {})}
        self._taken: dict[str, Any] | None = {
            "path": path,
            "types": _listed(given["content-type"]),
            "codings": _listed(given.get("content-encoding", [])),
            "length": given.get("content-length"),
            "body": body,
        }
        self.aws_masker = SimpleNamespace(take=self._take)
        self.service = SimpleNamespace(set_target=self._aim)
        self.log = SimpleNamespace(err=self.logged.append)
        self.ctx = SimpleNamespace(shared=SimpleNamespace(set=self._set))

    @classmethod
    def without_filter(cls) -> "Pdk":
        pdk = cls()
        pdk._taken = None
        return pdk

    @property
    def told(self) -> bytes:
        return b"".join(self._pieces[f"aws_masker_{number}"] for number in range(1, len(self._pieces) + 1))

    def _take(self, host: str, port: int, limit: int, most_fields: int) -> Any:
        self.calls.append("take")
        self.target, self.limit, self.most_fields = (host, port), limit, most_fields
        return self._taken

    def _set(self, key: str, piece: bytes) -> None:
        self.calls.append("set")
        self._pieces[key] = piece

    def _aim(self, *target: object) -> None:
        self.calls.append("set_target")
        self.target = target


def _listed(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values


@pytest.fixture
def plugin() -> Plugin:
    return Plugin({"key": KEY, "__seq__": 1})


def test_what_is_taken_of_a_request_shows_nothing_of_it() -> None:
    assert repr(kong_plugin.Taken(f"/v1/{INSTANCE}", [INSTANCE], [INSTANCE], body=BODY)) == "<Taken>"


def test_the_dead_end_comes_first_and_calls_are_few(plugin: Plugin) -> None:
    pdk = Pdk()
    plugin.access(pdk)
    assert pdk.calls == ["take", "set"]
    assert pdk.target == DEAD_END
    assert (pdk.limit, pdk.most_fields) == (Limits().body, Limits().headers)
    assert b"7:outcome,7:forward," in pdk.told


def test_where_nothing_is_masked_tokens_are_recalled_from_the_tenants_own_entries() -> None:
    config = {"key": KEY, "tenant": "acme", "enable_masking": False}
    Plugin(config).access(Pdk())
    (ours,) = [one for one in Plugin.maskers.all() if one.settings.tenant == "acme"]
    token = ours.mask_text(INSTANCE).text
    ours.vault.remember("default", {token: "another's"})
    pdk = Pdk(json.dumps({"messages": [{"role": "user", "content": token}]}).encode())
    Plugin(config).access(pdk)
    assert INSTANCE.encode() in pdk.told
    assert b"another's" not in pdk.told


def test_a_body_that_is_declared_too_long_is_refused(plugin: Plugin) -> None:
    pdk = Pdk(None, headers={"content-length": str(33 << 20)})
    plugin.access(pdk)
    assert b"6:status,3:413," in pdk.told


def test_a_body_as_long_as_the_limit_passes_and_a_longer_one_that_is_not_declared_is_refused() -> None:
    for most, told in ((len(BODY), b"7:outcome,7:forward,"), (len(BODY) - 1, b"6:status,3:413,")):
        pdk = Pdk()
        Plugin({"key": KEY, "limits": {"body": most}}).access(pdk)
        assert told in pdk.told


def test_a_request_with_too_many_header_fields_is_refused(plugin: Plugin) -> None:
    pdk = Pdk()
    assert pdk._taken is not None
    pdk._taken["crowded"] = True
    plugin.access(pdk)
    assert b"6:status,3:413," in pdk.told
    assert b"raise limits.headers" in pdk.told


def test_masking_may_take_as_long_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[tuple[int, float]] = []

    @contextlib.contextmanager
    def computing(size: int, seconds: float) -> Iterator[None]:
        allowed.append((size, seconds))
        yield

    monkeypatch.setattr(kong_plugin, "computing", computing)
    pdk = Pdk()
    Plugin({"key": KEY, "limits": {"masking_seconds": 7}}).access(pdk)
    assert allowed == [(len(BODY), 7)]


def test_a_limit_for_bodies_that_kong_could_not_hand_over_is_refused() -> None:
    pdk = Pdk()
    Plugin({"key": KEY, "limits": {"body": 256 << 20}}).access(pdk)
    assert "config.limits.body is more than" in pdk.logged[0]
    assert b"6:status,3:503," in pdk.told


def test_a_body_that_kong_cannot_read_is_refused(plugin: Plugin) -> None:
    pdk = Pdk(None)
    plugin.access(pdk)
    assert b"6:status,3:500," in pdk.told
    assert b"cannot be read" in pdk.told


def test_where_the_filter_is_not_loaded_the_request_is_at_the_dead_end_and_the_log_says_so(plugin: Plugin) -> None:
    pdk = Pdk.without_filter()
    plugin.access(pdk)
    assert pdk.calls == ["take", "set_target", "set"]
    assert len(pdk.logged) == 1
    assert "aws-masker-filter is not loaded, or older: name it in KONG_PLUGINS" in pdk.logged[0]
    assert b"6:status,3:503," in pdk.told


def test_the_dead_end_comes_before_what_is_wrong_with_the_configuration() -> None:
    pdk = Pdk()
    Plugin({"key": "short"}).access(pdk)
    assert (pdk.calls, pdk.target, pdk.limit) == (["take", "set"], DEAD_END, 0)
    assert b"6:status,3:503," in pdk.told


def test_a_body_of_two_types_is_refused(plugin: Plugin) -> None:
    pdk = Pdk(path="/v1/files", headers={"content-type": ["text/plain", "multipart/form-data; boundary=B"]})
    plugin.access(pdk)
    assert b"6:status,3:415," in pdk.told


@pytest.mark.parametrize("coding", ["gzip", "identity, br", ["identity", "zstd"]])
def test_a_body_that_says_it_is_compressed_is_refused_whatever_it_is(plugin: Plugin, coding: str | list[str]) -> None:
    pdk = Pdk(headers={"content-encoding": coding})
    plugin.access(pdk)
    assert b"6:status,3:415," in pdk.told


def test_more_requests_at_once_than_allowed_are_turned_away() -> None:
    plugin = Plugin({"key": KEY, "limits": {"concurrency": 1}})
    settings = Settings(key=KEY, limits=Limits(concurrency=1))
    with Plugin.maskers.of(settings).slots:
        pdk = Pdk()
        plugin.access(pdk)
    assert b"6:status,3:529," in pdk.told
    assert b"retry_after" in pdk.told
    for _ in range(3):
        pdk = Pdk()
        plugin.access(pdk)
        assert b"7:outcome,7:forward," in pdk.told


def test_a_fault_in_masking_is_told_and_logged_without_a_value(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Masker, raw: bytes, *_more: object) -> None:
        raise ZeroDivisionError(raw)

    monkeypatch.setattr(Masker, "mask_body", fail)
    pdk = Pdk()
    plugin.access(pdk)
    assert b"6:status,3:500," in pdk.told
    assert "ZeroDivisionError at aws_masker.kong.plugin:" in pdk.logged[0]
    assert INSTANCE not in pdk.logged[0]
    assert INSTANCE.encode() not in pdk.told


def test_neither_configuration_nor_key_shows_in_a_representation(plugin: Plugin) -> None:
    plugin.access(Pdk())
    assert KEY not in repr(plugin)
    assert KEY not in repr(plugin.maskers.of(Settings(key=KEY)))


def test_equal_settings_share_their_maskers_and_tenants_share_the_vault() -> None:
    every = Maskers()
    one, same = every.of(Settings(key=KEY)), every.of(Settings(key=KEY))
    assert one is same
    assert one is not every.of(Settings(key=KEY, vault_ttl=60))
    assert one.masker("a") is one.masker("a")
    assert one.masker("a") is not one.masker("b")
    assert one.masker("a").vault is one.masker("b").vault


def test_maskers_are_bounded() -> None:
    every = Maskers()
    every.configurations = every.tenants = 2
    tenants = every.of(Settings(key=KEY))
    first = tenants.masker("a")
    tenants.masker("b")
    assert tenants.masker("a") is first
    tenants.masker("c")
    assert tenants.masker("a") is first
    assert len(tenants._maskers) == 2
    for seconds in (1, 2, 3):
        every.of(Settings(key=KEY, vault_ttl=seconds))
    assert len(every._kept) == 2


def test_kong_gets_edits_and_never_a_body(plugin: Plugin) -> None:
    words = "and words that stay as they are, many of them. " * 100
    text = "".join(f"i-{number:017x} {words}" for number in range(200))
    body = json.dumps({"messages": [{"role": "user", "content": text}]}).encode()
    pdk = Pdk(body)
    plugin.access(pdk)
    assert pdk.told.count(b"i-x") == 200
    assert len(pdk.told) < len(body) / 50


class TestBatches:
    def test_the_tokens_of_a_batch_are_found_under_its_id(self) -> None:
        masker = Masker(Settings(key=KEY))
        masked = masker.mask_text(INSTANCE)
        assert batches.remember([masker], "msgbatch_1", list(masked.dictionary))
        assert batches.recalled(masker, "msgbatch_1") == masked.dictionary
        assert batches.recalled(masker, "msgbatch_2") == {}

    def test_only_what_has_the_form_of_an_id_is_kept(self) -> None:
        assert not batches.remember([Masker(Settings(key=KEY))], "not an id", ["a"])

    def test_a_ruleset_that_no_masker_has_is_told(self, plugin: Plugin) -> None:
        masker = plugin.maskers.of(Settings(key=KEY)).masker("default")
        assert Plugin.remember_batch(masker.ruleset, ["a"], "msgbatch_1")
        assert not Plugin.remember_batch("0123456789abcdef", ["a"], "msgbatch_1")

    @pytest.mark.parametrize(
        ("path", "batch"),
        [
            ("/v1/messages/batches/msgbatch_1/results", "msgbatch_1"),
            ("/v1/v1/messages/batches/msgbatch_1/results", "msgbatch_1"),
            ("/v1/messages/batches/msgbatch_1", None),
            ("/v1/messages/batches/a/b/results", None),
        ],
    )
    def test_paths_that_name_results_are_known(self, path: str, batch: str | None) -> None:
        assert batches.results_of(path) == batch
