"""The page's server over HTTP: what it gives, to whom, and how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from aws_masker.audit.bodies import BodyFolder, document_of, files_of, kept_of
from aws_masker.errors import SettingsError
from aws_masker.page import PageServer, Ring, server
from aws_masker.settings import Settings
from gateway_lab import KEY, Answering, lab, message, run, until
from page_parts import MARKUP, bodies, masked, record

INSTANCE = "i-0a1b2c3d4e5f60718"


async def _ok(answering: Answering) -> None:
    await answering.json({"content": []})


@asynccontextmanager
async def _page(
    ring: Ring, folder: Path | None = None, most: int = 16
) -> AsyncIterator[tuple[PageServer, ClientSession]]:
    page = PageServer(ring, "a test", partial(kept_of, folder) if folder else None, most)
    await page.start("127.0.0.1:0")
    try:
        async with ClientSession(page.url) as client:
            yield page, client
    finally:
        await page.stop()


async def _events(client: ClientSession, count: int, **headers: str) -> list[tuple[str, str, Any]]:
    """Return the first events of the stream, as id, kind and data."""
    found: list[tuple[str, str, Any]] = []
    fields: dict[str, str] = {}
    async with client.get("events", headers=headers) as answer:
        assert answer.content_type == "text/event-stream"
        async for line in answer.content:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "event" in fields:
                found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
                fields = {}
                if len(found) == count:
                    break
    return found


def test_the_page_and_its_files_come_from_here_alone() -> None:
    async def test() -> None:
        async with _page(Ring()) as (_, client):
            kinds = {}
            for path in server.FILES:
                async with client.get(path) as answer:
                    assert answer.status == 200
                    kinds[path] = answer.content_type
                    text = await answer.text()
                    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
                    policy = answer.headers["Content-Security-Policy"]
                    assert policy.startswith("default-src 'none'; ")
                    assert "unsafe" not in policy
                    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
                    assert "Set-Cookie" not in answer.headers
                    assert answer.headers["Cache-Control"] == "no-store"
            assert kinds == {
                "/": "text/html",
                "/page.css": "text/css",
                "/page.js": "text/javascript",
                "/icon.svg": "image/svg+xml",
            }

    run(test())


@pytest.mark.parametrize(
    "path", ["bodies/x", "bodies/", "nothing", "static/index.html", "%2e%2e/server.py", "bodies/-1"]
)
def test_there_is_nothing_else(path: str) -> None:
    async def test() -> None:
        async with _page(Ring()) as (_, client), client.get(path) as answer:
            assert answer.status == 404
            assert "Content-Security-Policy" in answer.headers

    run(test())


def test_a_name_that_leads_here_is_refused_at_every_path() -> None:
    async def test() -> None:
        ring = Ring()
        ring(record(), bodies("hello"))
        async with _page(ring) as (_, client):
            for path in ("", "events", "bodies/1", "page.js"):
                async with client.get(path, headers={"Host": "evil.example"}) as answer:
                    assert answer.status == 421
                    assert "hello" not in await answer.text()
                async with client.post(path, data=b"x") as answer:
                    assert answer.status == 405

    run(test())


def test_records_come_as_they_are_published_and_those_before_first() -> None:
    async def test() -> None:
        ring = Ring()
        earlier, later = record(status=200), record(status=413, outcome="refused", reason="too_large")
        ring(earlier)
        async with _page(ring) as (page, client):
            reading = asyncio.create_task(_events(client, 3))
            await until(lambda: page.viewers)
            await asyncio.to_thread(ring, later, bodies("hello"))
            hello, first, second = await reading
        assert hello[1:] == ("hello", {"ring": ring.name, "keeps": 200, "source": "a test", "schema": 1})
        assert first == (
            f"{ring.name}-1",
            "record",
            {"number": 1, "bodies": False, "record": json.loads(earlier.json())},
        )
        assert second == (f"{ring.name}-2", "record", {"number": 2, "bodies": True, "record": json.loads(later.json())})

    run(test())


def test_who_comes_back_gets_what_was_missed_and_after_a_restart_everything() -> None:
    async def test() -> None:
        ring = Ring()
        for _ in range(3):
            ring(record())
        async with _page(ring) as (_, client):
            missed = await _events(client, 2, **{"Last-Event-ID": f"{ring.name}-2"})
            assert [data.get("number") for _, _, data in missed] == [None, 3]
            for other in ("another-2", f"{ring.name}-x", ""):
                everything = await _events(client, 4, **{"Last-Event-ID": other})
                assert [data.get("number") for _, _, data in everything] == [None, 1, 2, 3]

    run(test())


def test_bodies_come_in_pieces_with_what_was_cut_off() -> None:
    async def test() -> None:
        ring = Ring()
        ring(record(), bodies(masked(f"stop {INSTANCE} {MARKUP}"), "done"))
        ring(record())
        async with _page(ring) as (_, client):
            async with client.get("bodies/1") as answer:
                shown = await answer.json()
            async with client.get("bodies/2") as answer:
                assert answer.status == 404
        assert [label for _, label in shown["sent"]["pieces"] if label] == ["i"]
        assert shown["answered"]["pieces"] == [["text: done", ""]]
        assert shown["sent"]["length"] == shown["sent"]["shown"] > 0
        assert INSTANCE not in json.dumps(shown)

    run(test())


def test_bodies_that_are_kept_in_a_folder_are_read_when_they_are_asked_for(tmp_path: Path) -> None:
    async def test() -> None:
        ring = Ring()
        kept, not_yet, refused = record(), record(), record(outcome="refused", reason="too_large", status=413)
        for one in (kept, not_yet, refused):
            ring(one)
        async with _page(ring, tmp_path) as (_, client):
            events = await _events(client, 4)
            assert [data["bodies"] for _, kind, data in events if kind == "record"] == [True, True, False]
            BodyFolder(tmp_path, 1 << 20, 60).write([document_of(kept, bodies(masked(f"stop {INSTANCE}")))])
            async with client.get("bodies/1") as answer:
                shown = await answer.json()
            for number in (2, 3, 4):
                async with client.get(f"bodies/{number}") as answer:
                    assert answer.status == 404
        assert [label for _, label in shown["sent"]["pieces"] if label] == ["i"]

    run(test())


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    async def test() -> None:
        ring, kept = Ring(), record()
        ring(kept)
        BodyFolder(tmp_path, 1 << 20, 60).write([document_of(kept, bodies("x"))])
        for path in files_of(tmp_path):
            path.write_text('{"sent": {')
        async with _page(ring, tmp_path) as (_, client), client.get("bodies/1") as answer:
            assert answer.status == 404

    run(test())


def test_only_so_many_may_watch() -> None:
    async def test() -> None:
        async with _page(Ring(), most=2) as (page, client), client.get("events"), client.get("events") as second:
            await until(lambda: page.viewers == 2)
            async with client.get("events") as answer:
                assert answer.status == 503
                assert "limits.page_viewers" in await answer.text()
            second.close()
            await until(lambda: page.viewers == 1)
            async with client.get("events") as answer:
                assert answer.status == 200

    run(test())


def test_trouble_with_the_source_is_told_and_its_end_too() -> None:
    async def test() -> None:
        async with _page(Ring()) as (page, client):
            page.tell("Redis does not answer")
            reading = asyncio.create_task(_events(client, 3))
            await until(lambda: page.viewers)
            page.tell("")
            told = await reading
        assert [data for _, kind, data in told if kind == "source"][-1] == {"trouble": ""}

    run(test())


def test_to_stop_ends_the_streams() -> None:
    async def test() -> None:
        async with _page(Ring()) as (page, client):
            async with client.get("events") as answer:
                await until(lambda: page.viewers)
                await page.stop()
                assert await answer.content.read()
            assert page.viewers == 0

    run(test())


def test_a_gateway_with_a_page_shows_its_requests_there_and_no_original() -> None:
    async def test() -> None:
        async with lab(_ok, page="127.0.0.1:0") as up:
            assert up.gateway.page is not None
            assert (await up.post(message(f"stop {INSTANCE}"))).status == 200
            async with ClientSession(up.gateway.page.url) as client:
                _, (_, _, shown) = await _events(client, 2)
        assert shown["record"]["families"] == {"ec2-instance": 1}
        assert INSTANCE not in json.dumps(shown)

    run(test())


@pytest.mark.parametrize("address", ["0.0.0.0:8083", "[::]:8083", "192.168.7.3:8083", "gateway.example:8083"])
def test_an_address_that_others_can_reach_needs_a_reason(address: str) -> None:
    with pytest.raises(SettingsError, match="page_open"):
        Settings(key=KEY, page=address)
    assert Settings(key=KEY, page=address, page_open="published on loopback only").page == address
    with pytest.raises(SettingsError, match="page_open"):
        Settings(key=KEY, page=address, page_open="because")


def test_a_page_is_off_unless_it_is_asked_for() -> None:
    async def test() -> None:
        async with lab(_ok) as up:
            assert up.gateway.page is None

    run(test())


def test_an_address_that_is_taken_is_an_error_with_a_remedy() -> None:
    async def test() -> None:
        async with _page(Ring()) as (page, _):
            address = page.url.removeprefix("http://").rstrip("/")
            with pytest.raises(SettingsError, match="choose another HOST:PORT"):
                await PageServer(Ring(), "a test").start(address)

    run(test())
