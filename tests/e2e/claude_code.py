"""Driving the real Claude Code: headless, with a fresh HOME, one process for each turn, and nothing shared."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOOLS = "Read,Bash,Grep,Write,Edit,Agent"
TURN_SECONDS = 120


def tool(name: str, **arguments: object) -> str:
    """Return the directive that makes the fake API's default script call a tool."""
    return f"[[tool {name} {json.dumps(arguments)}]]"


@dataclass(frozen=True, slots=True)
class Turn:
    """What one run of the CLI printed: the objects of ``--output-format stream-json``."""

    events: list[dict[str, Any]]

    @property
    def text(self) -> str:
        """The final answer, as the person reads it."""
        return "\n".join(event["result"] for event in self.events if event["type"] == "result")

    @property
    def streamed(self) -> str:
        """The text as it appeared piece by piece."""
        inner = (event["event"] for event in self.events if event["type"] == "stream_event")
        deltas = (event["delta"] for event in inner if event["type"] == "content_block_delta")
        return "".join(delta["text"] for delta in deltas if delta["type"] == "text_delta")

    @property
    def tool_inputs(self) -> list[dict[str, Any]]:
        """The inputs of the tools that were called, in their order."""
        return [block["input"] for block in self._blocks("assistant") if block["type"] == "tool_use"]

    @property
    def tool_errors(self) -> list[str]:
        """The results of the tools that failed."""
        return [str(block["content"]) for block in self._blocks("user") if block.get("is_error")]

    def _blocks(self, kind: str) -> list[dict[str, Any]]:
        contents = (event["message"]["content"] for event in self.events if event["type"] == kind)
        return [block for content in contents if isinstance(content, list) for block in content]


@dataclass(frozen=True, slots=True)
class ClaudeCode:
    """One person's Claude Code: ``root`` holds HOME, the temporary files and the ``work`` folder."""

    executable: Path
    root: Path
    environment: Mapping[str, str]

    @property
    def work(self) -> Path:
        """The folder in which Claude Code runs."""
        return self.root / "work"

    def ask(self, prompt: str, *flags: str) -> Turn:
        """Run one turn. Raises AssertionError with what the CLI said when it fails."""
        for name in ("home", "tmp", "work"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        command = [str(self.executable), "-p", prompt, "--output-format", "stream-json", "--verbose"]
        run = subprocess.run(
            [
                *command,
                "--include-partial-messages",
                f"--allowedTools={TOOLS}",
                "--permission-mode=acceptEdits",
                *flags,
            ],
            cwd=self.work,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.root / "home"),
                "TMPDIR": str(self.root / "tmp"),
                "CLAUDE_CODE_TMPDIR": str(self.root / "tmp"),
                "ANTHROPIC_API_KEY": "dummy",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                **self.environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TURN_SECONDS,
            check=False,
        )
        events = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
        assert run.returncode == 0, (run.stderr, events[-1:])
        return Turn(events)
