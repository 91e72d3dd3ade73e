"""One long conversation of the real Claude Code about a made-up AWS estate, and reading it in what the API received.

The fake API's script is driven by directives in the prompts (``fake_api.answers.echo_agent``). They pass the gateway
like any other text, so the tool calls that come back are made of what the API was shown, and of nothing else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aws_masker.fake_api import Received

from . import estate
from .claude_code import ClaudeCode, Turn, tool
from .tee import Tee


@dataclass(frozen=True, slots=True)
class Wiring:
    """One way to point Claude Code at a gateway: what follows its URL, and whether it is the HTTP_PROXY too."""

    suffix: str = ""
    proxy: bool = False

    def environment(self, url: str) -> dict[str, str]:
        """Return Claude Code's variables for the gateway at ``url``."""
        return {"ANTHROPIC_BASE_URL": url + self.suffix, **({"HTTP_PROXY": url} if self.proxy else {})}

    def request_line(self, url: str) -> bytes:
        """Return how the gateway at ``url`` is then asked for a message, as far as the query string."""
        return f"POST {url if self.proxy else ''}{self.suffix}/v1/messages?".encode()


WIRINGS = {
    "base": Wiring(),
    "base/v1": Wiring("/v1"),
    "base and HTTP_PROXY": Wiring(proxy=True),
    "base/v1 and HTTP_PROXY": Wiring("/v1", proxy=True),
}


@dataclass
class Conversation:
    """One conversation of several turns: who said what, what the API received, and the folder that came of it."""

    wiring: Wiring
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
        return main_thread(self.requests)


def hold(
    wiring: Wiring, executable: Path, root: Path, relay: Tee, between: Callable[[], object] = lambda: None
) -> Conversation:
    """Let the person talk, through ``relay``; ``between`` is called before every turn but the first."""
    person = ClaudeCode(executable, root, wiring.environment(relay.url))
    estate.write_files(person.work)
    held = Conversation(wiring, person, relay)
    work = person.work

    def say(turn: str, prompt: str, *flags: str) -> None:
        if held.turns:
            between()
        held.turns[turn] = person.ask(prompt, *flags)

    reads = [tool("Read", file_path=str(work / name)) for name in estate.FILES]
    say("read", f"Bucket s3://{estate.BUCKET}/ is synced to a folder. {' '.join(reads)}")
    arguments = " ".join(f"'{original}'" for original in estate.ORIGINALS)
    command = f"printf '%s\\n' {arguments} > arguments.txt; cat arguments.txt"
    say("bash", tool("Bash", command=command, description="Write"), "--continue")
    say("grep", tool("Grep", pattern=estate.INSTANCE, path=str(work), output_mode="content"), "--continue")
    content = "".join(f"{original}\n" for original in estate.ORIGINALS)
    write = tool("Write", file_path=str(work / "written.txt"), content=content)
    edit = tool(
        "Edit",
        file_path=str(work / "main.tf"),
        old_string=f"# replaces {estate.INSTANCE}",
        new_string=f"# replaced by {estate.NEW_INSTANCE}",
    )
    say("write", f"{write} {edit}", "--continue")
    session = held.turns["read"].events[0]["session_id"]
    say("resume", f"Is {estate.ROLE_ARN} used by {estate.DATABASE}?", "--resume", session)
    say("context", "/context", "--continue")
    inner = tool("Bash", command=f"echo {estate.INSTANCE} {estate.ROLE_ARN} > agent.txt", description="Echo")
    agent = tool("Agent", description="Look", prompt=f"Look at it: {inner}", subagent_type="general-purpose")
    say("agent", agent, "--continue")
    return held


def main_thread(requests: Iterable[Received]) -> list[dict[str, Any]]:
    """Return the bodies of those requests for messages that no subagent made."""
    return [
        request.json()
        for request in requests
        if request.path.startswith("/v1/messages?") and request.header("x-claude-code-agent-id") is None
    ]


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
