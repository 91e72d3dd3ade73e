"""The demo: what it shows, and that it fails when it should."""

import re

import pytest

from aws_masker import demo, masker
from aws_masker.cli import main
from aws_masker.demo.side_by_side import Column, side_by_side, wrap
from aws_masker.edits import MaskedBody
from aws_masker.fake_api import FakeApi, Received

TOKEN = "[a-z]+-x[0-9a-hjkmnp-tv-z]{16}"


def test_it_shows_both_sides_and_ends_well(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert "Nothing leaked: 8 identifiers left as tokens" in out
    sides = [line.partition(" │ ") for line in out.splitlines() if " │ " in line]
    client, api = ("\n".join(side) for side in zip(*((left, right) for left, _, right in sides), strict=True))
    assert "i-0a1b2c3d4e5f60718" in client
    assert not re.search(TOKEN, client)
    assert len(re.findall(TOKEN, api)) >= 8
    assert "i-0a1b2c3d4e5f60718" not in api


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_it_fits_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    main(["demo"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= columns


def test_it_fails_when_something_leaks(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masker.Masker, "mask_body", lambda *_, **__: MaskedBody((), {}, {}))
    assert main(["demo"]) == 1
    out = capsys.readouterr().out
    assert "FAILED: 481516234217 reached the API" in out
    assert "Nothing leaked" not in out


def turn(seen: str) -> demo.Turn:
    return demo.Turn("", "", "", "", seen)


def test_a_token_that_the_client_sees_is_a_failure() -> None:
    everything = " ".join(demo.ORIGINALS)
    assert demo.problems([turn(everything)], FakeApi(), demo.COMMAND) == []
    found = demo.problems([turn(f"{everything} i-x0123456789abcdef")], FakeApi(), demo.COMMAND)
    assert found == ["i-x0123456789abcdef reached the client"]


def test_an_identifier_in_a_header_is_a_failure() -> None:
    api = FakeApi()
    api.requests.append(Received("POST", "/", (("x-note", "AKIAIOSFODNN7EXAMPLE"),), b""))
    assert "AKIAIOSFODNN7EXAMPLE reached the API" in demo.problems([turn(" ".join(demo.ORIGINALS))], api, demo.COMMAND)


def test_a_tool_call_with_another_command_is_a_failure() -> None:
    assert demo.problems([turn(" ".join(demo.ORIGINALS))], FakeApi(), "ls") != []


# Side by side


def test_lines_break_at_spaces_and_only_long_words_break_inside() -> None:
    text = "one two three\n\nabcdefghijkl mn"
    assert [text[start:end] for start, end in wrap(text, 8)] == ["one two", "three", "", "abcdefgh", "ijkl mn"]


def test_a_line_that_just_fits_stays_whole() -> None:
    text = "one two three"
    assert [text[start:end] for start, end in wrap(text, 7)] == ["one two", "three"]
    assert [text[start:end] for start, end in wrap(text, 13)] == ["one two three"]


def test_columns_stand_next_to_each_other() -> None:
    left = Column("sent", "a b c d", re.compile("x"), "")
    right = Column("left", "A", re.compile("x"), "")
    assert list(side_by_side(left, right, 11, colour=False)) == ["sent │ left", "a b  │ A", "c d  │"]


def test_marks_are_coloured_also_where_they_break() -> None:
    left = Column("t", "a secret", re.compile("secret"), "\x1b[32m")
    right = Column("t", "", re.compile("x"), "")
    lines = list(side_by_side(left, right, 11, colour=True))
    assert lines[1:] == ["a    │", "\x1b[32msecr\x1b[0m │", "\x1b[32met\x1b[0m   │"]


def test_without_colour_there_are_no_escapes() -> None:
    left = Column("t", "a secret", re.compile("secret"), "\x1b[32m")
    assert "\x1b" not in "".join(side_by_side(left, left, 40, colour=False))
