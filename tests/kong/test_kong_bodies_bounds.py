"""What the filter holds of bodies is bounded, what is left out is counted, and what it brings goes where it belongs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lupa.luajit21 import LuaRuntime
from stacks import wait_for
from standin.lua_filter import ROOT

from aws_masker.audit.bodies import files_of, find
from aws_masker.audit.record import AuditRecord
from aws_masker.edits import MaskedBody
from aws_masker.kong import bodies, exchange
from aws_masker.kong.bodies import Keepers, Place
from aws_masker.kong.exchange import Order
from aws_masker.kong.journal import Part
from aws_masker.limits import Limits
from aws_masker.settings import Settings

ROOM = 1 << 20
KEY = "7c0123456789abcdef0123456789abcdef0123456789abcdef5e1f9a0b3c4d77"

# The module of the filter over a queue that the test empties, a plugin server that it plays, and a clock that it sets.
PRELUDE = b"""
local answer = ...
local queued, seconds, room = {}, 0, 1000
kong = { log = { err = function() end } }
ngx = { now = function() return seconds end }
package.loaded["cjson.safe"] = { encode = function(record) return record end }
package.loaded["kong.tools.queue"] = { enqueue = function(_, bring, _, entry)
  queued[#queued + 1] = { bring = bring, entry = entry }
  return true
end }
package.loaded["kong.runloop.plugin_servers"] = { load_plugin = function()
  return true, { rpc = { call = function(_, _, argument) return answer(argument.Bodies[1]) end } }
end }
local bodies = require("kong.plugins.aws-masker-filter.bodies")
return {
  limit = function(most) room = most end,
  wait = function(more) seconds = seconds + more end,
  bring = function() return queued[1].bring(nil, { queued[1].entry }) == true and table.remove(queued, 1) ~= nil end,
  begin = function(place, cap, body)
    local ctx = { result = { bodies = place, record_body = cap, waiting_bytes = room } }
    bodies.sent(ctx, body)
    return ctx
  end,
  answered = function(ctx, piece) if ctx.kept then bodies.answered(ctx, piece) end end,
  log = function(ctx) bodies.log(ctx, "record") end,
}
"""


class Filter:
    """The filter's module. ``brought`` is what the plugin server got; where it is not ``there``, it gets nothing."""

    def __init__(self) -> None:
        lua = LuaRuntime(encoding=None, unpack_returned_tuples=True)
        lua.execute(b"package.path = ...", f"{ROOT}/?.lua".encode())
        self.brought: list[bytes] = []
        self.there = True
        self._lua = lua
        self._made = lua.execute(PRELUDE, self._take)

    def _take(self, entry: bytes) -> Any:
        if self.there:
            self.brought.append(entry)
            return self._lua.table()
        return None

    def __getattr__(self, name: str) -> Any:
        return self._made[name.encode()]

    def exchange(self, sent: bytes, *answered: bytes, place: bytes = b"here", cap: int = 100) -> None:
        """Have an exchange begin and end."""
        ctx = self.begin(place, cap, sent)
        for piece in answered:
            self.answered(ctx, piece)
        self.log(ctx)


@pytest.fixture
def held() -> Filter:
    return Filter()


def test_both_bodies_are_cut_and_their_lengths_told(held: Filter) -> None:
    held.exchange(b"x" * 9, b"ab", b"cd", b"", b"ef", cap=5)
    held.bring()
    assert held.brought == [b"here 0 9 6 5 record\nxxxxxabcde"]


def test_what_finds_no_room_is_left_out_and_the_next_of_the_same_place_says_how_many(held: Filter) -> None:
    held.limit(100)
    open_one = held.begin(b"here", 100, b"x" * 60)
    held.exchange(b"y" * 41)  # the request is too much
    held.exchange(b"y", b"z" * 40)  # the answer is
    held.log(open_one)
    held.exchange(b"other", place=b"there")
    held.bring()
    held.exchange(b"short")
    held.bring()
    held.bring()
    assert [one.split(b" ")[:2] for one in held.brought] == [[b"here", b"2"], [b"there", b"0"], [b"here", b"0"]]


def test_what_is_given_up_leaves_its_room_and_as_much_as_the_limit_is_held(held: Filter) -> None:
    held.limit(100)
    for _ in range(3):
        held.exchange(b"x" * 90, b"y" * 20)
    held.exchange(b"x" * 100)
    held.bring()
    assert [one.split(b" ")[:2] for one in held.brought] == [[b"here", b"3"]]


def test_what_waits_for_the_plugin_server_takes_its_room(held: Filter) -> None:
    held.limit(200)
    for _ in range(3):
        held.exchange(b"x" * 60, b"y" * 60)
    held.bring()
    held.exchange(b"z")
    held.bring()
    assert [one.split(b" ")[1] for one in held.brought] == [b"0", b"2"]


def test_there_is_room_again_when_the_plugin_server_has_taken_them(held: Filter) -> None:
    held.limit(200)
    for _ in range(50):
        held.exchange(b"x" * 60, b"y" * 60)
        held.bring()
    assert [one.split(b" ")[1] for one in held.brought] == [b"0"] * 50


def test_a_plugin_server_that_is_not_there_is_waited_for_and_not_for_ever(held: Filter) -> None:
    held.exchange(b"first")
    held.there = False
    assert not held.bring()
    held.wait(119)
    assert not held.bring()
    held.there = True
    assert held.bring()
    held.there = False
    held.exchange(b"second")
    assert not held.bring()
    held.wait(121)
    assert held.bring()
    held.there = True
    held.exchange(b"third")
    held.bring()
    assert [one.split(b" ")[1] for one in held.brought] == [b"0", b"1"]


def test_without_the_setting_the_filter_keeps_nothing(held: Filter) -> None:
    ctx = held.begin(b"here", None, b"x")
    assert ctx[b"kept"] is None
    message = exchange.forward(b"", MaskedBody((), {}, {}), Order(), Part())
    assert b"record_body" not in message
    assert bodies.keeping(Settings(key=KEY)) is None


def test_the_filter_is_told_how_much_is_kept_and_where() -> None:
    settings = Settings(
        key=KEY, record_bodies="masked", bodies="/a b/c", limits=Limits(recorded_body=7, waiting_bytes=9)
    )
    told = bodies.keeping(settings)
    message = exchange.forward(b"", MaskedBody((), {}, {}), Order(keeping=told, limits=settings.limits), Part())
    lua = LuaRuntime(encoding=None, unpack_returned_tuples=True)
    lua.execute(b"package.path = ...", f"{ROOT}/?.lua".encode())
    read = lua.execute(b'return require("kong.plugins.aws-masker-filter.exchange").decode(...)', message)
    assert read[b"record_body"] == 7
    assert Place.read(read[b"bodies"].decode()) == Place("/a b/c", 256 << 20, 7 * 86400, 9)
    assert read[b"waiting_bytes"] == 9


@pytest.mark.parametrize("folder", ["/a b", "/ä:%20\n", "/\udcff"])
def test_a_place_is_one_word_and_read_back(folder: str) -> None:
    place = Place(folder, 5, 6, 7)
    assert len(str(place).split()) == 1
    assert Place.read(str(place)) == place


def entry(place: Place, number: int, lost: int = 0) -> str:
    """Return what the filter brings, as MessagePack gives it to Python."""
    record = AuditRecord(time="2026-03-01T12:00:00.250+00:00", request_id=f"{number:032x}", host="kong", outcome="ok")
    data = f"{place} {lost} 4 2 4 {record.json()}\n".encode() + b"s\xff\x00tok"
    return data.decode("utf-8", "surrogateescape")


class TestKeepers:
    """Where bodies go that the filter brings."""

    @pytest.fixture
    def told(self) -> list[str]:
        return []

    @pytest.fixture
    def keepers(self, told: list[str]) -> Iterator[Keepers]:
        keepers = Keepers(told.append)
        yield keepers
        for writer in keepers.writers():
            writer.close(1)

    def test_each_goes_to_its_own_folder(self, keepers: Keepers, tmp_path: Path) -> None:
        places = [Place(str(tmp_path / name), 1 << 20, 60, ROOM) for name in ("one", "other")]
        keepers.take([entry(places[0], 1), entry(places[1], 2), entry(places[0], 3)])
        wait_for(lambda: sum(writer.written for writer in keepers.writers()) == 3)
        assert [len(files_of(Path(place.folder))) for place in places] == [2, 1]
        stored = find(tmp_path / "other", f"{2:032x}")
        assert (stored.sent, stored.answered, stored.sent_length) == (b"s\xff\x00t", b"ok", 4)

    def test_what_was_left_out_on_the_way_counts_as_dropped(self, keepers: Keepers, tmp_path: Path) -> None:
        keepers.take([entry(Place(str(tmp_path), 1 << 20, 60, ROOM), 1, lost=3)])
        (writer,) = keepers.writers()
        assert writer.dropped == 3

    @pytest.mark.parametrize(
        "damaged", ["", "x", "1:1:1:/x 0 1 1 1 {}\nab", "1:1:/x 0 1 1 1 \n", "i-0a1b2c3d4e5f60718 0"]
    )
    def test_what_cannot_be_read_is_told_without_a_value_and_the_rest_is_taken(
        self, keepers: Keepers, told: list[str], tmp_path: Path, damaged: str
    ) -> None:
        keepers.take([damaged, entry(Place(str(tmp_path), 1 << 20, 60, ROOM), 1)])
        wait_for(lambda: files_of(tmp_path))
        assert len(told) == 1
        assert "i-0a" not in told[0]

    def test_there_are_no_more_folders_than_allowed(self, keepers: Keepers, told: list[str], tmp_path: Path) -> None:
        keepers.most = 3
        for number in range(4):
            keepers.take([entry(Place(str(tmp_path / f"{number}"), 1 << 20, 60, ROOM), number)])
        assert len(keepers.writers()) == 3
        (one,) = told
        assert "raise --configurations" in one
