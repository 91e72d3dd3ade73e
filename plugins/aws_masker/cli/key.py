"""The command that makes keys and changes them: key.

With keys in a file, three steps change them under way: ``prepare`` (every process learns the key to come), ``rotate``
(it is used), ``retire`` (the one before is forgotten). Where one process is all there is, the first is not needed.
"""

import argparse
import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aws_masker import keyfile
from aws_masker.errors import SettingsError
from aws_masker.keyfile import KeyFile
from aws_masker.keys import fingerprint

_DONE: Final = {
    "prepare": "has a next key; once every process has started with it: aws-masker key rotate",
    "rotate": "has a new key in use; start what uses it again. Once nobody needs tokens of the previous one: "
    "aws-masker key retire",
    "retire": "has no previous key any more; start what uses it again",
}


def key(parsed: argparse.Namespace) -> int:
    """Print a fresh key, write it to a new file, or do what is asked to the key file."""
    if parsed.action is not None:
        if parsed.out is not None:
            message = f"--out is for a new key: name the file of `aws-masker key {parsed.action}` with --key-file"
            raise SettingsError(message)
        return _act(parsed.action, _path(parsed.key_file, os.environ))
    if parsed.key_file is not None:
        message = "--key-file is for rotate, prepare, retire and show: write a new key with --out"
        raise SettingsError(message)
    if parsed.out is None:
        print(keyfile.fresh_key())
        return 0
    path = Path(parsed.out).expanduser()
    if not keyfile.make(path):
        message = f"{path} exists already and is left as it is: name another file, or remove it"
        raise SettingsError(message)
    print(f"wrote {path}; use it with --key-file {path} or AWS_MASKER_KEY_FILE={path}")
    return 0


def _act(action: str, path: Path) -> int:
    match action:
        case "prepare":
            keys = keyfile.change(path, keyfile.prepared)
        case "rotate":
            today = dt.datetime.now(dt.UTC).date().isoformat()
            keys = keyfile.change(path, lambda keys: keyfile.rotated(keys, today))
        case "retire":
            keys = keyfile.change(path, keyfile.retired)
        case _:
            keys = keyfile.read(path, "--key-file")
    print(_shown(keys))
    if action in _DONE:
        print(f"{path} {_DONE[action]}")
    return 0


def _shown(keys: KeyFile) -> str:
    """Return a line for each key: what it is for, and its fingerprint."""
    rows = [("in use", fingerprint(keys.current), "")]
    rows += [("next", fingerprint(one), "") for one in keys.following]
    rows += [("previous", fingerprint(one.key), f"in use until {one.until}" * bool(one.until)) for one in keys.previous]
    return "\n".join(f"{role:8}  {printed}  {said}".rstrip() for role, printed, said in rows)


def _path(option: str | None, environ: Mapping[str, str]) -> Path:
    named = option or environ.get("AWS_MASKER_KEY_FILE")
    if named:
        return Path(named).expanduser()
    if environ.get("AWS_MASKER_KEY"):
        message = (
            "the key is in AWS_MASKER_KEY, which nothing here can change: "
            "name a key file, or see docs/configuration.md for the steps"
        )
        raise SettingsError(message)
    return keyfile.state_folder(environ) / "key"
