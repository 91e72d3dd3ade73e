"""Run the benchmarks: ``make bench``. Without options all of them but other tools, in about ten minutes."""

import argparse
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from benchmarks import (
    audit_bench,
    gateway_bench,
    kong_socket_bench,
    names_bench,
    peers_bench,
    restore_bench,
    restore_lua_bench,
    scan_bench,
    stream_bench,
)
from benchmarks.table import Table

Tables = Callable[[argparse.Namespace], Iterable[Table]]

PARTS: Final[dict[str, Tables]] = {
    "scan": lambda _: [scan_bench.table()],
    "names": lambda _: [names_bench.table()],
    "gateway": lambda given: gateway_bench.tables(given.clients, given.largest),
    "streams": lambda _: [stream_bench.table()],
    "restore": lambda _: restore_bench.tables(),
    "lua": lambda _: restore_lua_bench.tables(),
    "kong": lambda _: [kong_socket_bench.table()],
    "records": lambda _: [audit_bench.table()],
    "peers": lambda given: [peers_bench.table(given.cache)],
}
_PAGE: Final = """# Speed

Every figure here was written by `{command}` on {machine}. It took {minutes} minutes, and the
load of the machine was {before} at the start and {after} at the end: where that is more than its cores, times are
longer than they need be, and those of the processor (CPU, MB/s, microseconds of an event) say more.
`make bench` prints the same for your machine, and `make bench ARGS=--help` lists its parts.

What counts for a conversation is its next turn: the history is sent again each time, and what was masked once is not
looked through again. Bodies are shaped like Claude Code's, and unless it says otherwise far denser with identifiers
than most: outputs of `aws ec2 describe-instances`, an identifier every 150 bytes.

What the whole chain of nginx, Kong and Redis adds is in the report that `make report` writes
([the latest](../tests/test-report/)).

"""


def _machine() -> str:
    """Return what the figures depend on."""
    model = platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        names = [line.partition(":")[2].strip() for line in cpus.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    python = f"{platform.python_implementation()} {platform.python_version()}"
    day = time.strftime("%d %B %Y", time.gmtime())
    return f"{os.cpu_count()} cores of {model} with {python}, {day}"


def main() -> None:
    """Print all figures, or those asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--part", action="append", choices=PARTS, help="run this part alone; may be given several times"
    )
    parser.add_argument("--clients", type=int, default=32, help="leave out more clients at a time")
    parser.add_argument("--largest", type=int, default=5_000_000, help="leave out larger bodies (bytes)")
    parser.add_argument("--peers", action="store_true", help="install other tools and measure them as well")
    parser.add_argument("--cache", type=Path, default=Path(".peers"), help="where other tools are installed")
    parser.add_argument("--markdown", type=Path, help="write the tables into this file as well")
    arguments = parser.parse_args()
    parts = arguments.part or [name for name in PARTS if name != "peers"]
    if arguments.peers:
        parts.append("peers")
    given = " ".join(sys.argv[1:])
    began, load = time.monotonic(), os.getloadavg()[0]
    sections = []
    for part in parts:
        for table in PARTS[part](arguments):
            print(table.text(), flush=True)
            sections.append(table.markdown())
    if arguments.markdown:
        page = _PAGE.format(
            command=f'make bench ARGS="{given}"' if given else "make bench",
            machine=_machine(),
            minutes=math.ceil((time.monotonic() - began) / 60),
            before=f"{load:.1f}",
            after=f"{os.getloadavg()[0]:.1f}",
        )
        arguments.markdown.write_text(page + "\n".join(sections))


if __name__ == "__main__":
    main()
