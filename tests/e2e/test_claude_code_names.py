"""Names without a form of their own, where Claude Code itself carries them into a place without their context.

A bucket's name is known as one by what stands before it (``s3://…``), in the same conversation only. Claude Code starts
new conversations (subagents, the one after ``/compact``) with texts in which the name stands alone, and names its
working folder before everything else. There only an operator's term or an inventory can tell; these tests show each.
"""

import json
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from aws_masker.fake_api import FakeApi
from aws_masker.fake_api.answers import Block, Request, Script, last_text

from . import estate
from .claude_code import ClaudeCode
from .conftest import Gateways
from .leaks import TOKEN, leaks

QUESTION = f"aws s3 ls s3://{estate.BUCKET}/"

Situation = Callable[[ClaudeCode], None]

known_gap = pytest.mark.xfail(
    raises=AssertionError, reason="known gap: the name stands alone in a new conversation; learn it, or make it a term"
)


def in_context(request: Request) -> str | None:
    """Return what the bucket is called where its context shows it."""
    found = re.search(r"s3://([\w-]+)/", str(request["messages"]))
    return found[1] if found else None


def summarising(request: Request) -> list[Block]:
    asked = "TEXT ONLY" in last_text(request)
    return [{"type": "text", "text": f"<summary>We emptied {in_context(request)}.</summary>" if asked else "Done."}]


def delegating(request: Request) -> list[Block]:
    name = in_context(request)
    if name is None or len(request["messages"]) > 2:
        return [{"type": "text", "text": "Done."}]
    prompt = {"description": "Look", "prompt": f"Who owns {name}?", "subagent_type": "general-purpose"}
    return [{"type": "tool_use", "name": "Agent", "input": prompt}]


def compact(person: ClaudeCode) -> None:
    person.ask(QUESTION)
    person.ask("/compact", "--continue")
    person.ask("Go on", "--continue")


def delegate(person: ClaudeCode) -> None:
    person.ask(QUESTION)


@dataclass(frozen=True, slots=True)
class Case:
    """What the model says, what the person does, the words before the name that stands alone, the person's folder."""

    script: Script
    situation: Situation
    carried: str
    folder: str = "person"


CASES = {
    "after compaction": Case(summarising, compact, "We emptied "),
    "in a subagent's prompt": Case(delegating, delegate, "Who owns "),
    "in the working folder": Case(delegating, delegate, "Primary working directory: ", estate.BUCKET),
}


def nothing(_folder: Path) -> Mapping[str, str]:
    return {}


def a_term(_folder: Path) -> Mapping[str, str]:
    return {"AWS_MASKER_TERMS": estate.BUCKET}


def an_inventory(folder: Path) -> Mapping[str, str]:
    """Learn from what ``aws s3api list-buckets`` prints."""
    environment = {"AWS_MASKER_KEY": secrets.token_hex(32), "AWS_MASKER_INVENTORY": str(folder / "inventory")}
    printed = json.dumps({"Buckets": [{"Name": estate.BUCKET, "CreationDate": "2024-05-01T10:00:00+00:00"}]}, indent=4)
    subprocess.run(
        [Path(sys.executable).with_name("aws-masker"), "learn", "-"],
        env={"HOME": str(folder), **environment},
        input=printed.encode(),
        check=True,
    )
    return environment


@pytest.mark.parametrize("told", [pytest.param(nothing, marks=known_gap), a_term, an_inventory])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_name_that_stands_alone_is_masked(
    claude_executable: Path,
    tmp_path: Path,
    start_gateway: Gateways,
    told: Callable[[Path], Mapping[str, str]],
    case: Case,
) -> None:
    # Claude Code keeps thinking whose conversation it replaced by a summary; that is not what is tested here.
    with FakeApi.in_thread(script=case.script, bind_thinking=False) as api:
        gateway = start_gateway(api.url, **told(tmp_path))
        case.situation(ClaudeCode(claude_executable, tmp_path / case.folder, {"ANTHROPIC_BASE_URL": gateway}))
    lines = [line for request in api.requests for line in request.body.decode().split("\\n") if case.carried in line]
    if not lines:
        pytest.fail(f"Claude Code sent no {case.carried!r}")
    assert [line for line in lines if not TOKEN.search(line)] == []
    assert leaks(api.requests, [estate.BUCKET]) == []
