"""The key file: private, whole, never replaced."""

import re
import threading
from pathlib import Path

import pytest

from aws_masker import keyfile
from aws_masker.errors import SettingsError


def test_a_key_that_is_made_is_private_and_in_a_private_folder(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "key"
    assert keyfile.make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert re.fullmatch("[0-9a-f]{64}\n", path.read_text("ascii"))
    assert [one.name for one in path.parent.iterdir()] == ["key"]


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("kept", "ascii")
    assert not keyfile.make(path)
    assert path.read_text("ascii") == "kept"
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


def test_of_many_that_make_it_at_once_one_does(tmp_path: Path) -> None:
    made: list[bool] = []
    start = threading.Barrier(8)

    def make() -> None:
        start.wait()
        made.append(keyfile.make(tmp_path / "key"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made.count(True) == 1
    assert len(made) == 8


def test_a_place_that_cannot_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="--key-file"):
        keyfile.make(tmp_path / "file" / "key")


def test_two_keys_differ() -> None:
    assert keyfile.fresh_key() != keyfile.fresh_key()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o644])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("made-up", "ascii")
    path.chmod(mode)
    with pytest.raises(SettingsError) as caught:
        keyfile.read_private(path, "--key-file")
    assert f"chmod 600 {path}" in str(caught.value)
    assert "made-up" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_is_read(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("made-up", "ascii")
    path.chmod(mode)
    assert keyfile.read_private(path, "--key-file") == "made-up"


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        keyfile.read_private(tmp_path / "none", "--key-file")
    path = tmp_path / "key"
    path.write_bytes(b"\xff\xfe")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="not text"):
        keyfile.read_private(path, "--key-file")


def test_the_own_folder_follows_the_convention_of_the_desktop(tmp_path: Path) -> None:
    assert keyfile.state_folder({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "aws-masker"
    home = Path.home() / ".local" / "state" / "aws-masker"
    assert keyfile.state_folder({}) == home
    assert keyfile.state_folder({"XDG_STATE_HOME": "relative"}) == home
