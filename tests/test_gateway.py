"""The gateway's life: starting, announcing, stopping in its several ways."""

import asyncio
import errno
import json
import os
import signal
import socket
import urllib.request
from typing import Any
from urllib.error import HTTPError

import pytest

from aws_masker import gateway
from aws_masker.audit import parse
from aws_masker.errors import SettingsError
from aws_masker.limits import Limits
from aws_masker.settings import Settings
from gateway_lab import INSTANCE, KEY, Answering, delta, lab, message, run, shared_masker, text_of, until
from gateway_process import lines, listening_port, process

BODY = json.dumps(message(f"see {INSTANCE}")).encode()
SECONDS = 30


def streaming(finish: asyncio.Event | None) -> Any:
    """Return a script whose answer goes on until ``finish``, or until the client is gone."""

    async def script(answering: Answering) -> None:
        await answering.begin("text/event-stream")
        await answering.chunk(delta(f"begun {answering.seen.token()}"))
        if finish is None:
            await answering.client_closed()
        else:
            await finish.wait()
        await answering.chunk(delta(" and ended"))
        await answering.chunk(b"")

    return script


def test_stopping_finishes_the_answers_that_are_streaming() -> None:
    finish = asyncio.Event()

    async def test() -> None:
        async with lab(streaming(finish)) as one:
            connection, idle = await one.connect(), await one.connect()
            answer = await connection.request("POST", "/v1/messages", BODY)
            chunks = answer.chunks()
            await anext(chunks)
            stopping = asyncio.create_task(one.gateway.stop())
            await asyncio.sleep(0)
            with pytest.raises(ConnectionRefusedError):  # nobody listens any more
                await one.connect()
            assert not stopping.done()
            health = await (await idle.request("GET", "/_aws-masker/health")).read()
            assert (health.status, health.json()["status"]) == (503, "stopping")
            finish.set()
            async for _ in chunks:
                pass
            assert answer.whole
            assert text_of(answer.body) == f"begun {INSTANCE} and ended"
            await stopping

    run(test())


def test_while_stopping_a_new_request_on_an_open_connection_is_a_503() -> None:
    finish = asyncio.Event()

    async def test() -> None:
        async with lab(streaming(finish)) as one:
            busy, idle = await one.connect(), await one.connect()
            await busy.request("POST", "/v1/messages", BODY)
            await (await idle.request("GET", "/")).read()
            stopping = asyncio.create_task(one.gateway.stop())
            await asyncio.sleep(0)
            answer = await (await idle.request("POST", "/v1/messages", BODY)).read()
            assert answer.error()[:2] == (503, "api_error")
            assert answer.all("connection") == ["close"]
            assert answer.all("retry-after") == ["2"]
            assert len(one.upstream.seen) == 1
            finish.set()
            await stopping

    run(test())


def test_stopping_lets_a_body_that_is_arriving_arrive() -> None:
    async def script(answering: Answering) -> None:
        await answering.json({"text": answering.seen.token()})

    async def test() -> None:
        async with lab(script) as one:
            connection = await one.connect()
            head = b"POST /v1/messages HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\n"
            await connection.send(head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY[:10])
            await until(lambda: one.gateway.in_flight == 1)
            stopping = asyncio.create_task(one.gateway.stop())
            await asyncio.sleep(0)
            await connection.send(BODY[10:])
            answer = await (await connection.head()).read()
            assert answer.json() == {"text": INSTANCE}
            assert answer.all("connection") == ["close"]
            await stopping

    run(test())


def test_what_has_not_ended_in_time_is_broken_off() -> None:
    async def test() -> None:
        async with lab(streaming(None)) as one:
            connection = await one.connect()
            answer = await connection.request("POST", "/v1/messages", BODY)
            chunks = answer.chunks()
            await anext(chunks)
            await one.gateway.stop(grace=0.05)
            assert [chunk async for chunk in chunks] == []
            assert not answer.whole
            assert one.records.requests[0]["outcome"] == "stopped"
            assert one.gateway.in_flight == 0

    run(test())


def test_a_gateway_that_was_given_a_masker_leaves_it_open() -> None:
    async def test() -> None:
        async with lab(streaming(None)):
            pass
        shared_masker().vault.check()

    run(test())


def test_a_gateway_makes_and_closes_its_own_masker() -> None:
    async def test() -> None:
        running = await gateway.start(Settings(key=KEY, listen="127.0.0.1:0"))
        assert running.url == f"http://127.0.0.1:{running.port}"
        await running.stop()
        with pytest.raises(OSError, match=r"."):
            await asyncio.open_connection("127.0.0.1", running.port)

    run(test())


@pytest.mark.parametrize(
    ("listen", "host"), [("0.0.0.0:0", "127.0.0.1"), ("[::1]:0", "[::1]"), ("localhost:0", "localhost")]
)
def test_the_url_is_one_that_a_client_on_this_machine_can_use(listen: str, host: str) -> None:
    async def test() -> None:
        try:
            running = await gateway.start(Settings(key=KEY, listen=listen), masker=shared_masker())
        except OSError:
            pytest.skip("this machine has no IPv6: enable it to run this case")
        assert running.url == f"http://{host}:{running.port}"
        await running.stop()

    run(test())


def test_an_address_that_is_taken_leaves_nothing_open() -> None:
    async def test() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(OSError, match="address already in use"):
                await gateway.start(Settings(key=KEY, listen=f"127.0.0.1:{port}"), masker=shared_masker())

    run(test())


def test_a_gateway_that_would_forward_to_itself_does_not_start() -> None:
    settings = Settings(key=KEY, listen="127.0.0.1:8082", upstream="http://localhost:8082")
    with pytest.raises(SettingsError, match="own address"):
        run(gateway.start(settings, masker=shared_masker()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_and_records_are_lines_of_json(number: signal.Signals) -> None:
    with process("127.0.0.1:0", "http://127.0.0.1:9") as running:
        url = f"http://127.0.0.1:{listening_port(running)}"
        with urllib.request.urlopen(f"{url}/_aws-masker/health", timeout=SECONDS) as answer:
            assert json.load(answer)["status"] == "ok"
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(f"{url}/elsewhere", timeout=SECONDS)
        refused.value.close()
        running.send_signal(number)
        out, error = running.communicate(timeout=SECONDS)
        assert running.returncode == 0, error
        assert [parse(line).reason for line in out.splitlines()] == ["not_served"]
        assert "open answers get 20 s to finish" in error
        assert "Traceback" not in error


def test_a_second_signal_ends_the_process_at_once() -> None:
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    upstream = f"http://127.0.0.1:{silent.getsockname()[1]}"
    with silent, process("127.0.0.1:0", upstream) as running:
        port = listening_port(running)
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as client:
            client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: gw\r\n\r\n")
            with silent.accept()[0]:
                running.send_signal(signal.SIGTERM)
                assert next(lines(running.stderr)).startswith("stopping")
                running.send_signal(signal.SIGTERM)
                out, error = running.communicate(timeout=10)  # far less than it would wait
        assert running.returncode == 0, error
        assert json.loads(out)["outcome"] == "stopped"
        assert "Traceback" not in error


def test_warming_up_stops_when_it_is_told_to() -> None:
    asked: list[bool] = []

    def ended() -> bool:
        asked.append(len(asked) == 1)
        return asked[-1]

    shared_masker().warm_up(ended)
    assert asked == [False, True]


def test_an_address_that_cannot_be_used_is_told_with_its_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with process(f"127.0.0.1:{taken.getsockname()[1]}", "http://127.0.0.1:9") as running:
            _, error = running.communicate(timeout=SECONDS)
    assert running.returncode == 1
    assert "choose another with --listen" in error
    assert os.strerror(errno.EADDRINUSE) in error
    assert "Traceback" not in error


def test_limits_are_those_of_the_settings() -> None:
    async def script(answering: Answering) -> None:
        await answering.json({})

    async def test() -> None:
        async with lab(script, limits=Limits(body=len(BODY))) as one:
            assert (await one.request("POST", "/v1/messages", BODY)).status == 200
            assert (await one.request("POST", "/v1/messages", BODY + b" ")).status == 413

    run(test())
