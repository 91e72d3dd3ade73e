"""The way to the upstream: which proxy, and no loop. What can fail on it is in test_gateway_faults."""

import pytest
from yarl import URL

from aws_masker.errors import SettingsError
from aws_masker.gateway.upstream import proxy_for, upstream_base

LISTEN = ("127.0.0.1", 8082)
API = "https://api.anthropic.com"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("upstream", [API, f"{API}/", f"{API}/v1", f"{API}/v1/"])
def test_an_upstream_may_be_written_with_v1(upstream: str) -> None:
    assert upstream_base(upstream) == API


def test_a_path_before_v1_is_kept() -> None:
    assert upstream_base("https://proxy.example/anthropic/") == "https://proxy.example/anthropic"


def test_without_proxy_variables_the_way_is_direct() -> None:
    assert proxy_for(API, LISTEN) is None


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_https_proxy_leads_to_an_https_upstream(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://user:word@proxy.example:3128")
    assert proxy_for(API, LISTEN) == URL("http://user:word@proxy.example:3128")


def test_a_proxy_may_be_written_without_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    assert proxy_for(API, LISTEN) == URL("http://proxy.example:3128")


def test_no_proxy_names_hosts_that_are_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,.anthropic.com")
    assert proxy_for(API, LISTEN) is None


def test_http_proxy_is_for_clients_of_the_gateway_and_not_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:8082")
    assert proxy_for("http://127.0.0.1:9000", LISTEN) is None
    assert proxy_for(API, LISTEN) is None


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:8082", "http://localhost:8082", "http://[::1]:8082"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::"])  # noqa: S104 - compared, not bound to
def test_the_gateway_as_its_own_proxy_is_an_error_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, proxy: str, host: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(SettingsError, match=r"HTTPS_PROXY is the gateway's own address: unset it"):
        proxy_for(API, (host, 8082))


def test_the_gateway_as_its_own_upstream_is_an_error_with_its_remedy() -> None:
    with pytest.raises(SettingsError, match="set AWS_MASKER_UPSTREAM"):
        proxy_for("http://localhost:8082", LISTEN)


def test_another_port_of_the_same_machine_is_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    assert proxy_for(API, LISTEN) == URL("http://127.0.0.1:3128")


def test_a_proxy_that_cannot_be_spoken_to_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(SettingsError, match="http:// or https://"):
        proxy_for(API, LISTEN)
