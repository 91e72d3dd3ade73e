"""The real Claude Code through the whole chain: nginx, Kong (or its stand-in) with both plugins, and Redis.

That events arrive one by one is shown in test_chain.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from choice import Choice
from whole_chain import Chain, whole_chain

from e2e import estate
from e2e.claude_code import ClaudeCode, tool
from e2e.conversation import WIRINGS, Conversation, Wiring, hold, main_thread, normal
from e2e.conversation_tests import ConversationTests
from e2e.leaks import TOKEN, leaks
from e2e.tee import tee


@pytest.fixture(scope="module")
def chain(choice: Choice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """Run the chain that all tests here share."""
    with whole_chain(choice, tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def conversation(
    chain: Chain, claude_executable: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Conversation]:
    """Hold the long conversation, and empty Redis before every turn but the first."""
    chain.api.requests.clear()
    with chain.redis.admin() as admin, tee(chain.front.url) as relay:
        root = tmp_path_factory.mktemp("person")
        held = hold(WIRINGS["base"], claude_executable, root, relay, between=admin.flushall)
        held.requests = list(chain.api.requests)
        yield held


@pytest.mark.usefixtures("conversation")
class TestConversation(ConversationTests):
    """Through the chain, with a Redis that forgets everything before each turn."""

    def test_redis_had_something_to_forget(self, chain: Chain) -> None:
        # Its file has all that it was ever told, in that order.
        told = "".join(path.read_bytes().decode("latin-1") for path in chain.redis.folder.rglob("*.aof"))
        stored, *forgotten = re.split("flushall", told, flags=re.IGNORECASE)
        assert TOKEN.search(stored)
        assert len(forgotten) >= 5

    def test_nothing_on_the_way_writes_an_original_down(self, chain: Chain) -> None:
        written = [(name, text.lower()) for name, text in chain.written()]
        assert [(name, one) for name, text in written for one in estate.ORIGINALS if one.lower() in text] == []


@pytest.mark.parametrize("wiring", WIRINGS.values(), ids=WIRINGS)
def test_every_wiring_is_masked_and_restored(
    chain: Chain, claude_executable: Path, tmp_path: Path, wiring: Wiring
) -> None:
    chain.api.requests.clear()
    with tee(chain.front.url) as relay:
        person = ClaudeCode(claude_executable, tmp_path, wiring.environment(relay.url))
        estate.write_files(person.work)
        read = tool("Read", file_path=str(person.work / "app.log"))
        first = person.ask(f"Why is {estate.INSTANCE} down? {read}")
        second = person.ask(f"May {estate.ROLE_ARN} read {estate.INSTANCE}?", "--continue")
    assert wiring.request_line(relay.url) in relay.sent
    assert leaks(chain.api.requests, estate.ORIGINALS) == []
    assert {request.status for request in chain.api.requests} == {200}
    earlier, later = (normal(body["messages"]) for body in main_thread(chain.api.requests)[-2:])
    assert later[: len(earlier)] == earlier
    assert estate.QUEUE_URL in first.text
    assert second.text.endswith(f"- {estate.ROLE_ARN}\n- {estate.INSTANCE}")
    assert not TOKEN.search(first.text + first.streamed + second.text + second.streamed)
