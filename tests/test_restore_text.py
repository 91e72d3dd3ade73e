"""Restoring running text: what is found, what is held back, and that cuts make no difference."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_masker.restore import restorer_for
from aws_masker.restore.text import Entering, Lookup, RestoreCounts, TextRestorer, restore_whole
from json_spelling import canonical
from restore_parts import DICTIONARY, INSTANCE, NAME, NUMBER, SECRET, UNKNOWN

_ALPHABET = "[0-9a-hjkmnp-tv-z]"
# Text that is not a token, but from which half of one is easily made. "l" and "o" stand in no token.
_noise = st.text(st.sampled_from("inametcsx-x0z-x \n\\lo.:"), max_size=6)
_token = st.sampled_from(sorted(DICTIONARY))
_begun = st.builds(lambda token, size: token[: size % len(token)] + "!", _token, st.integers(0, 40))
_segment = st.one_of(_noise, _begun, _token, _token)


def _feed(restorer: TextRestorer, text: str, places: set[int]) -> list[str]:
    ends = [*sorted(place for place in places if place < len(text)), len(text)]
    return [restorer.feed(text[start:end]) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _spelled(original: str, entering: Entering) -> str:
    match entering:
        case Entering.TEXT:
            return original
        case Entering.JSON:
            return canonical(original).decode()
        case Entering.BYTES:
            return original.encode().decode("latin-1")


@given(st.lists(_segment, max_size=8), st.sets(st.integers(0, 200), max_size=12), st.sampled_from(Entering))
def test_every_token_is_restored_and_all_else_stays_wherever_the_text_is_cut(
    segments: list[str], places: set[int], entering: Entering
) -> None:
    text = "".join(segments)
    expected = "".join(
        _spelled(DICTIONARY[segment], entering) if segment in DICTIONARY else segment for segment in segments
    )
    counts = RestoreCounts()
    restorer = TextRestorer(Lookup(DICTIONARY), counts, entering)
    assert "".join(_feed(restorer, text, places)) + restorer.close() == expected
    assert counts.restored == sum(segment in DICTIONARY for segment in segments)


@given(st.lists(_segment, max_size=6), _token, st.integers(0, 40))
def test_nothing_but_the_longest_possible_beginning_of_a_token_is_held_back(
    segments: list[str], token: str, size: int
) -> None:
    text = "".join(segments) + token[: size % len(token)]
    restorer = TextRestorer(Lookup(DICTIONARY), RestoreCounts())
    sent = restorer.feed(text)
    held = restorer.close()
    assert sent + held == restore_whole(text, Lookup(DICTIONARY), RestoreCounts())
    last = max((text.rfind(whole) + len(whole) for whole in DICTIONARY if whole in text), default=0)
    possible = (text[at:] for at in range(last, len(text)) if _may_begin_a_token(text[at:]))
    assert held == next(possible, "")


def _may_begin_a_token(text: str) -> bool:
    labels = {token.rpartition("-x")[0] for token in DICTIONARY}
    return any(
        f"{label}-x".startswith(text) or re.fullmatch(rf"{label}-x{_ALPHABET}{{1,15}}", text) for label in labels
    )


@pytest.mark.parametrize("token", sorted(DICTIONARY))
@pytest.mark.parametrize("entering", [Entering.TEXT, Entering.JSON])
def test_a_token_cut_off_at_any_place_is_not_lost(token: str, entering: Entering) -> None:
    for size in range(len(token)):
        restorer = TextRestorer(Lookup(DICTIONARY), RestoreCounts(), entering)
        assert restorer.feed(f'at "{token[:size]}') + restorer.close() == f'at "{token[:size]}'


@pytest.mark.parametrize("entering", Entering)
def test_an_empty_dictionary_holds_nothing_back(entering: Entering) -> None:
    counts = RestoreCounts()
    restorer = TextRestorer(Lookup({}), counts, entering)
    text = f'{INSTANCE} "{NUMBER}" i-x'
    assert [restorer.feed(character) for character in text] == list(text)
    assert restorer.close() == ""
    assert counts == RestoreCounts(restored=0, unresolved=2, held=0)


@given(
    st.lists(st.sampled_from([UNKNOWN, "1-x0123456789abcdef", " ", "x", "-", "7" * 20]), max_size=6),
    st.sets(st.integers(0, 99)),
)
def test_unknown_tokens_are_counted_once_wherever_they_are_cut(segments: list[str], places: set[int]) -> None:
    text = "".join(segments)
    hits = re.finditer(f"-x{_ALPHABET}{{16}}", text)
    expected = sum(bool(re.search(r"[a-z][a-z0-9-]{0,23}\Z", text[: hit.start()])) for hit in hits)
    counts = RestoreCounts()
    restorer = TextRestorer(Lookup(DICTIONARY), counts)
    assert "".join(_feed(restorer, text, places)) + restorer.close() == text
    assert counts == RestoreCounts(restored=0, unresolved=expected, held=0)


def test_keys_that_have_no_tokens_shape_are_ignored() -> None:
    lookup = Lookup({"word": "a", "-x0123456789abcdef": "b", "i-x0123456789ABCDEF": "c", "": "d"})
    text = "word -x0123456789abcdef i-x0123456789ABCDEF"
    assert restore_whole(text, lookup, RestoreCounts()) == text


def test_a_restorer_that_was_closed_begins_another_text() -> None:
    restorer = TextRestorer(Lookup(DICTIONARY), RestoreCounts())
    assert restorer.feed(INSTANCE[:9]) + restorer.close() == INSTANCE[:9]
    assert restorer.feed(INSTANCE[9:] + NAME) == INSTANCE[9:] + DICTIONARY[NAME]


def test_what_a_closed_text_ended_with_is_no_label_of_the_next() -> None:
    counts = RestoreCounts()
    restorer = TextRestorer(Lookup(DICTIONARY), counts)
    for text, unresolved in (("vpc", 0), (UNKNOWN[3:], 0), (UNKNOWN, 1)):
        assert restorer.feed(text) + restorer.close() == text
        assert counts.unresolved == unresolved


def test_what_is_remembered_of_a_long_text_stays_small() -> None:
    restorer = TextRestorer(Lookup(DICTIONARY), RestoreCounts())
    for _ in range(100):
        restorer.feed("a-x-i-name " * 1000)
    assert len(restorer._text) < 100


# JSON text: the form of a token that stands for a number.

_key = st.sampled_from([NUMBER, NAME, "plain", ""])
_leaf = st.sampled_from(
    [NUMBER, NUMBER, NAME, SECRET, f" {NUMBER}", f'"{NUMBER}', f"{NUMBER}\\", f'\\"{NUMBER}"', 7, "i", ""]
)
_documents = st.recursive(
    _leaf, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_key, inner, max_size=3)), max_leaves=8
)
_separators = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t :\r\n ")])


def _written(value: object, separators: tuple[str, str], originals: dict[str, str]) -> str:
    """Write JSON; with ``originals`` as it must be after restoring."""
    comma, colon = separators
    if isinstance(value, dict):
        members = (f"{_string(k, originals)}{colon}{_written(v, separators, originals)}" for k, v in value.items())
        return "{" + comma.join(members) + "}"
    if isinstance(value, list):
        return "[" + comma.join(_written(item, separators, originals) for item in value) + "]"
    if value == NUMBER and originals:
        return originals[NUMBER]
    return _string(value, originals) if isinstance(value, str) else str(value)


def _string(value: str, originals: dict[str, str]) -> str:
    for token, original in originals.items():
        value = value.replace(token, original)
    return f'"{canonical(value).decode()}"'


@given(_documents, _separators, st.sets(st.integers(0, 400), max_size=20))
def test_json_text_restores_to_json_in_which_numbers_are_numbers_and_names_are_strings(
    document: object, separators: tuple[str, str], places: set[int]
) -> None:
    text = _written(document, separators, {})
    restorer = TextRestorer(Lookup(DICTIONARY), RestoreCounts(), Entering.JSON)
    restored = "".join(_feed(restorer, text, places)) + restorer.close()
    assert restored == _written(document, separators, DICTIONARY)


@pytest.mark.parametrize("text", [f'"{NUMBER}"', f'{{"{NUMBER}" \t: 1}}', f'["\\"{NUMBER}", "{NUMBER}\\""]'])
def test_json_text_in_single_characters_is_held_only_while_it_is_undecided(text: str) -> None:
    restorer = TextRestorer(Lookup(DICTIONARY), RestoreCounts(), Entering.JSON)
    for character in text:
        restorer.feed(character)
        held = restorer._text[restorer._sent :]
        assert re.fullmatch(r'("?[a-z]+(-x?[0-9a-z]*("\s*)?)?|")?', held)


@pytest.mark.parametrize("key", ["acctn-x12", "A b-x0123456789abcdef", "-x0123456789abcdef", "name-x0123456789abcdei"])
def test_a_key_without_the_shape_of_a_token_is_never_found(key: str) -> None:
    restorer = restorer_for("application/json", {key: "77"})
    raw = f'{{"type":"tool_use","input":{{"a":"{key}"}}}}'.encode()
    assert restorer.feed(raw) + restorer.close() == raw
