"""The real Claude Code works on a made-up AWS estate through the gateway: nothing leaves, and nothing is different.

The fake API's script is driven by directives in the prompts (``fake_answers.echo_agent``). They pass the gateway like
any other text, so the tool calls that come back are made of what the API was shown, and of nothing else.
"""

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aws_masker.fake_api import FakeApi, Received

from . import estate
from .claude_code import ClaudeCode, Turn, tool
from .conftest import Gateways
from .leaks import TOKEN, leaks
from .tee import Tee, tee

WIRINGS = ("base", "base/v1", "base/v1 and HTTP_PROXY")


@dataclass
class Conversation:
    """One conversation of several turns: who said what, what the API received, and the folder that came of it."""

    wiring: str
    person: ClaudeCode
    relay: Tee
    turns: dict[str, Turn] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)

    @property
    def work(self) -> Path:
        """The folder in which the person works."""
        return self.person.work

    def main_thread(self) -> list[dict[str, Any]]:
        """Return the bodies of the main agent's requests, oldest first."""
        return [
            request.json()
            for request in self.requests
            if request.path.startswith("/v1/messages?") and request.header("x-claude-code-agent-id") is None
        ]


@pytest.fixture(scope="module", params=WIRINGS)
def conversation(
    request: pytest.FixtureRequest,
    claude_executable: Path,
    tmp_path_factory: pytest.TempPathFactory,
    start_gateway: Gateways,
) -> Iterator[Conversation]:
    """Hold the conversation, once for each way to point Claude Code at the gateway."""
    root = tmp_path_factory.mktemp("person")
    with FakeApi.in_thread() as api, tee(start_gateway(api.url)) as relay:
        held = hold(request.param, claude_executable, root, relay)
        held.requests = list(api.requests)
        yield held


def hold(wiring: str, executable: Path, root: Path, relay: Tee) -> Conversation:
    """Let the person talk."""
    environment = {"ANTHROPIC_BASE_URL": relay.url if wiring == "base" else f"{relay.url}/v1"}
    if wiring.endswith("HTTP_PROXY"):
        environment["HTTP_PROXY"] = relay.url
    person = ClaudeCode(executable, root, environment)
    estate.write_files(person.work)
    held = Conversation(wiring, person, relay)
    work = person.work

    reads = [tool("Read", file_path=str(work / name)) for name in estate.FILES]
    held.turns["read"] = person.ask(f"Bucket s3://{estate.BUCKET}/ is synced to a folder. {' '.join(reads)}")
    arguments = " ".join(f"'{original}'" for original in estate.ORIGINALS)
    command = f"printf '%s\\n' {arguments} > arguments.txt; cat arguments.txt"
    held.turns["bash"] = person.ask(tool("Bash", command=command, description="Write"), "--continue")
    search = tool("Grep", pattern=estate.INSTANCE, path=str(work), output_mode="content")
    held.turns["grep"] = person.ask(search, "--continue")
    content = "".join(f"{original}\n" for original in estate.ORIGINALS)
    write = tool("Write", file_path=str(work / "written.txt"), content=content)
    edit = tool(
        "Edit",
        file_path=str(work / "main.tf"),
        old_string=f"# replaces {estate.INSTANCE}",
        new_string=f"# replaced by {estate.NEW_INSTANCE}",
    )
    held.turns["write"] = person.ask(f"{write} {edit}", "--continue")
    session = held.turns["read"].events[0]["session_id"]
    held.turns["resume"] = person.ask(f"Is {estate.ROLE_ARN} used by {estate.DATABASE}?", "--resume", session)
    held.turns["context"] = person.ask("/context", "--continue")
    inner = tool("Bash", command=f"echo {estate.INSTANCE} {estate.ROLE_ARN} > agent.txt", description="Echo")
    agent = tool("Agent", description="Look", prompt=f"Look at it: {inner}", subagent_type="general-purpose")
    held.turns["agent"] = person.ask(agent, "--continue")
    return held


def test_the_api_receives_no_original(conversation: Conversation) -> None:
    assert leaks(conversation.requests, estate.ORIGINALS) == []


def test_the_api_accepts_every_request(conversation: Conversation) -> None:
    # The fake API refuses changed thinking blocks, thinking blocks after a changed conversation, and broken references.
    assert len(conversation.requests) > len(conversation.turns)
    assert [(request.path, request.status) for request in conversation.requests if request.status != 200] == []


def test_the_client_is_wired_as_the_test_says(conversation: Conversation) -> None:
    start = {
        "base": b"POST /v1/messages?",
        "base/v1": b"POST /v1/v1/messages?",
        "base/v1 and HTTP_PROXY": b"POST %s/v1/v1/messages?" % conversation.relay.url.encode(),
    }
    assert start[conversation.wiring] in conversation.relay.sent


def test_no_tool_fails(conversation: Conversation) -> None:
    assert [error for turn in conversation.turns.values() for error in turn.tool_errors] == []


def test_tools_are_called_with_originals(conversation: Conversation) -> None:
    inputs = [str(called) for turn in conversation.turns.values() for called in turn.tool_inputs]
    assert len(inputs) >= len(estate.FILES) + 5
    assert [called for called in inputs if TOKEN.search(called)] == []


def test_read_opens_a_file_in_a_folder_named_after_a_bucket(conversation: Conversation) -> None:
    paths = [called["file_path"] for called in conversation.turns["read"].tool_inputs]
    assert str(conversation.work / estate.BUCKET / "notes.txt") in paths


def test_bash_gets_originals_as_arguments(conversation: Conversation) -> None:
    assert (conversation.work / "arguments.txt").read_text().splitlines() == list(estate.ORIGINALS)


def test_grep_finds_an_original(conversation: Conversation) -> None:
    assert "app.log" in conversation.turns["grep"].text


def test_write_and_edit_put_originals_into_files(conversation: Conversation) -> None:
    assert (conversation.work / "written.txt").read_text().splitlines() == list(estate.ORIGINALS)
    assert (conversation.work / "main.tf").read_text().endswith(f"# replaced by {estate.NEW_INSTANCE}\n")


def test_a_subagent_runs_tools_with_originals(conversation: Conversation) -> None:
    assert (conversation.work / "agent.txt").read_text() == f"{estate.INSTANCE} {estate.ROLE_ARN}\n"
    assert any(request.header("x-claude-code-agent-id") for request in conversation.requests)


def test_the_person_reads_originals_and_never_a_token(conversation: Conversation) -> None:
    shown = [turn.text + turn.streamed for turn in conversation.turns.values()]
    assert [text for text in shown if TOKEN.search(text)] == []
    seen = "\n".join(shown)
    assert [original for original in estate.ORIGINALS if original not in seen] == []


def test_thinking_comes_back_as_it_was_issued(conversation: Conversation) -> None:
    messages = conversation.main_thread()[-1]["messages"]
    thinking = [block["thinking"] for block in blocks(messages) if block["type"] == "thinking"]
    assert any(TOKEN.search(text) for text in thinking)


def test_a_masked_conversation_only_grows_at_its_end(conversation: Conversation) -> None:
    bodies = conversation.main_thread()
    for earlier, later in itertools.pairwise(bodies):
        assert normal(later["system"]) == normal(earlier["system"])
        assert normal(later["tools"]) == normal(earlier["tools"])
        assert normal(later["messages"])[: len(earlier["messages"])] == normal(earlier["messages"])


def test_count_tokens_is_masked_as_messages_are(conversation: Conversation) -> None:
    counted = [request for request in conversation.requests if "/count_tokens" in request.path]
    tokens = {token for request in counted for token in TOKEN.findall(request.body.decode())}
    assert tokens
    assert tokens <= set(TOKEN.findall(str(conversation.main_thread()[-1]["messages"])))


def test_without_the_gateway_the_same_conversation_leaks(claude_executable: Path, tmp_path: Path) -> None:
    # The control: it shows that the search above finds what there is to be found.
    with FakeApi.in_thread() as api, tee(api.url) as relay:
        held = hold("base", claude_executable, tmp_path, relay)
        lines = leaks(api.requests, estate.ORIGINALS)
    assert [original for original in estate.ORIGINALS if not any(original.lower() in line for line in lines)] == []
    assert "agent.txt" in {path.name for path in held.work.iterdir()}


def test_another_gateway_with_the_same_key_goes_on_with_a_conversation(
    claude_executable: Path, tmp_path: Path, start_gateway: Gateways
) -> None:
    key = secrets.token_hex(32)
    with FakeApi.in_thread() as api:
        for flags in ([], ["--continue"]):
            gateway = start_gateway(api.url, AWS_MASKER_KEY=key)
            person = ClaudeCode(claude_executable, tmp_path, {"ANTHROPIC_BASE_URL": gateway})
            turn = person.ask(f"Describe {estate.INSTANCE} and {estate.ROLE_ARN}", *flags)
            assert turn.text.endswith(f"- {estate.INSTANCE}\n- {estate.ROLE_ARN}")
        # The second gateway's vault is empty; the fake API refuses thinking after any other conversation.
        first, second = api.requests
        assert [first.status, second.status] == [200, 200]
        assert normal(second.json()["messages"])[: len(first.json()["messages"])] == normal(first.json()["messages"])
        assert leaks(api.requests, estate.ORIGINALS) == []


def test_a_conversation_without_identifiers_is_forwarded_byte_for_byte(
    claude_executable: Path, tmp_path: Path, start_gateway: Gateways
) -> None:
    with FakeApi.in_thread() as api, tee(start_gateway(api.url)) as relay:
        person = ClaudeCode(claude_executable, tmp_path, {"ANTHROPIC_BASE_URL": relay.url})
        person.work.mkdir()
        (person.work / "table.py").write_text('"""A hash table."""\n\nBUCKETS = 64\n')
        estate.commit(person.work, branch="main", subject="Add a hash table")
        person.ask(f"How does this hash table work? {tool('Read', file_path=str(person.work / 'table.py'))}")
        person.ask("And with 128 buckets?", "--continue")
        assert len(api.requests) >= 3
        assert [request.path for request in api.requests if request.body not in relay.sent] == []


def blocks(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the content blocks of messages whose content is a list."""
    return [block for message in messages if isinstance(message["content"], list) for block in message["content"]]


def normal(value: Any) -> Any:
    """Return ``value`` without ``cache_control``, and strings as lists of text: both change from turn to turn."""
    if isinstance(value, list):
        return [normal(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: normal(item) for key, item in value.items() if key != "cache_control"}
    if isinstance(kept.get("content"), str):
        kept["content"] = [{"type": "text", "text": kept["content"]}]
    return kept
