"""The filter by itself, under LuaJIT, in situations that a whole stack does not get into."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

import pytest
from standin.lua_filter import Exchange, LuaError, LuaFilter

from aws_masker.edits import Edit, MaskedBody
from aws_masker.kong import exchange
from aws_masker.kong.journal import Part
from aws_masker.limits import Limits

TOKEN = "i-x0000000000000001"
RAW = b'{"a": "i-0a1b2c3d4e5f60718"}'
MASKED = MaskedBody((Edit(7, 19, TOKEN.encode()),), {TOKEN: "i-0a1b2c3d4e5f60718"}, {"ec2-instance": 1})
DEAD_END = ("127.0.0.1", 9)


@pytest.fixture(scope="module")
def lua() -> LuaFilter:
    return LuaFilter()


def _request(lua: LuaFilter, message: bytes, body: bytes = RAW, headers: Mapping[str, str] | None = None) -> Exchange:
    """Return a request after the filter's access phase; Python has pointed it at the dead end."""
    log: list[str] = []
    made = Exchange(
        "POST", "/v1/messages", {"accept-encoding": "gzip", **(headers or {})}, body, "https", "api.example", 443,
        log.append, lua.table(), lua.table(),
    )  # fmt: skip
    made.host, made.port = DEAD_END
    for key, piece in exchange.pieces(message):
        made.shared[key.encode()] = piece
    lua.run("access", made)
    return made


def _plugin(request: Exchange) -> dict[str, Any]:
    return {key.decode(): value for key, value in request.plugin.items()}


LIMIT = len(RAW)


def _arrived(lua: LuaFilter, headers: dict[str, str], body: bytes = RAW) -> Exchange:
    """Return a request that no plugin has seen yet."""
    log: list[str] = []
    return Exchange(
        "POST", "/v1/messages?beta=true", headers, body, "https", "api.example", 443, log.append,
        lua.table(), lua.table(), consumer={"id": "c-1", "username": "ann"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({}, {"types": {}, "codings": {}}),
        (
            {"content-type": "application/json", "content-length": str(LIMIT)},
            {"types": ["application/json"], "codings": {}, "length": str(LIMIT)},
        ),
        (
            {"content-type": "text/plain\napplication/json", "content-encoding": "identity\ngzip"},
            {"types": ["text/plain", "application/json"], "codings": ["identity", "gzip"]},
        ),
    ],
    ids=["no fields", "fields", "fields more than once"],
)
def test_what_the_plugin_asks_for_comes_at_once(
    lua: LuaFilter, headers: dict[str, str], fields: dict[str, Any]
) -> None:
    request = _arrived(lua, headers, RAW + b"\xff")
    taken = lua.call("take", request, [DEAD_END[0].encode(), DEAD_END[1], LIMIT, 10])
    assert taken == {"path": "/v1/messages", "consumer": "c-1", "body": RAW + b"\xff", "crowded": False, **fields}
    assert (request.host, request.port) == DEAD_END


def test_a_body_that_is_declared_longer_than_the_limit_is_not_read(lua: LuaFilter) -> None:
    taken = lua.call(
        "take", _arrived(lua, {"content-length": str(LIMIT + 1)}), [DEAD_END[0].encode(), DEAD_END[1], LIMIT, 10]
    )
    assert "body" not in taken
    assert taken["length"] == str(LIMIT + 1)


def test_of_a_request_with_more_header_fields_than_the_limit_only_that_is_told(lua: LuaFilter) -> None:
    fields = {f"x-{number}": "x" for number in range(3)}
    for most, crowded in ((3, False), (2, True)):
        request = _arrived(lua, fields)
        taken = lua.call("take", request, [DEAD_END[0].encode(), DEAD_END[1], LIMIT, most])
        assert (taken["crowded"], "body" in taken) == (crowded, not crowded)
        assert (request.host, request.port) == DEAD_END


def test_so_many_records_wait_for_the_plugin_server_as_the_limit_says() -> None:
    lua = LuaFilter()
    brought: list[str] = []
    order = exchange.Order(limits=Limits(waiting_records=3))
    part = Part(audit="a")
    first = _request(lua, exchange.forward(RAW, MASKED, order, part))
    for number in range(5):
        request = first if number == 0 else _request(lua, exchange.forward(RAW, MASKED, order, part))
        request.request_id = b"%032x" % number
        lua.run("log", request)

    def take(_method: str, argument: Any) -> list[str]:
        brought.extend(argument["Records"])
        return []

    first.rpc = take
    (later,) = first.timers
    lua.run_later(first, later[1])
    assert [json.loads(entry.partition(" ")[2])["request_id"] for entry in brought] == [f"{n:032x}" for n in (2, 3, 4)]


def test_edits_are_made_and_the_request_is_pointed_back(lua: LuaFilter) -> None:
    request = _request(lua, exchange.forward(RAW, MASKED, exchange.Order(), Part()))
    assert request.body == MASKED.apply(RAW)
    assert (request.host, request.port, request.upstream_host) == ("api.example", 443, "api.example:443")
    assert "accept-encoding" not in request.headers
    assert list(request.shared.items()) == []


def test_what_is_nobodys_but_the_houses_stays_here(lua: LuaFilter) -> None:
    fields = {
        "upgrade": "h2c",
        "x-forwarded-for": "10.1.2.3",
        "x-envoy-peer": "a",
        "digest": "sha-256=x",
        "x-app": "cli",
    }
    request = _request(lua, exchange.forward(RAW, MASKED, exchange.Order(), Part()), headers=fields)
    assert request.headers == {"x-app": "cli"}
    assert set(request.forwarded.values()) == {""}


@pytest.mark.parametrize("body", [RAW + b" ", RAW.replace(b"0a1b", b"0a1c")], ids=["other length", "other bytes"])
def test_a_body_that_another_plugin_changed_is_refused(lua: LuaFilter, body: bytes) -> None:
    request = _request(lua, exchange.forward(RAW, MASKED, exchange.Order(), Part()), body)
    assert (request.status, request.host) == (503, "127.0.0.1")
    assert request.answer_headers["retry-after"] == "2"


def test_a_result_of_another_version_is_refused(lua: LuaFilter) -> None:
    message = exchange.forward(RAW, MASKED, exchange.Order(), Part()).replace(b"7:version,1:2,", b"7:version,1:1,")
    request = _request(lua, message)
    assert (request.status, request.host) == (503, "127.0.0.1")


@pytest.mark.parametrize(
    "edits",
    [((7, len(RAW)),), ((len(RAW) + 1, 0),), ((7, 19), (8, 2)), ((7, 19), (0, 2))],
    ids=["too long", "too far", "upon each other", "descending"],
)
def test_edits_that_do_not_fit_the_body_forward_nothing(lua: LuaFilter, edits: tuple[tuple[int, int], ...]) -> None:
    made = tuple(Edit(offset, length, TOKEN.encode()) for offset, length in edits)
    masked = MaskedBody(made, MASKED.dictionary, {})
    request = _request(lua, exchange.forward(RAW, masked, exchange.Order(), Part()))
    assert (request.status, request.host, request.body) == (503, "127.0.0.1", RAW)


@pytest.mark.parametrize("line", [b"7 19 2 t", b"7 19 1 z", b"7 19 1 1", b"7 19 t 1"])
def test_an_edit_that_cannot_be_read_forwards_nothing(lua: LuaFilter, line: bytes) -> None:
    message = exchange.forward(RAW, MASKED, exchange.Order(), Part())
    assert b"7 19 1 t" in message
    request = _request(lua, message.replace(b"7 19 1 t", line))
    assert (request.status, request.host, request.body) == (503, "127.0.0.1", RAW)


def _delta(index: int) -> bytes:
    return b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":"i"}}\n\n' % index


def _answered(request: Exchange, **headers: str) -> None:
    """Let the service answer with these header fields."""
    request.source, request.status = "service", 200
    request.answer_headers = {name.replace("_", "-"): value for name, value in headers.items()}


def test_an_answer_of_as_many_bytes_as_allowed_passes_and_one_of_more_is_broken_off(lua: LuaFilter) -> None:
    order = exchange.Order(limits=Limits(answer=10))
    request = _request(lua, exchange.forward(RAW, MASKED, order, Part()))
    _answered(request, content_type="text/plain")
    lua.run("header_filter", request)
    assert [lua.run("body_filter", request, piece)[0] for piece in (b"12345 ", b"789 ")] == [b"12345 ", b"789 "]
    with pytest.raises(LuaError, match=r"larger than limits\.answer"):
        lua.run("body_filter", request, b"1")


@pytest.mark.parametrize("restore", [True, False])
def test_an_answer_is_restored_where_that_is_wanted(lua: LuaFilter, *, restore: bool) -> None:
    request = _request(lua, exchange.forward(RAW, MASKED, exchange.Order(restore=restore), Part()))
    _answered(request, content_type="text/plain", content_length="19")
    lua.run("header_filter", request)
    assert ("content-length" in request.answer_headers) != restore
    out = lua.run("body_filter", request, TOKEN.encode(), eof=True)
    assert out == (MASKED.dictionary[TOKEN].encode() if restore else TOKEN.encode(), True)


def test_an_answer_in_place_of_the_services_ends_with_its_first_piece(lua: LuaFilter) -> None:
    request = _request(lua, exchange.forward(RAW, MASKED, exchange.Order(), Part()))
    _answered(request, content_type="text/plain", content_encoding="gzip")
    lua.run("header_filter", request)
    assert (request.status, "content-encoding" in request.answer_headers) == (502, False)
    told, ended = lua.run("body_filter", request, b"\x1f\x8b")
    assert (json.loads(told)["type"], ended) == ("error", True)
    assert request.answer_headers["content-length"] == str(len(told))
    assert lua.run("body_filter", request, b"more") == (b"", True)


@pytest.mark.parametrize(("body", "status"), [(b"", 307), (RAW, 502)], ids=["none", "one"])
def test_a_redirect_elsewhere_is_for_requests_without_a_body(lua: LuaFilter, body: bytes, status: int) -> None:
    masked = MASKED if body else MaskedBody((), {}, {})
    request = _request(lua, exchange.forward(body, masked, exchange.Order(), Part()), body)
    _answered(request, location="https://elsewhere.example/")
    request.status = 307
    lua.run("header_filter", request)
    assert (request.status, "location" in request.answer_headers) == (status, not body)


@pytest.mark.parametrize(
    ("limit", "answer"),
    [
        ("event", b"data: " + b"x" * 100),
        ("lines", b"x\n" * 4),
        ("texts", b"".join(_delta(index) for index in range(4))),
    ],
)
def test_an_answer_that_would_have_to_be_held_beyond_a_limit_is_broken_off(
    lua: LuaFilter, limit: str, answer: bytes
) -> None:
    order = exchange.Order(limits=Limits(event=100, lines=3, texts=3))
    request = _request(lua, exchange.forward(RAW, MASKED, order, Part()))
    _answered(request, content_type="text/event-stream")
    lua.run("header_filter", request)
    with pytest.raises(LuaError, match=rf"raise limits\.{limit}$"):
        lua.run("body_filter", request, answer)


def test_a_body_of_as_many_bytes_as_allowed_is_read(lua: LuaFilter) -> None:
    taken = lua.call(
        "take", _arrived(lua, {"content-length": str(LIMIT)}), [DEAD_END[0].encode(), DEAD_END[1], LIMIT, 10]
    )
    assert taken["body"] == RAW


def test_an_error_in_a_phase_is_no_answer(lua: LuaFilter) -> None:
    """A restorer that fails ends the answer: Kong breaks off the connection."""
    request = _request(lua, exchange.forward(RAW, MASKED, exchange.Order(), Part()))
    request.source, request.status = "service", 200
    request.answer_headers = {"content-type": "text/event-stream"}
    lua.run("header_filter", request)
    with pytest.raises(Exception, match="so it cannot be restored"):
        lua.run("body_filter", request, b"data: " + b"x" * (80 << 20))


@pytest.mark.parametrize(("status", "method"), [(204, "POST"), (304, "POST"), (200, "HEAD")])
def test_an_answer_without_a_body_keeps_its_length(lua: LuaFilter, status: int, method: str) -> None:
    request = _request(lua, exchange.forward(RAW, MASKED, exchange.Order(), Part()))
    request.source, request.status, request.method = "service", status, method
    request.answer_headers = {"content-type": "application/json", "content-length": "5"}
    lua.run("header_filter", request)
    assert request.answer_headers["content-length"] == "5"


def test_an_answer_of_kong_itself_stays_as_it_is(lua: LuaFilter) -> None:
    request = _request(lua, exchange.forward(RAW, MASKED, exchange.Order(), Part()))
    request.source, request.status = "error", 502
    request.answer_headers = {"content-length": "5"}
    lua.run("header_filter", request)
    assert request.answer_headers == {"content-length": "5"}
    assert lua.run("body_filter", request, TOKEN.encode(), eof=True) == (TOKEN.encode(), True)


def test_the_check_of_the_body_is_crc_32() -> None:
    assert b"10:body_crc32,%d:%d," % (len(str(zlib.crc32(RAW))), zlib.crc32(RAW)) in exchange.forward(
        RAW, MASKED, exchange.Order(), Part()
    )


def test_the_shape_of_every_refusal_is_the_apis(lua: LuaFilter) -> None:
    request = _request(lua, b"junk")
    assert request.exited is not None
    assert request.exited.startswith(b'{"type": "error", "error": {"type": "api_error", "message": "aws-masker: ')
