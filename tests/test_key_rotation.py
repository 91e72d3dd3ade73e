"""Changing the key with an overlap: the laws with two and three keys at once."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aws_masker import Masker, Settings, catalogue
from aws_masker.vault import GuardedVault, open_vault
from gateway_lab import INSTANCE, Answering, lab, message, run
from masking import KEY, OTHER_KEY, masker, plain
from redis_fixture import RedisServer

THIRD_KEY = "5ca1ab1e00112233445566778899aabbccddeeff0123456789fedcba98765432"
EXAMPLES = [plain(text) for family in catalogue.load().families for text in family.match]
TEXT = "\n".join(EXAMPLES)
SOME = settings(max_examples=60, deadline=None)

Open = Callable[..., Masker]


def by_chance(recognised: set[str]) -> bool:
    """Tell whether no more were recognised than chance has it: a check of 15 bits lets one in 32,768 pass."""
    return len(recognised) < len(EXAMPLES) / 100


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens maskers over one vault."""
    opened: list[Masker] = []

    def open_one(key: str, *accepted: str, **more: Any) -> Masker:
        opened.append(masker(key=key, accepted_keys=accepted, vault=f"sqlite:///{tmp_path / 'vault'}", **more))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


# One step after the other, over the whole catalogue.


def test_what_the_key_before_masked_is_restored_and_not_masked_again(shared: Open) -> None:
    before = shared(KEY).mask_text(TEXT).text
    after = shared(OTHER_KEY, KEY)
    assert after.mask_text(before).text == before
    assert after.restore_text(before) == TEXT


def test_a_process_that_only_knows_the_key_to_come_does_the_same(shared: Open) -> None:
    """So the new key is given to all as a further one first: none meets a token that it does not know."""
    ahead = shared(OTHER_KEY, KEY).mask_text(TEXT).text
    behind = shared(KEY, OTHER_KEY)
    assert behind.mask_text(ahead).text == ahead
    assert behind.restore_text(ahead) == TEXT


def test_what_is_made_depends_on_the_key_in_use_alone(shared: Open) -> None:
    alone = shared(OTHER_KEY).mask_text(TEXT).text
    assert shared(OTHER_KEY, KEY).mask_text(TEXT).text == alone
    assert shared(OTHER_KEY, THIRD_KEY, KEY).mask_text(TEXT).text == alone


def test_after_the_overlap_tokens_of_the_key_before_are_nothing(shared: Open) -> None:
    before = shared(KEY).mask_text(TEXT).text
    after = shared(OTHER_KEY)
    assert by_chance(after.tokens_in(before))
    assert after.restore_text(before) == before


def test_no_key_opens_what_another_tenant_masked(shared: Open) -> None:
    theirs = shared(KEY).mask_text(TEXT).text + shared(OTHER_KEY).mask_text(TEXT).text
    mine = shared(THIRD_KEY, OTHER_KEY, KEY, tenant="another")
    assert by_chance(mine.tokens_in(theirs))
    assert mine.restore_text(theirs) == theirs


def test_a_request_with_tokens_of_three_keys_gets_all_of_them_restored(shared: Open) -> None:
    words = [shared(key).mask_text("i-0a1b2c3d4e5f60718").text for key in (KEY, OTHER_KEY, THIRD_KEY)]
    now = shared(THIRD_KEY, OTHER_KEY, KEY)
    body = json.dumps(message(f"{' '.join(words)} and vpc-0a1b2c3d4e5f60718")).encode()
    masked = now.mask_body(body, "/v1/messages")
    assert {masked.dictionary[word] for word in words} == {"i-0a1b2c3d4e5f60718"}
    assert [edit.length for edit in masked.edits] == [len("vpc-0a1b2c3d4e5f60718")]


# As properties.

TEXTS = st.lists(
    st.tuples(
        st.integers(0, len(EXAMPLES) - 1).map(lambda at: EXAMPLES[at]), st.sampled_from([" ", "\n", '\\"', "/", "-x0"])
    ),
    max_size=6,
).map(lambda pairs: "".join(one + glue for one, glue in pairs))
KEYS = st.permutations([KEY, OTHER_KEY, THIRD_KEY])


@pytest.fixture(scope="module")
def maskers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Masker]]:
    """Return a function that gives a masker for keys, the one in use first; all share one vault."""
    vault = f"sqlite:///{tmp_path_factory.mktemp('rotation') / 'vault'}"
    made: dict[tuple[str, ...], Masker] = {}

    def of(*keys: str) -> Masker:
        if keys not in made:
            made[keys] = masker(key=keys[0], accepted_keys=keys[1:], vault=vault)
        return made[keys]

    yield of
    for one in made.values():
        one.close()


@SOME
@given(st.lists(st.tuples(TEXTS, st.integers(0, 2)), min_size=1, max_size=4), KEYS)
def test_any_mixture_of_tokens_is_recognised_restored_and_left_alone(
    maskers: Callable[..., Masker], pieces: list[tuple[str, int]], keys: list[str]
) -> None:
    now = maskers(*keys)
    mixed = "\n".join(maskers(keys[which]).mask_text(text).text for text, which in pieces)
    assert now.restore_text(mixed) == "\n".join(text for text, _ in pieces)
    # Names that one piece has learned may be masked in another; what was a token stays one.
    assert now.tokens_in(mixed) <= now.tokens_in(now.mask_text(mixed).text)


@SOME
@given(TEXTS, KEYS)
# ARNs glued to each other: what was masked of one is not what the next began with.
@example("-x0".join(["arn:aws:iam::481516234217:role/GitHubDeployer"] * 3), [KEY, OTHER_KEY, THIRD_KEY])
# What was found in a cell, and what does not look so any more, before a key and its value.
@example("--access-point-name finance-ap/Key=APKAO53ROP9G761SD5V1A |  SsoSession  |  acme-admin  | ", [KEY, OTHER_KEY])
# A key that is glued to a name, and masked with it.
@example(
    '--log-group-name /aws/eks/prod-euw1-blue/cluster-x0thing_type_id = "zorvel-clicks-dev"\n'
    "BUCKETS\t2023-01-01T00:00:00+00:00\tacme-ledger-raw ",
    [KEY, OTHER_KEY],
)
# A secret: its token gives no name to a text that had none.
@example(
    'aws configure set default.aws_session_token \'FAKEsession0123456789\'-x0s3.Object("acme-ledger-raw", "k") ',
    [KEY, OTHER_KEY],
)
# A cell before a bar, and keys with values behind it.
@example(
    "|  InitialDatabase  |  payments_ledger  | arn:aws:iam::481516234217:role/GitHubDeployer"
    '\\""RoleName": "GitHubActionsDeployer"\\""AccountAlias": "acme-payments-prod" ',
    [KEY, OTHER_KEY, THIRD_KEY],
)
@example("--user-data-script IyEvYmluL2Jhc2gKeXVtIGluc3RhbGw== |  KeyName  |  acme-key-1  | ", [KEY, OTHER_KEY])
# What begins in an address and goes on behind it.
@example("2a05:d018:1f3:aa00::7-x0ledger-docs-481516234217.us-east-1.docdb-elastic.amazonaws.com ", [KEY, OTHER_KEY])
# An id that ends like a word, before a key that is shared, in a text that says nothing of AWS.
@example("ID=dt_KeGtwaHZSq5jetSl1e3gFdoT FunctionName: ledger-nightly-reconcile ", [KEY, OTHER_KEY])
# A word that is a name elsewhere, before such a key.
@example('"BucketName": "zorvelraw"\nzorvelraw service: ledger-nightly9\n', [KEY, OTHER_KEY])
# A key glued into an ARN, and keys in what stays of its value.
@example(
    'arn:aws:iam::000000000000:role/AAAA0=--BUCKET /--bucket acme-ledger-raw"\n'
    'arn:aws:iam::000000000000:role/AAAA0=--BUCKET 00A/--bucket acme-ledger-dev"',
    [KEY, OTHER_KEY],
)
def test_masking_twice_under_keys_that_change_is_masking_once(
    maskers: Callable[..., Masker], text: str, keys: list[str]
) -> None:
    before = maskers(keys[1]).mask_text(text).text
    assert maskers(*keys).mask_text(before).text == before


# The vault.


@pytest.fixture(params=["sqlite", "redis"])
def vault_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'vault'}"
    server: RedisServer = request.getfixturevalue("redis_server")
    return server.url


@pytest.fixture
def opened(vault_url: str) -> Iterator[Callable[..., GuardedVault]]:
    vaults: list[GuardedVault] = []

    def open_one(key: str, *accepted: str) -> GuardedVault:
        vaults.append(open_vault(Settings(key=key, accepted_keys=accepted, vault=vault_url), environ={}))
        return vaults[-1]

    yield open_one
    for vault in vaults:
        vault.close()


def test_what_was_stored_under_any_key_is_recalled_and_new_values_are_stored_under_the_one_in_use(
    opened: Callable[..., GuardedVault],
) -> None:
    opened(KEY).remember("acme", {"i-xold": "first"})
    opened(OTHER_KEY).remember("acme", {"i-xolder": "second"})
    now = opened(THIRD_KEY, OTHER_KEY, KEY)
    now.remember("acme", {"i-xnew": "third"})
    assert now.recall("acme", ["i-xold", "i-xolder", "i-xnew", "i-xnone"]) == {
        "i-xold": "first",
        "i-xolder": "second",
        "i-xnew": "third",
    }
    assert opened(THIRD_KEY).recall("acme", ["i-xold", "i-xolder", "i-xnew"]) == {"i-xnew": "third"}
    assert opened(KEY).recall("acme", ["i-xold", "i-xolder", "i-xnew"]) == {"i-xold": "first"}
    assert now.recall("globex", ["i-xold", "i-xolder", "i-xnew"]) == {}
    assert now.status().unreadable == 0


# Through the gateway.


def test_someone_who_pastes_a_token_of_the_key_before_gets_it_back_restored(shared: Open) -> None:
    old = shared(KEY).mask_text(INSTANCE).text
    now = shared(OTHER_KEY, KEY)

    async def test() -> None:
        async def echo(answering: Answering) -> None:
            said = answering.seen.json()["messages"][0]["content"]
            await answering.json({"type": "message", "content": [{"type": "text", "text": said}]})

        async with lab(echo, masker=now) as one:
            answer = await one.post(message(f"what was {old}?"))
            assert old in one.upstream.seen[-1].body.decode()
            assert answer.json()["content"][0]["text"] == f"what was {INSTANCE}?"

    run(test())
