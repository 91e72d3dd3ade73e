"""The way to the upstream: one pool of connections, through the company's proxy if there is one, and what can fail.

aiohttp's client adds conveniences that a gateway must not have; they are switched off here, each for a reason:
redirects (they would carry requests elsewhere), cookies (one jar for all clients), decompression (the restorer
decides), default headers, and ``trust_env`` (it reads ``.netrc``, and refuses a request with an Authorization header
where that file has an entry for the host).
"""

import asyncio
import io
import ipaddress
from typing import Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from aws_masker.errors import SettingsError
from aws_masker.gateway.errors import UpstreamSilent, UpstreamUnreachable
from aws_masker.gateway.headers import Headers
from aws_masker.gateway.target import Target
from aws_masker.limits import Limits
from aws_masker.settings import Settings, parse_address

# An idle connection is kept shorter than the usual 60 s and more of servers and load balancers: whoever closes first
# loses no request. A request that meets a closed connection would be a 502, as a POST is not sent twice.
KEEP_ALIVE_SECONDS: Final = 50.0
# An address that has changed is noticed after this; connections that are open go on.
DNS_CACHE_SECONDS: Final = 60

_AUTOMATIC: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


def upstream_base(upstream: str) -> str:
    """Return the upstream without trailing slash and ``/v1``, which every request's path brings along."""
    return upstream.rstrip("/").removesuffix("/v1").rstrip("/")


def proxy_for(base: str, listen: tuple[str, int]) -> URL | None:
    """Return the proxy that leads to the upstream at ``base``: HTTPS_PROXY, unless NO_PROXY names the upstream.

    HTTP_PROXY is left aside: where clients of this gateway run it names the gateway itself, and an upstream by plain
    http is a machine of one's own. Raises SettingsError when the proxy or the upstream is the gateway (``listen``),
    or the proxy is of a kind that aiohttp does not speak.
    """
    url = URL(base)
    if _is_same(url, listen):
        message = "upstream is the gateway's own address: set AWS_MASKER_UPSTREAM to where masked requests go"
        raise SettingsError(message)
    address = getproxies().get("https")
    if url.scheme != "https" or not address or proxy_bypass(url.host or ""):
        return None
    proxy = URL(address if "://" in address else f"http://{address}")
    if proxy.scheme not in {"http", "https"} or proxy.host is None:
        message = "HTTPS_PROXY has to be an http:// or https:// URL: change it, or name the upstream in NO_PROXY"
        raise SettingsError(message)
    if _is_same(proxy, listen):
        message = "HTTPS_PROXY is the gateway's own address: unset it, or name the upstream in NO_PROXY"
        raise SettingsError(message)
    return proxy


def _is_same(url: URL, listen: tuple[str, int]) -> bool:
    host, port = listen
    if url.port != port:
        return False
    return url.host == host or (_is_local(host) and _is_local(url.host or ""))


def _is_local(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in {"", "localhost"}
    return address.is_loopback or address.is_unspecified


class Upstream:
    """Sends requests to the upstream. One event loop only; ``close`` it."""

    def __init__(self, settings: Settings) -> None:
        """Prepare a pool without connecting. Raises SettingsError, see ``proxy_for``."""
        self.base = upstream_base(settings.upstream)
        self._limits = settings.limits
        self._host = URL(self.base).host or "the upstream"
        proxy = proxy_for(self.base, parse_address(settings.listen))
        self._proxied = proxy is not None
        self._session = aiohttp.ClientSession(
            # The number of connections is bounded by the number of requests that are admitted.
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS, ttl_dns_cache=DNS_CACHE_SECONDS
            ),
            timeout=_timeout(settings.limits),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            proxy=proxy,
            skip_auto_headers=_AUTOMATIC,
            max_line_size=settings.limits.header,
            max_field_size=settings.limits.header,
            max_headers=settings.limits.headers,
        )

    async def send(self, method: str, target: Target, headers: Headers, body: bytes | None) -> aiohttp.ClientResponse:
        """Send a request and return the answer as soon as its headers are there. The caller closes it.

        Raises UpstreamUnreachable, or UpstreamSilent when there are no headers within ``limits.idle_seconds``.
        """
        try:
            # aiohttp's own timers stand still while a body is being sent; this one does not.
            async with asyncio.timeout(self._limits.idle_seconds):
                return await self._session.request(
                    method,
                    self._address(target),
                    headers=CIMultiDict(headers),
                    data=None if body is None else io.BytesIO(body),
                    allow_redirects=False,
                )
        except aiohttp.ConnectionTimeoutError:
            message = f"{self._host} took no connection within {self._limits.connect_seconds:g} s: {self._remedy()}"
            raise UpstreamUnreachable(message) from None
        except TimeoutError:
            message = f"{self._host} did not begin to answer within {self._limits.idle_seconds:g} s: try again"
            raise UpstreamSilent(message) from None
        except aiohttp.ClientError as error:
            raise UpstreamUnreachable(self._failure(error)) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def _address(self, target: Target) -> URL:
        return URL(f"{self.base}{target.path}{target.query}", encoded=True)

    def _remedy(self) -> str:
        return f"check the network and {'HTTPS_PROXY' if self._proxied else 'AWS_MASKER_UPSTREAM'}"

    def _failure(self, error: aiohttp.ClientError) -> str:
        """Return what happened and what to do. Only the kind of ``error`` is told: its message may hold headers."""
        match error:
            case aiohttp.ClientConnectorDNSError():
                return f"the name {self._host} does not resolve: {self._remedy()}"
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
                return f"TLS with {self._host} failed: set SSL_CERT_FILE if your company has certificates of its own"
            case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
                return f"the proxy on the way to {self._host} refused: check HTTPS_PROXY and NO_PROXY"
            case aiohttp.ClientConnectorError():
                return f"{self._host} takes no connection: {self._remedy()}"
            case aiohttp.ClientResponseError() if _is_too_large(error):
                return f"{self._host} answers with more header fields than limits.headers, or longer than limits.header"
            case aiohttp.ClientResponseError():
                return f"{self._host} does not answer in HTTP: check that AWS_MASKER_UPSTREAM is an address of the API"
            case _:
                return f"{self._host} closed the connection before it answered: try again"


def _is_too_large(error: aiohttp.ClientResponseError) -> bool:
    """Tell whether the head of an answer is beyond its limits: aiohttp says so in words alone."""
    return error.message.startswith(("Got more than", "Too many headers"))


def _timeout(limits: Limits) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=limits.connect_seconds, sock_read=limits.idle_seconds)
