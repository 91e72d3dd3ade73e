"""Fuzzing of Kong's filter: its restorers against the Python ones, and what it reads of the plugin."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lupa.luajit21 import LuaError, LuaRuntime
from test_lua_restorer import ROOT, LuaRestorer

from aws_masker.edits import Edit, MaskedBody
from aws_masker.errors import MaskerError
from aws_masker.kong import exchange
from aws_masker.kong.exchange import Order
from aws_masker.kong.journal import Part
from aws_masker.restore import Restorer, restorer_for
from aws_masker.restore.bounds import Bounds
from damage import damaged
from restore_parts import VECTORS, cuts, run

FUZZED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
LIMIT = Bounds(event=4000)
TOKEN = "i-x0123456789abcdef"
RAW = b'{"a": "i-0a1b2c3d4e5f60718", "b": "i-0a1b2c3d4e5f60718"}'
MASKED = MaskedBody(
    (Edit(7, 19, TOKEN.encode()), Edit(35, 19, TOKEN.encode())), {TOKEN: "i-0a1b2c3d4e5f60718"}, {"ec2-instance": 2}
)


@FUZZED
@given(st.data())
def test_a_damaged_answer_is_restored_to_the_same_bytes_as_in_python(data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(VECTORS))
    raw = data.draw(damaged(vector.input))

    def restored(restorer: Restorer, pieces: list[bytes]) -> tuple[bytes | None, object]:
        try:
            return run(restorer, pieces), restorer.counts
        except MaskerError:
            return None, None
        except LuaError as error:
            return (None, None) if "so it cannot be restored" in str(error) else (b"", error)

    expected = restored(restorer_for(vector.content_type, vector.dictionary, LIMIT), [raw])
    assert restored(LuaRestorer(vector.content_type, vector.dictionary, LIMIT), cuts(data, raw)) == expected


@pytest.fixture(scope="module")
def apply() -> Any:
    """Return a function that has Lua read a message and make its edits: (body, number), or (None, why not)."""
    runtime = LuaRuntime(encoding=None, unpack_returned_tuples=True)
    runtime.execute(b"package.path = ...", f"{ROOT}/?.lua".encode())
    source = b"""
        local exchange = require("kong.plugins.aws-masker-filter.exchange")
        local edits = require("kong.plugins.aws-masker-filter.edits")
        return function(message, body)
          local result, err = exchange.decode(message)
          if not result then return nil, err end
          if result.outcome ~= "forward" then return nil, "refused" end
          return edits.apply(body, result.edits, result.tokens)
        end
    """
    return runtime.execute(source)


@FUZZED
@given(st.data())
def test_a_damaged_message_of_the_plugin_is_read_or_refused_without_an_error(apply: Any, data: st.DataObject) -> None:
    message = exchange.forward(RAW, MASKED, Order(), Part())
    harmed = data.draw(damaged(message, 3))
    found = apply(harmed, RAW)
    assert found[0] is None or isinstance(found[0], bytes)
    assert harmed != message or found == (MASKED.apply(RAW), 2)
