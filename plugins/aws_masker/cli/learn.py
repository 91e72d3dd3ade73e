"""The command that learns the names of an estate before anybody speaks of them, and keeps them in the inventory.

Prints counts only; ``--show`` prints the names, to whoever has the key. All files are read before anything is written.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aws_masker import catalogue
from aws_masker.cli.progress import Progress
from aws_masker.cli.settings import load_from
from aws_masker.errors import SettingsError, TooLarge
from aws_masker.inventory import Inventory, Known, change, forget, masters
from aws_masker.keyfile import state_folder
from aws_masker.learn import LEFT_OUT, Collector, Item, Learned, documents, items, line_item, lines, merged
from aws_masker.masker import compiled
from aws_masker.names import MIN_LENGTH, Names
from aws_masker.ruleset import ruleset
from aws_masker.settings import Settings
from aws_masker.settings_load import inventory_in
from aws_masker.tokens import Tokens

_ACCOUNTS: Final = (b"acct", b"acctd")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes beside settings."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="what to learn from; - is standard input")
    parser.add_argument("--text", action="store_true", help="the files hold names, one a line")
    parser.add_argument("--forget", action="store_true", help="the files hold names to forget, one a line")
    parser.add_argument("--replace", action="store_true", help="forget all names that the files do not hold")
    parser.add_argument("--status", action="store_true", help="say how many names are known")
    parser.add_argument("--show", action="store_true", help="print the names that are known, in clear")


def learn(parsed: argparse.Namespace) -> int:
    """Do what is asked: learn, forget, or tell what is known."""
    asked = [name for name in ("forget", "status", "show") if getattr(parsed, name)]
    if len(asked) > 1 or (asked and (parsed.text or parsed.replace)):
        message = "--forget, --status and --show each stand alone, and without --text and --replace"
        raise SettingsError(message)
    telling = parsed.status or parsed.show
    if bool(parsed.files) == telling:
        message = "--status and --show take no FILE" if telling else "name a FILE, or - for standard input"
        raise SettingsError(message)
    settings = load_from(parsed, make_key=True).settings
    path = Path(settings.inventory).expanduser() if settings.inventory else inventory_in(state_folder(os.environ))
    work = _Work(settings, path)
    if telling:
        return work.show() if parsed.show else work.status()
    progress = Progress()
    contents = _contents(parsed.files, settings.limits.learn_file, progress)
    try:
        if parsed.forget:
            return work.forget(contents)
        return work.learn(contents, as_text=parsed.text, replace=parsed.replace, progress=progress)
    finally:
        progress.end()


@dataclass(frozen=True, slots=True)
class _Work:
    """The inventory of one tenant, and what is done with it."""

    settings: Settings
    path: Path

    def show(self) -> int:
        """Print the names."""
        for name in sorted(self._known().names):
            print(name)
        return 0

    def status(self) -> int:
        """Say how many names there are of which kind."""
        self._tell(self._known())
        return 0

    def forget(self, contents: Iterable[tuple[str, bytes]]) -> int:
        """Forget the names on the lines of files."""
        gone = frozenset(line for where, raw in contents for line in lines(raw, where))
        before, after = change(self.path, self.settings, lambda known: forget(known, gone))
        print(f"forgot {len(before.names) - len(after.names)} names; none of the {len(gone)} is learned again")
        self._tell(after)
        return 0

    def learn(self, contents: Iterable[tuple[str, bytes]], *, as_text: bool, replace: bool, progress: Progress) -> int:
        """Learn from files."""
        # What is wrong with the inventory is told before a large file is read.
        self._known()
        scanner, names = compiled()
        current, *accepted = masters(self.settings)
        tokens = Tokens(current, self.settings.tenant, names.labels, accepted)
        collector = Collector(scanner, names, tokens, self.settings.limits.inventory)
        for where, raw in contents:
            if as_text:
                collector.add((line_item(line) for line in lines(raw, where)), MIN_LENGTH)
            else:
                collector.add(_items(raw, where, progress))
        results: list[Learned] = []

        def add(known: Known) -> Known:
            # Who names a name by hand wants it, whatever was said before.
            forgotten = frozenset[str]() if as_text else known.forgotten
            learned = collector.learned(forgotten)
            results.append(learned)
            kept = {} if replace else known.names
            return Known(merged(kept, learned.names), known.forgotten - (learned.names.keys() if as_text else set()))

        before, after = change(self.path, self.settings, add)
        self._tell_learned(names, results[-1], before, after)
        self._tell(after)
        return 0

    def _known(self) -> Known:
        if not self.path.exists():
            return Known()
        return Inventory.read(self.path, masters(self.settings)).of_tenant(self.settings.tenant)

    def _tell_learned(self, names: Names, learned: Learned, before: Known, after: Known) -> None:
        added = [name for name in after.names if name not in before.names]
        print(f"added {len(added)} names{_by_kind(names, added)}; {len(learned.names) - len(added)} were known before")
        gone = sum(name not in after.names for name in before.names)
        if gone:
            print(f"forgot {gone} names that the files do not hold")
        left = ", ".join(f"{count} {LEFT_OUT[reason]}" for reason, count in learned.left_out.items())
        if left:
            print(f"left out: {left}")

    def _tell(self, known: Known) -> None:
        _, names = compiled()
        rules = ruleset(catalogue.load(), self.settings, masters(self.settings)[0], known.names)
        most = self.settings.limits.inventory
        print(f"{self.path}: {len(known.names)} of at most {most} names{_by_kind(names, known.names)}")
        print(f"ruleset {rules}, for what starts from now on; what runs keeps the names with which it started")


def _items(raw: bytes, where: str, progress: Progress) -> Iterator[Item]:
    for document in documents(raw, where):
        for count, item in enumerate(items(document, where)):
            if not count % 1000:
                progress.show(f"{where}: {count} values")
            yield item


def _by_kind(names: Names, known: Iterable[str]) -> str:
    """Return how many of the names are of which kind, in brackets."""
    counts = Counter(_kind(names.label(name.encode("utf-8", "surrogatepass"))) for name in known)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    return f" ({told})" if told else ""


def _kind(label: bytes) -> str:
    if label in _ACCOUNTS:
        return "account"
    return "name" if label == b"name" else "identifier"


def _contents(files: list[str], limit: int, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """Yield each file's name and content. Raises TooLarge."""
    for name in files:
        where = "standard input" if name == "-" else name
        progress.show(f"reading {where}")
        if name == "-":
            raw = sys.stdin.buffer.read(limit + 1)
        else:
            with Path(name).open("rb") as file:
                raw = file.read(limit + 1)
        if len(raw) > limit:
            message = (
                f"{where} is larger than limits.learn_file ({limit} bytes): split it, or raise --limits-learn-file; "
                "nothing was learned"
            )
            raise TooLarge(message)
        yield where, raw
