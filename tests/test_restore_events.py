"""Restoring streams of server-sent events."""

import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_masker.errors import MaskerError
from aws_masker.restore.bounds import Bounds
from aws_masker.restore.events import SseRestorer
from restore_parts import DICTIONARY, INSTANCE, NAME, NUMBER, UNKNOWN, cut, cuts, events, run, texts_by_block

_FIELDS = {
    "text_delta": "text",
    "input_json_delta": "partial_json",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "compaction_delta": "content",
}
_STREAMED = ["text_delta", "input_json_delta"]
_UNTOUCHED = ["thinking_delta", "signature_delta", "compaction_delta"]
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'
_STOP = {"type": "message_stop"}


def _event(data: dict[str, Any], *, ascii_only: bool = False) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data, ensure_ascii=ascii_only)}\n\n".encode()


def _delta(kind: str, text: str, index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, _FIELDS[kind]: text}}


def _block_stop(index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def _escaped(original: str) -> str:
    return json.dumps(original, ensure_ascii=False)[1:-1]


def _replaced(text: str, kind: str) -> str:
    """Restore as a simple program would: in the whole text at once, which has no numbers in it."""
    for token, original in DICTIONARY.items():
        text = text.replace(token, _escaped(original) if kind == "input_json_delta" else original)
    return text


@pytest.mark.parametrize("token", sorted(DICTIONARY))
@pytest.mark.parametrize("kind", _STREAMED)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("at ", " end"), ("\\n", "-backup")])
def test_every_token_is_restored_wherever_the_deltas_divide_it(token: str, kind: str, before: str, after: str) -> None:
    expected = before + (_escaped(DICTIONARY[token]) if kind == "input_json_delta" else DICTIONARY[token]) + after
    text = before + token + after
    for place in range(len(text) + 1):
        deltas = [_delta(kind, text[:place]), _delta(kind, text[place:])]
        restorer = SseRestorer(DICTIONARY)
        out = events(run(restorer, [_event(data) for data in [*deltas, _block_stop()]]))
        assert texts_by_block(out) == {(0, kind): expected}
        assert restorer.counts.restored == 1


@pytest.mark.parametrize("token", sorted(DICTIONARY))
@pytest.mark.parametrize("kind", _UNTOUCHED)
def test_thinking_signatures_and_compaction_pass_byte_for_byte(token: str, kind: str) -> None:
    for place in range(len(token) + 1):
        stream = b"".join(map(_event, [_delta(kind, token[:place]), _delta(kind, token[place:]), _block_stop(), _STOP]))
        restorer = SseRestorer(DICTIONARY)
        assert run(restorer, [stream]) == stream
        assert (restorer.counts.restored, restorer.counts.held) == (0, 0)


@pytest.mark.parametrize("kind", _STREAMED)
@pytest.mark.parametrize("token", sorted(DICTIONARY))
def test_a_token_that_is_cut_off_by_the_end_of_its_block_or_of_the_stream_is_not_lost(token: str, kind: str) -> None:
    for place in range(1, len(token)):
        for end in ([], [_block_stop()], [_STOP]):
            stream = [_delta(kind, "the "), _delta(kind, token[:place]), *end]
            out = events(run(SseRestorer(DICTIONARY), [_event(data) for data in stream]))
            assert texts_by_block(out) == {(0, kind): f"the {token[:place]}"}
            assert out[len(out) - len(end) :] == end


_segments = st.lists(
    st.one_of(
        st.sampled_from([token for token in DICTIONARY if token != NUMBER]),
        st.sampled_from([INSTANCE[:9], "i-", "name-x", UNKNOWN, " ", "한국 😀 ", '\\"', "\n", "i", "n!"]),
    ),
    max_size=6,
)


@st.composite
def _blocks(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Return a type of delta and the pieces of a block's text."""
    kind = draw(st.sampled_from([*_STREAMED, *_STREAMED, "thinking_delta"]))
    text = "!".join(draw(_segments))
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    return kind, [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@given(st.lists(_blocks(), max_size=4), st.booleans(), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
def test_streams_restore_block_by_block_and_keep_their_events_in_order(
    blocks: list[tuple[str, list[str]]],
    ascii_only: bool,  # noqa: FBT001
    newline: str,
    data: st.DataObject,
) -> None:
    stream: list[dict[str, Any]] = [{"type": "message_start", "message": {"type": "message", "content": []}}]
    expected: dict[tuple[int, str], str] = defaultdict(str)
    for index, (kind, pieces) in enumerate(blocks):
        for piece in pieces:
            stream.append(_delta(kind, piece, index))
            expected[index, kind] += piece
            stream += [{"type": "ping"}] if data.draw(st.booleans()) else []
        stream.append(_block_stop(index))
    stream.append(_STOP)
    raw = b"".join(_event(event, ascii_only=ascii_only) for event in stream).replace(b"\n", newline.encode())
    restorer = SseRestorer(DICTIONARY)
    out = run(restorer, [raw])
    assert texts_by_block(events(out)) == {
        key: text if key[1] == "thinking_delta" else _replaced(text, key[1]) for key, text in expected.items()
    }
    assert _shapes(_without_released(events(out), stream)) == _shapes(stream)
    again = SseRestorer(DICTIONARY)
    assert run(again, cuts(data, raw)) == out
    assert again.counts == restorer.counts


def _shapes(stream: list[Any]) -> list[tuple[str, int | None]]:
    return [(event["type"], event.get("index")) for event in stream]


def _without_released(found: list[Any], stream: list[Any]) -> list[Any]:
    """Return ``found`` without the events that were added: at most one, for the same index, before a block stops."""
    rest = iter(found)
    kept = []
    for wanted in stream:
        event = next(rest)
        if wanted["type"] == "content_block_stop" and event["type"] == "content_block_delta":
            assert event["index"] == wanted["index"]
            event = next(rest)
        kept.append(event)
    return [*kept, *rest]


def test_a_stream_that_breaks_off_anywhere_loses_nothing() -> None:
    deltas = ["At ", f"{INSTANCE} ", NAME[:9], NAME[9:], " or i", "-x0123"]
    stream = b"".join(_event(_delta("text_delta", text)) for text in deltas)
    for end in range(len(stream)):
        out = run(SseRestorer(DICTIONARY), [stream[:end]])
        complete = stream.rfind(b"\n\n", 0, end) + 2 if b"\n\n" in stream[:end] else 0
        assert out.endswith(stream[complete:end])
        text = texts_by_block(events(stream[:complete])).get((0, "text_delta"), "")
        assert texts_by_block(events(out[: len(out) - (end - complete)])).get((0, "text_delta"), "") == _replaced(
            text, "text_delta"
        )


def test_no_event_waits_for_the_next_unless_it_may_end_in_a_token() -> None:
    restorer = SseRestorer(DICTIONARY)
    for event in [_PING, _event(_delta("text_delta", "Look. ")), _event({"type": "new", "a": "i"}), b": hi\n\n"]:
        assert restorer.feed(event) == event
    assert restorer.feed(_event(_delta("text_delta", "at i-x01"))) == _event(_delta("text_delta", "at "))
    assert restorer.feed(_PING) == _PING


def test_an_event_is_sent_on_the_cr_that_ends_it_and_the_lf_after_it_follows_at_once() -> None:
    event = _PING.replace(b"\n", b"\r\n")
    restorer = SseRestorer(DICTIONARY)
    assert restorer.feed(event[:-1]) == event[:-1]
    assert restorer.feed(b"\n") == b"\n"
    assert restorer.feed(event) == event


def test_an_empty_dictionary_changes_no_byte() -> None:
    stream = b"".join(_event(_delta("text_delta", text)) for text in ["i-x01", INSTANCE, '"']) + _event(_STOP)
    restorer = SseRestorer({})
    assert b"".join(restorer.feed(piece) for piece in cut(stream, range(1, len(stream), 7))) == stream
    assert restorer.close() == b""


def test_a_delta_of_two_megabytes_in_small_packets() -> None:
    text = f"{INSTANCE} is fine. 한국 \\ " * 60_000
    raw = _event(_delta("text_delta", text))
    assert len(raw) > 2_000_000
    out = run(SseRestorer(DICTIONARY), cut(raw, range(1 << 14, len(raw), 1 << 14)))
    assert out == raw.replace(INSTANCE.encode(), b"i-0a1b2c3d4e5f60718")


def test_an_event_beyond_the_limit_is_an_error_that_names_the_limit() -> None:
    restorer = SseRestorer(DICTIONARY, Bounds(event=len(_PING)))
    assert restorer.feed(_PING * 10) == _PING * 10
    restorer.feed(_PING[:-1])
    with pytest.raises(
        MaskerError, match=rf"more than {len(_PING)} bytes in a server-sent event, .* raise limits\.event"
    ):
        restorer.feed(b"data: more\n\n")


def test_an_event_without_end_is_an_error_before_it_fills_the_memory() -> None:
    restorer = SseRestorer(DICTIONARY, Bounds(event=1000))
    for _ in range(1000):
        assert restorer.feed(b"x") == b""
    with pytest.raises(MaskerError, match="more than 1000 bytes"):
        restorer.feed(b"x")


def test_events_within_the_limit_pass_however_many_there_are() -> None:
    restorer = SseRestorer(DICTIONARY, Bounds(event=10, lines=2))
    assert restorer.feed(b"data: x\n\n" * 100) == b"data: x\n\n" * 100
    with pytest.raises(MaskerError, match=r"more than 10 bytes"):
        restorer.feed(b"data: xyz\n\n")


def test_as_many_lines_as_the_limit_says_pass() -> None:
    restorer = SseRestorer(DICTIONARY, Bounds(lines=2))
    assert restorer.feed(b"x\n\n") == b"x\n\n"
    with pytest.raises(MaskerError, match=r"raise limits\.lines"):
        restorer.feed(b"x\nx\n\n")


def test_texts_that_have_ended_are_not_open() -> None:
    restorer = SseRestorer(DICTIONARY, Bounds(texts=2))
    for index in range(6):
        restorer.feed(_event(_delta("text_delta", "x", index)) + _event(_block_stop(index)))
    for index in (6, 7):
        restorer.feed(_event(_delta("text_delta", "x", index)))
    with pytest.raises(MaskerError, match=r"raise limits\.texts"):
        restorer.feed(_event(_delta("text_delta", "x", 8)))


def test_a_text_that_ended_leaves_nothing_behind_for_the_next_at_its_index() -> None:
    stream = [_delta("text_delta", INSTANCE[:9]), _block_stop(), _delta("text_delta", INSTANCE[9:]), _block_stop()]
    out = run(SseRestorer(DICTIONARY), [_event(data) for data in stream])
    assert [event["delta"]["text"] for event in events(out) if "delta" in event] == ["", INSTANCE[:9], INSTANCE[9:]]


def test_a_restorer_that_was_closed_gives_nothing_more() -> None:
    restorer = SseRestorer(DICTIONARY)
    restorer.feed(_event(_delta("text_delta", "i-x0")) + b"event: x\ndata: cut of")
    assert restorer.close().endswith(b"event: x\ndata: cut of")
    assert restorer.close() == b""
