"""What names that are known from the start cost: masking with none, a thousand and fifty thousand in the inventory.

The text is the same in all rows and names some of the thousand; the row with none shows what it costs without them.
"""

import random
import tempfile
import time
from pathlib import Path

from aws_masker import Masker, Settings
from aws_masker.inventory import Known, change
from benchmarks import bodies
from benchmarks.scan_bench import KEY, afresh, best
from benchmarks.table import Table

SIZE = 1_000_000
KNOWN = (0, 1_000, 50_000)
NAMED_EVERY = 400
_WORDS = (
    "ledger",
    "payments",
    "orders",
    "customer",
    "invoice",
    "report",
    "audit",
    "stage",
    "prod",
    "eu",
    "web",
    "queue",
)


def table() -> Table:
    """Return what a start and a text cost, by how many names are known."""
    random_ = random.Random(11)
    names = [_name(random_) for _ in range(max(KNOWN))]
    pieces = (
        f"{bodies.prose(NAMED_EVERY, random_)} {random_.choice(names[:1000])} " for _ in range(SIZE // NAMED_EVERY)
    )
    text = "".join(pieces)
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for known in KNOWN:
            path = Path(folder) / str(known)
            settings = Settings(key=KEY, inventory=str(path))
            change(path, settings, lambda _, known=known: Known(dict.fromkeys(names[:known], "name")))  # type: ignore[misc]
            Masker(settings).close()  # The catalogue is compiled once in a process.
            began = time.thread_time()
            with Masker(settings) as masker:
                start = time.thread_time() - began
                masked = masker.mask_text(text).counts.get("inventory-name", 0)
                fresh = best(len(text), lambda masker=masker: afresh(masker, text))  # type: ignore[misc]
                again = best(len(text), lambda masker=masker: masker.mask_text(text))  # type: ignore[misc]
            rows.append([f"{known:,}", f"{start:.2f}", masked, fresh, again])
    return Table(
        f"Names known from the start: {len(text) / 1e6:.1f} MB of prose that names one every {NAMED_EVERY} bytes",
        ("known", "start, s", "masked", "mask, MB/s", "again, MB/s"),
        rows,
        "start: reading the inventory and building the automaton. again: the same text once more, as history is.",
    )


def _name(random_: random.Random) -> str:
    return "-".join([*random_.sample(_WORDS, 2), f"{random_.getrandbits(24):06x}"])
