"""The commands that show what is kept of one request: masked, or with its originals, which is written down."""

import argparse
import sys
from dataclasses import replace
from typing import Final

from aws_masker.audit.bodies import Stored, find, folder_of
from aws_masker.audit.events import restored
from aws_masker.audit.files import FileTarget, Rotation
from aws_masker.audit.targets import STDOUT, open_target
from aws_masker.cli.settings import given_value, load_from
from aws_masker.errors import AuditError
from aws_masker.masker import Masker
from aws_masker.restore import PlainTextRestorer, Restorer, restorer_for
from aws_masker.restore.bounds import Bounds
from aws_masker.settings import Settings

# Beside the bodies, who has seen which in clear: also where the audit itself goes to standard output.
RESTORED: Final = "restored.jsonl"


def show(parsed: argparse.Namespace) -> int:
    """Print a body as the API saw it."""
    stored = find(folder_of(given_value(parsed, "bodies")), parsed.body)
    _print(_part(stored, parsed.part))
    return 0


def restore_record(parsed: argparse.Namespace) -> int:
    """Print a body with its originals, after that has been written down.

    Raises AuditError where it cannot be, VaultError where the vault cannot be read.
    """
    settings = load_from(parsed, make_key=False).settings
    stored = find(folder_of(settings.bodies), parsed.record)
    tenant = stored.record.tenant or settings.tenant
    body = _part(stored, parsed.part)
    with Masker(replace(settings, tenant=tenant)) as masker:
        masker.vault.check()
        # Of both parts: in a stream, a token of the request may come in pieces.
        texts = (part.decode("utf-8", "replace") for part in (stored.sent, stored.answered))
        dictionary = masker.vault.recall(tenant, set().union(*map(masker.tokens_in, texts)))
    restorer = _restorer(stored, parsed.part, dictionary, Bounds.of(settings.limits))
    shown = restorer.feed(body) + restorer.close()
    counts = restorer.counts
    line = restored(stored.record.request_id, tenant, count=counts.restored, unresolved=counts.unresolved)
    _write_down(settings, line)
    _print(shown)
    return 0


def _part(stored: Stored, part: str) -> bytes:
    return stored.sent if part == "sent" else stored.answered


def _restorer(stored: Stored, part: str, dictionary: dict[str, str], bounds: Bounds) -> Restorer:
    """Return what restores a body. One that was cut is no JSON any more."""
    body = _part(stored, part)
    length = stored.sent_length if part == "sent" else stored.answered_length
    if length == len(body) and part == "answered" and stored.record.streamed:
        return restorer_for("text/event-stream", dictionary, bounds)
    if length == len(body) and body[:1] in {b"{", b"["}:
        return restorer_for("application/json", dictionary, bounds)
    return PlainTextRestorer(dictionary)


def _write_down(settings: Settings, line: str) -> None:
    targets = [FileTarget(folder_of(settings.bodies) / RESTORED, Rotation())]
    audit = open_target(settings.audit) if settings.audit != STDOUT else None
    for target in [*targets, *([audit] if audit is not None else [])]:
        if not target.write([line.encode()]):
            message = "it could not be written down who reads this, so it is not shown: free space, and try again"
            raise AuditError(message)
        target.close()


def _print(body: bytes) -> None:
    sys.stdout.buffer.write(body if body.endswith(b"\n") else body + b"\n")
    sys.stdout.buffer.flush()
