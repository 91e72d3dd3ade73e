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


def main() -> None:
    """Print the table."""
    random_ = random.Random(11)
    names = [_name(random_) for _ in range(max(KNOWN))]
    pieces = (
        f"{bodies.prose(NAMED_EVERY, random_)} {random_.choice(names[:1000])} " for _ in range(SIZE // NAMED_EVERY)
    )
    text = "".join(pieces)
    print(f"\nNames known from the start, {len(text) / 1e6:.1f} MB of prose that names one every {NAMED_EVERY} bytes\n")
    print(f"{'known':>8}{'start, s':>12}{'masked':>10}{'mask, MB/s':>14}{'again, MB/s':>14}")
    with tempfile.TemporaryDirectory() as folder:
        for known in KNOWN:
            path = Path(folder) / str(known)
            settings = Settings(key=KEY, inventory=str(path))
            change(path, settings, lambda _, known=known: Known(dict.fromkeys(names[:known], "name")))  # type: ignore[misc]
            Masker(settings).close()  # The catalogue is compiled once in a process.
            began = time.perf_counter()
            with Masker(settings) as masker:
                start = time.perf_counter() - began
                masked = masker.mask_text(text).counts.get("inventory-name", 0)
                fresh = best(len(text), lambda masker=masker: afresh(masker, text))  # type: ignore[misc]
                again = best(len(text), lambda masker=masker: masker.mask_text(text))  # type: ignore[misc]
            print(f"{known:>8}{start:>12.2f}{masked:>10}{fresh:>14.1f}{again:>14.1f}")
    print("\nstart: reading the inventory and building the automaton; again: the same text once more, as history is.")


def _name(random_: random.Random) -> str:
    return "-".join([*random_.sample(_WORDS, 2), f"{random_.getrandbits(24):06x}"])


if __name__ == "__main__":
    main()
