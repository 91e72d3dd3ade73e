"""The key file: private, whole, never replaced."""

import re
import threading
from pathlib import Path

import pytest

from aws_masker import keyfile
from aws_masker.errors import SettingsError
from aws_masker.keyfile import KeyFile, Previous
from masking import KEY, OTHER_KEY


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


# Several keys.


def key_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(text, "ascii")
    return path


def test_the_lines_of_a_file_say_what_each_key_is_for(tmp_path: Path) -> None:
    path = key_file(tmp_path, f"# made-up\n\n previous {'a' * 64} until 2026-11-22\n{KEY} # in use\nnext {OTHER_KEY}\n")
    keys = keyfile.read(path, "--key-file")
    assert keys == KeyFile(KEY, (OTHER_KEY,), (Previous("a" * 64, "2026-11-22"),))
    assert keys.accepted == (OTHER_KEY, "a" * 64)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        f"next {KEY}\n",
        f"{KEY}\n{OTHER_KEY}\n",
        f"{KEY}\nformer {OTHER_KEY}\n",
        f"{KEY}\nprevious {OTHER_KEY} since 2026-11-22\n",
    ],
)
def test_a_file_that_can_be_taken_for_two_things_is_refused_without_quoting_it(text: str, tmp_path: Path) -> None:
    path = key_file(tmp_path, text)
    with pytest.raises(SettingsError, match=r"needs one|expected a key") as caught:
        keyfile.read(path, "--key-file")
    assert KEY not in str(caught.value)
    assert OTHER_KEY not in str(caught.value)


def test_the_next_key_is_used_and_the_one_before_is_kept_until_it_is_retired(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY + "\n")
    coming = keyfile.change(path, keyfile.prepared).following[0]
    assert keyfile.read(path, "").current == KEY
    keyfile.change(path, lambda keys: keyfile.rotated(keys, "2026-11-22"))
    assert keyfile.read(path, "") == KeyFile(coming, (), (Previous(KEY, "2026-11-22"),))
    keyfile.change(path, keyfile.retired)
    assert keyfile.read(path, "") == KeyFile(coming)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


def test_without_a_next_key_a_fresh_one_is_made(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY + "\n")
    keys = keyfile.change(path, lambda keys: keyfile.rotated(keys, "2026-11-22"))
    assert re.fullmatch("[0-9a-f]{64}", keys.current)
    assert keys.current != KEY


def test_a_key_is_not_forgotten_without_being_told_to(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY + "\n")
    for _ in range(4):
        keyfile.change(path, lambda keys: keyfile.rotated(keys, "2026-11-22"))
    before = path.read_text("ascii")
    for step in (keyfile.prepared, lambda keys: keyfile.rotated(keys, "2026-11-22")):
        with pytest.raises(SettingsError, match="aws-masker key retire"):
            keyfile.change(path, step)
    assert path.read_text("ascii") == before


def test_of_many_rotations_at_once_none_is_lost(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY + "\n")
    start = threading.Barrier(4)

    def rotate() -> None:
        start.wait()
        keyfile.change(path, lambda keys: keyfile.rotated(keys, "2026-11-22"))

    threads = [threading.Thread(target=rotate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = keyfile.read(path, "")
    assert len({keys.current, *keys.accepted}) == 5
    assert keys.previous[-1].key == KEY


def test_a_rotation_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = key_file(tmp_path, KEY + "\n")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SettingsError, match=r"No space left on device.*nothing was changed"):
        keyfile.change(path, keyfile.prepared)
    assert path.read_text("ascii") == KEY + "\n"
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


def test_who_reads_a_file_while_it_is_changed_reads_all_of_what_it_was(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY + "\n")
    with path.open("rb") as reader:
        keyfile.change(path, keyfile.prepared)
        assert reader.read() == KEY.encode() + b"\n"


def test_a_file_that_is_reached_by_a_link_is_changed_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = key_file(tmp_path / "real", KEY + "\n")
    link = tmp_path / "link"
    link.symlink_to(path)
    keyfile.change(link, keyfile.prepared)
    assert link.is_symlink()
    assert len(path.read_text("ascii").splitlines()) == 2


def test_no_key_shows_in_a_representation() -> None:
    assert KEY not in repr(KeyFile(KEY, (KEY,), (Previous(KEY, "2026-11-22"),)))
