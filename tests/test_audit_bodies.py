"""Masked bodies on disk: what the API saw, never an original, bounded, and who reads them in clear is written down."""

import contextlib
import dataclasses
import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aws_masker.audit import AuditRecord, Bodies
from aws_masker.audit.bodies import DRAFT_SECONDS, BodyFolder, document_of, files_of, find
from aws_masker.audit.events import Restored, parse_event
from aws_masker.cli import main
from aws_masker.errors import AuditError
from aws_masker.limits import Limits
from aws_masker.masker import Masker
from aws_masker.settings import Settings
from gateway_lab import INSTANCE, KEY, TOKEN, Answering, delta, lab, message, run, text_of, until

BODIES = Bodies(b'{"a":"i-x"}', 11, b"event: x\n", 9)


def record(number: int, **members: Any) -> AuditRecord:
    """Return a record of a request with this number as its id."""
    moment = f"2026-03-01T12:00:{number % 60:02}.250+00:00"
    return AuditRecord(time=moment, request_id=f"{number:032x}", host="gateway", outcome="ok", **members)


class Clock:
    """A clock that stands until it is set."""

    seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


def test_what_is_kept_is_found_by_the_beginning_of_the_requests_id(tmp_path: Path) -> None:
    folder = tmp_path / "bodies"
    target = BodyFolder(folder, 1 << 20, 60)
    assert target.write([document_of(record(1), BODIES), document_of(record(0x2A << 100), BODIES)]) == 2
    stored = find(folder, f"{0x2A << 100:032x}"[:12])
    assert (stored.sent, stored.sent_length, stored.answered) == (BODIES.sent, 11, BODIES.answered)
    assert stored.record.request_id == f"{0x2A << 100:032x}"
    with pytest.raises(AuditError, match=r"0 requests.*record_bodies"):
        find(folder, "f" * 32)
    with pytest.raises(AuditError, match="give the whole id"):
        find(folder, "0")


def test_of_requests_that_clients_gave_one_id_the_latest_is_found(tmp_path: Path) -> None:
    target = BodyFolder(tmp_path, 1 << 20, 60)
    for moment, sent in (("12:00:01", b"first"), ("12:00:02", b"second")):
        one = dataclasses.replace(record(1), time=f"2026-03-01T{moment}.250+00:00")
        target.write([document_of(one, Bodies(sent, len(sent), b"", 0))])
    assert find(tmp_path, f"{1:032x}").sent == b"second"
    with pytest.raises(AuditError, match="2 requests"):
        find(tmp_path, f"{1:032x}"[:20])


def test_files_and_folder_are_the_owners_only(tmp_path: Path) -> None:
    folder = tmp_path / "bodies"
    BodyFolder(folder, 1 << 20, 60).write([document_of(record(1), BODIES)])
    (path,) = files_of(folder)
    assert path.name == f"20260301T120001250-{1:032x}.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == [path]


def test_what_is_old_goes_and_so_does_the_oldest_where_there_is_no_room(tmp_path: Path) -> None:
    clock = Clock()
    size = len(document_of(record(1), BODIES))
    target = BodyFolder(tmp_path, 3 * size, 60, clock)
    other = tmp_path / "notes.txt"
    other.write_text("kept")
    for number in range(1, 6):
        target.write([document_of(record(number), BODIES)])
        os.utime(files_of(tmp_path)[-1], (clock.seconds, clock.seconds))
    assert [path.name[-6] for path in files_of(tmp_path)] == ["3", "4", "5"]
    clock.seconds += 61
    target.write([document_of(record(6), BODIES)])
    assert [path.name[-6] for path in files_of(tmp_path)] == ["6"]
    assert other.exists()


def test_what_another_process_deletes_meanwhile_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    BodyFolder(tmp_path, 1 << 20, 60).write([document_of(record(1), BODIES)])
    listed = files_of(tmp_path)
    listed[0].unlink()
    monkeypatch.setattr("aws_masker.audit.bodies.files_of", lambda _: listed)
    assert BodyFolder(tmp_path, 1 << 20, 60).write([document_of(record(2), BODIES)]) == 1


def test_a_draft_that_somebody_left_who_was_ended_goes_and_a_fresh_one_stays(tmp_path: Path) -> None:
    clock = Clock()
    names = [f"20260301T120001250-{number:032x}.part" for number in (1, 2)]
    for name, age in zip(names, (DRAFT_SECONDS + 1, 0), strict=True):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (clock.seconds - age,) * 2)
    BodyFolder(tmp_path, 1 << 20, 60, clock).write([document_of(record(3), BODIES)])
    assert [path.name for path in tmp_path.glob("*.part")] == names[1:]


def test_a_folder_that_cannot_be_written_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AuditError, match="cannot be written"):
        BodyFolder(tmp_path / "file", 1 << 20, 60).write([document_of(record(1), BODIES)])


@pytest.mark.parametrize(
    ("body", "length", "kept"),
    [
        ("é".encode(), 2, "é".encode()),
        ("aé".encode()[:2], 3, b"a"),
        (b"\xff\x00", 2, b"\xff\x00"),
    ],
    ids=["text", "text that was cut", "other bytes"],
)
def test_bodies_are_kept_as_they_were_sent(tmp_path: Path, body: bytes, length: int, kept: bytes) -> None:
    BodyFolder(tmp_path, 1 << 20, 60).write([document_of(record(1), Bodies(body, length, b"", 0))])
    assert (find(tmp_path, f"{1:032x}").sent, find(tmp_path, f"{1:032x}").sent_length) == (kept, length)


async def echo(answering: Answering) -> None:
    """Answer with the request's token, compressed or as a stream where the request says so."""
    token = answering.seen.token()
    if answering.seen.json().get("stream"):
        await answering.begin("text/event-stream")
        await answering.chunk(delta(f"stop {token[:7]}"))
        await answering.chunk(delta(f"{token[7:]} now"))
        await answering.chunk(b"")
        return
    body = gzip.compress(json.dumps({"text": token}).encode())
    await answering.answer(body, "Content-Type: application/json", "Content-Encoding: gzip")


def kept(folder: Path, vault: str, *, stream: bool, **settings: Any) -> tuple[str, list[bytes]]:
    """Send a request through a gateway that keeps bodies; return its id and what the upstream received."""
    given = f"{7:032x}"

    async def test() -> list[bytes]:
        chosen = {"record_bodies": "masked", "bodies": str(folder), **settings}
        with Masker(Settings(key=KEY, vault=vault)) as masker:
            async with lab(echo, masker=masker, **chosen) as one:
                await one.post(message(f"stop {INSTANCE}", stream=stream), f"X-Request-ID: {given}")
                return [seen.body for seen in one.upstream.seen]

    return given, run(test())


@pytest.mark.parametrize("stream", [False, True])
def test_the_gateway_keeps_what_the_api_saw(tmp_path: Path, stream: bool) -> None:  # noqa: FBT001 - parametrized
    given, received = kept(tmp_path / "bodies", "memory://", stream=stream)
    stored = find(tmp_path / "bodies", given)
    assert [stored.sent] == received
    assert stored.record.streamed == stream
    assert TOKEN.search(stored.sent.decode())
    if not stream:
        assert json.loads(stored.answered) == {"text": TOKEN.findall(stored.sent.decode())[0]}
    everything = b"".join(path.read_bytes() for path in (tmp_path / "bodies").iterdir())
    assert INSTANCE.encode() not in everything


def test_a_body_is_cut_where_the_limit_says(tmp_path: Path) -> None:
    given, received = kept(tmp_path, "memory://", stream=True, limits=Limits(recorded_body=20, stop_seconds=5.0))
    stored = find(tmp_path, given)
    assert (stored.sent, stored.sent_length) == (received[0][:20], len(received[0]))
    assert len(stored.answered) == 20 < stored.answered_length


def test_without_the_setting_nothing_is_kept(tmp_path: Path) -> None:
    kept(tmp_path, "memory://", stream=False, record_bodies="off")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of its own, of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small disk, and not in every container")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_on_a_full_disk_requests_go_on_and_what_waits_is_written_when_there_is_room(small_disk: Path) -> None:
    ballast, folder, audit = (small_disk / name for name in ("ballast", "bodies", "audit.jsonl"))
    folder.mkdir()
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))

    async def test() -> None:
        async with lab(echo, audit=f"file://{audit}", record_bodies="masked", bodies=str(folder)) as one:
            for _ in range(20):
                assert INSTANCE in (await one.post(message(f"stop {INSTANCE}"))).body.decode()
            writers = one.gateway._writers
            await until(lambda: all(writer.failures for writer in writers))
            assert [(writer.waiting, writer.written) for writer in writers] == [(20, 0)] * 2
            assert len([line for line in one.records.lines if "No space left" in line]) == 2
            assert list(folder.iterdir()) == []
            ballast.unlink()
            await until(lambda: not any(writer.waiting for writer in writers))
            assert [(writer.written, writer.dropped) for writer in writers] == [(20, 0)] * 2

    run(test())
    assert len(files_of(folder)) == len(audit.read_text().splitlines()) == 20


class TestReadingInClear:
    """``aws-masker audit --body`` and ``aws-masker restore --record``."""

    @pytest.fixture
    def environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Give the command line the gateway's key, vault and folder; return the folder."""
        folder = tmp_path / "bodies"
        monkeypatch.setenv("AWS_MASKER_KEY", KEY)
        monkeypatch.setenv("AWS_MASKER_VAULT", f"sqlite:///{tmp_path}/vault.sqlite")
        monkeypatch.setenv("AWS_MASKER_BODIES", str(folder))
        monkeypatch.setenv("AWS_MASKER_AUDIT", f"file://{tmp_path}/audit.jsonl")
        return folder

    @pytest.mark.parametrize("part", ["sent", "answered"])
    @pytest.mark.parametrize("stream", [False, True])
    def test_who_has_key_and_vault_sees_originals_and_that_is_written_down(
        self,
        environment: Path,
        tmp_path: Path,
        capfd: pytest.CaptureFixture[str],
        stream: bool,  # noqa: FBT001 - parametrized
        part: str,
    ) -> None:
        given, received = kept(environment, f"sqlite:///{tmp_path}/vault.sqlite", stream=stream)
        assert main(["audit", "--body", given]) == 0
        assert capfd.readouterr().out.encode() == received[0] + b"\n"
        assert main(["restore", "--record", given, "--part", part]) == 0
        shown = capfd.readouterr().out
        assert INSTANCE in (text_of(shown.encode()) if stream and part == "answered" else shown)
        assert not TOKEN.search(shown)
        for log in (tmp_path / "audit.jsonl", environment / "restored.jsonl"):
            (event,) = (parse_event(line) for line in log.read_text().splitlines())
            assert isinstance(event, Restored)
            assert (event.request_id, event.restored, event.unresolved) == (given, 1, 0)
            assert INSTANCE not in log.read_text()

    def test_what_cannot_be_written_down_is_not_shown(
        self, environment: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given, _ = kept(environment, f"sqlite:///{tmp_path}/vault.sqlite", stream=False)
        (tmp_path / "full").symlink_to("/dev/full")
        monkeypatch.setenv("AWS_MASKER_AUDIT", f"file://{tmp_path}/full")
        assert main(["restore", "--record", given]) == 2
        assert INSTANCE not in capfd.readouterr().out

    def test_with_another_key_there_are_only_tokens(
        self, environment: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given, received = kept(environment, f"sqlite:///{tmp_path}/vault.sqlite", stream=False)
        monkeypatch.setenv("AWS_MASKER_KEY", KEY[::-1])
        assert main(["restore", "--record", given]) == 0
        assert capfd.readouterr().out.encode() == received[0] + b"\n"
