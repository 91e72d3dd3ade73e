"""The laws of the masking core, over the whole catalogue and as properties of generated conversations."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aws_masker import Masker, catalogue
from aws_masker.restore import restorer_for
from aws_masker.tokens import Tokens
from masking import KEY, OTHER_KEY, masker, plain
from writing import FORMS

EXAMPLES = [plain(text) for family in catalogue.load().families for text in family.match]
EXAMPLES += [plain(text) for text in FORMS.values()]
COUNTEREXAMPLES = [text for family in catalogue.load().families for text in family.reject]
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def any_of(texts: list[str]) -> st.SearchStrategy[str]:
    """Generate one of many texts, without showing them all in every message."""
    return st.integers(0, len(texts) - 1).map(lambda at: texts[at])


# What is put between identifiers: everything that a boundary can hide behind, tokens of nobody's, broken characters.
GLUE = st.sampled_from(
    [
        " ",
        "\n",
        "\t",
        "\\n",
        '"',
        '\\"',
        ",",
        ", ",
        "/",
        "%2F",
        "\x1b[31m",
        "\\u0022",
        "é",
        "\ud800",
        "(",
        ")",
        "=",
        " x ",
        "-x0",
        "|",
    ]
)
# A few names, alone and beside what says what they are: what is learned in one text counts in others.
NAMED = ["acme-ledger-raw", "--bucket acme-ledger-raw", "ledger-pg-7", '"DBInstanceIdentifier": "ledger-pg-7"']
NAMED += ["481516234217", "account 481516234217", "acme-ledger-raw/ledger-pg-7/481516234217"]
IDENTIFIERS = st.one_of(
    st.sampled_from(NAMED),
    any_of(EXAMPLES),
    any_of(COUNTEREXAMPLES),
    st.from_regex(r"\Ai-[0-9a-f]{17}\Z"),
    st.from_regex(r"\A10\.[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}\Z"),
    st.from_regex(r"\Aarn:aws:iam::[0-9]{12}:role/[A-Za-z]{4,12}[0-9]\Z"),
    st.from_regex(r"\A--bucket [a-z]{3,8}-[a-z]{3,8}\Z"),
    st.text(max_size=30),
)
TEXTS = st.lists(st.tuples(IDENTIFIERS, GLUE), max_size=8).map(lambda pairs: "".join(a + b for a, b in pairs))
JSON_VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.just(481516234217), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def blocks() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Generate the content of a message."""
    return st.lists(
        st.one_of(
            TEXTS.map(lambda text: {"type": "text", "text": text}),
            TEXTS.map(lambda text: {"type": "thinking", "thinking": text, "signature": "c2lnbmF0dXJl"}),
            JSON_VALUES.map(
                lambda value: {"type": "tool_use", "id": "toolu_01", "name": "Bash", "input": {"command": value}}
            ),
            TEXTS.map(lambda text: {"type": "tool_result", "tool_use_id": "toolu_01", "content": text}),
            TEXTS.map(
                lambda text: {
                    "type": "tool_result",
                    "tool_use_id": "toolu_01",
                    "content": [{"type": "text", "text": text}],
                }
            ),
            TEXTS.map(lambda text: {"type": "brand_new_block", "payload": {"text": text}}),
        ),
        max_size=4,
    )


MESSAGES = st.lists(
    st.tuples(st.sampled_from(["user", "assistant"]), st.one_of(TEXTS, blocks())), min_size=1, max_size=4
).map(lambda pairs: [{"role": role, "content": content} for role, content in pairs])
SPELLINGS = st.sampled_from(
    [
        {"ensure_ascii": False, "separators": (",", ":")},
        {"ensure_ascii": True},
        {"ensure_ascii": True, "indent": 1},
    ]
)


def body(messages: list[Any], spelling: dict[str, Any] | None = None, **members: Any) -> bytes:
    """Return a request's body, as a client would write it."""
    document = {"model": "claude-test", "max_tokens": 10, "messages": messages, **members}
    # JSON.stringify writes lone surrogates as escapes, and so must a client that writes raw UTF-8 otherwise.
    text = json.dumps(document, **(spelling or {"ensure_ascii": False}))
    return b"".join(json.dumps(one)[1:-1].encode() if "\ud800" <= one <= "\udfff" else one.encode() for one in text)


def masked(one: Masker, raw: bytes, path: str = "/v1/messages") -> bytes:
    return one.mask_body(raw, path).apply(raw)


# Law 2: a token is a function of key, tenant and value.


def test_another_process_with_an_empty_vault_masks_the_same_bytes(one: Masker) -> None:
    raw = body([{"role": "user", "content": "\n".join(EXAMPLES)}])
    program = (
        "import sys; from aws_masker import Masker, Settings; raw = sys.stdin.buffer.read();"
        f"sys.stdout.buffer.write(Masker(Settings(key={KEY!r})).mask_body(raw, '/v1/messages').apply(raw))"
    )
    other = subprocess.run([sys.executable, "-c", program], input=raw, capture_output=True, check=True)
    assert other.stdout == masked(one, raw)


def test_another_key_or_tenant_gives_other_tokens() -> None:
    text = "i-0a1b2c3d4e5f60718"
    with masker() as one, masker(key=OTHER_KEY) as other_key, masker(tenant="other") as other_tenant:
        assert len({made.mask_text(text).text for made in (one, other_key, other_tenant)}) == 3


@MANY
@given(TEXTS, TEXTS)
def test_what_was_masked_before_does_not_matter(earlier: str, text: str) -> None:
    with masker() as fresh, masker() as used:
        used.mask_text(earlier)
        assert used.mask_text(text).text == fresh.mask_text(text).text


# Law 3: append-only.


@MANY
@given(MESSAGES, MESSAGES, TEXTS, TEXTS, st.sampled_from(["", ',"stop_sequences":[]']))
def test_a_conversation_that_grows_at_its_end_grows_at_its_end_in_masked_form(
    one: Masker, first: list[Any], more: list[Any], system: str, tool: str, last: str
) -> None:
    tools = [{"name": "Bash", "description": tool, "input_schema": {"type": "object"}}]
    before = json.loads(masked(one, body(first, system=system, tools=tools)))
    raw = body(first + more, system=system, tools=tools)[:-1] + last.encode() + b"}"
    after = json.loads(masked(one, raw))
    assert after["messages"][: len(first)] == before["messages"]
    assert (after["system"], after["tools"]) == (before["system"], before["tools"])


@pytest.mark.parametrize(
    ("at", "masked_in"),
    [("tools", ["tools", "system", "messages"]), ("system", ["system", "messages"]), ("messages", ["messages"])],
)
def test_what_is_learned_counts_in_what_the_model_reads_later_and_not_before(
    one: Masker, at: str, masked_in: list[str]
) -> None:
    texts = dict.fromkeys(("tools", "system", "messages"), "the one is ledger-pg-7")
    texts[at] = "--db-instance-identifier ledger-pg-7"
    tools = [{"name": "Bash", "description": texts["tools"], "input_schema": {"type": "object"}}]
    raw = body([{"role": "user", "content": texts["messages"]}], tools=tools, system=texts["system"])
    sent = json.loads(masked(one, raw))
    assert [name for name in texts if "ledger-pg-7" not in json.dumps(sent[name])] == masked_in


@MANY
@given(MESSAGES)
def test_count_tokens_gets_what_messages_gets(one: Masker, messages: list[Any]) -> None:
    raw = body(messages)
    assert masked(one, raw, "/v1/messages/count_tokens?beta=true") == masked(one, raw, "/v1/v1/messages?beta=true")


@MANY
@given(MESSAGES)
def test_an_item_of_a_batch_gets_what_a_request_of_its_own_gets(one: Masker, messages: list[Any]) -> None:
    params = json.loads(body(messages, {"ensure_ascii": True}))
    alone = json.loads(masked(one, json.dumps(params).encode()))
    raw = json.dumps(
        {"requests": [{"custom_id": "a", "params": params}, {"custom_id": "b", "params": params}]}
    ).encode()
    items = json.loads(masked(one, raw, "/v1/messages/batches"))["requests"]
    assert [item["params"] for item in items] == [alone, alone]


@MANY
@given(MESSAGES, st.permutations(["system", "messages", "tools"]))
def test_the_order_of_the_members_does_not_matter(one: Masker, messages: list[Any], order: list[str]) -> None:
    members: dict[str, Any] = {
        "tools": [
            {"name": "Bash", "description": "runs in --cluster ledger-blue-7", "input_schema": {"type": "object"}}
        ],
        "system": "the cluster ledger-blue-7 and the bucket s3://acme-ledger-raw",
        "messages": messages,
    }
    straight = json.loads(masked(one, body(**members)))
    raw = body(messages)
    document = json.loads(raw.decode("utf-8", "surrogatepass")) | members
    shuffled = {name: document[name] for name in [*order, "model", "max_tokens"]}
    assert json.loads(masked(one, json.dumps(shuffled).encode())) == straight


@MANY
@given(MESSAGES, SPELLINGS, SPELLINGS)
def test_how_a_string_is_spelled_does_not_matter(one: Masker, messages: list[Any], this: Any, that: Any) -> None:
    assert json.loads(masked(one, body(messages, this))) == json.loads(masked(one, body(messages, that)))


# Law 4: round trip.


def test_every_example_comes_back_as_it_was(one: Masker) -> None:
    lost = [text for text in EXAMPLES + COUNTEREXAMPLES if one.restore_text(one.mask_text(text).text) != text]
    assert lost == []


@MANY
@given(TEXTS)
def test_any_text_comes_back_as_it_was(one: Masker, text: str) -> None:
    assert one.restore_text(one.mask_text(text).text) == text


@MANY
@given(MESSAGES, SPELLINGS)
def test_any_body_comes_back_as_it_was(one: Masker, messages: list[Any], spelling: Any) -> None:
    raw = body(messages, spelling)
    result = one.mask_body(raw, "/v1/messages")
    restorer = restorer_for("application/json", result.dictionary)
    restored = restorer.feed(result.apply(raw)) + restorer.close()
    assert json.loads(restored) == json.loads(raw)
    if not spelling["ensure_ascii"]:
        assert restored == raw


@MANY
@given(st.lists(st.tuples(any_of(EXAMPLES), GLUE), min_size=1, max_size=6), st.randoms())
def test_an_answer_with_tokens_of_the_conversation_is_masked_back_to_itself(
    one: Masker, pairs: list[Any], random: Any
) -> None:
    """What Claude writes with whole tokens comes back, in the next request, as Claude wrote it."""
    said = "\n".join(text for text, _ in pairs)
    first = one.mask_text(said)
    tokens = [token for token in first.dictionary if not token.startswith(("net-", "netd-", "ipd-", "acctn-"))]
    if not tokens:
        return
    answer = "\n" + " and ".join(random.choice(tokens) for _ in range(5)) + "."
    restored = one.restore_text(answer)
    if "\n" in restored[1:]:
        return
    assert one.mask_text(said + restored).text == first.text + answer


# Law 5: idempotent.


@MANY
@given(MESSAGES)
def test_masking_what_is_masked_changes_nothing(one: Masker, messages: list[Any]) -> None:
    once = masked(one, body(messages))
    assert masked(one, once) == once


# What only its surroundings tell, once these have become tokens.
GLUED = {
    "a value that goes on behind an address": "--table-names 203.0.113.9/32-x0",
    "a value that goes on behind an id": "--hosted-zone-id Z33PJN98FT9X1/settlement",
    "a value that goes on behind a host": (
        "aws eks describe-cluster --name cart-cache-prod-001.x1y2z3.0001.use1.cache.amazonaws.com:6379-x0"
    ),
    "a value that goes on with a secret": (
        "--workflow-version-name fraud-loader-01/SECRET=Xk29dlQpq0Zz77ab/arn:aws:iam::481516234217:root"
    ),
    "a value that ends in an id": "aws ecs update --services public.ecr.aws/a1b2c3d4/ledger",
    "a word behind an id that has no joint": "amazonaws.com User APKAO53ROP9G761SD5V1A/restoring",
    "a word behind a name that has no joint": "aws: No cluster found for name: ledgerblue./psql",
    "a cell far from where its row begins": (
        "| eyJraWQiOiJleGFtcGxlIn0.eyJzdWIiOiJ1c2VyLTEifQ.c2lnbXN0 --cognito-client-id 3n4b5urk1ft4fl3mg5e62d9ado "
        "|  PolicyId  | EXAMPLE1 aws "
    ),
    "a word far behind a command that holds a name": (
        "aws logs tail /aws/codebuild/ledger-ci --follow |  BatchJobDefinition  |  nightly-settlement-queue  | x"
    ),
    "a word behind a name that ends like a command": (
        "--user-journey-name ledger-events-x0cdk deploys it for settle-x0done "
        "a3kx9vexampleb74y71zf-ats.beta.us-west-2.iot.amazonaws.com"
    ),
    "a name that is no sign of an account": 'the bucket some.thing.nine and "DBInstanceIdentifier": "ledger-pg-7"',
    "an id that is too long in a title": (
        "https://b-1234abcd-12ab-34cd-56ef-1234567890ab.mq.eu-west-1.on.aws  id|bucketname\n--\n1|acmeledger"
    ),
    "a column without values": "TABLENAME\tAcmeEntries\n\tagent-04a03e78cbf980020,",
    "a sentence beside base64": "connections/LcOFvHcCIhw=/the glue job runs as KontorCrmRole now",
    "a name behind an id and a comma": "--function-name 481516234217:function:ledger-nightly,listener-9",
    "a host in the path of a host": (
        "481516234217.dkr.ecr.eu-west-1.amazonaws.com/cart-cache-prod.1y2z3x.clustercfg.use1.cache.amazonaws.com:6379"
    ),
    "an id in quotes behind a secret that ends like a key": (
        "LdapPassword: S3cr3t-Pa55w0rd!-x0PAYMENT_REQUEST_ID='pr-MhePQ6pW7f'-x0$ aws x list-ys "
        "--query 'Ys[].[Origin,State]' --output table\n---------\n| ListYs |\n+---+---+\n|  acme-raw9  |  in-use  |\n"
    ),
    "a common word for a name": (
        'new aws.sqs.Queue("q", {name: "ledger-jobs"})-x0aws controltower describe --landing-zone-identifier '
        'OrdersWorker2-x0detector_version_id = "OrdersWorker2" '
    ),
    "a command behind the version of an image": (
        "481516234217.dkr.ecr.eu-west-1.amazonaws.com/acme-pay/ledger-api:1.42.0-x0new DeleteDiskCommand("
        '{ resourceName: "ledgerdisk" })'
    ),
    "a host in the end of a token": (
        'aea02fd17533c8186.awsglobalaccelerator.com aws x --directory-name ledger-9-x0resource "aws_accelerator_x" '
    ),
    "a host behind a quote that is escaped": (
        "\\u0022oidc.eks.eu-west-1.amazonaws.com/id/503A25711F34D0F20F23EFBE784F37D0"
    ),
    "a key that is glued to a secret": (
        "aws --monitor-name /X-Amz-Security-Token: FQoGZXIvYXdzE1a2b3c4d5epp.SNAPSHOT_NAME=ledger-base"
    ),
}


@pytest.mark.parametrize("text", GLUED.values(), ids=GLUED)
def test_what_a_token_stands_beside_is_not_masked_for_it(one: Masker, text: str) -> None:
    once = one.mask_text(text).text
    assert one.mask_text(once).text == once
    assert one.restore_text(once) == text


def test_a_masked_example_is_not_masked_again(one: Masker) -> None:
    with masker() as second:
        once = [one.mask_text(text).text for text in EXAMPLES]
        changed = [text for text in once if second.mask_text(text).text != text]
    assert changed == []


def test_a_name_that_is_the_label_of_a_token_leaves_the_token_alone(one: Masker) -> None:
    token = one.mask_text("eni-attach-0a1b2c3d4e5f60718").text
    assert token.startswith("eni-attach-x")
    masked_text = one.mask_text(f"--cluster-name eni-attach; eni-attach {token}").text
    assert masked_text.endswith(f" {token}")
    assert "eni-attach;" not in masked_text


def test_a_token_that_could_begin_at_two_labels_begins_at_the_longer() -> None:
    """One value in 32,768 has the same check under both labels; 8642 is one, under this key."""
    tokens = Tokens(bytes(range(7, 39)), "team-a", ("net", "subnet"))
    token = tokens.make(b"subnet", b"8642")
    assert token.endswith(tokens.make(b"net", b"8642"))
    assert tokens.start_of(token, len("subnet")) == 0


# Law 6: minimal.


@MANY
@given(MESSAGES, SPELLINGS)
def test_every_byte_outside_an_edit_stays(one: Masker, messages: list[Any], spelling: Any) -> None:
    raw = body(messages, spelling)
    result = one.mask_body(raw, "/v1/messages")
    out = result.apply(raw)
    read = written = 0
    for edit in result.edits:
        assert edit.offset >= read
        kept = edit.offset - read
        assert raw[read : edit.offset] == out[written : written + kept]
        written += kept + len(edit.replacement)
        read = edit.offset + edit.length
    assert raw[read:] == out[written:]


def test_a_body_with_nothing_to_mask_has_no_edits(one: Masker) -> None:
    raw = body([{"role": "user", "content": [{"type": "text", "text": text} for text in COUNTEREXAMPLES]}])
    assert one.mask_body(raw, "/v1/messages").edits == ()


# Law 7: immutable parts.


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "i-0a1b2c3d4e5f60718 in 481516234217", "signature": "i-0a1b2c3d4e5f60718"},
        {"type": "redacted_thinking", "data": "i-0a1b2c3d4e5f60718"},
        {"type": "compaction", "content": "i-0a1b2c3d4e5f60718"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AKIAFAKEFAKEFAKEFAKE"}},
        {"type": "tool_use", "id": "i-0a1b2c3d4e5f60718", "name": "i-0a1b2c3d4e5f60718", "input": {}},
        {"type": "tool_result", "tool_use_id": "i-0a1b2c3d4e5f60718", "content": []},
        {"type": "image", "source": {"type": "file", "file_id": "i-0a1b2c3d4e5f60718"}},
    ],
)
def test_an_immutable_part_stays_byte_for_byte(one: Masker, block: dict[str, Any]) -> None:
    raw = body([{"role": "assistant", "content": [block]}])
    assert one.mask_body(raw, "/v1/messages").edits == ()


# Law 10: own tenant only.


def test_a_token_is_never_restored_for_another_tenant(tmp_path: Any) -> None:
    vault = f"sqlite:///{tmp_path / 'vault.db'}"
    text = "\n".join(EXAMPLES)
    with masker(vault=vault) as mine, masker(vault=vault, tenant="other") as other:
        once = mine.mask_text(text)
        assert other.restore_text(once.text) == once.text
        assert mine.restore_text(once.text) == text
        assert other.mask_text(text).dictionary.keys() & once.dictionary.keys() == set()
