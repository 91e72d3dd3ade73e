"""jsontext: what it refuses, where values stand, and how strings are spelled."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_masker.errors import InvalidBody
from aws_masker.jsontext import Array, Literal, Node, Number, Object, String, encode, parse, raw_offsets
from json_spelling import NumberText, Written, canonical, characters, documents, texts, write, write_string

DEPTH = 50


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b'"\xed\xa0\x80"', "not UTF-8 at byte 1"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b"{", "ends in the middle"),
        (b'{"a"', "ends in the middle"),
        (b'{"a": [1, 2', "ends in the middle"),
        (b'["abc', "ends in the middle"),
        (b"hello", "not JSON"),
        (b"[1] [2]", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"[01]", "not JSON"),
        (b"[+1]", "not JSON"),
        (b"[1.]", "not JSON"),
        (b'["a\nb"]', "not JSON"),
        (b'["\\x41"]', "not JSON"),
        (b'["\\u12g4"]', "not JSON"),
        (b"\xc2\xa0[]", "not JSON"),
        (b"[NaN]", "NaN or Infinity"),
        (b"[-Infinity]", "NaN or Infinity"),
        (b'{"a": 1, "a": 2}', "two members of the same name"),
        (b'[{"a": 1, "\\u0061": 2}]', "two members of the same name"),
        (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "deeper than 50 levels"),
        (b'{"a":' * (DEPTH + 1) + b"1" + b"}" * (DEPTH + 1), "deeper than 50 levels"),
        (b"[" * 100_000, "deeper than can be read"),
    ],
)
def test_what_another_parser_might_read_differently_is_refused_with_a_reason(raw: bytes, says: str) -> None:
    with pytest.raises(InvalidBody, match=says):
        parse(raw, DEPTH)


def test_the_place_of_an_error_is_given_in_bytes() -> None:
    with pytest.raises(InvalidBody, match="byte 7"):
        parse('["한",x]'.encode(), DEPTH)


@pytest.mark.parametrize("raw", [b'["481516234217" 1]', b'"481516234217\xff', b'{"481516234217": NaN}'])
def test_no_error_carries_the_body_with_it(raw: bytes) -> None:
    with pytest.raises(InvalidBody) as caught:
        parse(raw, DEPTH)
    assert caught.value.__context__ is None
    assert "481516234217" not in str(caught.value)


def test_containers_may_be_nested_as_deep_as_the_limit_says() -> None:
    node = parse(b"[" * DEPTH + b"1" + b"]" * DEPTH, DEPTH)
    for _ in range(DEPTH):
        assert isinstance(node, Array)
        (node,) = node.items
    assert node == Number("1", DEPTH, DEPTH + 1)


def test_a_limit_beyond_the_interpreters_stack_refuses_instead_of_crashing() -> None:
    with pytest.raises(InvalidBody, match="nested deeper"):
        parse(b"[" * 90_000 + b"]" * 90_000, 100_000)


def test_a_document_is_read_with_the_places_of_its_strings_and_numbers() -> None:
    raw = b'{"a": ["x\\n", -1.50e3, null], "b":{"":true}}'
    assert parse(raw, DEPTH) == Object(
        [
            (
                String("a", 1, 4),
                Array([String("x\n", 7, 12), Number("-1.50e3", 14, 21), Literal(value=None)]),
            ),
            (String("b", 30, 33), Object([(String("", 35, 37), Literal(value=True))])),
        ]
    )


def test_members_are_found_by_name() -> None:
    node = parse(b'{"a": 1, "b": 22}', DEPTH)
    assert isinstance(node, Object)
    assert node.get("b") == Number("22", 14, 16)
    assert node.get("c") is None


@pytest.mark.parametrize("tail", [b"\\\\", b'\\"', b'\\\\\\"', b"\\u0022", b"\\u005c", b"\\u005cu005c", b"n\\\\n"])
def test_quotes_and_backslashes_at_a_strings_end_do_not_hide_it(tail: bytes) -> None:
    raw = b'["' + tail + b'","' + tail + b'"]'
    node = parse(raw, DEPTH)
    assert isinstance(node, Array)
    first, second = node.items
    assert isinstance(first, String)
    assert isinstance(second, String)
    assert (first.start, first.end) == (1, 3 + len(tail))
    assert (second.start, second.end) == (4 + len(tail), 6 + 2 * len(tail))


@given(st.data(), documents())
def test_every_value_is_found_where_it_was_written_however_it_is_spelled(data: st.DataObject, value: object) -> None:
    written = Written()
    write(data, value, written)
    node = parse(bytes(written.raw), DEPTH)
    assert _plain(node) == value
    found = _flat(node)
    assert [(x.value, x.start, x.end) for x in found if isinstance(x, String)] == [x[:3] for x in written.strings]
    assert [(x.text, x.start, x.end) for x in found if isinstance(x, Number)] == written.numbers


@given(st.data(), texts, texts, st.sets(st.integers(0, 12)))
def test_every_character_is_found_where_it_was_written(
    data: st.DataObject, before: str, value: str, chosen: set[int]
) -> None:
    written = Written(bytearray(b"["))
    write_string(data, before, written)
    written.raw.extend(b",")
    write_string(data, value, written)
    written.raw.extend(b"]")
    node = parse(bytes(written.raw), DEPTH)
    assert isinstance(node, Array)
    string = node.items[1]
    assert isinstance(string, String)
    places = written.strings[1][3]
    wanted = sorted(at for at in chosen if at <= len(value))
    positions = [len(value[:at].encode("utf-8", "surrogatepass")) for at in wanted]
    assert raw_offsets(bytes(written.raw), string, positions) == [places[at] for at in wanted]


def test_a_place_may_be_asked_for_more_than_once() -> None:
    raw = b'"a\\nb"'
    assert raw_offsets(raw, String("a\nb", 0, len(raw)), [0, 0, 2, 2, 3]) == [1, 1, 4, 4, 5]


def test_a_place_inside_a_character_is_an_error() -> None:
    raw = '"\\né"'.encode()
    with pytest.raises(UnicodeDecodeError):
        raw_offsets(raw, String("\né", 0, len(raw)), [2])


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ('"\\/', b'\\"\\\\/'),
        ("\b\f\n\r\t", b"\\b\\f\\n\\r\\t"),
        ("\x00\x0b\x1f\x7f", b"\\u0000\\u000b\\u001f\x7f"),
        ("é한😀\u2028", "é한😀\u2028".encode()),
        ("\ud83d", b"\\ud83d"),
        ("a\udfffb", b"a\\udfffb"),
        ("", b""),
    ],
)
def test_strings_are_spelled_as_json_stringify_spells_them(value: str, spelled: bytes) -> None:
    assert encode(value) == spelled


@given(texts)
def test_what_is_encoded_reads_back_as_the_same_string(value: str) -> None:
    assert encode(value) == canonical(value)
    assert json.loads(b'"' + encode(value) + b'"') == value


@given(st.text(st.one_of(characters, st.sampled_from('[]{},:"\\0-1e.truefalsn')), max_size=12))
def test_nothing_is_accepted_that_the_standard_library_refuses(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    try:
        node = parse(raw, DEPTH)
    except InvalidBody:
        return
    assert _plain(node) == json.loads(raw, parse_int=NumberText, parse_float=NumberText)


def _plain(node: Node) -> object:
    if isinstance(node, Object):
        return {name.value: _plain(member) for name, member in node.pairs}
    if isinstance(node, Array):
        return [_plain(item) for item in node.items]
    return NumberText(node.text) if isinstance(node, Number) else node.value


def _flat(node: Node) -> list[Node]:
    """Return all nodes in the order in which they stand."""
    if isinstance(node, Object):
        return [x for name, member in node.pairs for x in (name, *_flat(member))]
    if isinstance(node, Array):
        return [x for item in node.items for x in _flat(item)]
    return [node]
