"""The lists that the Python half and the Lua half each hold are those of one file, and so the same."""

import json
from collections.abc import Collection
from pathlib import Path

import pytest
from lupa.luajit21 import LuaRuntime
from standin.lua_filter import ROOT

from aws_masker.audit import record
from aws_masker.gateway import headers
from aws_masker.restore import answers, documents, events

LISTS = json.loads((Path(__file__).parents[1] / "vectors/lists.json").read_text("utf-8"))
PYTHON: dict[str, Collection[str]] = {
    # Kong sets these two itself: docs/kong.md, and `upstream_via` in the filter.
    "of_the_house": headers.OF_THE_HOUSE - {"via", "x-real-ip"},
    "beginnings_of_the_house": headers.PREFIXES_OF_THE_HOUSE,
    "digests": headers.DIGESTS,
    "json_lines": answers.JSON_LINES,
    "texts": answers.TEXTS,
    "immutable": documents.IMMUTABLE,
    "untouched": events.UNTOUCHED,
    "release_index": events.RELEASE_INDEX,
    "release_all": events.RELEASE_ALL,
    "methods": record.METHODS,
    "segments": record.SEGMENTS,
}


@pytest.fixture(scope="module")
def lua() -> dict[str, list[str]]:
    """Return the lists of the Lua half."""
    runtime = LuaRuntime()
    lists = runtime.execute(
        "package.path = ...; return require('kong.plugins.aws-masker-filter.lists')", f"{ROOT}/?.lua"
    )
    return {
        name: list(values.values()) if name == "beginnings_of_the_house" else list(values)
        for name, values in lists.items()
    }


def test_every_list_is_compared(lua: dict[str, list[str]]) -> None:
    assert LISTS.keys() == PYTHON.keys() == lua.keys()


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_the_same_on_both_sides(name: str, lua: dict[str, list[str]]) -> None:
    assert sorted(PYTHON[name]) == LISTS[name]
    assert sorted(lua[name]) == LISTS[name]
