"""At the level debug, nothing that the gateway writes holds an original, a key, a body or a header's value."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from gateway_lab import KEY, Answering, Upstream, delta, message, run, until

PLANTED = {
    "an identifier": "i-0a1b2c3d4e5f60718",
    "a name": "zebrafish-payroll",
    "an access key": "AKIAIOSFODNN7EXAMPLE",
    "a body": "planted-in-the-body",
    "a header": "planted-in-a-header",
    "a session": "planted-session",
    "a path": "planted-in-the-path",
    "an answer": "planted-in-the-answer",
    "the key": KEY,
}
TEXT = "stop i-0a1b2c3d4e5f60718 of zebrafish-payroll, AKIAIOSFODNN7EXAMPLE, planted-in-the-body"
HEADERS = (
    "x-api-key: planted-in-a-header\r\nAuthorization: planted-in-a-header\r\nX-Claude-Code-Session-Id: planted-session"
)

# Everything that Python and its libraries have to say, and what fails in a thread, a task and a stage of the answer.
CODE = """
import asyncio, logging, sys, threading
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
from aws_masker import masker
from aws_masker.gateway import run, service
from aws_masker.settings import Settings
mask = masker.Masker.mask_body
def faulty(self, raw, *more):
    if b"break-masking" in raw:
        raise KeyError(raw)
    if b"break-thread" in raw:
        threading.Thread(target=lambda: {}[raw]).start()
    return mask(self, raw, *more)
masker.Masker.mask_body = faulty
serve = service.Exchanges.serve
async def broken_task(request):
    raise RuntimeError(str(request.headers))
async def also(self, request):
    asyncio.get_running_loop().create_task(broken_task(request))
    return await serve(self, request)
service.Exchanges.serve = also
key, upstream, folder = sys.argv[1:]
run(Settings(key=key, listen="127.0.0.1:0", upstream=upstream, vault="sqlite:///" + folder + "/vault.sqlite"))
"""


async def script(answering: Answering) -> None:
    """Answer as the body says: as a stream that breaks off, what is no HTTP, or what it should."""
    body = answering.seen.body
    if b"break-off" in body:
        await answering.begin("text/event-stream")
        await answering.chunk(delta("planted-in-the-answer " + answering.seen.token()))
        answering.writer.transport.abort()
    elif b"break-answer" in body:
        await answering.send(b"planted-in-the-answer\r\n\r\n")
        answering.writer.close()
    else:
        await answering.json({"text": f"planted-in-the-answer {answering.seen.token()}"})


async def send(port: int, data: bytes) -> bytes:
    """Send bytes and return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = b""
    try:
        await writer.drain()
        answer = await reader.read()
    except ConnectionError:
        pass
    writer.close()
    return answer


def post(text: str, path: str = "/v1/messages", body: bytes | None = None) -> bytes:
    """Return a request, as bytes."""
    data = json.dumps(message(f"{TEXT} {text}")).encode() if body is None else body
    head = f"POST {path} HTTP/1.1\r\nHost: gw\r\n{HEADERS}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode() + data


def test_nothing_that_is_written_holds_a_value(tmp_path: Path) -> None:
    requests = [
        *(post(text) for text in ("", "break-masking", "break-thread", "break-off", "break-answer")),
        post("", body=b"[" + TEXT.encode()),
        post("", body=TEXT.encode() + b"\xff"),
        post("", path="/v1/files/planted-in-the-path?x=planted-in-the-path"),
        post("", path="/elsewhere/planted-in-the-path"),
        b"planted-in-a-header\r\n\r\n" + TEXT.encode(),
        b"POST /v1/messages HTTP/1.1\r\nplanted-in-a-header\r\n\r\n",
        b"GET /" + b"planted-in-the-path" * 4000 + b" HTTP/1.1\r\n\r\n",
    ]

    async def test() -> list[bytes]:
        upstream = Upstream(script)
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with started(f"http://127.0.0.1:{port}", tmp_path):
            await until(lambda: "ANTHROPIC_BASE_URL=http" in (tmp_path / "err").read_text())
            own = int((tmp_path / "err").read_text().partition("ANTHROPIC_BASE_URL=http://127.0.0.1:")[2].split()[0])
            answers = [await send(own, data) for data in requests]
        server.close()
        await server.wait_closed()
        return answers

    answers = run(test())
    assert b"i-0a1b2c3d4e5f60718" in answers[0]
    assert b"planted-in-the-answer" in answers[0]
    written = {name: (tmp_path / name).read_text() for name in ("out", "err")}
    told = {json.loads(line).get("during") for line in written["out"].splitlines()}
    assert {"masking", "a thread", "the event loop"} <= told
    assert "DEBUG" in written["err"]
    found = {(name, what) for name, text in written.items() for what, value in PLANTED.items() if value in text}
    assert found == set()


@contextlib.contextmanager
def started(upstream: str, folder: Path) -> Iterator[None]:
    """Run a gateway that writes to files in ``folder``, and stop it."""
    command = [sys.executable, "-X", "dev", "-c", CODE, KEY, upstream, str(folder)]
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
        try:
            yield
            process.terminate()
            process.wait(60)
        finally:
            process.kill()
            process.wait(60)
