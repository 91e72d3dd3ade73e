"""The way to an https upstream: certificates, and the company's proxy."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway_lab import INSTANCE, Answering, Connection, Upstream, lab, message, run
from gateway_process import listening_port_of, process

BODY = json.dumps(message(f"see {INSTANCE}")).encode()
AUTHORIZATION = "Authorization: Bearer made-up"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def ok(answering: Answering) -> None:
    """Answer with the request's token."""
    await answering.json({"text": answering.seen.token()})


async def never(answering: Answering) -> None:
    """Fail the test: nothing may arrive."""
    raise AssertionError(answering.seen.target)


@contextlib.asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Run a server; give its port."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1 that only who is told trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made-up company")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    path.write_bytes(private + made.public_bytes(encoding))
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """Return the TLS of a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def error_through(upstream: str) -> tuple[int, str, str]:
    """Return the error that a request towards ``upstream`` gets."""
    async with lab(never, upstream=upstream) as one:
        return (await one.request("POST", "/v1/messages", BODY, AUTHORIZATION)).error()


def test_an_upstream_that_speaks_no_tls_is_a_502() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def test() -> None:
        async with serving(plain) as port:
            status, _, text = await error_through(f"https://127.0.0.1:{port}")
            assert status == 502
            assert "TLS with 127.0.0.1 failed" in text

    run(test())


def test_an_upstream_whose_certificate_is_not_trusted_gets_nothing(tls: ssl.SSLContext) -> None:
    async def test() -> None:
        upstream = Upstream(never)
        async with serving(upstream.serve, tls) as port:
            status, _, text = await error_through(f"https://127.0.0.1:{port}")
            assert status == 502
            assert "set SSL_CERT_FILE" in text
            assert upstream.seen == []

    run(test())


async def ask(port: int) -> dict[str, str]:
    """Send a request to the gateway on ``port`` and return its answer."""
    connection = Connection(*await asyncio.open_connection("127.0.0.1", port))
    answer = await (await connection.request("POST", "/v1/messages", BODY, (AUTHORIZATION,))).read()
    await connection.close()
    assert answer.status == 200, answer.body
    text: dict[str, str] = answer.json()
    return text


def test_ssl_cert_file_makes_a_companys_certificate_trusted(tls: ssl.SSLContext, certificate: Path) -> None:
    async def test() -> None:
        upstream = Upstream(ok)
        async with serving(upstream.serve, tls) as port:
            with process("127.0.0.1:0", f"https://127.0.0.1:{port}", SSL_CERT_FILE=str(certificate)) as running:
                assert await ask(await listening_port_of(running)) == {"text": INSTANCE}
            assert INSTANCE.encode() not in upstream.received

    run(test())


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


async def tunnel(answering: Answering) -> None:
    """Do what a proxy does with CONNECT."""
    host, _, port = answering.seen.target.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await answering.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await asyncio.gather(pump(answering.reader, writer), pump(reader, answering.writer))


def test_the_companys_proxy_carries_what_it_cannot_read(tls: ssl.SSLContext, certificate: Path) -> None:
    async def test() -> None:
        upstream, proxy = Upstream(ok), Upstream(tunnel)
        async with serving(upstream.serve, tls) as port, serving(proxy.serve) as proxy_port:
            environment = {
                "SSL_CERT_FILE": str(certificate),
                "HTTPS_PROXY": f"http://user:word@127.0.0.1:{proxy_port}",
                "HTTP_PROXY": "http://127.0.0.1:9",
            }
            with process("127.0.0.1:0", f"https://127.0.0.1:{port}", **environment) as running:
                assert await ask(await listening_port_of(running)) == {"text": INSTANCE}
            assert [(seen.method, seen.target) for seen in proxy.seen] == [("CONNECT", f"127.0.0.1:{port}")]
            assert proxy.seen[0].all("proxy-authorization") == ["Basic dXNlcjp3b3Jk"]
            assert upstream.seen[0].all("authorization") == ["Bearer made-up"]
            assert upstream.seen[0].all("proxy-authorization") == []

    run(test())


@pytest.fixture
def company_proxy(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that names a port as the company's proxy."""
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    return lambda port: monkeypatch.setenv("HTTPS_PROXY", f"http://user:word@127.0.0.1:{port}")


def test_a_proxy_that_refuses_is_a_502_and_was_told_nothing(company_proxy: Callable[[int], None]) -> None:
    async def script(answering: Answering) -> None:
        await answering.answer(b"", status="407 Proxy Authentication Required")
        answering.writer.close()

    async def test() -> None:
        proxy = Upstream(script)
        async with serving(proxy.serve) as port:
            company_proxy(port)
            status, _, text = await error_through("https://api.example")
            assert status == 502
            assert "the proxy on the way to api.example refused: check HTTPS_PROXY" in text
        assert [(seen.method, seen.target) for seen in proxy.seen] == [("CONNECT", "api.example:443")]
        assert b"Bearer" not in proxy.received

    run(test())


def test_a_proxy_that_is_down_is_a_502(company_proxy: Callable[[int], None]) -> None:
    company_proxy(9)  # the discard service, which nobody runs
    status, _, text = run(error_through("https://api.example"))
    assert status == 502
    assert "HTTPS_PROXY" in text
