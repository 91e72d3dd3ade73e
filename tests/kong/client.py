"""A small HTTP client for the tests: every byte and header as given, and the time at which each piece arrives."""

import contextlib
import http.client
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

HEADERS = {"x-api-key": "made-up-key", "anthropic-version": "2023-06-01"}
TIMEOUT = 90


@dataclass(frozen=True)
class Answer:
    """An answer; ``seconds`` is how long it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_error(self) -> bool:
        """Whether it is an error in the shape of the Anthropic API's, with a message."""
        told = self.json()
        return bool(told.get("type") == "error" and told["error"]["type"] and told["error"]["message"])


def ask(
    url: str,
    path: str,
    body: bytes | Iterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
    method: str = "",
) -> Answer:
    """Send a request, with the headers of a client of the API, and return the answer to it."""
    began = time.monotonic()
    with _opened(url) as connection:
        every = {**HEADERS, **({} if body is None else {"Content-Type": "application/json"}), **(headers or {})}
        connection.request(method or ("GET" if body is None else "POST"), path, body, every)
        response = connection.getresponse()
        content = response.read()
        taken = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, taken, content, time.monotonic() - began)


@contextlib.contextmanager
def streaming(url: str, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Iterator[Iterator[bytes]]:
    """Send a request, and yield what the answer's pieces come from, each as soon as it is there."""
    with _opened(url) as connection:
        connection.request("POST", path, body, {**HEADERS, "Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        yield iter(lambda: response.read1(1 << 16), b"")


def begin(url: str, path: str, body: bytes) -> http.client.HTTPConnection:
    """Send a request, and return the connection on which its answer will come. Close it."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    connection.request("POST", path, body, {**HEADERS, "Content-Type": "application/json"})
    return connection


def message(text: str, **more: Any) -> bytes:
    """Return a request of the Messages API with one message."""
    request = {
        "model": "claude-sonnet-4-5-20250929",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": text}],
    }
    return json.dumps({**request, **more}).encode()


@contextlib.contextmanager
def _opened(url: str) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        yield connection
    finally:
        connection.close()
