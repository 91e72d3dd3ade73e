"""Asking through the chain, and reading what came of it: the text of an answer, and what the API was told."""

import json
import statistics
from collections.abc import Sequence

from client import Answer

from aws_masker.fake_api import Received
from aws_masker.fake_api.answers import last_text


def text_of(answer: Answer) -> str:
    """Return what an answer says, streamed or not. Raises AssertionError for an error."""
    assert answer.status == 200, f"status {answer.status}"
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        return "".join(block.get("text", "") for block in answer.json()["content"])
    lines = answer.body.decode().splitlines()
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    return "".join(delta.get("text", "") for delta in deltas)


def told(request: Received) -> str:
    """Return what the user said in a request, as it arrived."""
    return last_text(request.json())


def milliseconds(seconds: float) -> str:
    """Return a time as it stands in the report."""
    return f"{1000 * seconds:.1f}"


def p50(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 of 100 do not exceed; the largest where there are few."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
