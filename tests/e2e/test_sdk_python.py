"""The Python SDK works through the gateway as it does without: answers hold originals, and the API saw none of them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from aws_masker.fake_api import FakeApi
from aws_masker.fake_api.answers import ApiError, Block, Request, echo_agent

from . import estate
from .claude_code import tool
from .leaks import TOKEN, leaks

MODEL = "claude-test"
TEXT = f"Look at {estate.INSTANCE} in {estate.ROLE_ARN}, endpoint {estate.ENDPOINT}, line\n{estate.INSTANCE}\tdone"
WORDS = ["I read:", f"- {estate.INSTANCE}", f"- {estate.ROLE_ARN}", f"- {estate.ENDPOINT}"]
BASH: Any = {"name": "Bash", "description": "Run a command", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture(autouse=True)
def _nothing_leaks(api: FakeApi) -> Iterator[None]:
    """Start every test without requests and with the default script; afterwards the API must have seen no original."""
    api.requests.clear()
    api.script = echo_agent
    yield
    assert api.requests
    assert leaks(api.requests, estate.ORIGINALS) == []


@pytest.fixture(params=["", "/v1"])
def client(request: pytest.FixtureRequest, gateway: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway + request.param, api_key="dummy") as opened:
        yield opened


def user(content: Any = TEXT) -> Any:
    return {"role": "user", "content": content}


def test_an_answer_holds_originals(client: anthropic.Anthropic) -> None:
    message = client.messages.create(model=MODEL, max_tokens=100, messages=[user()])
    assert texts(message.content) == ["\n".join(WORDS)]


def test_a_streamed_answer_holds_originals(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model=MODEL, max_tokens=100, messages=[user()]) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
    assert "".join(pieces) == "\n".join(WORDS) == texts(message.content)[0]
    assert len(pieces) > len(WORDS)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_with_originals_and_its_result_is_masked(client: anthropic.Anthropic, streamed: bool) -> None:  # noqa: FBT001
    command = f'aws ec2 describe-instances --instance-ids "{estate.INSTANCE}" # {estate.SECRET_KEY}\n{estate.ROLE_ARN}'
    question = user(f"AWS_SECRET_ACCESS_KEY={estate.SECRET_KEY} {tool('Bash', command=command)}")
    options: Any = {
        "model": MODEL,
        "max_tokens": 2000,
        "tools": [BASH],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    if streamed:
        with client.messages.stream(messages=[question], **options) as stream:
            first = stream.get_final_message()
    else:
        first = client.messages.create(messages=[question], **options)
    thinking, _, call = first.content
    assert thinking.type == "thinking"
    assert TOKEN.search(thinking.thinking)
    assert call.type == "tool_use"
    assert call.input == {"command": command}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": f"{estate.INSTANCE} {estate.PRIVATE_ADDRESS}"}
    assistant: Any = {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]}
    second = client.messages.create(messages=[question, assistant, user([result])], **options)
    assert texts(second.content) == [f"I read:\n- {estate.INSTANCE}\n- {estate.PRIVATE_ADDRESS}"]


def test_tokens_are_counted_for_the_masked_request(client: anthropic.Anthropic, api: FakeApi) -> None:
    client.messages.count_tokens(model=MODEL, messages=[user()])
    client.messages.create(model=MODEL, max_tokens=100, messages=[user()])
    counted, sent = (request.json()["messages"] for request in api.requests)
    assert counted == sent


def test_batch_results_hold_originals_and_are_fetched_through_the_gateway(
    client: anthropic.Anthropic, gateway: str
) -> None:
    params: Any = {"model": MODEL, "max_tokens": 100, "messages": [user()]}
    begun = client.messages.batches.create(requests=[{"custom_id": f"item-{n}", "params": params} for n in (1, 2)])
    ended = client.messages.batches.retrieve(begun.id)
    assert ended.results_url is not None
    assert ended.results_url.startswith(f"{gateway}/")
    results = list(client.messages.batches.results(begun.id))
    assert [result.custom_id for result in results] == ["item-1", "item-2"]
    for result in results:
        assert result.result.type == "succeeded"
        assert texts(result.result.message.content) == ["\n".join(WORDS)]


def test_a_listed_batch_points_to_the_gateway(client: anthropic.Anthropic, gateway: str) -> None:
    params: Any = {"model": MODEL, "max_tokens": 100, "messages": [user()]}
    client.messages.batches.create(requests=[{"custom_id": "item", "params": params}])
    urls = [batch.results_url or "" for batch in client.messages.batches.list()]
    assert urls
    assert [url for url in urls if not url.startswith(f"{gateway}/")] == []


def test_an_uploaded_text_file_is_masked_and_comes_back_with_originals(client: anthropic.Anthropic) -> None:
    content = estate.FILES["app.log"].encode()
    meta = client.beta.files.upload(file=("app.log", content, "text/plain"))
    assert client.beta.files.download(meta.id).read() == content


def test_models_are_listed(client: anthropic.Anthropic) -> None:
    assert [model.type for model in client.models.list()] != []


def test_a_429_is_retried(client: anthropic.Anthropic, api: FakeApi) -> None:
    def busy_at_first(request: Request) -> list[Block]:
        if len(api.requests) == 1:
            raise ApiError(429, "rate_limit_error", "Slow down", headers={"retry-after-ms": "1"})
        return echo_agent(request)

    api.script = busy_at_first
    message = client.messages.create(model=MODEL, max_tokens=100, messages=[user()])
    assert texts(message.content) == ["\n".join(WORDS)]
    assert [request.status for request in api.requests] == [429, 200]


def test_a_400_is_raised_in_the_upstream_s_words_with_originals(client: anthropic.Anthropic, api: FakeApi) -> None:
    def refusing(request: Request) -> list[Block]:
        raise ApiError(400, "invalid_request_error", f"messages.0: not this one: {request['messages'][0]['content']}")

    api.script = refusing
    with pytest.raises(anthropic.BadRequestError) as raised:
        client.messages.create(model=MODEL, max_tokens=100, messages=[user()])
    body: Any = raised.value.body
    assert body["error"] == {"type": "invalid_request_error", "message": f"messages.0: not this one: {TEXT}"}
    assert len(api.requests) == 1


def test_the_async_client_streams_originals(gateway: str) -> None:
    async def ask(client: anthropic.AsyncAnthropic, number: int) -> str:
        content = f"{TEXT} number-{number}"
        async with client.messages.stream(model=MODEL, max_tokens=100, messages=[user(content)]) as stream:
            return "".join([piece async for piece in stream.text_stream])

    async def main() -> list[str]:
        async with anthropic.AsyncAnthropic(base_url=gateway, api_key="dummy") as client:
            return await asyncio.gather(*(ask(client, number) for number in range(8)))

    # Eight at once: what belongs to one request must not appear in another.
    assert asyncio.run(main()) == ["\n".join([*WORDS, f"- number-{number}"]) for number in range(8)]


def texts(content: list[Any]) -> list[str]:
    """Return the texts of the text blocks."""
    return [block.text for block in content if block.type == "text"]
