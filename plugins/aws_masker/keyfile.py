"""The key file, and the folder that a person's own key and vault are kept in.

A key in a file is worth what the file's permissions are: one that others may read is refused. A file that is made here
never replaces another, and nobody sees it half written.
"""

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aws_masker.errors import SettingsError
from aws_masker.keys import KEY_BYTES

# Far more than any spelling of a key needs; a wrong path may name something endless.
_MOST_BYTES: Final = 1 << 20
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


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
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(fresh_key() + "\n")
            # A link, unlike a rename, fails where the name is taken: two processes that start at once get one key.
            os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
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
