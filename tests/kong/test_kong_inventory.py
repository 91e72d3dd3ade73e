"""Names that are known before the first request, behind Kong."""

from collections.abc import Callable
from pathlib import Path

from client import ask, message
from stacks import KEY, Setup, Stack, wait_for

from aws_masker.fake_api import FakeApi
from aws_masker.inventory import Known, change
from aws_masker.settings import Settings

Start = Callable[[Setup], Stack]


def learn(path: Path, *names: str) -> None:
    change(path, Settings(key=KEY), lambda known: Known({**known.names, **dict.fromkeys(names, "name")}))


def test_known_names_are_masked_and_restored_and_a_changed_file_waits_for_the_next_start(
    start_stack: Start, api: FakeApi, tmp_path: Path
) -> None:
    path = tmp_path / "inventory"
    learn(path, "bluebird")
    files = {"inventory": path.read_bytes()}
    stack = start_stack(Setup(api.url, config={"inventory": "{folder}/inventory"}, files=files))
    question = message("who owns bluebird and greenfinch?")
    answer = ask(stack.url, "/v1/messages", question)
    assert b"bluebird" in answer.body
    first = api.requests[-1].body
    assert b"bluebird" not in first
    learn(path, "greenfinch")
    (stack.folder / "inventory").write_bytes(path.read_bytes())
    ask(stack.url, "/v1/messages", question)
    assert api.requests[-1].body == first


def test_an_inventory_that_cannot_be_read_lets_nothing_through(
    start_stack: Start, api: FakeApi, tmp_path: Path
) -> None:
    api.requests.clear()
    path = tmp_path / "no-such-inventory"
    stack = start_stack(Setup(api.url, config={"inventory": str(path)}, refuses=True))
    wait_for(lambda: ask(stack.url, "/v1/messages", message("hello")).status == 503)
    wait_for(lambda: f"the inventory {path} does not exist" in stack.error_log())
    assert api.requests == []
