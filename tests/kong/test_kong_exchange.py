"""What Python writes for the filter, Lua reads: both real, and compared with edits made in Python."""

import json
import random
import subprocess
import sys
import zlib
from typing import Any

import pytest
from lupa.luajit21 import LuaRuntime
from standin.lua_filter import ROOT

from aws_masker.edits import Edit, MaskedBody
from aws_masker.errors import InvalidBody, VaultRequired
from aws_masker.kong import exchange
from aws_masker.kong.exchange import Order
from aws_masker.kong.journal import Part

TOKENS = [f"i-x{n:016d}" for n in range(20)]


@pytest.fixture(scope="module")
def lua() -> Any:
    """Return a function that runs Lua source with ``exchange`` and ``edits`` loaded; all strings are bytes."""
    runtime = LuaRuntime(encoding=None, unpack_returned_tuples=True)
    runtime.execute(b"package.path = ...", f"{ROOT}/?.lua".encode())
    prelude = (
        b'local exchange = require("kong.plugins.aws-masker-filter.exchange")\n'
        b'local edits = require("kong.plugins.aws-masker-filter.edits")\n'
    )
    return lambda source, *arguments: runtime.execute(prelude + source.encode(), *arguments)


APPLY = """
local message, body = ...
local result, err = exchange.decode(message)
if not result then return nil, err end
return edits.apply(body, result.edits, result.tokens)
"""


def _random_body(chance: random.Random) -> tuple[bytes, MaskedBody]:
    raw = chance.randbytes(chance.randrange(1, 400))
    cuts = sorted(chance.sample(range(len(raw) + 1), min(len(raw) + 1, 2 * chance.randrange(5))))
    edits = []
    dictionary: dict[str, str] = {}
    for low, high in zip(cuts[::2], cuts[1::2], strict=False):
        token = chance.choice(TOKENS)
        dictionary[token] = chance.choice(["plain", "\ud800 lone", 'quote " , 5:x,', "", "é\n"])
        form = chance.choice([token, f'"{token}"'])
        edits.append(Edit(low, high - low, form.encode()))
    return raw, MaskedBody(tuple(edits), dictionary, {"a-family": len(edits)})


def test_lua_makes_the_same_edits_as_python(lua: Any) -> None:
    chance = random.Random(1)  # noqa: S311 - repeatable
    for _ in range(300):
        raw, masked = _random_body(chance)
        made, number = lua(APPLY, exchange.forward(raw, masked, Order(), Part()), raw)
        assert made == masked.apply(raw)
        assert number == len(masked.edits)


def test_lua_reads_the_dictionary_byte_for_byte(lua: Any) -> None:
    dictionary = {TOKENS[0]: '\ud800 "x" 3:abc,\n', TOKENS[1]: ""}
    message = exchange.forward(b"", MaskedBody((), dictionary, {}), Order(), Part())
    read = lua("return exchange.decode(...).dictionary", message)
    assert dict(read.items()) == {
        token.encode(): original.encode("utf-8", "surrogatepass") for token, original in dictionary.items()
    }


def test_lua_reads_the_other_fields(lua: Any) -> None:
    upstream = exchange.Upstream.of("https://api.example")
    masked = MaskedBody((), {}, {"ec2-instance": 3, "s3-bucket": 1}, opaque=2)
    part = Part(audit="7", masked=masked)
    result = lua(
        "return exchange.decode(...)", exchange.forward(b"abc", masked, Order(restore=False, upstream=upstream), part)
    )
    assert (result[b"body_length"], result[b"body_crc32"], result[b"audit"]) == (3, 0x352441C2, b"7")
    assert result[b"restore"] is False
    assert json.loads(result[b"part"])["families"] == {"ec2-instance": 3, "s3-bucket": 1}
    assert (result[b"upstream_scheme"], result[b"upstream_host"], result[b"upstream_port"]) == (
        b"https",
        b"api.example",
        443,
    )


@pytest.mark.parametrize(("error", "retry_after"), [(InvalidBody("no"), None), (VaultRequired("no"), 2)])
def test_lua_reads_refusals(lua: Any, error: InvalidBody | VaultRequired, retry_after: int | None) -> None:
    result = lua("return exchange.decode(...)", exchange.refuse(error, Part(audit="1")))
    assert (result[b"outcome"], result[b"status"], result[b"error"]) == (b"refuse", error.status, error.body())
    assert result[b"retry_after"] == retry_after


def test_a_message_that_is_cut_or_damaged_anywhere_is_never_taken_for_another(lua: Any) -> None:
    raw = b"stop i-0a1b2c3d4e5f60718 now"
    masked = MaskedBody((Edit(5, 19, TOKENS[0].encode()),), {TOKENS[0]: "i-0a1b2c3d4e5f60718"}, {"a": 1})
    message = exchange.forward(raw, masked, Order(), Part())
    assert lua("return exchange.decode(...)", message)[b"outcome"] == b"forward"
    for end in range(len(message)):
        assert lua("return exchange.decode(...)", message[:end]) == (None, b"it is cut")
    for more in (b"7", b"1:x,", b",", message):
        assert lua("return exchange.decode(...)", message + more) == (None, b"it is cut")
    for at in range(len(message)):
        damaged = message[:at] + b"\0" + message[at + 1 :]
        made = lua(APPLY, damaged, raw)[0]
        assert made is None or b"i-0a1b2c3d4e5f60718" not in made


@pytest.mark.parametrize(("more", "reads"), [(b"", True), (b"3:odd,", False), (b"3:odd,4:even,", True)])
def test_a_name_without_a_value_is_damage(lua: Any, more: bytes, *, reads: bool) -> None:
    pairs = b"7:version,1:2,7:outcome,7:forward,5:edits,0:,11:body_length,1:0,10:body_crc32,1:0," + more
    decoded = lua("return exchange.decode(...)", b"%d:%b," % (len(pairs), pairs))
    assert (decoded[b"outcome"] == b"forward") if reads else (decoded == (None, b"a field is damaged"))


@pytest.mark.parametrize(
    "edits",
    [
        *("0 99 1 t\n", "5 1 1 t\n4 1 1 t\n", "0 1 9 t\n", "0 1 1 x\n", "0 1 1 t", "junk\n"),
        *("0 1 1 t\n5", "0  1 1 t\n", "  1 t\n"),
    ],
)
def test_edits_that_do_not_fit_are_an_error(lua: Any, edits: str) -> None:
    made, why = lua("return edits.apply('0123456789', ..., {'token'})", edits.encode())
    assert made is None
    assert b"edit" in why


def test_pieces_are_small_and_taken_out_of_what_plugins_share(lua: Any) -> None:
    message = exchange.forward(b"", MaskedBody((), {TOKENS[0]: "x" * 200_000}, {}), Order(), Part())
    pieces = dict(exchange.pieces(message))
    assert max(map(len, pieces.values())) <= exchange.PIECE
    assert list(pieces)[-1] == "aws_masker_1"
    shared = lua("return {}")
    for key, piece in pieces.items():
        shared[key.encode()] = piece
    assert lua("return exchange.take(...)", shared) == message
    assert len(list(shared.items())) == 0


def test_a_replacement_that_is_no_token_is_an_error() -> None:
    with pytest.raises(KeyError):
        exchange.forward(b"abc", MaskedBody((Edit(0, 1, b"zzz"),), {TOKENS[0]: "a"}, {}), Order(), Part())


def test_an_upstream_with_a_path_is_an_error() -> None:
    with pytest.raises(ValueError, match="path"):
        exchange.Upstream.of("https://api.example/v1")


def test_the_dump_is_what_kong_reads() -> None:
    command = [sys.executable, "-m", "aws_masker.kong.server", "--dump"]
    (info,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert (info["Name"], info["Phases"]) == ("aws-masker", ["access"])
    handler = (ROOT / "kong/plugins/aws-masker-filter/handler.lua").read_text()
    assert f"PRIORITY = {info['Priority'] - 10}," in handler


def test_the_filters_checksum_of_a_body_is_pythons(lua: Any) -> None:
    body = bytes(range(256)) * 300
    source = 'ngx = { crc32_long = function() return "by nginx" end } '
    source += 'return require("kong.plugins.aws-masker-filter.checksum").of(...)'
    assert lua(source, body) in {zlib.crc32(body), b"by nginx"}
