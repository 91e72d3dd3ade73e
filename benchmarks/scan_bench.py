"""How fast text is searched: all families beside ten of them, and beside Python's ``re`` with the same patterns.

Megabytes a second of one core's time, warm, the best of several rounds: what else the machine does only ever slows one
down.
"""

import random
import re
import time
from collections.abc import Callable

from aws_masker import Masker, Settings, catalogue
from aws_masker.boundaries import AFTER, BEFORE
from aws_masker.catalogue import Catalogue
from aws_masker.scan import Scanner
from benchmarks import bodies
from benchmarks.table import Table

KEY = "c0ffee00112233445566778899aabbccddeeff0123456789fedcba9876543210"
SIZE = 2_000_000
# ``re`` is slower by orders of magnitude; this much takes it long enough.
RE_SIZE = 20_000
ROUNDS = 3


def texts() -> dict[str, bytes]:
    """Return the texts that are searched: plain prose, the AWS CLI's JSON, and the catalogue's examples on end."""
    random_ = random.Random(7)
    examples = [text.replace("«", "").replace("»", "") for family in catalogue.load().families for text in family.match]
    pieces = (
        random_.choice(examples) if random_.randrange(5) == 0 else bodies.prose(300, random_)
        for _ in range(SIZE // 300)
    )
    return {
        "prose": bodies.prose(SIZE, random_).encode(),
        "prose, now and then an instance": bodies.sparse_output(SIZE, random_).encode(),
        "prose and examples": "\n".join(pieces).encode(),
        "CLI output": bodies.output(SIZE, random_).encode(),
    }


def best(size: int, work: Callable[[], object]) -> float:
    """Return the megabytes a second of the fastest of several rounds, after one to warm up."""
    work()
    rounds = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        work()
        rounds.append(time.thread_time() - began)
    return size / min(rounds) / 1e6


def python_re(loaded: Catalogue) -> "re.Pattern[bytes]":
    """Return all forms of the catalogue as one alternation of ``re``."""
    forms = "|".join(f"(?:{family.pattern})" for family in loaded.families if family.pattern)
    pattern = f"{BEFORE}(?:{forms}){AFTER}".replace(r"\z", r"\Z")
    # RE2 takes flags for a group only; ``re`` wants the same written so, which it is.
    return re.compile(pattern.encode("latin-1"))


def afresh(masker: Masker, text: str) -> None:
    """Mask ``text`` as if it had never been seen."""
    masker.cache.clear()
    masker.mask_text(text)


def table() -> Table:
    """Return megabytes a second by text."""
    loaded = catalogue.load()
    few = Catalogue(tuple(family for family in loaded.families if family.pattern)[:10], loaded.suffixes, loaded.words)
    scanner, ten = Scanner(loaded), Scanner(few)
    slow = python_re(loaded)
    rows: list[list[object]] = []
    with Masker(Settings(key=KEY, vault="memory://")) as masker:
        masker.warm_up()
        for name, text in texts().items():
            cold = text.decode()
            row: list[object] = [
                best(len(text), lambda text=text: scanner.search(text)),  # type: ignore[misc]
                best(len(text), lambda text=text: ten.search(text)),  # type: ignore[misc]
                best(len(text), lambda text=text: scanner.find(text)),  # type: ignore[misc]
                best(len(text), lambda cold=cold: afresh(masker, cold)),  # type: ignore[misc]
            ]
            began = time.thread_time()
            sum(1 for _ in slow.finditer(text[:RE_SIZE]))
            row.append(f"{RE_SIZE / (time.thread_time() - began) / 1e6:.2f}")
            rows.append([name, len(scanner.find(text)), *row])
    return Table(
        f"Finding and masking, megabytes a second of one core ({len(loaded.families)} families)",
        ("text", "found in 2 MB", "search", "search, 10 families", "find", "mask", "re"),
        rows,
        "search: the passes of the engine alone. find: with the family and parts of each. mask: all, nothing kept from "
        "before. re: Python's own engine, the forms in one alternation (keys and hosts left out, in its favour).",
    )
