"""What has to hold of the long conversation, whatever it went through: tests for every module that holds it.

Such a module has a fixture ``conversation`` and a class ``TestConversation(ConversationTests)``.
"""

import itertools

from . import estate
from .conversation import Conversation, blocks, normal
from .leaks import TOKEN, leaks


class ConversationTests:
    """Nothing leaves, and for the person nothing is different."""

    def test_the_api_receives_no_original(self, conversation: Conversation) -> None:
        assert leaks(conversation.requests, estate.ORIGINALS) == []

    def test_the_api_accepts_every_request(self, conversation: Conversation) -> None:
        # The fake API refuses changed thinking blocks, thinking after a changed conversation, and broken references.
        assert len(conversation.requests) > len(conversation.turns)
        assert [(request.path, request.status) for request in conversation.requests if request.status != 200] == []

    def test_the_client_is_wired_as_the_test_says(self, conversation: Conversation) -> None:
        assert conversation.wiring.request_line(conversation.relay.url) in conversation.relay.sent

    def test_answers_are_streamed(self, conversation: Conversation) -> None:
        assert {body["stream"] for body in conversation.main_thread()} == {True}

    def test_no_tool_fails(self, conversation: Conversation) -> None:
        assert [error for turn in conversation.turns.values() for error in turn.tool_errors] == []

    def test_tools_are_called_with_originals(self, conversation: Conversation) -> None:
        inputs = [str(called) for turn in conversation.turns.values() for called in turn.tool_inputs]
        assert len(inputs) >= len(estate.FILES) + 5
        assert [called for called in inputs if TOKEN.search(called)] == []

    def test_read_opens_a_file_in_a_folder_named_after_a_bucket(self, conversation: Conversation) -> None:
        paths = [called["file_path"] for called in conversation.turns["read"].tool_inputs]
        assert str(conversation.work / estate.BUCKET / "notes.txt") in paths

    def test_bash_gets_originals_as_arguments(self, conversation: Conversation) -> None:
        assert (conversation.work / "arguments.txt").read_text().splitlines() == list(estate.ORIGINALS)

    def test_grep_finds_an_original(self, conversation: Conversation) -> None:
        assert "app.log" in conversation.turns["grep"].text

    def test_write_and_edit_put_originals_into_files(self, conversation: Conversation) -> None:
        assert (conversation.work / "written.txt").read_text().splitlines() == list(estate.ORIGINALS)
        assert (conversation.work / "main.tf").read_text().endswith(f"# replaced by {estate.NEW_INSTANCE}\n")

    def test_a_subagent_runs_tools_with_originals(self, conversation: Conversation) -> None:
        assert (conversation.work / "agent.txt").read_text() == f"{estate.INSTANCE} {estate.ROLE_ARN}\n"
        assert any(request.header("x-claude-code-agent-id") for request in conversation.requests)

    def test_the_person_reads_originals_and_never_a_token(self, conversation: Conversation) -> None:
        shown = [turn.text + turn.streamed for turn in conversation.turns.values()]
        assert [text for text in shown if TOKEN.search(text)] == []
        seen = "\n".join(shown)
        assert [original for original in estate.ORIGINALS if original not in seen] == []

    def test_thinking_comes_back_as_it_was_issued(self, conversation: Conversation) -> None:
        messages = conversation.main_thread()[-1]["messages"]
        thinking = [block["thinking"] for block in blocks(messages) if block["type"] == "thinking"]
        assert any(TOKEN.search(text) for text in thinking)
        # Changed thinking is refused, and then Claude Code leaves out all of it: every answer still has its own.
        assert len(thinking) == len([message for message in messages if message["role"] == "assistant"])

    def test_a_masked_conversation_only_grows_at_its_end(self, conversation: Conversation) -> None:
        bodies = conversation.main_thread()
        for earlier, later in itertools.pairwise(bodies):
            assert normal(later["system"]) == normal(earlier["system"])
            assert normal(later["tools"]) == normal(earlier["tools"])
            assert normal(later["messages"])[: len(earlier["messages"])] == normal(earlier["messages"])

    def test_count_tokens_is_masked_as_messages_are(self, conversation: Conversation) -> None:
        counted = [request for request in conversation.requests if "/count_tokens" in request.path]
        tokens = {token for request in counted for token in TOKEN.findall(request.body.decode())}
        assert tokens
        assert tokens <= set(TOKEN.findall(str(conversation.main_thread()[-1]["messages"])))
