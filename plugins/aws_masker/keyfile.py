"""The key file, and the folder that a person's own key and vault are kept in.

A key in a file is worth what the file's permissions are: one that others may read is refused. A file that is made here
never replaces another, nobody sees it half written, and of two that change it at once the second waits.

Each line is a key. The one that stands alone is in use; it may be the only one. While keys are being changed there are
others, whose tokens are recognised and never made; ``#`` begins a remark::

    8f27…c1                              the key in use
    next 3b90…7e                         the one to come
    previous 77ad…02 until 2026-11-22    one before, and the day on which it was replaced
"""

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from aws_masker.errors import SettingsError
from aws_masker.keys import KEY_BYTES, MAX_ACCEPTED

if sys.platform != "win32":
    import fcntl

# Far more than any spelling of a key needs; a wrong path may name something endless.
_MOST_BYTES: Final = 1 << 20
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Previous:
    """A key that was in use ``until`` a day, written as 2026-11-22; "" where that is not known."""

    key: str = field(repr=False)
    until: str = ""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What a key file holds: the key in use, those to come, and those before, the latest first."""

    current: str = field(repr=False)
    following: tuple[str, ...] = field(default=(), repr=False)
    previous: tuple[Previous, ...] = ()

    @property
    def accepted(self) -> tuple[str, ...]:
        """The keys whose tokens are recognised, but not made."""
        return (*self.following, *(one.key for one in self.previous))


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder for the key and the vault of the person whose environment this is; it need not exist.

    https://specifications.freedesktop.org/basedir-spec/latest/ says where, and that relative paths are ignored.
    """
    named = Path(environ.get("XDG_STATE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".local" / "state") / "aws-masker"


def fresh_key() -> str:
    """Return a new key: 64 hexadecimal digits from the system's random source."""
    return secrets.token_hex(KEY_BYTES)


def make(path: Path) -> bool:
    """Write a fresh key to ``path`` with mode 0600, and make its folder (mode 0700) where it is missing.

    Returns False, and changes nothing, when there is such a file already. Raises SettingsError when it cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _draft(path, fresh_key() + "\n") as draft:
            try:
                # A link, unlike a rename, fails where the name is taken: two processes that start at once get one key.
                os.link(draft, path)
            except FileExistsError:
                return False
    except OSError as error:
        message = f"the key file {path} could not be written ({error.strerror}): name another with --key-file"
        raise SettingsError(message) from None
    return True


def read_private(path: Path, where: str) -> str:
    """Return the text of a file that nobody but its owner may read.

    Raises SettingsError, which begins with ``where``, when there is no such file or others may read it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & _OTHERS:
                message = f"{where}: others may read {path}: run `chmod 600 {path}`"
                raise SettingsError(message)
            return file.read(_MOST_BYTES).decode()
    except OSError as error:
        message = f"{where}: {path} cannot be read ({error.strerror})"
        raise SettingsError(message) from None
    except UnicodeDecodeError:
        message = f"{where}: {path} is not text"
        raise SettingsError(message) from None


def read(path: Path, where: str) -> KeyFile:
    """Return the keys in the private file at ``path``; that they are keys is not checked.

    Raises SettingsError, which begins with ``where`` and never quotes a line.
    """
    current: list[str] = []
    following: list[str] = []
    previous: list[Previous] = []
    for number, line in enumerate(read_private(path, where).splitlines(), 1):
        match line.partition("#")[0].split():
            case []:
                continue
            case [key]:
                current.append(key)
            case ["next", key]:
                following.append(key)
            case ["previous", key]:
                previous.append(Previous(key))
            case ["previous", key, "until", day]:
                previous.append(Previous(key, day))
            case _:
                message = f"{where}: {path}, line {number}: expected a key, `next KEY` or `previous KEY until DAY`"
                raise SettingsError(message)
    if len(current) != 1:
        message = (
            f"{where}: {path} holds {len(current)} keys in use, needs one: "
            "begin the lines of the others with `next` or `previous`"
        )
        raise SettingsError(message)
    return KeyFile(current[0], tuple(following), tuple(previous))


def prepared(keys: KeyFile) -> KeyFile:
    """Return ``keys`` with a fresh one to come. Raises SettingsError when there is one already."""
    if keys.following:
        message = "there is a next key already: `aws-masker key rotate` takes it into use"
        raise SettingsError(message)
    _make_room(keys)
    return replace(keys, following=(fresh_key(),))


def rotated(keys: KeyFile, today: str) -> KeyFile:
    """Return ``keys`` with the next one in use, or else a fresh one, and the one that was in use as previous."""
    if not keys.following:
        _make_room(keys)
    current, *following = keys.following or (fresh_key(),)
    return KeyFile(current, tuple(following), (Previous(keys.current, today), *keys.previous))


def retired(keys: KeyFile) -> KeyFile:
    """Return ``keys`` without the previous ones. Raises SettingsError when there are none."""
    if not keys.previous:
        message = "there is no previous key: nothing to retire"
        raise SettingsError(message)
    return replace(keys, previous=())


def change(path: Path, how: Callable[[KeyFile], KeyFile]) -> KeyFile:
    """Change the keys in the file at ``path``, at once or not at all, and return what it holds now.

    Raises SettingsError when it cannot be read or written, or ``how`` refuses.
    """
    path = Path(os.path.realpath(path))
    try:
        with _locked(path.parent):
            keys = how(read(path, "--key-file"))
            with _draft(path, _written(keys)) as draft:
                draft.replace(path)
    except OSError as error:
        message = f"the key file {path} could not be written ({error.strerror}): nothing was changed"
        raise SettingsError(message) from None
    return keys


def _make_room(keys: KeyFile) -> None:
    if len(keys.accepted) >= MAX_ACCEPTED:
        message = f"there are {MAX_ACCEPTED} further keys already: `aws-masker key retire` takes the previous ones out"
        raise SettingsError(message)


def _written(keys: KeyFile) -> str:
    lines = [keys.current, *(f"next {key}" for key in keys.following)]
    lines += [f"previous {one.key}" + (f" until {one.until}" if one.until else "") for one in keys.previous]
    return "".join(f"{line}\n" for line in lines)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let nobody else change a key file in ``folder``. The file itself cannot be locked, as it is replaced."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    """Give a file beside ``path`` that holds ``text``, is on the disk and only its owner's; it goes unless renamed."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
