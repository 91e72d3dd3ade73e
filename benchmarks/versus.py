"""How fast this checkout masks beside another one, and whether it masks the same.

``python -m benchmarks.versus HEAD~3``: two processes take turns at the same bodies, so that what else the machine does
slows both down alike. What counts is the CPU time of the masking thread, the median of several bodies of a size.

Where the catalogue itself differs, so does what is masked; ``--catalogue`` gives the other checkout this one's.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks import bodies
from benchmarks.table import Table

ROOT: Final = Path(__file__).parent.parent
SIZES: Final = {"10 KB": 10_000, "100 KB": 100_000, "350 KB": 350_000, "1 MB": 1_000_000, "5 MB": 5_000_000}
SHAPES: Final = {"dense": bodies.request, "sparse": bodies.sparse}
# After the first turn and the next one, the next one again: all of it is kept.
TURNS: Final = ("first", "next", "again")


class Worker:
    """A process that masks with one checkout."""

    def __init__(self, checkout: Path) -> None:
        """Start it."""
        # The checkout's own benchmarks may know no worker: this one's are given to both.
        environment = os.environ | {"PYTHONPATH": f"{checkout / 'plugins'}:{ROOT}"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.versus_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
            text=True,
        )

    def wait(self) -> None:
        """Wait until it is warm."""
        self._read()

    def mask(self, file: Path, *, fresh: bool) -> tuple[float, str]:
        """Return the milliseconds that a body takes, and the digest of what it becomes."""
        if self._process.stdin is None:
            raise AssertionError
        self._process.stdin.write(json.dumps({"file": str(file), "fresh": fresh}) + "\n")
        self._process.stdin.flush()
        took, digest = json.loads(self._read())
        return took, digest

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def _read(self) -> str:
        if self._process.stdout is None:
            raise AssertionError
        line = self._process.stdout.readline()
        if not line:
            message = "a worker ended: see what it wrote above"
            raise SystemExit(message)
        return line


def _written(document: dict[str, Any], file: Path) -> Path:
    file.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
    return file


def _rounds(size: int, most: int) -> int:
    return max(3, min(most, 12_000_000 // size))


def rows(workers: list[Worker], folder: Path, sizes: list[str], most: int) -> Iterator[list[object]]:
    """Yield a row for each size and shape: milliseconds of both checkouts by turn, and how they relate."""
    for name in sizes:
        for shape, make in SHAPES.items():
            took: dict[str, list[tuple[float, ...]]] = {turn: [] for turn in TURNS}
            for number in range(_rounds(SIZES[name], most)):
                document = make(SIZES[name], seed=SIZES[name] + number)
                first = _written(document, folder / "first.json")
                following = _written(bodies.next_turn(document, seed=number + 99), folder / "next.json")
                for turn, file in zip(TURNS, (first, following, following), strict=True):
                    both = [worker.mask(file, fresh=turn == "first") for worker in workers]
                    if len({digest for _, digest in both}) > 1:
                        print(f"NOT THE SAME: {shape} {name} {turn} {number}", file=sys.stderr)
                    took[turn].append(tuple(one for one, _ in both))
            row: list[object] = [f"{name} {shape}"]
            for turn in TURNS:
                other, this = (statistics.median(one) for one in zip(*took[turn], strict=True))
                row += [other, this, f"{other / this:.2f}"]
            yield row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.versus", description=__doc__)
    parser.add_argument("against", help="a revision of this repository")
    parser.add_argument("--size", action="append", choices=list(SIZES), help="only bodies of this size")
    parser.add_argument("--rounds", type=int, default=15, help="at most so many bodies of a size")
    parser.add_argument("--catalogue", action="store_true", help="give the other checkout this one's catalogue")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        other = folder / "other"
        archive = folder / "other.tar"
        git = shutil.which("git") or "git"
        subprocess.run([git, "archive", "--output", archive, arguments.against, "plugins"], cwd=ROOT, check=True)
        shutil.unpack_archive(archive, other, filter="data")
        if arguments.catalogue:
            shutil.copytree(
                ROOT / "plugins/aws_masker/catalogue", other / "plugins/aws_masker/catalogue", dirs_exist_ok=True
            )
        workers = [Worker(other), Worker(ROOT)]
        for worker in workers:
            worker.wait()
        columns = ["body", *(f"{turn} {which}" for turn in TURNS for which in ("before", "now", "ratio"))]
        made = list(rows(workers, folder, arguments.size or list(SIZES), arguments.rounds))
        for worker in workers:
            worker.close()
    print(Table(f"Masking beside {arguments.against}, ms of CPU", columns, made).text())


if __name__ == "__main__":
    main()
