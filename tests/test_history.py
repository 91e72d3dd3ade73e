"""History: a conversation that grows becomes, with every turn, what it becomes when all of it is read anew."""

import gc
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_masker import Masker, Settings, documents, found, history, jsontext
from aws_masker.edits import MaskedBody
from aws_masker.history import History
from aws_masker.limits import Limits
from aws_masker.vault.memory import MemoryVault
from masking import outcome

KEY = bytes(range(32))
PATH = "/v1/messages?beta=true"
INSTANCE = "i-0123456789abcdef0"
LISTING = "aws s3api list-buckets --query 'Buckets[].Name' --output text"

Body = dict[str, Any]


def masker(**settings: Any) -> Masker:
    return Masker(Settings(key=KEY, vault="memory://", **settings), MemoryVault(60))


def written(messages: object, **others: object) -> bytes:
    return json.dumps({"model": "m"} | others | {"messages": messages}, separators=(",", ":")).encode()


def said(text: str, role: str = "user") -> Body:
    return {"role": role, "content": text}


def used(name: str, command: str) -> Body:
    use = {"type": "tool_use", "id": name, "name": "Bash", "input": {"command": command}}
    return {"role": "assistant", "content": [use]}


def resulted(name: str, text: str, **more: object) -> Body:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": name, "content": text} | more]}


HISTORY = [
    said(f"stop {INSTANCE}, please"),
    used("t1", LISTING),
    resulted("t1", "acme-ledger\tacme-billing\n"),
    said("done, bucket_name = 'acme-ledger'", "assistant"),
]
ASKED = said("and acme-ledger?")


@pytest.fixture
def knowing() -> Iterator[Masker]:
    """Return a masker that knows HISTORY."""
    with masker() as one:
        one.mask_body(written([*HISTORY, ASKED]), PATH)
        yield one


def _plainly(document: object) -> str:
    """Write a document with all that can be so as it is: no lone surrogates."""
    return json.dumps(document, ensure_ascii=False).replace("\ud800", "")


def read_by(monkeypatch: pytest.MonkeyPatch, one: Masker, raw: bytes) -> list[bytes]:
    """Return the bodies that are read when ``raw`` is masked."""
    bodies: list[bytes] = []

    def recorded(body: bytes, max_depth: int) -> jsontext.Node:
        bodies.append(body)
        return jsontext.parse(body, max_depth)

    with monkeypatch.context() as patch:
        patch.setattr("aws_masker.documents.parse", recorded)
        one.mask_body(raw, PATH)
    return bodies


def test_what_was_read_before_is_not_read_again(knowing: Masker, monkeypatch: pytest.MonkeyPatch) -> None:
    following = [*HISTORY, said("no", "assistant"), ASKED]
    (read,) = read_by(monkeypatch, knowing, written(following))
    assert json.loads(read)["messages"] == [0, *following[len(HISTORY) :]]


def test_neither_is_what_came_since(knowing: Masker, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [*HISTORY, ASKED]
    for turn in range(3):
        messages += [said(f"reply {turn}", "assistant"), said(f"question {turn}")]
        (read,) = read_by(monkeypatch, knowing, written(messages))
        # The last message of the turn before is read again: clients mark it.
        assert json.loads(read)["messages"] == [0, *messages[-3:]]


def test_conversations_that_begin_alike_are_all_known(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = [[*HISTORY, said("y" * number, "assistant"), ASKED] for number in range(40)]
    with masker() as one:
        for messages in begun:
            one.mask_body(written(messages), PATH)
        for messages in begun:
            (read,) = read_by(monkeypatch, one, written([*messages, ASKED]))
            assert json.loads(read)["messages"] == [0, *messages[-1:], ASKED]


TOOLS = [{"name": "Read", "description": "Read a file.", "input_schema": {"type": "object"}}]


@pytest.mark.parametrize("order", [("tools", "messages"), ("messages", "tools")], ids=["before", "behind"])
def test_with_known_tools_neither_these_nor_the_history_are_read_again(
    order: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def body(messages: list[Body]) -> bytes:
        members = {"tools": TOOLS, "messages": messages}
        return json.dumps({name: members[name] for name in order}).encode()

    following = [*HISTORY, ASKED, said("no", "assistant"), ASKED]
    with masker() as one, masker() as fresh:
        one.mask_body(body([*HISTORY, ASKED]), PATH)
        (read,) = read_by(monkeypatch, one, body(following))
        assert json.loads(read) == {"tools": 0, "messages": [0, *following[len(HISTORY) :]]}
        assert outcome(one, body(following)) == outcome(fresh, body(following))


@pytest.mark.parametrize("first", [False, True], ids=["behind", "before"])
def test_tools_that_went_with_the_history_are_not_those_of_the_request(first: bool) -> None:  # noqa: FBT001 - a parameter
    """What is left of such a body has a number where its tools would stand if less or more were cut."""
    given_ = {"tools": 0, "more": "words" * 9}
    known = [{"role": "user", "content": [{"type": "tool_use", "id": "t", "name": "x", "input": given_}]}, ASKED]
    quiet = [{"name": INSTANCE, "description": "words" * 9}]
    hidden = json.dumps(known).replace('"tools": 0', f'"tools": {json.dumps(quiet)}')
    with masker() as one:
        one.mask_body(json.dumps({"messages": known, "tools": quiet}).encode(), PATH)
        for blanks in range(120):
            members = [f'"messages": {hidden}', f'{" " * blanks}"tools": 0{" " * (120 - blanks)}']
            raw = f"{{{', '.join(members[::-1] if first else members)}}}".encode()
            with masker() as fresh:
                assert outcome(one, raw) == outcome(fresh, raw)


def test_a_message_that_changes_is_read_with_all_that_follow(knowing: Masker, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = [*HISTORY[:2], resulted("t1", "acme-archive\n"), *HISTORY[3:], ASKED]
    (read,) = read_by(monkeypatch, knowing, written(changed))
    assert json.loads(read)["messages"] == [0, *changed[2:]]


def test_texts_of_the_history_count_as_known(knowing: Masker) -> None:
    hits, misses = knowing.cache.hits, knowing.cache.misses
    knowing.mask_body(written([*HISTORY, ASKED]), PATH)
    # Those of the last message, which is looked up as a text of its own.
    assert knowing.cache.hits - hits >= len(HISTORY)
    assert knowing.cache.misses - misses <= 1


WHOLE = written([*HISTORY, ASKED])


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(WHOLE, id="again"),
        pytest.param(written([*HISTORY, said("no", "assistant"), ASKED]), id="the next turn"),
        pytest.param(written(HISTORY), id="nothing new"),
        pytest.param(written(HISTORY[:2]), id="less than before"),
        pytest.param(written([*HISTORY[:2], ASKED]), id="another way from there"),
        pytest.param(written([ASKED, *HISTORY]), id="in another place"),
        pytest.param(written([HISTORY, ASKED]), id="in a list of its own"),
        pytest.param(written({"messages": HISTORY}), id="in an object"),
        pytest.param(written([*HISTORY, 5]), id="a number behind"),
        pytest.param(written([*HISTORY, "words"]), id="a text behind"),
        pytest.param(written([0, *HISTORY]), id="what stands in, as it came"),
        pytest.param(written([0]), id="nothing but what stands in"),
        pytest.param(written([*HISTORY, ASKED], system=f"mind {INSTANCE}"), id="another system"),
        pytest.param(written([*HISTORY, ASKED], system="use bucket_name = 'acme-billing'"), id="a name from before"),
        pytest.param(written([*HISTORY, ASKED], system="TableName: please"), id="a name that is a word"),
        pytest.param(written([ASKED], metadata={"messages": HISTORY}), id="another member's"),
        pytest.param(written([ASKED], system=WHOLE.decode()), id="in a text"),
        pytest.param(written([*HISTORY, ASKED], tools=[{"name": "x", "messages": HISTORY}]), id="twice"),
        pytest.param(WHOLE.replace(b'"messages":', b'"messages" :\r\n\t '), id="with white space before"),
        pytest.param(WHOLE.replace(b"},{", b"} ,\n {"), id="with white space between"),
        pytest.param(WHOLE.replace(b'"messages"', b'"mess\\u0061ges"'), id="named with an escape"),
        pytest.param(WHOLE[:-1] + b',"messages":[]}', id="the member twice"),
        pytest.param(WHOLE[:-1], id="cut short"),
        pytest.param(WHOLE + b"}", id="more behind"),
        pytest.param(WHOLE.replace(b'"messages":[', b'"messages":['[:-1]), id="no bracket"),
        pytest.param(WHOLE.replace(b'"messages":[', b'"messages":[,'), id="a comma too many"),
        pytest.param(WHOLE.replace(b'"messages":[', b'"messages":[-'), id="a sign before"),
        pytest.param(WHOLE.replace(b"},{", b"}{", 1), id="a comma too few"),
        pytest.param(WHOLE.replace(b'"and', b'"\xffnd'), id="no UTF-8"),
        pytest.param(WHOLE.replace(b'"model":"m"', b'"model":"m","model":"m"'), id="another member twice"),
    ],
)
def test_a_body_becomes_the_same_whether_its_history_is_known_or_not(knowing: Masker, raw: bytes) -> None:
    with masker() as fresh:
        assert outcome(knowing, raw) == outcome(fresh, raw)


@pytest.mark.parametrize("before", ["system", "tools"])
def test_a_command_before_all_messages_is_heeded_whether_these_are_known_or_not(before: str) -> None:
    use = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": LISTING}}
    messages = [said("x"), resulted("t", "acmeraw\tacmecold\n"), ASKED, ASKED]
    raws = [written(messages), written(messages, **{before: [use]})]
    with masker() as one, masker() as other:
        for raw in raws:
            with masker() as fresh:
                assert outcome(one, raw) == outcome(fresh, raw)
        for raw in reversed(raws):
            with masker() as fresh:
                assert outcome(other, raw) == outcome(fresh, raw)


def test_the_result_of_a_tool_is_read_by_a_command_of_the_history(knowing: Masker) -> None:
    messages = [*HISTORY, used("t2", LISTING), resulted("t2", "acmeraw\n")]
    knowing.mask_body(written([*messages, ASKED]), PATH)
    # The same command's result once more, when both it and its first result are history.
    raw = written([*messages, ASKED, resulted("t2", "acmecold\n")])
    masked = outcome(knowing, raw)
    assert isinstance(masked, MaskedBody)
    assert "acmecold" in masked.dictionary.values()
    with masker() as fresh:
        assert masked == outcome(fresh, raw)


NUMBER = {"type": "tool_use", "id": "n", "name": "Note", "input": {"account": 481516234217}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
MESSAGES = st.one_of(
    st.sampled_from(
        (
            said(INSTANCE),
            said("words"),
            said('é 𝄞 \ud800 \t" \\ i-0fedcba9876543210'),
            said("bucket_name = 'acme-ledger'", "assistant"),
            said("acme-ledger and acmeraw"),
            used("t1", LISTING),
            used("t2", "ls"),
            {"role": "assistant", "content": [{"type": "tool_use", "name": "Bash", "input": {"command": LISTING}}]},
            {"role": "user", "content": [{"type": "tool_result", "content": "acmecold\tacmewarm\n"}]},
            resulted("t1", "acmeraw\nacme-ledger\n"),
            resulted("t1", "acmecold\n", cache_control={"type": "ephemeral"}),
            resulted("t2", "acmecold\n"),
            {"role": "user", "content": []},
            {},
            [],
            "acme-ledger",
            12,
            {"role": "user", "content": [NUMBER]},
            {"role": "user", "content": [IMAGE]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": INSTANCE, "signature": "x"}]},
        )
    ),
    st.text(max_size=20).map(said),
)  # fmt: skip
RICH = [
    said('é 𝄞 \ud800 \t" \\ i-0fedcba9876543210 acmecold'),
    {"role": "assistant", "content": [NUMBER]},
    {"role": "user", "content": [IMAGE, {"type": "text", "text": "acmecold"}]},
    {"role": "assistant", "content": [{"type": "thinking", "thinking": INSTANCE, "signature": "x"}]},
]
USES: list[Body] = used("t1", LISTING)["content"]
SYSTEMS = st.sampled_from(("", f"mind {INSTANCE}", "bucket_name = 'acmecold'", "acme-ledger", USES))


@pytest.mark.parametrize("spelled", [json.dumps, _plainly], ids=["escaped", "plain"])
def test_whatever_a_history_holds_becomes_the_same_under_a_name_that_is_new(
    spelled: Callable[[object], str],
) -> None:
    with masker() as one:
        for system in ("", "bucket_name = 'acmecold'"):
            for messages in ([*RICH, ASKED], [*RICH, ASKED, ASKED]):
                raw = spelled({"system": system, "messages": messages}).encode()
                with masker() as fresh:
                    masked = outcome(one, raw)
                    assert masked == outcome(fresh, raw)
                assert isinstance(masked, MaskedBody)
                assert {"i-0fedcba9876543210", "481516234217"} <= set(masked.dictionary.values())
                assert masked.opaque == 1
                learned = "acmecold" in masked.dictionary.values()
        assert learned


def test_a_name_counts_as_what_it_is_in_each_conversation() -> None:
    with masker() as one:
        for said_first in ("TableName: acme-cold", "bucket_name = 'acme-cold'"):
            raw = written([said(said_first), said("acme-cold and " + "words " * 200), ASKED])
            with masker() as fresh:
                assert outcome(one, raw) == outcome(fresh, raw)


def test_a_command_without_an_id_says_what_a_result_without_one_is() -> None:
    use = {"type": "tool_use", "name": "Bash", "input": {"command": LISTING}}
    result = {"type": "tool_result", "content": "acmecold\tacmewarm\n"}
    with masker() as one:
        for raw in (written([ASKED, said("", "x") | {"content": [use]}, said("") | {"content": [result]}]),) * 2:
            masked = outcome(one, raw)
            assert isinstance(masked, MaskedBody)
            assert {"acmecold", "acmewarm"} <= set(masked.dictionary.values())


def test_what_a_tool_printed_is_known_only_behind_the_same_command() -> None:
    printed = resulted("t1", "acmeraw\tacmecold\n")
    with masker() as one:
        for command in (LISTING, "ls", LISTING):
            raw = written([said("x"), used("t1", command), printed, ASKED])
            with masker() as fresh:
                masked = outcome(one, raw)
                assert masked == outcome(fresh, raw)
            assert isinstance(masked, MaskedBody)
            assert ("acmeraw" in masked.dictionary.values()) is (command == LISTING)


@given(st.lists(st.tuples(st.lists(MESSAGES, max_size=4), SYSTEMS, st.integers(0, 2)), min_size=2, max_size=5))
def test_a_conversation_becomes_the_same_with_every_turn_as_when_it_is_new(
    turns: list[tuple[list[Any], str | list[Body], int]],
) -> None:
    messages: list[Any] = []
    with masker() as one:
        for more, system, fewer in turns:
            messages = messages[: len(messages) - fewer] + more
            raw = written(messages, system=system)
            with masker() as fresh:
                assert outcome(one, raw) == outcome(fresh, raw)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(lambda: {"terms": ("please",)}, id="a term"),
        pytest.param(lambda: {"limits": Limits(values=30)}, id="too many values"),
        pytest.param(lambda: {"limits": Limits(identifiers=3)}, id="too many identifiers"),
        pytest.param(lambda: {"limits": Limits(names=2)}, id="too many names"),
        pytest.param(lambda: {"policy": {"ec2-instance": "block"}}, id="a family that is blocked"),
    ],
)
def test_settings_say_the_same_of_a_conversation_that_is_known(settings: Callable[[], dict[str, Any]]) -> None:
    with masker(**settings()) as one, masker(**settings()) as fresh:
        for raw in (written([*HISTORY[:1], ASKED]), written([*HISTORY[:2], ASKED]), WHOLE):
            said_first = outcome(fresh, raw)
            fresh.cache.clear()
            assert outcome(one, raw) == said_first


def test_batches_are_read_whole_and_are_no_history(knowing: Masker) -> None:
    other = [said("TableName: acmecold"), said("acmecold", "assistant"), ASKED]
    params = [{"system": "x", "messages": messages} for messages in (other, json.loads(WHOLE)["messages"])]
    requests = [{"custom_id": str(number), "params": one} for number, one in enumerate(params)]
    raw = json.dumps({"requests": requests}, separators=(",", ":")).encode()
    with masker() as fresh:
        following = outcome(fresh, written(other))
    with masker() as fresh:
        first = fresh.mask_body(raw, "/v1/messages/batches").edits
    assert [knowing.mask_body(raw, "/v1/messages/batches").edits for _ in range(2)] == [first] * 2
    assert outcome(knowing, written(other)) == following


def test_of_a_history_no_value_is_kept() -> None:
    with masker() as one:
        raw = written([*HISTORY, ASKED])
        one.mask_body(raw, PATH)
        one.mask_body(written([*HISTORY, said("no", "assistant"), ASKED]), PATH)
        kept = b" ".join(_bytes_within(one._history))
        assert len(kept) > 100
        for value in (INSTANCE, "acme-ledger", "acme-billing", "list-buckets"):
            assert value.encode() not in kept


def _bytes_within(thing: object) -> Iterator[bytes]:
    """Yield all bytes and strings that ``thing`` leads to, but for code and what all maskers share."""
    seen: set[int] = set()
    left: list[object] = [thing]
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, type | ModuleType) or callable(one):
            continue
        seen.add(id(one))
        if isinstance(one, bytes):
            yield one
        elif isinstance(one, str):
            yield one.encode("utf-8", "surrogatepass")
        else:
            left += gc.get_referents(one)


def test_how_much_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_FIRST", 5)
    cache = found.FoundCache(KEY, texts=20)
    with masker() as one:
        one._history = kept = History(KEY, cache)
        for number in range(50):
            one.mask_body(written([said("x" * number), {"role": "user", "content": []}, ASKED]), PATH)
        assert len(kept._first) == 5
        # A message without any text counts as one.
        assert 0 < len(cache._kept) <= 20


def test_what_is_remembered_is_changed_by_one_thread_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[None] = []
    most: list[int] = []

    def remember(*_: object) -> None:
        running.append(None)
        most.append(len(running))
        threading.Event().wait(0.01)
        running.pop()

    monkeypatch.setattr(history, "_remember", remember)
    raw = written([said("x"), ASKED])
    document = documents.read(raw, PATH, Settings(key=KEY))
    kept = History(KEY, found.FoundCache(KEY))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: kept.keep(raw, document, [found.Found((), {})] * 9, None), range(8)))
    assert set(most) == {1}


def test_a_history_does_not_show_itself(knowing: Masker) -> None:
    past = knowing._history.past(WHOLE)
    assert past is not None
    shown = repr(past) + repr(past.texts()) + repr(past.cut)
    assert "acme" not in shown
    assert INSTANCE not in shown


@pytest.mark.parametrize(
    ("spelled", "reads"),
    [(INSTANCE, False), (INSTANCE.replace("-", r"\u002d"), True), (INSTANCE.replace("a", r"\u0061"), True)],
)
def test_what_a_token_of_the_past_stands_for_is_read_where_it_is_spelled(
    monkeypatch: pytest.MonkeyPatch, spelled: str, *, reads: bool
) -> None:
    read: list[bytes] = []

    def loads(text: bytes) -> Any:
        read.append(text)
        return json.loads(text)

    monkeypatch.setattr(history, "json", SimpleNamespace(loads=loads))
    first, second = (
        written([said("é \u0001 SPELLED x"), *more, ASKED]).replace(b"SPELLED", spelled.encode())
        for more in ([], [said("no", "assistant")])
    )
    with masker() as one:
        one.mask_body(first, PATH)
        masked = one.mask_body(second, PATH)
    assert list(masked.dictionary.values()) == [INSTANCE]
    assert bool(read) is reads
