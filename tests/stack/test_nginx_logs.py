"""nginx writes nothing of a request but its record, whatever goes wrong, and whatever level it is told to log at."""

import asyncio
import contextlib
import re
import subprocess
from collections.abc import Iterable, Mapping

import pytest
from front_door import Nginx, exchange, executable, nginx

PLANTED: Mapping[str, str] = {
    "an identifier": "i-0a1b2c3d4e5f60718",
    "a header's value": "planted-in-a-header",
    "a host": "planted-host",
    "a path": "planted-in-the-path",
    "a body": "planted-in-the-body",
    "an answer": "planted-in-the-answer",
    "an answer's header": "planted-in-its-header",
}
HEADERS = (
    "Host: planted-host\r\nx-api-key: planted-in-a-header\r\nAuthorization: Bearer planted-in-a-header\r\n"
    "Referer: https://planted-in-a-header/\r\nCookie: a=planted-in-a-header\r\nUser-Agent: planted-in-a-header\r\n"
    "Connection: close\r\n"
)
BODY = "planted-in-the-body: stop i-0a1b2c3d4e5f60718 "
ANSWERED = b"HTTP/1.1 200 OK\r\nX-Planted: planted-in-its-header\r\n"
# The level outside of `http`, and how it is raised without a change in `http`.
LEVEL = "error_log /dev/stderr error;"
OF_REQUESTS = "error_log /dev/stderr emerg;"
LOUD = "error_log /dev/stderr debug;"
SOON = {
    "proxy_read_timeout 630s;": "proxy_read_timeout 300ms;",
    "client_body_timeout     60s;": "lingering_timeout 100ms;",
}


def _post(body: str, path: str = "/v1/messages", headers: str = HEADERS, length: int | None = None) -> bytes:
    length = len(body) if length is None else length
    return f"POST {path}?planted-in-the-path HTTP/1.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}".encode()


REQUESTS: Mapping[str, bytes] = {
    "served": _post(BODY),
    "a body that goes to a file": _post(BODY * 50_000),
    "a body that is too large": _post(BODY, length=99 << 20),
    "chunks that are none": f"POST /v1/messages HTTP/1.1\r\n{HEADERS}Transfer-Encoding: chunked\r\n\r\n{BODY}".encode(),
    "another path": _post(BODY, "/elsewhere/planted-in-the-path"),
    "another host": _post(BODY, "http://planted-host/v1/messages"),
    "a tunnel": f"CONNECT planted-host:443 HTTP/1.1\r\n{HEADERS}\r\n".encode(),
    "a header that is none": f"GET / HTTP/1.1\r\n{HEADERS}planted-in-a-header\r\n\r\n".encode(),
    "a header that is too long": f"GET / HTTP/1.1\r\n{HEADERS}X: {'planted-in-a-header' * 2000}\r\n\r\n".encode(),
    "two hosts": f"GET / HTTP/1.1\r\n{HEADERS}Host: planted-host\r\n\r\n".encode(),
    "a line that is none": f"planted-in-a-header\r\n\r\n{BODY}".encode(),
    "a line that is too long": f"GET /{'planted-in-the-path' * 2000} HTTP/1.1\r\n\r\n".encode(),
    "TLS": b"\x16\x03\x01\x02\x00" + BODY.encode(),
    "an answer that breaks off": _post("broken off"),
    "an answer that is none": _post("none"),
    "an answer whose header is none": _post("header"),
    "an answer that does not come": _post("late"),
    "no answer": _post("nothing"),
    "a health check": f"GET /_aws-masker/health HTTP/1.1\r\n{HEADERS}\r\n".encode(),
}
ANSWERS: Mapping[bytes, bytes] = {
    b"broken off": ANSWERED + b"Content-Length: 999\r\n\r\nplanted-in-the-answer",
    b"none": b"planted-in-the-answer\r\n\r\n",
    b"header": ANSWERED + b"planted-in-its-header\r\n\r\n",
    b"nothing": b"",
}


async def _upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a request as its body asks for."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        if body == b"late":
            await reader.read()
        else:
            writer.write(ANSWERS.get(body, ANSWERED + b"Content-Length: 21\r\n\r\nplanted-in-the-answer"))
            await writer.drain()
    writer.close()


async def _provoke(front: Nginx) -> dict[str, bytes]:
    """Return what each request is answered with."""
    answers = {}
    for name, raw in REQUESTS.items():
        with contextlib.suppress(ConnectionError):
            answers[name] = await exchange(front.port, raw)
    _, writer = await asyncio.open_connection("127.0.0.1", front.port)  # one that goes away
    writer.write(_post(BODY)[:-9])
    await writer.drain()
    writer.close()
    return answers


def _written(edits: Mapping[str, str], options: Iterable[str] = ()) -> tuple[str, dict[str, bytes]]:
    """Return all that nginx writes and answers while requests are served, refused, and fail."""

    async def run() -> tuple[str, dict[str, bytes]]:
        async with await asyncio.start_server(_upstream, "127.0.0.1", 0, limit=8 << 20) as upstream:
            port = upstream.sockets[0].getsockname()[1]
            with nginx(f"127.0.0.1:{port}", {**SOON, **edits}, options=tuple(options)) as front:
                answers = await _provoke(front)
                upstream.close()
                answers["no Kong"] = await exchange(front.port, REQUESTS["served"])
                (front.folder / "client_body").chmod(0)
                answers["no place for its body"] = await exchange(front.port, REQUESTS["a body that goes to a file"])
                await front.logged(len(REQUESTS) + 2)
                files = [one for one in front.folder.rglob("*") if one.is_file() and one.name != "nginx.conf"]
                return "".join(one.read_text(errors="replace") for one in files), answers

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("edits", "options"),
    [({}, ()), ({LEVEL: LOUD}, ()), ({}, ("-g", LOUD)), ({LEVEL: ""}, ("-g", LOUD))],
    ids=["as it is", "in its file", "on its command line", "nowhere else"],
)
def test_no_level_makes_it_write_what_it_was_sent(edits: Mapping[str, str], options: Iterable[str]) -> None:
    written, answers = _written(edits, options)
    is_loud = LOUD in (*edits.values(), *options)
    assert ("[debug]" in written) == (is_loud and _can_debug())
    assert {name: what for name, what in PLANTED.items() if what in written} == {}
    assert b'"type":"api_error"' in answers["no place for its body"]
    assert b"see whether its /tmp is full" in answers["no place for its body"]


def _can_debug() -> bool:
    told = subprocess.run([executable(), "-V"], capture_output=True, text=True, check=True)
    return "--with-debug" in told.stderr


def test_what_was_planted_would_be_found() -> None:
    written, _ = _written({OF_REQUESTS: LOUD})
    found = {name for name, what in PLANTED.items() if what in written}
    # Of bodies only one that can debug writes anything.
    assert found >= {"a header's value", "a host", "a path", "an answer's header"} | (
        {"a body"} if _can_debug() else set()
    )


def test_its_record_says_what_went_wrong() -> None:
    """In place of the lines that an error log would have."""

    async def run() -> None:
        async with await asyncio.start_server(_upstream, "127.0.0.1", 0) as upstream:
            with nginx(f"127.0.0.1:{upstream.sockets[0].getsockname()[1]}", SOON) as front:
                for name in ("served", "an answer that does not come"):
                    await exchange(front.port, REQUESTS[name])
                _, leaving = await asyncio.open_connection("127.0.0.1", front.port)
                leaving.write(REQUESTS["an answer that does not come"])
                await leaving.drain()
                leaving.close()
                await front.logged(3)
                upstream.close()
                await exchange(front.port, REQUESTS["served"])
                records = await front.logged(4)
        served, left, down, late = sorted(records, key=lambda one: int(one["status"]))
        assert (served["client_gone"], served["status"]) == (False, 200)
        assert (late["upstream_status"], late["first_byte_seconds"]) == ("504", "-")
        assert float(late["connect_seconds"]) >= 0
        assert (left["client_gone"], left["status"]) == (True, 499)
        assert (down["upstream_status"], down["connect_seconds"]) == ("502", "-")

    asyncio.run(run())
