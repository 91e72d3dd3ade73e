"""Answers without a dictionary of their own: tokens come from the vault, wherever the answer is cut."""

import json
import re
from collections.abc import Mapping

import pytest

from aws_masker import MaskerError
from aws_masker.gateway.recall import MAX_RUN, RecallingRestorer
from aws_masker.restore.bounds import Bounds
from gateway_lab import INSTANCE, Answering, lab, run
from masking import masker

KNOWN = {
    "i-x0123456789abcdef": "i-0a1b2c3d4e5f60718",
    "name-xfedcba9876543210": 'pay"roll\n',
    "acctn-xaaaabbbbccccdddd": "481516234217",
}
TOKEN = re.compile(r"(?:acctn|name|i)-x[0-9a-z]{16}")


class Vault:
    """Knows KNOWN, and remembers how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []

    def recall(self, piece: bytes) -> Mapping[str, str]:
        """Return what is known of the tokens in ``piece``."""
        tokens = set(TOKEN.findall(piece.decode("latin-1")))
        self.asked.append(tokens)
        return {token: KNOWN[token] for token in tokens & KNOWN.keys()}


def restored(content_type: str, body: bytes, cut: int) -> bytes:
    """Restore ``body`` in pieces of ``cut`` bytes."""
    restorer = RecallingRestorer(content_type, Vault().recall)
    out = [restorer.feed(body[start : start + cut]) for start in range(0, len(body), cut)]
    return b"".join([*out, restorer.close()])


@pytest.mark.parametrize("cut", [1, 2, 5, 64, 1 << 20])
def test_lines_of_json_are_restored_at_every_cut(cut: int) -> None:
    lines = [{"custom_id": "a", "text": "see i-x0123456789abcdef"}, {"text": "name-xfedcba9876543210"}, {"n": 1.5}]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    out = restored("application/x-jsonl", body, cut)
    assert [json.loads(line) for line in out.splitlines()] == [
        {"custom_id": "a", "text": "see i-0a1b2c3d4e5f60718"},
        {"text": 'pay"roll\n'},
        {"n": 1.5},
    ]


@pytest.mark.parametrize("cut", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"f": "name-xfedcba9876543210"}', b'{"f": "pay\\"roll\\n"}'),
        ("text/plain; charset=utf-8", "ü i-x0123456789abcdef, ü".encode(), "ü i-0a1b2c3d4e5f60718, ü".encode()),
        ("text/csv", b"i-x0123456789abcdef", b"i-0a1b2c3d4e5f60718"),
        ("text/plain", b"ai-x0123456789abcdef-b\n", b"ai-0a1b2c3d4e5f60718-b\n"),
        (
            "text/event-stream",
            b'event: x\ndata: {"a":"i-x0123456789abcdef"}\n\nevent: y\ndata: {"b":1}\n\n',
            b'event: x\ndata: {"a":"i-0a1b2c3d4e5f60718"}\n\nevent: y\ndata: {"b":1}\n\n',
        ),
    ],
)
def test_other_answers_are_restored_at_every_cut(content_type: str, body: bytes, expected: bytes, cut: int) -> None:
    assert restored(content_type, body, cut) == expected


def test_a_line_is_passed_on_as_soon_as_it_is_complete() -> None:
    restorer = RecallingRestorer("application/jsonl", Vault().recall)
    assert restorer.feed(b'{"a":"i-x0123456789abc') == b""
    assert restorer.feed(b'def"}\n{"b"') == b'{"a":"i-0a1b2c3d4e5f60718"}\n'
    assert restorer.close() == b'{"b"'


def test_text_waits_only_for_what_may_be_part_of_a_token() -> None:
    restorer = RecallingRestorer("text/plain", Vault().recall)
    assert restorer.feed(b"Hello i-x01") == b"Hello "
    assert restorer.feed(b"23456789abcdef.") == b"i-0a1b2c3d4e5f60718."


def test_a_long_run_without_boundary_is_not_held_forever() -> None:
    restorer = RecallingRestorer("text/plain", Vault().recall)
    run = b"a" * (10 * MAX_RUN)
    assert len(restorer.feed(run)) >= len(run) - MAX_RUN


@pytest.mark.parametrize("content_type", ["application/jsonl", "application/json"])
def test_of_a_part_no_more_is_held_than_an_event_may_have(content_type: str) -> None:
    restorer = RecallingRestorer(content_type, Vault().recall, Bounds(event=30))
    whole = b'{"a":"i-x0123456789abcdef"    '
    assert len(whole) == 30
    assert restorer.feed(whole) == b""
    assert restorer.feed(b" ").strip() == b'{"a":"i-0a1b2c3d4e5f60718"'
    assert restorer.feed(b'"name') == b""
    assert restorer.close() == b'"name'
    assert restorer.close() == b""


def test_the_other_bounds_hold_in_every_part() -> None:
    event = b'data: {"a":\ndata: "i-x0123456789abcdef"}\n\n'
    assert RecallingRestorer("text/event-stream", Vault().recall, Bounds(lines=3)).feed(event).endswith(b'718"}\n\n')
    with pytest.raises(MaskerError, match="2 lines"):
        RecallingRestorer("text/event-stream", Vault().recall, Bounds(lines=2)).feed(event)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_event_is_passed_on_as_soon_as_it_is_complete(end: bytes) -> None:
    restorer = RecallingRestorer("text/event-stream", Vault().recall)
    event = b'data: {"a":"i-x0123456789abcdef"}' + 2 * end
    assert restorer.feed(event + b"data: {") == event.replace(b"i-x0123456789abcdef", b"i-0a1b2c3d4e5f60718")


def test_the_vault_is_asked_only_where_a_token_may_stand() -> None:
    vault = Vault()
    restorer = RecallingRestorer("application/jsonl", vault.recall)
    restorer.feed(b'{"a":1}\n{"b":2}\n')
    assert vault.asked == []
    restorer.feed(b'{"a":"i-x0123456789abcdef"}\n{"b":"i-x0123456789abcdef"}\n')
    assert vault.asked == [{"i-x0123456789abcdef"}]


def test_restored_and_unresolved_tokens_are_counted_over_all_parts() -> None:
    restorer = RecallingRestorer("application/jsonl", Vault().recall)
    restorer.feed(b'["i-x0123456789abcdef"]\n["i-x0000000000000000"]\n')
    restorer.feed(b'["i-x0123456789abcdef i-x0123456789abcdef"]\n')
    assert (restorer.counts.restored, restorer.counts.unresolved) == (3, 1)


def test_an_answer_is_restored_from_the_tenants_own_entries() -> None:
    async def test() -> None:
        async def answer(answering: Answering) -> None:
            await answering.json({"text": token})

        async with lab(answer, masker=ours, tenant="acme") as one:
            assert (await one.request("GET", "/v1/files")).json() == {"text": INSTANCE}

    with masker(tenant="acme") as ours:
        token = ours.mask_text(INSTANCE).text
        ours.vault.remember("default", {token: "another's"})
        run(test())
