"""``aws-masker learn``, as a person uses it: what it says, what it never says, and what it leaves on disk."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import Run, own_home, run, state

__all__ = ["own_home", "run"]

BUCKETS = json.dumps({"Buckets": [{"Name": "bluebird"}, {"Name": "ledger-raw"}, {"Name": "prod"}]})


def test_what_was_learned_is_masked_from_the_first_word_on(run: Run, own_home: Path) -> None:
    assert run("learn", "-", stdin=BUCKETS).code == 0
    assert (state(own_home) / "inventory").exists()
    masked = run("mask", stdin="who owns bluebird?\n").out
    assert "bluebird" not in masked
    assert run("restore", stdin=masked).out == "who owns bluebird?\n"


def test_a_gateway_says_how_many_names_it_knows(run: Run) -> None:
    run("learn", "-", stdin=BUCKETS)
    command = [sys.executable, "-m", "aws_masker", "gateway", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = next((line for line in process.stderr if "names are known" in line), "")
        process.terminate()
        process.communicate(timeout=60)
    assert told.startswith("2 names are known from the inventory")


def test_restoring_needs_no_inventory(run: Run, own_home: Path) -> None:
    run("learn", "-", stdin=BUCKETS)
    masked = run("mask", stdin="who owns bluebird?").out
    (state(own_home) / "inventory").write_text("damaged")
    assert run("mask", stdin="who owns bluebird?").code == 2
    assert run("restore", stdin=masked).out == "who owns bluebird?"


def test_it_tells_counts_and_no_names(run: Run) -> None:
    result = run("learn", "-", stdin=BUCKETS)
    assert "added 2 names (2 name); 0 were known before" in result.out
    assert "left out: 1 common words, numbers, versions and regions" in result.out
    assert "bluebird" not in result.out + result.err
    again = run("learn", "-", stdin=BUCKETS)
    assert "added 0 names; 2 were known before" in again.out
    status = run("learn", "--status")
    assert "2 of at most 100000 names (2 name)" in status.out
    assert "bluebird" not in status.out + status.err


def test_names_are_shown_to_who_asks_and_has_the_key(run: Run, own_home: Path) -> None:
    run("learn", "-", stdin=BUCKETS)
    assert run("learn", "--show").out == "bluebird\nledger-raw\n"
    (state(own_home) / "key").unlink()
    other = run("learn", "--show")
    assert other.code == 2
    assert "sealed with another key" in other.err
    assert other.out == ""


def test_several_files_are_learned_together_or_not_at_all(run: Run, tmp_path: Path) -> None:
    good, broken = tmp_path / "good.json", tmp_path / "broken.json"
    good.write_text(BUCKETS)
    broken.write_text(BUCKETS[:40])
    result = run("learn", str(good), str(broken))
    assert result.code == 3
    assert f"{broken}, line 1: this is not JSON, or it is cut off; nothing was learned" in result.err
    assert "0 of at most" in run("learn", "--status").out
    broken.write_text(json.dumps({"clusters": ["payments-eks"]}))
    assert "added 3 names" in run("learn", str(good), str(broken)).out


def test_a_forgotten_name_is_not_learned_again_but_by_hand(run: Run) -> None:
    run("learn", "-", stdin=BUCKETS)
    assert "forgot 1 names" in run("learn", "--forget", "-", stdin="bluebird\n").out
    assert "1 forgotten before" in run("learn", "-", stdin=BUCKETS).out
    assert run("learn", "--show").out == "ledger-raw\n"
    run("learn", "--text", "-", stdin="bluebird\n")
    assert run("learn", "--show").out == "bluebird\nledger-raw\n"
    assert "1 forgotten before" not in run("learn", "-", stdin=BUCKETS).out


def test_replacing_forgets_what_is_no_more(run: Run) -> None:
    run("learn", "-", stdin=BUCKETS)
    result = run("learn", "--replace", "-", stdin=json.dumps({"Buckets": [{"Name": "bluebird"}]}))
    assert "forgot 1 names that the files do not hold" in result.out
    assert run("learn", "--show").out == "bluebird\n"


def test_a_tenant_and_a_file_can_be_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "team" / "names"
    run("learn", "--inventory", str(path), "--tenant", "payments", "-", stdin=BUCKETS)
    assert run("learn", "--show", "--inventory", str(path), "--tenant", "payments").out == "bluebird\nledger-raw\n"
    assert run("learn", "--show", "--inventory", str(path), "--tenant", "other").out == ""
    assert run("mask", "--inventory", str(path), stdin="bluebird").out == "bluebird"
    assert run("mask", "--inventory", str(path), "--tenant", "payments", stdin="bluebird").out != "bluebird"


def test_the_ruleset_that_it_tells_is_that_of_what_starts_then(run: Run) -> None:
    before = run("learn", "--status").out
    after = run("learn", "-", stdin=BUCKETS).out
    assert "ruleset " in before
    assert before.splitlines()[-1] != after.splitlines()[-1]
    assert run("learn", "--status").out.splitlines()[-1] == after.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("learn",), 2, "name a FILE, or - for standard input"),
        (("learn", "--status", "-"), 2, "--status and --show take no FILE"),
        (("learn", "--forget", "--text", "-"), 2, "each stand alone"),
        (("learn", "--limits-learn-file", "10", "-"), 3, "is larger than limits.learn_file (10 bytes)"),
        (("learn", "--limits-inventory", "1", "-"), 3, "more than 1 names: learn from less, or raise"),
        (("learn", "no-such-file.json"), 2, "No such file"),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy(run: Run, arguments: tuple[str, ...], code: int, told: str) -> None:
    result = run(*arguments, stdin=BUCKETS)
    assert result.code == code
    # A line more says that a key was made.
    assert told in result.err.splitlines()[-1]
    assert "bluebird" not in result.out + result.err
