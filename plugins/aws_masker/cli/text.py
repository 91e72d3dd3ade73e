"""The commands that mask and restore one text or body.

``mask`` reads its input whole, as a name that it learns counts from there to the end, and so refuses what is larger
than ``limits.body``. ``restore`` goes line by line where the input is text, as no token goes beyond a line, and holds a
line or a JSON document of at most ``limits.event``.
"""

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from aws_masker.cli.bodies import restore_record
from aws_masker.cli.progress import Progress
from aws_masker.cli.settings import given_value, load_from
from aws_masker.errors import InvalidBody, SettingsError, TooLarge, VaultError
from aws_masker.masker import Masker
from aws_masker.restore import restore_text, restorer_for
from aws_masker.restore.bounds import Bounds

# Bytes that are read at a time.
PIECE: Final = 1 << 20
# The API's path for each --format: what stands at an unknown path is masked in every string.
_PATHS: Final = {"json": "/", "messages": "/v1/messages"}


def mask(parsed: argparse.Namespace) -> int:
    """Mask the input, keep in the vault what its tokens stand for, and print it."""
    dictionary = Path(parsed.dictionary).expanduser() if parsed.dictionary else None
    if dictionary is not None and dictionary.exists():
        message = f"{dictionary} exists already and is left as it is: name another file for --dictionary"
        raise SettingsError(message)
    settings = load_from(parsed, make_key=True).settings
    if dictionary is None and settings.vault == "memory://":
        _say("the vault is memory://, so nothing can restore this later: give --vault or --dictionary")
    with Masker(settings) as masker, _opened(parsed.file) as file:
        if dictionary is None:
            masker.vault.check()
        progress = Progress()
        raw = _whole(file, settings.limits.body, "body", progress)
        progress.show(f"masking {len(raw) / 1e6:.1f} MB")
        if parsed.format == "text":
            masked = masker.mask_text(_decoded(raw))
            result, entries, counts = _encoded(masked.text), masked.dictionary, masked.counts
        else:
            body = masker.mask_body(raw, _PATHS[parsed.format])
            result, entries, counts = body.apply(raw), body.dictionary, body.counts
        progress.end()
        if dictionary is not None:
            _write_dictionary(dictionary, entries)
        elif masker.lost:
            message = "the vault did not keep what the tokens stand for: see to it and mask again"
            raise VaultError(message)
    _write(result)
    if sys.stderr.isatty():
        _say(f"masked {sum(counts.values())} identifiers of {len(counts)} families")
    return 0


def restore(parsed: argparse.Namespace) -> int:
    """Print the input, or what is kept of a request, with originals for the tokens that are known."""
    if parsed.record:
        return restore_record(parsed)
    if parsed.dictionary:
        dictionary = _read_dictionary(Path(parsed.dictionary).expanduser())
        return _restore(parsed, lambda _text: dictionary)
    loaded = load_from(parsed, make_key=False)
    with Masker(dataclasses.replace(loaded.settings, inventory="")) as masker:
        masker.vault.check()
        tenant = loaded.settings.tenant
        return _restore(parsed, lambda text: masker.vault.recall(tenant, masker.tokens_in(text)))


def _restore(parsed: argparse.Namespace, recall: Callable[[str], Mapping[str, str]]) -> int:
    """Print the input restored with what ``recall`` knows of the tokens in a text."""
    progress = Progress()
    # One by one, as there may be no key, and so no settings as a whole.
    bounds = Bounds(event=given_value(parsed, "limits_event"), values=given_value(parsed, "limits_values"))
    with _opened(parsed.file) as file:
        if parsed.format == "text":
            for piece in _lines(file, bounds.event, progress):
                text = _decoded(piece)
                _write(_encoded(restore_text(text, recall(text))))
        else:
            raw = _whole(file, bounds.event, "event", progress)
            restorer = restorer_for("application/json", recall(_decoded(raw)), bounds)
            _write(restorer.feed(raw) + restorer.close())
    progress.end()
    return 0


# Input and output


@contextmanager
def _opened(name: str | None) -> Iterator[BinaryIO]:
    if name in {None, "-"}:
        yield sys.stdin.buffer
    else:
        with Path(str(name)).open("rb") as file:
            yield file


def _whole(file: BinaryIO, most: int, limit: str, progress: Progress) -> bytes:
    """Return all that ``file`` holds.

    Raises TooLarge past ``most`` bytes, which is the limit of that name.
    """
    pieces = []
    size = 0
    while piece := file.read(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            message = f"the input is larger than {most} bytes: split it, or raise --limits-{limit}"
            raise TooLarge(message)
        progress.show(f"read {size / 1e6:.1f} MB")
    return b"".join(pieces)


def _lines(file: BinaryIO, most: int, progress: Progress) -> Iterator[bytes]:
    """Yield what ``file`` holds as it comes, in pieces that end where a line does.

    Raises TooLarge for a line of more than ``most`` bytes.
    """
    rest = b""
    size = 0
    while piece := os.read(file.fileno(), PIECE):
        size += len(piece)
        progress.show(f"restored {size / 1e6:.1f} MB")
        rest += piece
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > most:
            message = f"the input has a line of more than {most} bytes: split it, or raise --limits-event"
            raise TooLarge(message)
    if rest:
        yield rest


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


# Bytes that are no UTF-8 travel through the masker as lone surrogates, and come out as they were.


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _write_dictionary(path: Path, entries: Mapping[str, str]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        json.dump(dict(entries), file, indent=1)


def _read_dictionary(path: Path) -> dict[str, str]:
    try:
        entries = json.loads(path.read_bytes())
    except ValueError:
        entries = None
    if not isinstance(entries, dict) or not all(isinstance(original, str) for original in entries.values()):
        message = f"{path} is no dictionary: give a file that `aws-masker mask --dictionary` wrote"
        raise InvalidBody(message)
    return entries


def _say(text: str) -> None:
    print(f"aws-masker: {text}", file=sys.stderr)
