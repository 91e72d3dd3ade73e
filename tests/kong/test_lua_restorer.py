"""The Lua filter's restorer: the vectors, and the same bytes and counts as the Python one for whatever it is fed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_masker.errors import MaskerError
from aws_masker.restore import Restorer, restorer_for
from aws_masker.restore.bounds import Bounds
from aws_masker.restore.documents import JsonLinesRestorer, JsonRestorer
from aws_masker.restore.events import SseRestorer
from aws_masker.restore.text import RestoreCounts
from aws_masker.tokens import ALPHABET
from json_spelling import Written, documents, write
from restore_parts import DICTIONARY, INSTANCE, NUMBER, UNKNOWN, VECTORS, Vector, cut, cuts, run

lupa = pytest.importorskip("lupa.luajit21", reason="install lupa, which brings LuaJIT")

ROOT = Path(__file__).resolve().parents[2]

# From here on a global that plain Lua does not have is an error: the restorer needs neither ngx nor kong.
STRICT = b"""
package.path = ... .. package.path
setmetatable(_G, {
  __index = function(_, name) error("the global " .. name .. " is read") end,
  __newindex = function(_, name) error("the global " .. name .. " is set") end,
})
return require("kong.plugins.aws-masker-filter.restorer").new,
  function(restorer, data) return restorer:feed(data) end,
  function(restorer) return restorer:close() end
"""

_lua = lupa.LuaRuntime(encoding=None, unpack_returned_tuples=True)
_new, _feed, _close = _lua.execute(STRICT, f"{ROOT}/?.lua;".encode())


class LuaRestorer:
    """The Lua restorer behind the interface of the Python ones."""

    def __init__(self, content_type: str, dictionary: Mapping[str, str], bounds: Bounds | None = None) -> None:
        table = {_bytes(token): _bytes(original) for token, original in dictionary.items()}
        given = bounds and _lua.table_from({name.encode(): number for name, number in asdict(bounds).items()})
        self._restorer = _new(content_type.encode(), _lua.table_from(table), given)

    def feed(self, data: bytes) -> bytes:
        restored: bytes = _feed(self._restorer, data)
        return restored

    def close(self) -> bytes:
        restored: bytes = _close(self._restorer)
        return restored

    @property
    def counts(self) -> RestoreCounts:
        return RestoreCounts(**{name.decode(): number for name, number in self._restorer[b"counts"].items()})

    @counts.setter
    def counts(self, _: RestoreCounts) -> None:
        raise AttributeError


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _result(restorer: Restorer, pieces: list[bytes]) -> tuple[bytes, RestoreCounts]:
    return run(restorer, pieces), restorer.counts


def _assert_same(data: st.DataObject, content_type: str, dictionary: Mapping[str, str], raw: bytes) -> None:
    expected = _result(restorer_for(content_type, dictionary), cuts(data, raw))
    assert _result(LuaRestorer(content_type, dictionary), cuts(data, raw)) == expected


# A busy machine makes no two restorers differ, so no example has a deadline.
_COMPARED = settings(deadline=None)
_vectors = pytest.mark.parametrize("vector", VECTORS, ids=[vector.name for vector in VECTORS])


@_vectors
def test_a_vector_gives_its_output_and_counts(vector: Vector) -> None:
    restorer = LuaRestorer(vector.content_type, vector.dictionary)
    assert _result(restorer, [vector.input]) == (vector.output, RestoreCounts(**vector.counts))


@_vectors
def test_a_vector_gives_the_same_wherever_it_is_cut_once(vector: Vector) -> None:
    for place in range(1, len(vector.input)):
        restorer = LuaRestorer(vector.content_type, vector.dictionary)
        assert _result(restorer, cut(vector.input, [place])) == (vector.output, RestoreCounts(**vector.counts))


@_vectors
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_vector_gives_the_same_in_pieces_of_a_few_bytes(vector: Vector, size: int) -> None:
    restorer = LuaRestorer(vector.content_type, vector.dictionary)
    pieces = cut(vector.input, range(size, len(vector.input), size))
    assert _result(restorer, pieces) == (vector.output, RestoreCounts(**vector.counts))


@pytest.mark.parametrize(
    "content_type",
    [
        "text/event-stream",
        " Text/Event-Stream ; charset=utf-8",
        "application/json",
        "application/problem+json",
        "application/jsonl",
        "application/x-jsonl",
        "application/ndjson",
        "application/x-ndjson",
        "text/plain",
        "text/ html",
        "application/jsonx",
        "application/octet-stream",
        "application/xml",
        "application/X-Yaml",
        "image/svg+xml",
        "application/openapi+yaml",
        "application/yamlx",
        "  ",
        "",
        ";",
    ],
)
def test_the_content_type_decides_as_in_python(content_type: str) -> None:
    raw = f'data: "{INSTANCE}"\n\n"{NUMBER}"\n"{INSTANCE}'.encode()
    for pieces in [raw], cut(raw, range(len(raw))):
        expected = _result(restorer_for(content_type, DICTIONARY), pieces)
        assert _result(LuaRestorer(content_type, DICTIONARY), pieces) == expected


_LABELS = ["i", "eni", "attach", "eni-attach", "acct", "acctn", "name", "x", "a-x", "9", "abcdefghijklmnopqrstuvwx"]
_NUMBERS = ["111122223333", "0111", "12", ""]
_ORIGINALS = [*_NUMBERS, "i-0a1b2c3d", 'qu"o\\te\nend', "서울", "cut\ud83d", "\ude00", "\ud83d\ude00", "😀", "-x"]
_tokens = st.builds(
    lambda label, tail: f"{label}-x{tail}", st.sampled_from(_LABELS), st.text(ALPHABET, min_size=16, max_size=16)
)
_dictionaries = st.one_of(st.just(DICTIONARY), st.dictionaries(_tokens, st.sampled_from(_ORIGINALS), max_size=6))
_SCRAPS = [*'"\\ :i\n{a9é😀\ud83d\ude00', '\\"', "-x", "acctn-x", '"acctn-x']
_LONG_SCRAPS = ["\\" * 39, "\\" * 40, "\\" * 41, " " * 63, " " * 64, " " * 65]


@st.composite
def _texts(draw: st.DrawFn, dictionary: Mapping[str, str]) -> str:
    """Draw a text dense with tokens, halves of tokens, and what decides about them."""
    token = st.sampled_from([*dictionary, UNKNOWN])
    piece = st.one_of(
        token,
        token.map(lambda token: f'"{token}"'),
        st.builds(lambda token, at: token[:at], token, st.integers(0, 24)),
        st.builds(lambda token, at: token[at:], token, st.integers(0, 24)),
        st.sampled_from(_SCRAPS),
        st.sampled_from(_LONG_SCRAPS),
        st.characters(),
    )
    return "".join(draw(st.lists(piece, max_size=8)))


@st.composite
def _streams(draw: st.DrawFn, dictionary: Mapping[str, str]) -> bytes:
    """Draw a stream of deltas and other events, with any line endings, comments and divided data."""
    text = _texts(dictionary)
    fields = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}
    kinds = st.sampled_from([*fields, "input_json_delta", "signature_delta", "compaction_delta", "citations_delta"])

    def delta(kind: str, value: str, index: Any) -> Any:
        inside = {"type": kind, fields.get(kind, "content"): value}
        return {"type": "content_block_delta", "index": index, "delta": inside}

    events: st.SearchStrategy[Any] = st.one_of(
        st.builds(delta, kinds, text, st.sampled_from([0, 0, 0, 1, -1, 1.5, "0", None])),
        st.builds(delta, st.sampled_from(["text_delta", "input_json_delta"]), text, st.just(0)),
        st.builds(
            lambda kind, index: {"type": kind, "index": index},
            st.sampled_from(["content_block_start", "content_block_stop", "message_stop", "ping"]),
            st.integers(0, 1),
        ),
        st.builds(lambda value: {"type": "error", "error": {"message": value}}, text),
        documents(text),
    )
    out = []
    for event in draw(st.lists(events, max_size=6)):
        spelled = json.dumps(event, ensure_ascii=draw(st.booleans()))
        at = draw(st.integers(0, len(spelled)))
        between = draw(st.sampled_from(["", "", "", "\n", "\ndata:", "\ndata: ", "\n: x\ndata: "]))
        first = draw(st.sampled_from(["event: content_block_delta\n", "", ": comment\n", "\n", "data\n", "id: 1\n"]))
        last = draw(st.sampled_from(["\n\n", "\n\n", "\n\n\n", "\nid: 3\n\n", "\n", ""]))
        out.append(f"{first}data: {spelled[:at]}{between}{spelled[at:]}{last}")
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return "".join(out).replace("\n", newline).encode("utf-8", "replace")


@_COMPARED
@given(st.data())
def test_streams_are_restored_as_in_python(data: st.DataObject) -> None:
    dictionary = data.draw(_dictionaries)
    _assert_same(data, "text/event-stream", dictionary, data.draw(_streams(dictionary)))


def _spelled(data: st.DataObject, dictionary: Mapping[str, str]) -> bytes:
    written = Written()
    names = st.sampled_from(["type", "input", "text", "thinking", "tool_use"])
    write(data, data.draw(documents(st.one_of(names, _texts(dictionary)))), written)
    return bytes(written.raw)


@_COMPARED
@given(st.data())
def test_documents_in_any_spelling_are_restored_as_in_python(data: st.DataObject) -> None:
    dictionary = data.draw(_dictionaries)
    _assert_same(data, "application/json", dictionary, _spelled(data, dictionary))


@_COMPARED
@given(st.data())
def test_lines_are_restored_as_in_python(data: st.DataObject) -> None:
    dictionary = data.draw(_dictionaries)
    raw = data.draw(st.sampled_from([b"\n", b"\r\n"])).join(_spelled(data, dictionary) for _ in range(3))
    _assert_same(data, "application/jsonl", dictionary, raw)


_OVERLONG = [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"]
_NO_UTF8 = [*_OVERLONG, b"\xff", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\x80"]
_NO_JSON = rb"\x \u12g4 \ud83d \ud83d\u12 \uD83D\uDE00 { ] , 01 1. - 1e NaN -Infinity tru".split(b" ")
_ODD_BYTES = [*_NO_UTF8, *_NO_JSON, b"\xef\xbb\xbf", b"\x00", b"\x1f", b"\r", b"\n", b'"', b"\\"]


@_COMPARED
@given(st.data(), st.sampled_from(["text/event-stream", "application/json", "application/jsonl", "text/plain"]))
def test_damaged_answers_are_restored_as_in_python(data: st.DataObject, content_type: str) -> None:
    dictionary = data.draw(_dictionaries)
    raw = data.draw(_streams(dictionary)) if content_type == "text/event-stream" else _spelled(data, dictionary)
    for odd in data.draw(st.lists(st.one_of(st.sampled_from(_ODD_BYTES), st.binary(max_size=2)), max_size=4)):
        at = data.draw(st.integers(0, len(raw)))
        raw = raw[:at] + odd + raw[at + data.draw(st.integers(0, 2)) :]
    _assert_same(data, content_type, dictionary, raw)


@_COMPARED
@given(st.data())
def test_text_in_any_encoding_is_restored_as_in_python(data: st.DataObject) -> None:
    dictionary = data.draw(_dictionaries)
    encoding = data.draw(st.sampled_from(["utf-8", "latin-1", "utf-16"]))
    raw = data.draw(_texts(dictionary)).encode(encoding, "replace") + data.draw(st.binary(max_size=4))
    _assert_same(data, "text/plain", dictionary, raw)


_REFUSED = [
    *[b'"%b"' % odd for odd in [*_NO_UTF8, b"\x00", b"\x1f", b"\n", b"\\x", b"\\u12g4", b"\\ud83d\\u12"]],
    *b'01 1. .5 +1 - 1e 1e+ 0x1 NaN -Infinity tru nul [1,] [1 {"b"} {"b":} {,} {"b":1,} {"b":1,"b":1} '.split(b" "),
    b'{"b":1,"\\u0062":1}',
]
_LEGAL = [
    *[b'"%b"' % odd for odd in [b"\x7f", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xf4\x8f\xbf\xbf", b"\xc2\x80", b"\\/"]],
    *rb'"\ud83d" "\ude00" "\uD83d\uDe00" "\ud83d\ud83d" "\ud83d\\" -0 0.10 1e5 -1E+07 1e-0 [] {} [{}]'.split(b" "),
    b" \t\r\n1 \t\r\n",
    b'{"b":1,"B":1}',
]


def _thinking(odd: bytes) -> bytes:
    return b'{"type":"thinking","a":' + odd + f',"c":"{INSTANCE}"}}'.encode()


@pytest.mark.parametrize("odd", _REFUSED, ids=repr)
def test_what_is_no_json_is_restored_as_text(odd: bytes) -> None:
    expected = _thinking(odd).replace(INSTANCE.encode(), DICTIONARY[INSTANCE].encode())
    for make in LuaRestorer, restorer_for:
        restorer: Restorer = make("application/json", DICTIONARY)
        assert _result(restorer, [_thinking(odd)]) == (expected, RestoreCounts(restored=1))


@pytest.mark.parametrize("odd", _LEGAL, ids=repr)
def test_what_is_json_however_odd_is_read_as_json(odd: bytes) -> None:
    for make in LuaRestorer, restorer_for:
        restorer: Restorer = make("application/json", DICTIONARY)
        assert _result(restorer, [_thinking(odd)]) == (_thinking(odd), RestoreCounts())


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ("\ud800\udc00", "\U00010000"),
        ("\udbff\udfff", "\U0010ffff"),
        ("a\ud83d\ude00\ude00", "a😀\ufffd"),
        ("\ud83d\ud83d\ude00\ud83d", "\ufffd😀\ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ufeff\ud7ff\ue000", "\ufeff\ud7ff\ue000"),
    ],
)
def test_surrogates_enter_text_as_characters_or_replacement_characters(original: str, expected: str) -> None:
    assert run(LuaRestorer("text/plain", {INSTANCE: original}), [INSTANCE.encode()]) == expected.encode()


def test_a_label_does_not_reach_into_a_token_that_has_been_restored() -> None:
    tail = "-xs5rgt0m2kqd81vwz"
    restorer = LuaRestorer("text/plain", {INSTANCE: "i-0a1b2c3d", f"f{tail}": "never"})
    assert _result(restorer, [f"{INSTANCE}{tail}".encode()]) == (
        f"i-0a1b2c3d{tail}".encode(),
        RestoreCounts(restored=1),
    )


def _event(**data: Any) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def test_an_empty_delta_holds_nothing_back() -> None:
    restorer = LuaRestorer("text/event-stream", DICTIONARY)
    for text in "i-x0123", "", "":
        restorer.feed(_event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": text}))
    assert restorer.counts == RestoreCounts(held=1)


@pytest.mark.parametrize("index", [None, "0", 0.0, 1])
def test_only_the_index_of_a_text_releases_it(index: Any) -> None:
    restorer = LuaRestorer("text/event-stream", DICTIONARY)
    restorer.feed(_event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": INSTANCE[:9]}))
    stop = _event(type="content_block_stop", index=index)
    assert restorer.feed(stop) == stop
    assert INSTANCE[:9].encode() in restorer.close()


@pytest.mark.parametrize("depth", [199, 200, 201, 5000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_documents_are_read_as_deep_as_in_python(depth: int, opening: str, closing: str) -> None:
    raw = f'{opening * depth}"{NUMBER}"{closing * depth}'.encode()
    expected = _result(restorer_for("application/json", DICTIONARY), [raw])
    assert _result(LuaRestorer("application/json", DICTIONARY), [raw]) == expected


@pytest.mark.parametrize(
    ("content_type", "make"),
    [
        ("text/event-stream", SseRestorer),
        ("application/json", JsonRestorer),
        ("application/jsonl", JsonLinesRestorer),
    ],
)
def test_what_exceeds_the_limit_is_the_same_error_as_in_python(
    content_type: str, make: Callable[[Mapping[str, str], Bounds], Restorer]
) -> None:
    bounds = Bounds(event=100)
    lua, python = LuaRestorer(content_type, DICTIONARY, bounds), make(DICTIONARY, bounds)
    assert lua.feed(b"x" * 100) == python.feed(b"x" * 100) == b""
    with pytest.raises(MaskerError) as expected:
        python.feed(b"x")
    with pytest.raises(lupa.LuaError) as raised:
        lua.feed(b"x")
    assert str(raised.value).partition("\nstack traceback")[0] == str(expected.value)
    assert "100 bytes" in str(expected.value)


def test_keys_that_have_no_shape_of_a_token_are_never_found() -> None:
    dictionary = {"junk": "1", "-x0123456789abcdef": "2", "i-x0123": "3", "acctn-x12": "4", "I-x0123456789abcdef": "5"}
    raw = json.dumps(list(dictionary)).encode()
    assert _result(LuaRestorer("application/json", dictionary), [raw]) == (raw, RestoreCounts())


def _with_error(restorer: Any, raw: bytes) -> tuple[bytes, str]:
    """Return what a restorer makes of ``raw``, and what error, if any, it ends with."""
    out = b""
    try:
        for at in range(0, len(raw), 1 << 16):
            out += restorer.feed(raw[at : at + (1 << 16)])
        return out + restorer.close(), ""
    except (MaskerError, lupa.LuaError) as error:
        return out, str(error).partition("\nstack traceback")[0]


def _text_at(index: str) -> bytes:
    delta = f'{{"type":"text_delta","text":"{INSTANCE}"}}'
    return f'data: {{"type":"content_block_delta","index":{index},"delta":{delta}}}\n\n'.encode()


def _stop_at(index: int) -> bytes:
    return b'data: {"type":"content_block_stop","index":%d}\n\n' % index


FEW = Bounds(event=4000, lines=10, texts=5, values=50)


def _at_its_bounds(bounds: Bounds) -> list[tuple[str, bytes, bool]]:
    """Return answers that reach a bound, or nearly, each with its content type and whether it is broken off."""
    events, lines, texts, values = "text/event-stream", bounds.lines, bounds.texts, bounds.values
    return [
        (events, b"x\n" * lines + b"\n", True),
        (events, b"x\n" * (lines - 1) + b"\n" + _text_at("1"), False),
        (events, b"".join(_text_at(str(number)) for number in range(texts + 1)), True),
        (events, b"".join(_text_at(str(number)) for number in range(texts)), False),
        (events, b"".join(_text_at(str(n)) + _stop_at(n) for n in range(texts + 1)), False),
        (events, b"data: [" + b"1," * values + f'"{INSTANCE}"]\n\n'.encode(), False),
        (events, b"data: " + b"x" * bounds.event, True),
        ("application/json", b"[" + b"1," * values + f'"{NUMBER}","{INSTANCE}"]'.encode(), False),
        ("application/json", b"[" + b"1," * (values - 1) + f'"{NUMBER}"]'.encode(), False),
        ("application/json", b" " * (bounds.event + 1), True),
        ("application/jsonl", b"1\n" + b" " * (bounds.event + 1), True),
    ]


@pytest.mark.parametrize("bounds", [FEW, None], ids=["given", "its own"])
def test_what_is_held_at_once_is_bounded_as_in_python(bounds: Bounds | None) -> None:
    for content_type, raw, ends in _at_its_bounds(bounds or Bounds()):
        expected = _with_error(restorer_for(content_type, DICTIONARY, bounds or Bounds()), raw)
        assert _with_error(LuaRestorer(content_type, DICTIONARY, bounds), raw) == expected
        assert ("so it cannot be restored: see what answers for the API, ask for less" in expected[1]) == ends


def test_a_restorer_that_was_closed_gives_nothing_more() -> None:
    restorer = LuaRestorer("text/event-stream", DICTIONARY)
    assert restorer.feed(b"data: x\n") + restorer.feed(b"event: cut of") == b""
    assert restorer.close() == b"data: x\nevent: cut of"
    assert restorer.close() == b""


def test_events_within_the_limit_pass_however_many_there_are() -> None:
    restorer = LuaRestorer("text/event-stream", DICTIONARY, Bounds(event=10, lines=2))
    assert restorer.feed(b"data: x\n\n" * 100) == b"data: x\n\n" * 100
    with pytest.raises(lupa.LuaError, match="more than 10 bytes"):
        restorer.feed(b"data: xyz\n\n")


def test_lines_of_json_within_the_limit_pass_however_many_there_are() -> None:
    restorer = LuaRestorer("application/jsonl", DICTIONARY, Bounds(event=10))
    assert restorer.feed(b"1234567890\n" * 100) == b"1234567890\n" * 100
    assert restorer.feed(b"1234567") + restorer.feed(b"890\n") == b"1234567890\n"
    with pytest.raises(lupa.LuaError, match="more than 10 bytes in a line of JSON"):
        restorer.feed(b"12345678901\n")


def test_a_text_begins_anew_when_it_was_closed() -> None:
    restorer = LuaRestorer("text/plain", DICTIONARY)
    assert restorer.feed(f"See {INSTANCE} and {INSTANCE[:9]}".encode()) == b"See i-0a1b2c3d4e5f60718 and "
    assert restorer.close() == INSTANCE[:9].encode()
    assert restorer.feed(INSTANCE[9:].encode()) + restorer.close() == INSTANCE[9:].encode()
    assert restorer.feed(INSTANCE.encode()) + restorer.close() == b"i-0a1b2c3d4e5f60718"


def test_an_index_of_more_digits_than_anyone_counts_is_none_as_in_python() -> None:
    raw = _text_at("123456789") + _text_at("1234567890")
    expected = _result(restorer_for("text/event-stream", DICTIONARY), [raw])
    assert _result(LuaRestorer("text/event-stream", DICTIONARY), [raw]) == expected
