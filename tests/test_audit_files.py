"""The audit file: whole lines, its owner's only, and new ones in time."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from aws_masker.audit.files import FileTarget, Rotation, earlier
from aws_masker.errors import AuditError

DAY = 24 * 3600


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.25

    def __call__(self) -> float:
        return self.seconds


def test_lines_are_added_to_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "new" / "audit.jsonl"
    target = FileTarget(path, Rotation())
    assert target.write([b"a", b"b"]) == 2
    assert target.write([b"c"]) == 1
    target.close()
    again = FileTarget(path, Rotation())
    again.write([b"d"])
    again.close()
    assert path.read_bytes() == b"a\nb\nc\nd\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_large_file_makes_room_and_the_oldest_go(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "audit.jsonl"
    target = FileTarget(path, Rotation(size=4, keep=2), clock)
    for line in (b"aaaa", b"bbbb", b"cccc", b"dddd"):
        target.write([line])
        clock.seconds += 1
    target.close()
    assert [one.read_bytes() for one in earlier(path)] == [b"bbbb\n", b"cccc\n"]
    assert path.read_bytes() == b"dddd\n"
    assert earlier(path)[0].name == "audit.jsonl.20270115T080002.250000Z"


def test_a_file_of_an_earlier_day_makes_room(tmp_path: Path) -> None:
    clock = Clock()
    path = tmp_path / "audit.jsonl"
    target = FileTarget(path, Rotation(), clock)
    target.write([b"a"])
    os.utime(path, (clock.seconds, clock.seconds))
    clock.seconds += DAY / 2
    target.write([b"b"])
    assert earlier(path) == []
    os.utime(path, (clock.seconds, clock.seconds))
    clock.seconds += DAY
    target.write([b"c"])
    target.close()
    assert [one.read_bytes() for one in earlier(path)] == [b"a\nb\n"]
    assert path.read_bytes() == b"c\n"


def test_other_files_of_the_folder_are_left_alone(tmp_path: Path) -> None:
    others = [tmp_path / name for name in ("audit.jsonl.bak", "audit.jsonl.gz", "other.jsonl.20200101T000000.000Z")]
    for other in others:
        other.write_text("x")
    target = FileTarget(tmp_path / "audit.jsonl", Rotation(size=1, keep=1))
    for _ in range(4):
        target.write([b"a"])
    target.close()
    assert all(other.exists() for other in others)


@pytest.mark.parametrize("gone", [Path.unlink, lambda path: path.rename(path.with_name("moved"))])
def test_a_file_that_somebody_takes_away_is_made_anew(tmp_path: Path, gone: object) -> None:
    path = tmp_path / "audit.jsonl"
    target = FileTarget(path, Rotation())
    target.write([b"a"])
    gone(path)  # type: ignore[operator]
    target.write([b"b"])
    target.close()
    assert path.read_bytes() == b"b\n"


def test_two_processes_may_write_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    one, two = FileTarget(path, Rotation(size=60, keep=100)), FileTarget(path, Rotation(size=60, keep=100))
    for number in range(40):
        one.write([b"one %d" % number])
        two.write([b"two %d" % number])
    one.close()
    two.close()
    lines = b"".join(file.read_bytes() for file in [*earlier(path), path]).splitlines()
    assert sorted(lines) == sorted(b"%b %d" % (who, number) for who in (b"one", b"two") for number in range(40))


def test_a_full_disk_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    target = FileTarget(full, Rotation(size=1))
    with pytest.raises(AuditError, match=r"No space left.*free space"):
        target.write([b"a"])
    with pytest.raises(AuditError, match="cannot be written"):
        FileTarget(tmp_path, Rotation()).write([b"a"])


LIMITED = """
import resource, sys
from pathlib import Path
from aws_masker.audit.files import FileTarget, Rotation
from aws_masker.errors import AuditError
path = Path(sys.argv[1])
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (12, hard))
target = FileTarget(path, Rotation())
print(target.write([b"first", b"second", b"third"]))
try:
    target.write([b"second"])
except AuditError:
    print("full")
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
print(target.write([b"second", b"third"]))
"""


def test_a_line_that_a_full_disk_cut_is_written_again_on_a_line_of_its_own(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    path = tmp_path / "audit.jsonl"
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "full", "2"]
    assert path.read_bytes() == b"first\nsecond\nsecond\nthird\n"
