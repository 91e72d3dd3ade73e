"""Restorers as a whole: which one an answer gets, and the vectors that every implementation must meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_masker.restore import PlainTextRestorer, Untouched, restore_text, restorer_for
from aws_masker.restore.documents import JsonLinesRestorer, JsonRestorer
from aws_masker.restore.events import SseRestorer
from restore_parts import DICTIONARY, INSTANCE, VECTORS, Vector, cut, cuts, run

_vectors = pytest.mark.parametrize("vector", VECTORS, ids=[vector.name for vector in VECTORS])


@_vectors
def test_a_vector_gives_its_output_and_counts(vector: Vector) -> None:
    restorer = restorer_for(vector.content_type, vector.dictionary)
    assert run(restorer, [vector.input]) == vector.output
    assert {name: getattr(restorer.counts, name) for name in vector.counts} == vector.counts


@_vectors
def test_a_vector_gives_the_same_wherever_it_is_cut_once(vector: Vector) -> None:
    for place in range(1, len(vector.input)):
        restorer = restorer_for(vector.content_type, vector.dictionary)
        assert run(restorer, cut(vector.input, [place])) == vector.output
        assert {name: getattr(restorer.counts, name) for name in vector.counts} == vector.counts


@_vectors
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_vector_gives_the_same_in_pieces_of_a_few_bytes(vector: Vector, size: int) -> None:
    restorer = restorer_for(vector.content_type, vector.dictionary)
    assert run(restorer, cut(vector.input, range(size, len(vector.input), size))) == vector.output
    assert {name: getattr(restorer.counts, name) for name in vector.counts} == vector.counts


@given(st.data(), st.sampled_from(VECTORS))
def test_a_vector_gives_the_same_however_it_is_cut(data: st.DataObject, vector: Vector) -> None:
    restorer = restorer_for(vector.content_type, vector.dictionary)
    assert run(restorer, cuts(data, vector.input)) == vector.output
    assert {name: getattr(restorer.counts, name) for name in vector.counts} == vector.counts


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("text/event-stream", SseRestorer),
        ("Text/Event-Stream; charset=utf-8", SseRestorer),
        ("application/json", JsonRestorer),
        ("application/json;charset=utf-8", JsonRestorer),
        ("application/problem+json", JsonRestorer),
        ("application/x-jsonl", JsonLinesRestorer),
        ("application/jsonl", JsonLinesRestorer),
        ("application/x-ndjson", JsonLinesRestorer),
        ("text/plain", PlainTextRestorer),
        ("text/html; charset=utf-8", PlainTextRestorer),
        ("application/pdf", Untouched),
        ("image/png", Untouched),
        ("application/octet-stream", Untouched),
        ("", JsonLinesRestorer),
        ("application/yaml", PlainTextRestorer),
        ("application/atom+xml", PlainTextRestorer),
    ],
)
def test_the_content_type_decides_which_restorer_an_answer_gets(content_type: str, kind: type) -> None:
    assert type(restorer_for(content_type, DICTIONARY)) is kind


def test_restoring_a_text_keeps_originals_as_they_are() -> None:
    assert restore_text(f"a {INSTANCE} b", {INSTANCE: 'x"\ud83d'}) == 'a x"\ud83d b'


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json", "application/jsonl", "text/plain"])
def test_no_restorer_shows_originals_in_its_repr(content_type: str) -> None:
    restorer = restorer_for(content_type, DICTIONARY)
    restorer.feed(b"data")
    assert all(original not in repr(vars(restorer)) for original in DICTIONARY.values())
