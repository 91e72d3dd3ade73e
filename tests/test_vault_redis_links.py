"""The ways to Redis: URLs, TLS, Sentinel and Cluster, each against real servers on this machine."""

import datetime as dt
import ipaddress
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.crc import key_slot

from aws_masker.errors import SettingsError, VaultError
from aws_masker.vault.redis import CONFIRM_SECONDS, RedisVault
from aws_masker.vault.redis_links import CONNECT_SECONDS, READ_SECONDS, open_link
from aws_masker.vault.sealing import Sealer
from redis_fixture import RedisServer
from vault_parts import INSTANCE, KEY, TTL, Clock, many
from waiting import wait_until

Starter = Callable[..., RedisServer]
Opener = Callable[..., RedisVault]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Iterator[Opener]:
    vaults: list[RedisVault] = []

    def opener(url: str, environ: dict[str, str] | None = None) -> RedisVault:
        vaults.append(RedisVault(open_link(url, environ or {}), Sealer(KEY), TTL, clock))
        return vaults[-1]

    yield opener
    for vault in vaults:
        vault.close()


def works(vault: RedisVault) -> bool:
    """Say whether the vault can be used; a VaultError is no."""
    try:
        vault.check()
    except VaultError:
        return False
    return True


# URLs.


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("redis://h.example", "Redis at h.example:6379/0"),
        ("redis://user:hunter2@h.example:7000/3", "Redis at h.example:7000/3"),
        ("rediss://:hunter2@h.example/1?ssl_cert_reqs=required", "Redis at h.example:6379/1"),
        ("redis://:hun,ter@2@h.example", "Redis at h.example:6379/0"),
        ("redis://[::1]:7000", "Redis at ::1:7000/0"),
        ("redis+sentinel://a:1,b/main", "Redis service main of the sentinels a:1, b:26379"),
        ("rediss+sentinel://:hunter2@a,b:2/main/4", "Redis service main of the sentinels a:26379, b:2"),
        ("redis+cluster://:hunter2@a:1,b:2", "Redis cluster of a:1, b:2"),
        ("rediss+cluster://a", "Redis cluster of a:6379"),
    ],
)
def test_a_link_is_called_by_its_addresses_and_never_shows_credentials(url: str, label: str) -> None:
    link = open_link(url, {"AWS_MASKER_VAULT_PASSWORD": "hunter2"})
    assert link.label == label
    assert "hunter2" not in repr(link)
    assert repr(RedisVault(link, Sealer(KEY), TTL)) == f"RedisVault({label!r})"
    link.close()


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("redis://", "names no host: write redis://HOST:PORT/DATABASE"),
        ("redis:///0", "names no host"),
        ("redis://:hunter?2@h.example", "names no host: .* in a password %40 for @, %2F for /, %3F for [?]"),
        ("redis://:hunter/2@h.example", "names no host"),
        ("redis://:hunter#2@h.example", "write it as %23, or give the password in AWS_MASKER_VAULT_PASSWORD"),
        ("redis://h.example:port", "names no host"),
        ("redis://h.example:99999", "names no host"),
        ("redis://[hunter2/0", "is no URL"),
        ("redis://h.example/hunter2", "no database number: write /0 to /15"),
        ("redis://h.example/0/1", "no database number"),
        ("redis://a,b/0", "names several hosts: use redis[+]sentinel:// or redis[+]cluster://"),
        ("redis+sentinel://a,b", "names no service: write redis[+]sentinel://HOST:PORT,HOST:PORT/SERVICE/DATABASE"),
        ("redis+sentinel://a,b/main/hunter2", "no database number"),
        ("redis+cluster://a,b/0", "a cluster has only one: end the URL after the hosts"),
        ("redis+cluster://a,b?db=1", "a cluster has only one"),
        ("redis://h.example?socket_timeout=hunter2", "a parameter with a wrong value"),
        ("redis://h.example?hunter2=1", "a parameter that redis-py does not take"),
        ("redis://h.example?ssl_ca_certs=/x", "a parameter that redis-py does not take"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_the_remedy_and_not_quoted(url: str, remedy: str) -> None:
    with pytest.raises(SettingsError, match=remedy) as caught:
        open_link(url, {})
    assert "hunter" not in str(caught.value)
    assert "h.example" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_time_outs_are_short_unless_the_url_says_otherwise() -> None:
    kwargs = open_link("redis://h.example", {}).client(b"").connection_pool.connection_kwargs
    assert (
        (kwargs["socket_connect_timeout"], kwargs["socket_timeout"]) == (CONNECT_SECONDS, READ_SECONDS) == (0.25, 0.5)
    )
    kwargs = open_link("redis://h.example?socket_timeout=2", {}).client(b"").connection_pool.connection_kwargs
    assert kwargs["socket_timeout"] == 2


def test_what_the_vault_needs_cannot_be_changed_by_the_url(redis_server: RedisServer, opened: Opener) -> None:
    vault = opened(f"{redis_server.url}?decode_responses=yes&protocol=3")
    vault.remember("acme", INSTANCE)
    assert vault.recall("acme", INSTANCE) == INSTANCE


def test_an_address_that_is_not_there_is_an_error_with_the_remedy(opened: Opener) -> None:
    with pytest.raises(VaultError, match=r"Redis at 127.0.0.1:1/0 cannot be reached \(Connection refused\): start it"):
        opened("redis://:hunter2@127.0.0.1:1/0").check()


# TLS.


def certify(folder: Path) -> tuple[Path, Path]:
    """Make a key and a certificate for 127.0.0.1 that certifies itself; return their files."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made-up test server")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_file, certificate_file = folder / "key.pem", folder / "certificate.pem"
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return key_file, certificate_file


@pytest.fixture
def tls(tmp_path: Path) -> tuple[list[str], Path]:
    """Return a server's TLS options, and the certificate to trust."""
    key, certificate = certify(tmp_path / "server")
    files = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(certificate)]
    return [*files, "--tls-auth-clients", "no", "--tls-replication", "yes"], certificate


@pytest.fixture
def tls_server(start_redis: Starter, tls: tuple[list[str], Path]) -> tuple[RedisServer, Path]:
    """Return a Redis that speaks TLS on its port, and nothing else, and the certificate to trust."""
    options, certificate = tls
    return start_redis(*options, tls=True), certificate


def test_tls_works_with_the_right_ca_and_only_with_it(
    tls_server: tuple[RedisServer, Path], opened: Opener, tmp_path: Path
) -> None:
    server, certificate = tls_server
    url = f"rediss://127.0.0.1:{server.port}/0"
    vault = opened(f"{url}?ssl_ca_certs={certificate}")
    vault.check()
    vault.remember("acme", INSTANCE)
    assert vault.recall("acme", INSTANCE) == INSTANCE
    _, foreign = certify(tmp_path / "foreign")
    for untrusted in (url, f"{url}?ssl_ca_certs={foreign}"):
        with pytest.raises(VaultError, match=r"failed the TLS handshake .*: name its CA with \?ssl_ca_certs=FILE"):
            opened(untrusted).check()


def test_the_host_name_is_checked(tls_server: tuple[RedisServer, Path], opened: Opener) -> None:
    server, certificate = tls_server
    with pytest.raises(VaultError, match="failed the TLS handshake"):
        opened(f"rediss://localhost:{server.port}/0?ssl_ca_certs={certificate}").check()


def test_a_ca_file_that_is_not_there_is_an_error_with_the_remedy(
    tls_server: tuple[RedisServer, Path], opened: Opener, tmp_path: Path
) -> None:
    server, _ = tls_server
    with pytest.raises(VaultError, match="needs a file that is not there: correct ssl_ca_certs"):
        opened(f"rediss://127.0.0.1:{server.port}/0?ssl_ca_certs={tmp_path}/no.pem").check()


def test_tls_goes_to_sentinels_and_to_the_primary_that_they_name(
    start_redis: Starter, tls: tuple[list[str], Path], opened: Opener, tmp_path: Path
) -> None:
    options, certificate = tls
    primary = start_redis(*options, tls=True)
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(f"sentinel monitor main 127.0.0.1 {primary.port} 1\n")
    sentinel = start_redis(str(configuration), "--sentinel", *options, ready="+monitor master", tls=True)
    vault = opened(f"rediss+sentinel://127.0.0.1:{sentinel.port}/main?ssl_ca_certs={certificate}")
    vault.remember("acme", INSTANCE)
    assert vault.recall("acme", INSTANCE) == INSTANCE


def test_tls_goes_to_every_node_of_a_cluster(start_redis: Starter, tls: tuple[list[str], Path], opened: Opener) -> None:
    options, certificate = tls
    node = start_redis(*options, "--tls-cluster", "yes", "--cluster-enabled", "yes", tls=True)
    client = node.admin(ssl=True, ssl_ca_certs=str(certificate))
    client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)  # type: ignore[no-untyped-call]
    wait_until(lambda: client.cluster("info")["cluster_state"] == "ok")
    client.close()
    vault = opened(f"rediss+cluster://127.0.0.1:{node.port}?ssl_ca_certs={certificate}")
    vault.remember("acme", INSTANCE)
    assert vault.recall("acme", INSTANCE) == INSTANCE


def test_a_server_without_tls_does_not_get_a_single_command(redis_server: RedisServer, opened: Opener) -> None:
    with pytest.raises(VaultError, match=r"(failed the TLS handshake|cannot be reached|did not answer)"):
        opened(f"rediss://127.0.0.1:{redis_server.port}/0").check()
    admin = redis_server.admin()
    assert admin.dbsize() == 0
    admin.close()


# Sentinel.


@pytest.fixture
def watched(start_redis: Starter, tmp_path: Path) -> tuple[RedisServer, RedisServer, RedisServer]:
    """Return a primary, its replica and a sentinel that watches them as the service ``main``."""
    primary = start_redis()
    replica = start_redis("--replicaof", f"127.0.0.1 {primary.port}", "--repl-diskless-sync-delay", "0")
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(
        f"sentinel monitor main 127.0.0.1 {primary.port} 1\n"
        "sentinel down-after-milliseconds main 500\n"
        "sentinel failover-timeout main 5000\n"
    )
    sentinel = start_redis(str(configuration), "--sentinel", ready="+monitor master")
    client = sentinel.admin()
    wait_until(lambda: len(client.sentinel_slaves("main")) == 1)
    client.close()
    return primary, replica, sentinel


def test_the_vault_follows_a_failover_that_the_sentinels_decide(
    watched: tuple[RedisServer, RedisServer, RedisServer], opened: Opener
) -> None:
    primary, replica, sentinel = watched
    vault = opened(f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel.port}/main/0")
    vault.remember("acme", many(50))
    primary_client, replica_client = primary.admin(), replica.admin()
    assert primary_client.dbsize() == 51
    assert int(primary_client.wait(1, 10_000)) == 1
    primary_client.close()
    primary.stop()
    with pytest.raises(VaultError, match="Redis service main of the sentinels"):
        vault.recall("acme", many(50))
    wait_until(lambda: works(vault))
    assert vault.recall("acme", many(50)) == many(50)
    vault.remember("acme", many(60))
    assert replica_client.dbsize() == 62  # entries, marker, and the value of check
    replica_client.close()


def test_sentinels_may_have_a_password_of_their_own(start_redis: Starter, tmp_path: Path, opened: Opener) -> None:
    primary = start_redis("--requirepass", "made-up-1")
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(
        f"sentinel monitor main 127.0.0.1 {primary.port} 1\nsentinel auth-pass main made-up-1\nrequirepass made-up-2\n"
    )
    sentinel = start_redis(str(configuration), "--sentinel", ready="+monitor master")
    url = f"redis+sentinel://127.0.0.1:{sentinel.port}/main"
    right = {"AWS_MASKER_VAULT_PASSWORD": "made-up-1", "AWS_MASKER_VAULT_SENTINEL_PASSWORD": "made-up-2"}
    opened(url, right).check()
    for name in right:
        with pytest.raises(VaultError) as caught:
            opened(url, right | {name: "hunter2"}).check()
        assert "made-up" not in str(caught.value)
        assert "hunter2" not in str(caught.value)


# Cluster.


@pytest.fixture
def cluster(start_redis: Starter) -> tuple[RedisServer, RedisServer]:
    """Return two nodes of a cluster, each with half of the slots."""
    nodes = [start_redis("--cluster-enabled", "yes", "--cluster-node-timeout", "2000") for _ in range(2)]
    clients = [node.admin() for node in nodes]
    clients[0].execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 8191)  # type: ignore[no-untyped-call]
    clients[1].execute_command("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)  # type: ignore[no-untyped-call]
    clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[1].port)  # type: ignore[no-untyped-call]
    for client in clients:
        wait_until(lambda client=client: client.cluster("info")["cluster_state"] == "ok")  # type: ignore[misc]
        wait_until(lambda client=client: len(client.cluster("slots")) == 2)  # type: ignore[misc]
        client.close()
    return nodes[0], nodes[1]


def test_tenants_spread_over_a_cluster_and_each_lies_on_one_node(
    cluster: tuple[RedisServer, RedisServer], opened: Opener
) -> None:
    vault = opened(f"redis+cluster://127.0.0.1:1,127.0.0.1:{cluster[1].port}")
    vault.check()
    tenants = [f"tenant {number}" for number in range(20)]
    for tenant in tenants:
        vault.remember(tenant, many(50))
    for tenant in tenants:
        assert vault.recall(tenant, many(60)) == many(50)
    slots = {tenant: key_slot(b"{" + Sealer(KEY).of(tenant).place.encode() + b"}") for tenant in tenants}
    first = sum(slot < 8192 for slot in slots.values())
    assert 0 < first < 20
    sizes = []
    for node in cluster:
        client = node.admin()
        sizes.append(client.dbsize())
        client.close()
    assert sum(sizes) == 20 * 51 + 1
    assert sizes[0] in (first * 51, first * 51 + 1)


def test_a_slot_that_has_moved_is_followed_at_once(
    cluster: tuple[RedisServer, RedisServer], opened: Opener, clock: Clock
) -> None:
    vault = opened(f"redis+cluster://127.0.0.1:{cluster[0].port}")
    vault.remember("acme", many(50))
    slot = key_slot(b"{" + Sealer(KEY).of("acme").place.encode() + b"}")
    old, new = cluster if slot < 8192 else cluster[::-1]
    old_client, new_client = old.admin(), new.admin()
    old_client.flushall()  # as if the keys had been lost on the way
    node_id = new_client.execute_command("CLUSTER", "MYID").decode()  # type: ignore[no-untyped-call]
    for client in (new_client, old_client):
        client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", node_id)  # type: ignore[no-untyped-call]
    clock.advance(CONFIRM_SECONDS)
    vault.remember("acme", many(50))
    assert vault.recall("acme", many(50)) == many(50)
    assert new_client.dbsize() == 51
    old_client.close()
    new_client.close()


def test_a_cluster_node_that_hangs_costs_its_time_outs_and_not_more(
    cluster: tuple[RedisServer, RedisServer], opened: Opener
) -> None:
    vault = opened(f"redis+cluster://127.0.0.1:{cluster[0].port},127.0.0.1:{cluster[1].port}")
    vault.remember("acme", many(500))
    for node in cluster:
        node.freeze()
    for _ in range(3):
        started = time.perf_counter()
        with pytest.raises(VaultError, match=r"Redis cluster of .* (did not answer in time|gives no layout)"):
            vault.remember("acme", many(1_000))
        assert time.perf_counter() - started < 2 * (CONNECT_SECONDS + READ_SECONDS) + 1.0
    for node in cluster:
        node.thaw()
    wait_until(lambda: works(vault))
    vault.remember("acme", many(1_000))
    assert vault.recall("acme", many(1_000)) == many(1_000)


def test_a_single_server_is_no_cluster_and_the_other_way_round(
    redis_server: RedisServer, cluster: tuple[RedisServer, RedisServer], opened: Opener
) -> None:
    with pytest.raises(VaultError, match="gives no layout: see whether its nodes run, are in cluster mode"):
        opened(f"redis+cluster://127.0.0.1:{redis_server.port}").check()
    problems = 0
    for node in cluster:
        try:
            opened(f"redis://127.0.0.1:{node.port}").check()
        except VaultError as error:
            assert "is part of a cluster: use redis+cluster://" in str(error)  # noqa: PT017 - one of the two raises
            problems += 1
    assert problems == 1
