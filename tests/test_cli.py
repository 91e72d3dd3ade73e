"""The command line, as a person uses it: what it prints, what it exits with, what it leaves on disk."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from aws_masker import catalogue
from aws_masker.fake_api import FakeApi
from command_line import Run, own_home, run, state

__all__ = ["own_home", "run"]

KEY = "00112233445566778899aabbccddeeff" * 2
TEXT = "stop i-0a1b2c3d4e5f60718 in arn:aws:iam::481516234217:role/ledger-writer\n"
TOKEN = re.compile("[a-z]+-x[0-9a-hjkmnp-tv-z]{16}")
SECONDS = 60


# Help and errors


def test_without_a_command_it_shows_how_to_begin(run: Run) -> None:
    result = run()
    assert result.code == 2
    assert "aws-masker gateway" in result.out
    assert "exit codes:" in result.out


@pytest.mark.parametrize(
    "command", ["gateway", "mask", "restore", "verify", "demo", "families", "key", "settings", "version"]
)
def test_help_teaches_by_example_and_fits_the_terminal(command: str, run: Run) -> None:
    result = run(command, "--help")
    assert result.code == 0
    if command != "version":
        assert f"  aws-masker {command}" in result.out or f"| aws-masker {command}" in result.out
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("mas",), "invalid choice"),
        (("mask", "--format", "xml"), "invalid choice"),
        (("mask", "--limits-body", "big"), "--limits-body: expected a size"),
        (("mask", "--tenant", ""), "--tenant: expected 1 to 128"),
        (("mask", "--key", KEY), "unrecognized arguments"),
        (("mask", "no-such-file"), "no-such-file: No such file"),
        (("mask", "--config", "none.yaml"), "none.yaml cannot be read"),
        (("families", "--kind", "secrets"), "no family has this kind; there are account"),
        (("families", "--service", "none"), "no family has this service"),
        (("restore",), "AWS_MASKER_KEY is not set"),
        (("restore", "--dictionary", "none"), "none: No such file"),
        (("verify", "--header", "x"), "expected 'NAME: VALUE'"),
        (("verify", "--listen", "x"), "HOST:PORT"),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy(arguments: tuple[str, ...], told: str, run: Run) -> None:
    result = run(*arguments)
    assert result.code == 2
    lines = [line for line in result.err.splitlines() if "made a new key" not in line]
    assert len(lines) == 1
    assert lines[0].startswith("aws-masker: ")
    assert told in lines[0]
    assert result.out == ""


@pytest.mark.parametrize("given", [("--key", KEY), (f"--key={KEY}",), (KEY,), ("--", KEY, "x")])
def test_an_option_that_is_not_known_is_named_without_what_it_was_given(given: tuple[str, ...], run: Run) -> None:
    result = run("gateway", *given)
    assert result.code == 2
    assert KEY not in result.err
    assert ("--key" in result.err) == given[0].startswith("--key")


# mask and restore


@pytest.mark.parametrize("format_", ["text", "json", "messages"])
def test_what_was_masked_comes_back(format_: str, run: Run) -> None:
    body = {"messages": [{"role": "user", "content": TEXT}]}
    source = TEXT if format_ == "text" else json.dumps(body)
    masked = run("mask", "--format", format_, stdin=source)
    assert masked.code == 0
    assert not re.search("0a1b2c3d4e5f60718|481516234217|ledger-writer", masked.out)
    assert len(TOKEN.findall(masked.out)) == 3
    restored = run("restore", "--format", format_, stdin=masked.out)
    assert (restored.code, restored.out) == (0, source)


def test_only_identifiers_are_changed(run: Run) -> None:
    masked = run("mask", stdin=TEXT)
    assert re.fullmatch(f"stop {TOKEN.pattern} in arn:aws:iam::{TOKEN.pattern}:role/{TOKEN.pattern}\n", masked.out)


def test_messages_are_masked_as_the_gateway_masks_them(run: Run) -> None:
    thinking = {"type": "thinking", "thinking": TEXT, "signature": "c2lnbmVk"}
    raw = json.dumps({"messages": [{"role": "assistant", "content": [thinking]}]})
    assert run("mask", "--format", "messages", stdin=raw).out == raw
    assert run("mask", "--format", "json", stdin=raw).out != raw


def test_a_file_may_be_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text(TEXT, "utf-8")
    assert run("mask", str(tmp_path / "notes")).out == run("mask", stdin=TEXT).out


def test_bytes_that_are_no_text_stay_as_they_are(run: Run) -> None:
    raw = b"caf\xe9 \xff\x00\r\n" + TEXT.encode()
    masked = run("mask", stdin=raw)
    assert masked.raw.startswith(b"caf\xe9 \xff\x00\r\nstop i-x")
    assert run("restore", stdin=masked.raw).raw == raw


def test_long_text_is_restored_piece_by_piece(run: Run) -> None:
    token = TOKEN.findall(run("mask", stdin=TEXT).out)[0]
    lines = f"{'-' * 1000} {token}\n" * 3000
    assert run("restore", stdin=lines).out == lines.replace(token, "i-0a1b2c3d4e5f60718")


def test_a_token_at_the_end_of_a_text_without_a_line_break_is_restored(run: Run) -> None:
    token = TOKEN.findall(run("mask", stdin=TEXT).out)[0]
    assert run("restore", stdin=token).out == "i-0a1b2c3d4e5f60718"


def test_tokens_of_another_tenant_stay(run: Run) -> None:
    masked = run("mask", "--tenant", "red", stdin=TEXT)
    assert run("restore", "--tenant", "blue", stdin=masked.out).out == masked.out


def test_a_policy_of_the_command_line_counts(run: Run) -> None:
    assert "i-0a1b2c3d4e5f60718" in run("mask", "--policy", "ec2-instance=allow", stdin=TEXT).out


@pytest.mark.parametrize(
    ("arguments", "source", "told"),
    [
        (("--policy", "identifier=block"), TEXT, "aws-masker: "),
        (("--limits-body", "10"), TEXT, "raise --limits-body"),
        (("--format", "json"), "{", "aws-masker: "),
        (("--format", "json"), '{"a": 1, "a": 2}', "aws-masker: "),
    ],
)
def test_what_may_not_leave_is_refused(arguments: tuple[str, ...], source: str, told: str, run: Run) -> None:
    result = run("mask", *arguments, stdin=source)
    assert (result.code, result.out) == (3, "")
    assert told in result.err
    assert "481516234217" not in result.err


def test_a_vault_that_cannot_be_used_stops_mask_before_anything_is_printed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    result = run("mask", "--vault", f"sqlite:///{tmp_path / 'vault'}", stdin=TEXT)
    assert (result.code, result.out) == (4, "")


def test_a_vault_that_forgets_is_pointed_out(run: Run) -> None:
    assert "nothing can restore this later" in run("mask", "--vault", "memory://", stdin=TEXT).err


def test_a_dictionary_restores_without_key_and_vault(run: Run, tmp_path: Path) -> None:
    dictionary = tmp_path / "dictionary"
    masked = run("mask", "--vault", "memory://", "--dictionary", str(dictionary), stdin=TEXT)
    assert dictionary.stat().st_mode & 0o777 == 0o600
    (state(tmp_path) / "key").unlink()
    assert run("restore", "--dictionary", str(dictionary), stdin=masked.out).out == TEXT


def test_a_dictionary_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    dictionary = tmp_path / "dictionary"
    dictionary.write_text("kept", "ascii")
    result = run("mask", "--dictionary", str(dictionary), stdin=TEXT)
    assert (result.code, result.out, dictionary.read_text("ascii")) == (2, "", "kept")


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1}'])
def test_what_is_no_dictionary_is_refused(content: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "dictionary").write_text(content, "ascii")
    result = run("restore", "--dictionary", str(tmp_path / "dictionary"), stdin="x")
    assert result.code == 3
    assert "is no dictionary" in result.err


def test_another_process_restores_with_the_same_key_and_vault(own_home: Path) -> None:
    def process(*arguments: str, stdin: str) -> str:
        command = [sys.executable, "-m", "aws_masker", *arguments]
        ended = subprocess.run(command, input=stdin, capture_output=True, text=True, check=True, timeout=SECONDS)
        return ended.stdout

    masked = process("mask", stdin=TEXT)
    assert "481516234217" not in masked
    assert process("restore", stdin=masked) == TEXT
    for name in ("key", "vault.sqlite"):
        assert (state(own_home) / name).stat().st_mode & 0o777 == 0o600
    assert b"481516234217" not in (state(own_home) / "vault.sqlite").read_bytes()


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = f"{sys.executable} -m aws_masker families | head -n 1; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.stderr == ""
    assert ended.stdout.startswith("FAMILY")


# The other commands


def test_families_are_listed_with_kind_and_service(run: Run) -> None:
    result = run("families")
    rows = [line.split() for line in result.out.splitlines()]
    assert ["ec2-instance", "identifier", "ec2"] in [row[:3] for row in rows]
    assert len(rows) == 1 + len(catalogue.load().families)


def test_families_can_be_chosen(run: Run) -> None:
    chosen = json.loads(run("families", "--kind", "identifier", "--service", "ec2", "--json").out)
    assert chosen
    assert {(one["kind"], one["service"]) for one in chosen} == {("identifier", "ec2")}
    assert all(one["match"] and one["reject"] for one in chosen)


def test_a_key_is_printed_fresh(run: Run) -> None:
    first, second = run("key").out, run("key").out
    assert re.fullmatch("[0-9a-f]{64}\n", first)
    assert first != second


def test_a_key_is_written_privately_and_never_over_another(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "my.key"
    assert run("key", "--out", str(path)).code == 0
    written = path.read_text("ascii")
    assert path.stat().st_mode & 0o777 == 0o600
    again = run("key", "--out", str(path))
    assert (again.code, path.read_text("ascii")) == (2, written)
    assert "exists already" in again.err
    assert run("mask", "--key-file", str(path), stdin=TEXT).code == 0


def test_a_key_is_rotated_and_what_the_one_before_masked_is_restored_until_it_is_retired(
    run: Run, own_home: Path
) -> None:
    masked = run("mask", stdin=TEXT).out
    rotated = run("key", "rotate")
    assert rotated.code == 0
    assert "start what uses it again" in rotated.out
    assert run("restore", stdin=masked).out == TEXT
    assert run("mask", stdin=masked).out == masked
    assert run("mask", stdin=TEXT).out != masked
    assert run("key", "retire").code == 0
    assert run("restore", stdin=masked).out == masked
    assert (state(own_home) / "key").stat().st_mode & 0o777 == 0o600


def test_keys_are_shown_by_fingerprints_that_stay_with_them(run: Run, own_home: Path) -> None:
    run("mask", stdin=TEXT)
    first = run("key", "show").out.split()[-1]
    prepared = run("key", "prepare").out.splitlines()
    rotated = run("key", "rotate").out.splitlines()
    assert prepared[0] == f"in use    {first}"
    assert rotated[0].split()[-1] == prepared[1].split()[-1]
    assert re.fullmatch(rf"previous  {first}  in use until \d{{4}}-\d\d-\d\d", rotated[1])
    keys = [word for word in (state(own_home) / "key").read_text("ascii").split() if len(word) == 64]
    assert len(keys) == 2
    assert not any(key in " ".join((*prepared, *rotated)) for key in keys)


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (("rotate",), {"AWS_MASKER_KEY": KEY}, "docs/configuration.md"),
        (("rotate", "--out", "new"), {}, "--key-file"),
        (("--key-file", "new"), {}, "--out"),
        (("retire",), {}, "No such file"),
    ],
)
def test_a_key_that_cannot_be_changed_is_told_with_the_remedy(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], variables: dict[str, str], told: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = run("key", *arguments)
    assert (result.code, KEY in result.err) == (2, False)
    assert told in result.err


def test_settings_show_where_each_value_came_from_and_no_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MASKER_KEY", KEY)
    monkeypatch.setenv("AWS_MASKER_VAULT", "redis://:made-up-word@127.0.0.1:6379/0")
    monkeypatch.setenv("AWS_MASKER_LIMITS_BODY", "2MiB")
    result = run("settings", "--vault-ttl", "7d")
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in result.out.splitlines()}
    assert rows["key"].split() == ["(set,", "not", "shown)", "environment"]
    assert rows["limits.body"].split() == ["2MiB", "environment"]
    assert rows["vault_ttl"].split(maxsplit=1) == ["7d", "command line"] or rows["vault_ttl"].endswith("command line")
    assert rows["listen"].split() == ["127.0.0.1:8082", "default"]
    assert not re.search(f"{KEY}|made-up-word", result.out + result.err)


def test_settings_need_no_key(run: Run) -> None:
    assert re.search(r"^key +\(none\) +default$", run("settings").out, re.MULTILINE)


def test_a_misspelt_variable_is_pointed_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MASKER_POLCY", "secret=block")
    assert "did you mean AWS_MASKER_POLICY?" in run("settings").err


def test_version_is_that_of_the_distribution(run: Run) -> None:
    assert run("version").out.startswith("aws-masker 0.1.0, ")


# The gateway


def test_the_gateway_runs_with_a_key_of_its_own_and_stops_when_told(own_home: Path) -> None:
    with FakeApi.in_thread() as api:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        command = [sys.executable, "-m", "aws_masker", "gateway", "--listen", address, "--upstream", api.url]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr is not None
            told = ""
            for line in process.stderr:
                told += line
                if "export ANTHROPIC_BASE_URL" in line:
                    break
            body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": TEXT}]}
            request = urllib.request.Request(f"http://{address}/v1/messages", json.dumps(body).encode())
            request.add_header("Content-Type", "application/json")
            request.add_header("x-api-key", "made-up")
            request.add_header("anthropic-version", "2023-06-01")
            with urllib.request.urlopen(request, timeout=SECONDS) as response:
                answer = response.read().decode()
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert f"export ANTHROPIC_BASE_URL=http://{address}" in told
    assert f"made a new key: {state(own_home) / 'key'}" in told
    assert b"481516234217" not in api.requests[-1].body
    assert "481516234217" in answer


def test_a_gateway_that_cannot_listen_says_so_and_exits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "aws_masker", "gateway", "--listen", f"127.0.0.1:{taken.getsockname()[1]}"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 1
    assert "choose another with --listen" in ended.stderr
