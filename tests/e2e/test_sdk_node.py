"""The Node SDK streams originals through the gateway, and the API saw none of them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aws_masker.fake_api import FakeApi

from . import estate
from .claude_code import tool
from .leaks import leaks
from .npm_clients import HERE

RUN_SECONDS = 60


def ask(node_modules: Path, base_url: str, question: str) -> Any:
    command = ["node", str(HERE / "ask.mjs"), base_url, question]
    run = subprocess.run(
        command, cwd=node_modules.parent, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("suffix", ["", "/v1"])
def test_a_streamed_tool_call_holds_originals(node_modules: Path, gateway: str, api: FakeApi, suffix: str) -> None:
    api.requests.clear()
    command = f'echo "{estate.INSTANCE}"\t{estate.ROLE_ARN}'
    answer = ask(node_modules, gateway + suffix, f"Is {estate.INSTANCE} up? {tool('Bash', command=command)}")
    assert answer["content"][-1]["input"] == {"command": command}
    assert answer["streamed"] == "I call the tool."
    assert len(api.requests) == 1
    assert leaks(api.requests, estate.ORIGINALS) == []


def test_streamed_text_holds_originals(node_modules: Path, gateway: str, api: FakeApi) -> None:
    api.requests.clear()
    answer = ask(node_modules, gateway, f"{estate.INSTANCE}\n{estate.ROLE_ARN}")
    assert answer["streamed"] == f"I read:\n- {estate.INSTANCE}\n- {estate.ROLE_ARN}"
    assert leaks(api.requests, estate.ORIGINALS) == []
