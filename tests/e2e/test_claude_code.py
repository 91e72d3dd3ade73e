"""The real Claude Code works on a made-up AWS estate through the gateway: nothing leaves, and nothing is different."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from aws_masker.fake_api import FakeApi

from . import estate
from .claude_code import ClaudeCode, tool
from .conftest import Gateways, assert_recorded
from .conversation import WIRINGS, Conversation, hold, normal
from .conversation_tests import ConversationTests
from .leaks import leaks
from .tee import tee


@pytest.fixture(scope="module", params=WIRINGS)
def conversation(
    request: pytest.FixtureRequest,
    claude_executable: Path,
    tmp_path_factory: pytest.TempPathFactory,
    start_gateway: Gateways,
) -> Iterator[Conversation]:
    """Hold the conversation, once for each way to point Claude Code at the gateway."""
    root = tmp_path_factory.mktemp("person")
    audit = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    with FakeApi.in_thread() as api, tee(start_gateway(api.url, AWS_MASKER_AUDIT=f"file://{audit}")) as relay:
        held = hold(WIRINGS[request.param], claude_executable, root, relay)
        held.requests = list(api.requests)
        assert_recorded(audit, held.requests)
        yield held


class TestConversation(ConversationTests):
    """Through the gateway."""


def test_without_the_gateway_the_same_conversation_leaks(claude_executable: Path, tmp_path: Path) -> None:
    # The control: it shows that the search above finds what there is to be found.
    with FakeApi.in_thread() as api, tee(api.url) as relay:
        held = hold(WIRINGS["base"], claude_executable, tmp_path, relay)
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
