"""verify: it finds what a broken gateway lets through, and is content with one that works."""

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from aws_masker import catalogue, gateway, masker
from aws_masker.cli import main
from aws_masker.edits import MaskedBody
from aws_masker.fake_api import FakeApi
from aws_masker.settings import Settings
from aws_masker.verify import Report, Unreachable, Verification
from aws_masker.verify.traffic import PLACES, Planted, example, examples, pairs

KEY = "00112233445566778899aabbccddeeff" * 2
EXAMPLES = [
    example("ec2-instance", "stop «i-0a1b2c3d4e5f60718» now"),
    example("arn", "arn:aws:iam::«481516234217»:role/«ledger-writer»"),
]

Change = Callable[[bytes], bytes]
Gateway = Callable[[str], Awaitable[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]]


def through(start: Gateway) -> Report:
    """Return what verify reports of a gateway; ``start`` takes the upstream's URL."""

    async def verify() -> Report:
        api = FakeApi(pieces=(40, 3))
        await api.start()
        url, stop = await start(api.url)
        try:
            return await Verification(url, api).run(EXAMPLES)
        finally:
            await stop()
            await api.stop()

    return asyncio.run(verify())


async def real_gateway(upstream: str) -> tuple[str, Callable[[], Coroutine[Any, Any, None]]]:
    running = await gateway.start(Settings(key=KEY, upstream=upstream, listen="127.0.0.1:0"))
    return running.url, running.stop


def broken_gateway(on_the_way_out: Change = bytes, on_the_way_in: Change = bytes) -> Gateway:
    """Return a gateway that masks nothing, and changes bodies as it is told."""

    async def start(upstream: str) -> tuple[str, Callable[[], Coroutine[Any, Any, None]]]:
        session = aiohttp.ClientSession()

        async def handle(request: web.Request) -> web.Response:
            body = on_the_way_out(await request.read())
            headers = {name: request.headers[name] for name in ("x-api-key", "anthropic-version", "content-type")}
            async with session.request(
                request.method, upstream + request.raw_path, data=body, headers=headers
            ) as answer:
                content = on_the_way_in(await answer.read())
                return web.Response(status=answer.status, body=content, content_type=answer.content_type)

        runner = web.ServerRunner(web.Server(handle))  # type: ignore[arg-type]
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()

        async def stop() -> None:
            await runner.cleanup()
            await session.close()

        return f"http://127.0.0.1:{site.port}", stop

    return start


def whats(report: Report) -> set[str]:
    return {problem.what for problem in report.problems}


# What it finds


def test_a_gateway_that_works_is_clean() -> None:
    report = through(real_gateway)
    assert report.problems == []
    assert report.clean
    assert set(report.strings) == {place.title for place in PLACES} | {"thinking, there and back"}


def test_a_gateway_that_masks_nothing_leaks_in_every_place() -> None:
    report = through(broken_gateway())
    assert not report.clean
    leaked = {problem.place for problem in report.problems if problem.what == "leaked"}
    assert leaked == {place.title for place in PLACES}


def test_one_identifier_of_many_is_enough() -> None:
    def hide(body: bytes) -> bytes:
        for original in (b"i-0a1b2c3d4e5f60718", b"481516234217"):
            body = body.replace(original, b"acct-x0123456789abcdef")
        return body

    families = {problem.family for problem in through(broken_gateway(hide)).problems if problem.what == "leaked"}
    assert "arn" in families
    places = {problem.place for problem in through(broken_gateway(hide)).problems if problem.family == "ec2-instance"}
    assert "prompt, in \\u escapes" in places


def test_a_gateway_that_does_not_restore_is_found() -> None:
    def hide(body: bytes) -> bytes:
        return body.replace(b"0a1b2c3d4e5f60718", b"x0123456789abcdef")

    assert "not restored" in whats(through(broken_gateway(hide)))


def test_a_gateway_that_changes_thinking_is_found() -> None:
    report = through(broken_gateway(on_the_way_in=lambda body: body.replace(b"I see stop", b"I saw stop")))
    assert "changed on its way to the client" in whats(report)


def test_a_gateway_that_changes_the_structure_is_found() -> None:
    def change(body: bytes) -> bytes:
        if not body:
            return body
        value: dict[str, Any] = json.loads(body)
        return json.dumps(value | {"added": True}).encode()

    assert "the request arrived with another structure than it was sent with" in whats(through(broken_gateway(change)))


def test_a_gateway_that_refuses_is_not_clean() -> None:
    report = through(broken_gateway(lambda _body: b"["))
    assert not report.clean
    assert any(what.startswith("answered 400: ") for what in whats(report))


def test_batch_results_that_lead_past_the_gateway_are_found() -> None:
    assert "results_url leads past the gateway" in whats(through(broken_gateway()))


def test_a_gateway_that_is_not_there_is_named() -> None:
    async def start(_upstream: str) -> tuple[str, Callable[[], Coroutine[Any, Any, None]]]:
        async def stop() -> None: ...

        return "http://127.0.0.1:9", stop

    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:9"):
        through(start)


def test_a_gateway_with_another_upstream_is_told_apart_before_any_identifier_is_sent() -> None:
    async def wait() -> list[bytes]:
        elsewhere, api = FakeApi(), FakeApi()
        await elsewhere.start()
        await api.start()
        url, stop = await real_gateway(elsewhere.url)
        try:
            with pytest.raises(Unreachable, match=f"reaches {api.url}; it answered 200: set its upstream"):
                await Verification(url, api).wait(0.0)
        finally:
            await stop()
            await api.stop()
            await elsewhere.stop()
        return [one.body for one in elsewhere.requests]

    (sent,) = asyncio.run(wait())
    assert json.loads(sent)["messages"] == [{"role": "user", "content": "hello"}]


# How it looks


def test_marks_of_an_example_are_its_identifiers() -> None:
    one = example("arn", "arn:aws:iam::«481516234217»:role/«ledger»")
    assert (one.text, one.originals) == ("arn:aws:iam::481516234217:role/ledger", ("481516234217", "ledger"))


@pytest.mark.parametrize(
    ("received", "leaked"),
    [
        ("stop i-x0123456789abcdef now", False),
        ("stop i-0a1b2c3d now", True),
        ("stop i-x0123456789abcdef now, that is i-0a1b2c3d", True),
        # Chance may put what looks like an original into a token.
        ("stop i-xi-0a1b2c3d now", True),
        ("stop name-x0a1b2c3d00000000 now", False),
    ],
)
def test_an_identifier_that_arrived_is_a_leak_and_a_token_is_none(received: str, *, leaked: bool) -> None:
    assert Planted.of(example("ec2-instance", "stop «i-0a1b2c3d» now")).leaked(received) is leaked


def test_what_an_example_says_beside_its_identifier_may_arrive() -> None:
    planted = Planted.of(example("made-up", "prod: «prod»"))
    assert not planted.leaked("prod: name-x0123456789abcdef")
    assert planted.leaked("prod: prod")


def test_strings_are_found_again_by_their_place() -> None:
    one, two = (Planted.of(each) for each in EXAMPLES)
    sent = {"a": [one, 5, {"b": two}], two: None}
    received = {"a": ["A", 5, {"b": "B"}], "C": None}
    assert [text for _, text in pairs(sent, received)] == ["A", "B", "C"]


@pytest.mark.parametrize("received", [{"a": []}, {"a": [1]}, {"a": ["A"], "b": 1}, [], {"a": "A"}])
def test_another_structure_is_an_error(received: object) -> None:
    with pytest.raises(ValueError, match="another structure"):
        list(pairs({"a": [Planted.of(EXAMPLES[0])]}, received))


def test_every_place_holds_every_example_once() -> None:
    for place in PLACES:
        planted = [planted for planted, _ in pairs(place.body(EXAMPLES), place.body(EXAMPLES))]
        assert [one.example for one in planted] == EXAMPLES, place.title


def test_every_place_is_sent_as_the_json_that_it_says() -> None:
    for place in PLACES:
        body = place.body(EXAMPLES)
        raw = place.raw(body)
        assert json.loads(raw) == body
        assert (b"i-0a1b2c3d4e5f60718" in raw) is not place.escapes


def test_families_that_are_not_to_be_masked_are_left_out() -> None:
    loaded = catalogue.load()
    families = {one.family for one in examples(loaded, {"secret": "allow", "ec2-instance": "block"})}
    assert families == {one.name for one in loaded.families if one.kind != "secret" and one.name != "ec2-instance"}
    back = examples(loaded, {"identifier": "allow", "ec2-instance": "mask"})
    assert "ec2-instance" in {one.family for one in back}


# The command


def test_the_shipped_gateway_is_clean_over_the_whole_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["verify"])
    out = capsys.readouterr().out
    assert code == 0, out
    assert f"clean: {len(catalogue.load().families)} families" in out


def test_an_inventory_of_the_persons_own_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_MASKER_INVENTORY", str(tmp_path / "sealed with another key"))
    monkeypatch.setattr("aws_masker.cli.verify.examples", lambda *_: EXAMPLES)
    assert main(["verify"]) == 0
    assert "clean" in capsys.readouterr().out


def test_what_a_policy_leaves_out_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    # All but the smallest kind are left out: what is looked at here is what the report says.
    families = catalogue.load().families
    sizes = {kind: sum(family.kind == kind for family in families) for kind in catalogue.KINDS}
    smallest = min((kind for kind in sizes if sizes[kind]), key=sizes.__getitem__)
    policy = {kind: "allow" for kind in sizes if kind != smallest}
    main(["verify", "--policy", ",".join(f"{kind}={choice}" for kind, choice in policy.items())])
    out = capsys.readouterr().out
    told = ", ".join(f"{kind}={choice}" for kind, choice in policy.items())
    assert f"{len(families) - sizes[smallest]} families are left out by the policy {told}" in out


def test_a_gateway_that_runs_already_is_verified_through_its_own_upstream(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aws_masker.cli.verify.examples", lambda *_: EXAMPLES)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    url, stop = asyncio.run_coroutine_threadsafe(real_gateway(f"http://{address}"), loop).result()
    try:
        code = main(["verify", "--gateway", f"{url}/", "--listen", address, "--header", "x-team: blue"])
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    told = capsys.readouterr()
    assert code == 0, told.out
    assert f"http://{address}: that has to be the upstream of {url}" in told.err
    assert "clean: 2 families, 2 examples in 16 places: nothing leaked, everything came back" in told.out


def test_a_gateway_that_leaks_is_reported_and_exits_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aws_masker.cli.verify.examples", lambda *_: EXAMPLES)
    monkeypatch.setattr(masker.Masker, "mask_body", lambda *_, **__: MaskedBody((), {}, {}))
    assert main(["verify"]) == 1
    out = capsys.readouterr().out
    assert "leaked: ec2-instance, 15 places: 'stop i-0a1b2c3d4e5f60718 now'" in out
    assert "LEAKED: 2 families, 2 examples in 16 places" in out
    assert "clean" not in out


def test_a_gateway_that_does_not_reach_the_fake_api_is_a_mistake_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--gateway", "http://127.0.0.1:9", "--wait", "0"]) == 2
    assert "set its upstream to that" in capsys.readouterr().err
