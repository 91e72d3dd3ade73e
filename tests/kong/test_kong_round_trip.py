"""What a client, the upstream, the vault and the log see when all is well."""

import json
import re
import signal
import threading
from collections.abc import Callable, Iterator

import pytest
from client import Answer, ask, message, streaming
from raw_upstream import RawUpstream
from stacks import KEY, Setup, Stack, ask_until, is_served, record_of, records, wait_for

from aws_masker.fake_api import FakeApi
from redis_fixture import RedisServer

INSTANCE = "i-0a1b2c3d4e5f60718"
OTHER = "i-0ffffffffffffffff"
ACCOUNT = "481516234217"
NEW_KEY = "0ddba11f00d5ca1ab1e7e57ab1e0ffed9876543210fedcbaabcdef0123456789"
TOKEN = re.compile(r"i-x[0-9a-z]{16}")

Start = Callable[[Setup], Stack]


@pytest.fixture(autouse=True)
def _forget(api: FakeApi) -> None:
    api.requests.clear()


def _text(answer: bytes) -> str:
    return "".join(block["text"] for block in json.loads(answer)["content"])


def _sent(api: FakeApi) -> str:
    """Return the body of the newest request that arrived."""
    return api.requests[-1].body.decode()


def test_the_api_sees_tokens_and_the_client_sees_its_own_identifiers(stack: Stack, api: FakeApi) -> None:
    answer = ask(stack.url, "/v1/messages?beta=true", message(f"stop {INSTANCE} of account {ACCOUNT} now"))
    assert answer.status == 200, answer.body
    assert INSTANCE not in _sent(api)
    assert ACCOUNT not in _sent(api)
    assert TOKEN.search(_sent(api))
    assert api.requests[-1].path == "/v1/messages?beta=true"
    assert INSTANCE in _text(answer.body)
    assert not TOKEN.search(_text(answer.body))


def test_a_streamed_answer_is_restored(stack: Stack) -> None:
    with streaming(stack.url, "/v1/messages", message(f"stop {INSTANCE} now", stream=True)) as pieces:
        lines = b"".join(pieces).decode().splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    text = "".join(one["delta"].get("text", "") for one in events if one["type"] == "content_block_delta")
    assert INSTANCE in text
    assert not TOKEN.search(text)


def test_a_body_without_identifiers_arrives_byte_for_byte(stack: Stack, api: FakeApi) -> None:
    body = b'{ "model":"m",\t"max_tokens": 9007199254740993, "messages": [{"role":"user","content":"\\u00e9 \\/ {}"}] }'
    ask(stack.url, "/v1/messages", body)
    assert api.requests[-1].body == body


@pytest.mark.parametrize("path", ["/v1/models", "/v1/v1/models"])
def test_both_forms_of_the_base_url_reach_the_same_endpoint(stack: Stack, api: FakeApi, path: str) -> None:
    assert ask(stack.url, path).status == 200
    assert [one.path for one in api.requests] == ["/v1/models"]


def test_an_account_that_is_a_number_leaves_as_a_string_and_comes_back(stack: Stack, api: FakeApi) -> None:
    tool = {"type": "tool_use", "id": "toolu_1", "name": "t", "input": {"account_id": int(ACCOUNT), "n": 3}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
    messages = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [tool]},
        {"role": "user", "content": [result]},
    ]
    answer = ask(stack.url, "/v1/messages", message("", messages=messages))
    assert answer.status == 200, answer.body
    assert ACCOUNT not in _sent(api)
    sent = json.loads(_sent(api))["messages"][1]["content"][0]["input"]
    assert sent["account_id"].startswith("acctn-x")
    assert sent["n"] == 3


def test_the_log_tells_what_was_done_without_a_value_or_a_credential(stack: Stack) -> None:
    hidden = {"Authorization": "Bearer hidden", "Cookie": "a=hidden", "X-Other": "hidden"}
    path = "/v1/messages?x=hidden"
    record = record_of(stack, lambda given: ask(stack.url, path, message(f"stop {INSTANCE}"), {**hidden, **given}))
    told = record["aws_masker"]
    assert (told["outcome"], told["edits"], told["restored"] > 0) == ("ok", 1, True)
    assert told["families"] == {"ec2-instance": 1}
    assert record["request"]["headers"].keys() <= {"content-length", "x-request-id"}
    assert record["request"]["uri"] == "/v1/messages"
    whole = json.dumps(records(stack))
    assert "hidden" not in whole
    assert "made-up-key" not in whole
    assert INSTANCE not in whole


def test_masking_and_restoring_can_be_switched_off(start_stack: Start, api: FakeApi) -> None:
    stack = start_stack(Setup(api.url, config={"enable_masking": False}))
    ask(stack.url, "/v1/messages", message(INSTANCE))
    assert INSTANCE in _sent(api)
    stack = start_stack(Setup(api.url, config={"enable_unmasking": False}))
    answer = ask(stack.url, "/v1/messages", message(INSTANCE))
    assert INSTANCE not in _sent(api)
    assert TOKEN.search(_text(answer.body))


def test_requests_go_where_the_plugin_says_rather_than_the_service(start_stack: Start, api: FakeApi) -> None:
    elsewhere = RawUpstream()
    stack = start_stack(Setup(elsewhere.url, config={"upstream": api.url}))
    answer = ask(stack.url, "/v1/messages", message(INSTANCE))
    assert INSTANCE in _text(answer.body)
    assert api.requests[-1].header("host") == api.url.removeprefix("http://")
    assert elsewhere.received == []
    elsewhere.close()


def test_consumers_are_tenants_of_their_own(start_stack: Start, api: FakeApi) -> None:
    setup = Setup(api.url, config={"tenant_is_consumer": True}, consumers={"ann": "ann-key", "bob": "bob-key"})
    stack = start_stack(setup)

    def mask(key: str) -> str:
        headers = {"x-gateway-key": key}
        answer = ask_until(
            lambda found: found.status == 200,
            lambda: ask(stack.url, "/v1/messages", message(f"x {INSTANCE}"), headers),
        )
        assert INSTANCE in _text(answer.body)
        (token,) = TOKEN.findall(_sent(api))
        return str(token)

    ann = mask("ann-key")
    assert ann == mask("ann-key")
    assert ann != mask("bob-key")
    pasted = ask(stack.url, "/v1/messages", message(f"what is {ann}?"), {"x-gateway-key": "bob-key"})
    assert ann in _text(pasted.body)
    assert ask(stack.url, "/v1/messages", message(INSTANCE)).status == 401


def test_without_a_consumer_nobody_is_served_where_consumers_are_tenants(start_stack: Start, api: FakeApi) -> None:
    stack = start_stack(Setup(api.url, config={"tenant_is_consumer": True}, refuses=True))
    answer = ask_until(lambda found: found.status == 403, lambda: ask(stack.url, "/v1/messages", message(INSTANCE)))
    assert answer.is_error
    assert not any(one.body for one in api.requests)


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"Host": "gateway.example:8082"}, "http://gateway.example:8082"),
        ({"X-Forwarded-Host": "gw.example", "X-Forwarded-Proto": "https"}, "https://gw.example"),
        (
            {"X-Forwarded-Host": "nginx:8082", "X-Forwarded-Proto": "https", "X-Forwarded-Scheme": "http"},
            "http://nginx:8082",
        ),
    ],
)
def test_the_results_of_a_batch_are_fetched_through_the_gateway(
    stack: Stack, headers: dict[str, str], base: str
) -> None:
    params = json.loads(message(f"stop {INSTANCE}"))
    created = ask(
        stack.url, "/v1/messages/batches", json.dumps({"requests": [{"custom_id": "a", "params": params}]}).encode()
    )
    assert created.status == 200, created.body
    identifier = created.json()["id"]
    for path in (f"/v1/messages/batches/{identifier}", "/v1/messages/batches"):
        found = ask(stack.url, path, headers=headers).json()
        batch = found["data"][0] if "data" in found else found
        assert batch["results_url"] == f"{base}/v1/messages/batches/{identifier}/results"


def test_no_host_of_the_house_is_named_to_the_api(stack: Stack, api: FakeApi) -> None:
    told = {f"X-Forwarded-{name}": "10.9.8.7" for name in ("For", "Host", "Port", "Prefix", "Server", "Scheme")}
    told |= {"Forwarded": "for=10.9.8.7", "Via": "x"}
    told |= dict.fromkeys(("X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Cluster-Client-IP"), "10.9.8.7")
    told |= {"X-Forwarded-Client-Cert": "10.9.8.7", "X-Original-Host": "10.9.8.7", "X-Envoy-Peer-Metadata": "10.9.8.7"}
    assert ask(stack.url, "/v1/messages", message("hello"), told).status == 200
    (request,) = (one for one in api.requests if one.body)
    assert "10.9.8.7" not in str(request.headers)
    assert not [name for name, _ in request.headers if name.lower().startswith(("x-forwarded", "forwarded", "via"))]


def test_no_digest_of_the_body_as_it_was_reaches_the_api(stack: Stack, api: FakeApi) -> None:
    names = ("Content-MD5", "Digest", "Content-Digest", "Repr-Digest", "X-Amz-Content-Sha256")
    assert ask(stack.url, "/v1/messages", message("hello"), dict.fromkeys(names, "made-up-digest")).status == 200
    assert "made-up-digest" not in str([one.headers for one in api.requests])


def test_the_results_of_a_batch_are_restored(stack: Stack, api: FakeApi) -> None:
    items = [{"custom_id": str(n), "params": json.loads(message(f"stop i-0a1b2c3d4e5f6071{n}"))} for n in range(3)]
    created = ask(stack.url, "/v1/messages/batches", json.dumps({"requests": items}).encode())
    assert "i-0a1b" not in _sent(api)
    path = f"/v1/messages/batches/{created.json()['id']}/results"
    wait_for(lambda: b"i-0a1b2c3d4e5f60712" in ask(stack.url, path).body)
    results = [json.loads(line) for line in ask(stack.url, path).body.splitlines()]
    assert [one["custom_id"] for one in results] == ["0", "1", "2"]
    for one in results:
        (block,) = one["result"]["message"]["content"]
        assert f"i-0a1b2c3d4e5f6071{one['custom_id']}" in block["text"]
        assert not TOKEN.search(block["text"])


def test_results_of_a_batch_that_nobody_knows_keep_their_tokens(stack: Stack, api: FakeApi) -> None:
    assert ask(stack.url, "/v1/messages/batches/msgbatch_unknown/results").status == 404


def _json_answer(body: bytes, kind: str = "application/json") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class TestWithRedis:
    """The vault is a Redis of the test's own."""

    @pytest.fixture
    def shared(self, start_stack: Start, api: FakeApi, redis_server: RedisServer) -> Iterator[Stack]:
        yield start_stack(Setup(api.url, vault=redis_server.url))
        redis_server.thaw()

    def test_a_token_that_is_pasted_later_comes_back(self, shared: Stack, api: FakeApi) -> None:
        ask(shared.url, "/v1/messages", message(INSTANCE))
        (token,) = TOKEN.findall(_sent(api))
        answer = ask(shared.url, "/v1/messages", message(f"what is {token}?"))
        assert f"what is {token}?" in _sent(api)
        assert INSTANCE in _text(answer.body)

    def test_while_the_key_is_changed_node_by_node_every_node_restores_what_any_of_them_masked(
        self, start_stack: Start, api: FakeApi, redis_server: RedisServer
    ) -> None:
        def node(key: str, accepted: str) -> Stack:
            return start_stack(Setup(api.url, vault=redis_server.url, key=key, accepted_keys=accepted))

        ahead, behind = node(NEW_KEY, KEY), node(KEY, NEW_KEY)
        tokens = []
        for one in (ahead, behind):
            ask(one.url, "/v1/messages", message(INSTANCE))
            tokens += TOKEN.findall(_sent(api))
        assert len(set(tokens)) == 2
        for one in (ahead, behind):
            answer = ask(one.url, "/v1/messages", message(f"what are {tokens[0]} and {tokens[1]}?"))
            assert f"what are {tokens[0]} and {tokens[1]}?" in _sent(api)
            assert _text(answer.body).count(INSTANCE) == 2

    def test_results_of_a_batch_are_restored_though_the_server_was_killed_while_it_was_made(
        self, start_stack: Start, redis_server: RedisServer
    ) -> None:
        upstream = RawUpstream()
        stack = start_stack(Setup(upstream.url, vault=redis_server.url))
        params = json.loads(message(f"stop {INSTANCE}"))
        batch = json.dumps({"requests": [{"custom_id": "a", "params": params}]}).encode()
        made: list[Answer] = []
        making = threading.Thread(target=lambda: made.append(ask(stack.url, "/v1/messages/batches", batch)))
        making.start()
        with upstream.take() as connection:
            stack.signal_server(signal.SIGKILL)
            connection.sendall(_json_answer(b'{"type": "message_batch", "id": "msgbatch_1", "results_url": null}'))
        making.join()
        assert made[0].json()["id"] == "msgbatch_1"
        (token,) = TOKEN.findall(upstream.received[-1].decode())

        def results() -> Answer:
            with upstream.answering(_json_answer(json.dumps({"text": token}).encode(), "application/x-jsonl")):
                return ask(stack.url, "/v1/messages/batches/msgbatch_1/results")

        wait_for(lambda: is_served(stack))
        answer = ask_until(lambda found: INSTANCE.encode() in found.body, results)
        assert answer.json() == {"text": INSTANCE}
        upstream.close()

    def test_redis_holds_no_original(self, shared: Stack, redis_server: RedisServer) -> None:
        ask(shared.url, "/v1/messages", message(f"{INSTANCE} {ACCOUNT} {OTHER}"))
        admin = redis_server.admin()
        everything = repr([(key, admin.get(key)) for key in admin.scan_iter()])
        assert "i-x" in everything
        assert not any(one in everything for one in (INSTANCE, OTHER, ACCOUNT))
        admin.close()

    def test_an_emptied_vault_changes_nothing_that_the_api_sees(
        self, shared: Stack, api: FakeApi, redis_server: RedisServer
    ) -> None:
        ask(shared.url, "/v1/messages", message(f"stop {INSTANCE}"))
        before = _sent(api)
        admin = redis_server.admin()
        admin.flushall()
        admin.close()
        answer = ask(shared.url, "/v1/messages", message(f"stop {INSTANCE}"))
        assert _sent(api) == before
        assert INSTANCE in _text(answer.body)

    @pytest.mark.parametrize("how", ["stop", "freeze"])
    def test_a_vault_that_is_down_changes_nothing_that_anybody_sees(
        self, shared: Stack, api: FakeApi, redis_server: RedisServer, how: str
    ) -> None:
        ask(shared.url, "/v1/messages", message(f"stop {INSTANCE}"))
        before = TOKEN.findall(_sent(api))[0]
        getattr(redis_server, how)()
        answer = ask(shared.url, "/v1/messages", message(f"stop {INSTANCE} and {OTHER}"))
        assert answer.seconds < 6
        assert before in _sent(api)
        assert OTHER not in _sent(api)
        assert OTHER in _text(answer.body)

    def test_a_vault_that_is_required_and_down_is_an_error(
        self, start_stack: Start, api: FakeApi, redis_server: RedisServer
    ) -> None:
        stack = start_stack(Setup(api.url, vault=redis_server.url, config={"vault_required": True}))
        redis_server.stop()
        answer = ask(stack.url, "/v1/messages", message(INSTANCE))
        assert (answer.status, answer.is_error) == (503, True)
        assert answer.seconds < 6
        assert "retry-after" in answer.headers
        assert not any(INSTANCE.encode() in one.body for one in api.requests)
        redis_server.start()
        wait_for(lambda: ask(stack.url, "/v1/messages", message(INSTANCE)).status == 200)
