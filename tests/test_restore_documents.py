"""Restoring JSON documents and lines of JSON."""

import json
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_masker.errors import MaskerError
from aws_masker.restore import restorer_for
from aws_masker.restore.bounds import Bounds
from aws_masker.restore.documents import JsonLinesRestorer, JsonRestorer
from json_spelling import NumberText, Written, canonical, documents, texts, write
from restore_parts import DICTIONARY, INSTANCE, NAME, NUMBER, SECRET, UNKNOWN, cuts, run

_PLAIN = {token: original for token, original in DICTIONARY.items() if token != NUMBER}
_strings = st.one_of(texts, st.builds("{}{}{}".format, texts, st.sampled_from(sorted(_PLAIN)), texts))


def _replaced(text: str) -> str:
    for token, original in DICTIONARY.items():
        text = text.replace(token, original)
    return text


@given(st.data(), documents(_strings))
def test_only_the_literals_of_strings_with_tokens_change(data: st.DataObject, value: object) -> None:
    written = Written()
    write(data, value, written)
    raw = bytes(written.raw)
    expected, done = b"", 0
    for string, start, end, _ in written.strings:
        if _replaced(string) != string:
            expected += raw[done : start + 1] + canonical(_replaced(string))
            done = end - 1
    expected += raw[done:]
    assert run(JsonRestorer(_PLAIN), cuts(data, raw)) == expected


# Pairs of a document and what it must become.
Pair: TypeAlias = tuple[object, object]

_anywhere: st.SearchStrategy[Pair] = st.sampled_from([*_PLAIN.items(), (7, NumberText("7")), ("x", "x"), (None, None)])
_free_leaf = st.one_of(_anywhere, st.just((NUMBER, NumberText(DICTIONARY[NUMBER]))))
_protocol_leaf = st.one_of(_anywhere, st.just((NUMBER, DICTIONARY[NUMBER])))
_names = st.sampled_from([("a", "a"), ("b", "b"), (NAME, DICTIONARY[NAME]), (NUMBER, DICTIONARY[NUMBER])])


def _list(items: list[Pair]) -> Pair:
    return [before for before, _ in items], [after for _, after in items]


def _object(members: list[tuple[tuple[str, str], Pair]]) -> Pair:
    return {name[0]: pair[0] for name, pair in members}, {name[1]: pair[1] for name, pair in members}


def _containers(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    members = st.lists(st.tuples(_names, inner), max_size=3, unique_by=lambda member: member[0])
    return st.one_of(st.lists(inner, max_size=3).map(_list), members.map(_object))


def _typed(kind: str, **members: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    """Return objects with a type, which may stand at any place among the members."""
    fixed: list[tuple[str, st.SearchStrategy[Pair]]] = [("type", st.just((kind, kind))), *members.items()]
    pairs = st.permutations(fixed).flatmap(
        lambda order: st.tuples(*(st.tuples(st.just((name, name)), member) for name, member in order))
    )
    return pairs.map(list).map(_object)


_untouched = _anywhere.map(lambda pair: (pair[0], NumberText("7") if pair[0] == 7 else pair[0]))
_thinking = st.one_of(
    _typed("thinking", thinking=_untouched, signature=_untouched),
    _typed("redacted_thinking", data=_untouched),
    _typed("compaction", content=st.lists(_untouched, max_size=3).map(_list)),
)
_thinking_as_data = _typed("thinking", thinking=_free_leaf, input=_free_leaf)
_free = st.recursive(st.one_of(_free_leaf, _thinking_as_data), _containers, max_leaves=5)
_untyped = st.recursive(_free_leaf, _containers, max_leaves=5)
_blocks = st.recursive(
    st.one_of(
        _thinking,
        _typed("text", text=_protocol_leaf, citations=_containers(_protocol_leaf)),
        _typed("tool_use", id=_protocol_leaf, input=_free),
    ),
    lambda inner: _typed("web_search_tool_result", content=st.lists(inner, max_size=3).map(_list)),
    max_leaves=4,
)
_messages = _typed("message", content=st.lists(_blocks, max_size=4).map(_list), stop_sequence=_protocol_leaf)
_results = _typed("succeeded", message=_messages).map(
    lambda pair: _object([(("custom_id", "custom_id"), ("1", "1")), (("result", "result"), pair)])
)


@given(st.one_of(_messages, _results, _untyped))
def test_immutable_blocks_stay_and_account_numbers_are_numbers_only_where_json_is_free(pair: Pair) -> None:
    document, expected = pair
    restored = run(JsonRestorer(DICTIONARY), [json.dumps(document).encode()])
    assert json.loads(restored, parse_int=NumberText) == expected


@given(st.lists(st.one_of(_messages, _results, _untyped), max_size=4), st.data())
def test_lines_are_restored_like_documents(pairs: list[Pair], data: st.DataObject) -> None:
    raw = b"".join(json.dumps(document).encode() + b"\n" for document, _ in pairs)
    restored = run(JsonLinesRestorer(DICTIONARY), cuts(data, raw))
    assert [json.loads(line, parse_int=NumberText) for line in restored.splitlines()] == [after for _, after in pairs]


def test_a_line_is_given_as_soon_as_it_ends() -> None:
    restorer = JsonLinesRestorer(DICTIONARY)
    assert restorer.feed(f'"{INSTANCE}"\n"{NAME[:5]}'.encode()) == b'"i-0a1b2c3d4e5f60718"\n'
    assert restorer.feed(f'{NAME[5:]}"'.encode()) == b""
    assert restorer.close() == b'"prod-audit-logs"'


def test_a_document_is_given_at_its_end() -> None:
    restorer = JsonRestorer(DICTIONARY)
    assert restorer.feed(f'["{INSTANCE}"]'.encode()) == b""
    assert restorer.close() == b'["i-0a1b2c3d4e5f60718"]'


def test_restored_and_unknown_tokens_are_counted() -> None:
    restorer = restorer_for("application/json", DICTIONARY)
    run(restorer, [json.dumps({INSTANCE: [f"{NAME} {UNKNOWN}", NUMBER], "s": SECRET}).encode()])
    assert (restorer.counts.restored, restorer.counts.unresolved, restorer.counts.held) == (4, 1, 0)


def test_a_document_beyond_the_limit_is_an_error_that_names_the_limit() -> None:
    restorer = JsonRestorer(DICTIONARY, Bounds(event=10))
    restorer.feed(b'"12345678"')
    with pytest.raises(MaskerError, match=r"more than 10 bytes in a JSON document, .* raise limits\.event"):
        restorer.feed(b" ")


def test_a_document_of_as_many_values_as_allowed_is_read_as_json_and_one_of_more_as_text() -> None:
    """As text it keeps the quotes of what is a number in JSON. The commas of a text count as well."""
    for raw, whole in (('[1,2,"{}"]', True), ('[[2],"{}"]', True), ('[1,2,3,"{}"]', False), ('[[2],[],"{}"]', False)):
        restorer = JsonRestorer(DICTIONARY, Bounds(values=3))
        expected = raw.replace('"{}"', DICTIONARY[NUMBER]) if whole else raw.replace("{}", DICTIONARY[NUMBER])
        assert run(restorer, [b" " * 10, raw.replace("{}", NUMBER).encode()]) == b" " * 10 + expected.encode()


def test_a_line_beyond_the_limit_is_an_error_however_many_lines_came_before() -> None:
    restorer = JsonLinesRestorer(DICTIONARY, Bounds(event=10))
    assert restorer.feed(b'"12345678"\n' * 5) == b'"12345678"\n' * 5
    restorer.feed(b'"1234567')
    with pytest.raises(MaskerError, match="more than 10 bytes in a line of JSON"):
        restorer.feed(b'890"')
