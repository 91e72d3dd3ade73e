"""Known tools: a body that is read without them gives what it gives when it is read whole, and fails as it fails."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_masker import Masker, Settings, tools
from aws_masker.cuts import Cut
from aws_masker.edits import MaskedBody
from aws_masker.limits import Limits
from aws_masker.vault.memory import MemoryVault
from masking import outcome

KEY = bytes(range(32))
PATH = "/v1/messages?beta=true"
INSTANCE = "i-0123456789abcdef0"
TOOLS = [
    {"name": name, "description": f"Use {name} often, é.", "input_schema": {"type": "object", "properties": {"a": {}}}}
    for name in ("Read", "Bash", "Grep")
]
QUIET = json.dumps(TOOLS)
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": f"stop {INSTANCE} now"}]}


def masker(**settings: Any) -> Masker:
    return Masker(Settings(key=KEY, vault="memory://", **settings), MemoryVault(60))


@pytest.fixture
def knowing() -> Iterator[Masker]:
    """Return a masker that knows QUIET."""
    with masker() as one:
        one.mask_body(written(ASKED), PATH)
        assert looked_at(one, written(ASKED)) == looked_at(one, json.dumps(ASKED).encode())
        yield one


def written(request: dict[str, Any], tools_: str = QUIET, *, first: bool = False) -> bytes:
    """Return a request with these tools, before its other members or behind them."""
    others = json.dumps(request)[1:-1]
    member = f'"tools": {tools_}'
    return ("{" + (f"{member}, {others}" if first else f"{others}, {member}") + "}").encode()


def looked_at(one: Masker, raw: bytes) -> int:
    """Return how many texts of a body are looked up."""
    before = one.cache.hits + one.cache.misses
    one.mask_body(raw, PATH)
    return one.cache.hits + one.cache.misses - before


NAMED = '"tools": ' + QUIET


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(written(ASKED), id="behind the messages"),
        pytest.param(written(ASKED, first=True), id="in front of the messages"),
        pytest.param(written(ASKED).replace(b'"tools": ', b'"tools"\r\n\t :  '), id="with white space"),
        pytest.param(written(ASKED).replace(b'"tools"', b'"t\\u006fols"'), id="named with an escape"),
        pytest.param(written(ASKED | {"metadata": {"tools": TOOLS}}), id="twice, one of them another member's"),
        pytest.param(json.dumps(ASKED | {"metadata": {"tools": TOOLS}}).encode(), id="another member's alone"),
        pytest.param(json.dumps(ASKED | {"system": NAMED}).encode(), id="in a text"),
        pytest.param(written(ASKED | {"tools": []}), id="the member twice"),
        pytest.param(written(ASKED, QUIET + "5"), id="digits behind"),
        pytest.param(written(ASKED, QUIET + ".5"), id="a fraction behind"),
        pytest.param(written(ASKED, "1" + QUIET), id="a digit before"),
        pytest.param(written(ASKED, "-" + QUIET), id="a sign before"),
        pytest.param(written(ASKED, QUIET + QUIET), id="two lists"),
        pytest.param(written(ASKED, f"[{QUIET}]"), id="a list in a list"),
        pytest.param(written(ASKED, f'{{"tools": {QUIET}}}'), id="in an object of its own"),
        pytest.param(written(ASKED)[:-1], id="cut short"),
        pytest.param(written(ASKED) + b"}", id="more behind"),
        pytest.param(b'"' + written(ASKED)[1:], id="a quote for a brace"),
        pytest.param(written(ASKED).replace(b"stop", b"st\xffop"), id="no UTF-8"),
        pytest.param(written(ASKED, "0"), id="what stands in, as it came"),
        pytest.param(written(ASKED, json.dumps([*TOOLS, {"name": INSTANCE}])), id="others"),
        pytest.param(written(ASKED, json.dumps([*TOOLS, {"description": INSTANCE}])), id="others with an identifier"),
    ],
)
def test_a_body_becomes_the_same_whether_its_tools_are_known_or_not(knowing: Masker, raw: bytes) -> None:
    with masker() as fresh:
        assert outcome(knowing, raw) == outcome(fresh, raw)


def test_an_edit_stands_where_the_identifier_stands_in_the_whole_body(knowing: Masker) -> None:
    for raw in (written(ASKED), written(ASKED, first=True)):
        (edit,) = knowing.mask_body(raw, PATH).edits
        assert raw[edit.offset : edit.offset + edit.length] == INSTANCE.encode()


def test_a_body_that_is_cut_does_not_show_itself() -> None:
    cut = Cut(written(ASKED), 3, 5)
    assert INSTANCE not in repr(cut)


TEXTS = st.sampled_from((INSTANCE, "words", "bucket_name = 'acme-ledger'", "acme-ledger", '"tools": []', QUIET))


@given(st.lists(TEXTS, max_size=3), st.lists(TEXTS, max_size=3), st.booleans())
def test_a_conversation_becomes_the_same_whether_its_tools_are_known_or_not(
    described: list[str],
    said: list[str],
    first: bool,  # noqa: FBT001 - drawn
) -> None:
    definitions = json.dumps([{"name": "Read", "description": text} for text in described])
    turns = [
        written(
            {"messages": [{"role": "user", "content": text} for text in said[: count + 1]]}, definitions, first=first
        )
        for count in range(3)
    ]
    with masker() as one:
        for raw in turns:
            with masker() as fresh:
                assert outcome(one, raw) == outcome(fresh, raw)


def test_tools_that_say_something_of_what_follows_are_always_read() -> None:
    command = "aws s3api list-buckets --query 'Buckets[].Name' --output text"
    use = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": command}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": "acme-ledger\tacme-billing\n"}
    raw = written({"messages": [{"role": "user", "content": [result]}]}, json.dumps([use]))
    with masker() as one:
        first = outcome(one, raw)
        assert isinstance(first, MaskedBody)
        assert len(first.edits) == 2
        assert outcome(one, raw) == first


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(lambda token: [{"name": "Read", "description": f"of {token}"}], id="a token"),
        pytest.param(
            lambda _: [{"type": "base64", "media_type": "image/png", "data": "aGk="}], id="what cannot be read"
        ),
    ],
)
def test_tools_that_hold_something_count_each_time(told: Callable[[str], object]) -> None:
    with masker() as one:
        (token,) = one.mask_text(INSTANCE).dictionary
        raw = written({"messages": []}, json.dumps(told(token)))
        first = one.mask_body(raw, PATH)
        assert first.dictionary or first.opaque
        assert one.mask_body(raw, PATH).dictionary == first.dictionary
        assert one.mask_body(raw, PATH).opaque == first.opaque


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(lambda: {"terms": ("Grep",)}, id="a term"),
        pytest.param(lambda: {"limits": Limits(values=12)}, id="too many values"),
        pytest.param(lambda: {"limits": Limits(depth=3)}, id="too deep"),
    ],
)
def test_what_other_settings_make_of_tools_does_not_count(
    knowing: Masker, settings: Callable[[], dict[str, Any]]
) -> None:
    raw = written(ASKED)
    with masker(**settings()) as other:
        first = outcome(other, raw)
        assert first != outcome(knowing, raw)
        assert outcome(other, raw) == first


def test_too_many_values_are_too_many_with_known_tools_as_well(knowing: Masker) -> None:
    more = ASKED | {"metadata": {"list": [0] * 40}}
    assert isinstance(outcome(knowing, written(more)), MaskedBody)
    with masker(limits=Limits(values=60)) as bounded:
        bounded.mask_body(written(ASKED), PATH)
        assert outcome(bounded, json.dumps(more).encode()) != outcome(bounded, written(more))


def test_as_many_lists_are_known_as_may_be_and_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "KEPT", 2)
    bodies = [written(ASKED, json.dumps(TOOLS[number:])) for number in range(3)]
    with masker() as one:
        whole = [looked_at(one, raw) for raw in bodies]
        again = [looked_at(one, raw) for raw in reversed(bodies)]
    without = looked_at(one, json.dumps(ASKED).encode())
    assert again == [without, without, whole[0]]
