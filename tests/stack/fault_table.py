"""The fault matrix: what fails, in which way, and what clients notice of it. docs/faults.md is made of it.

test_faults.py makes each fault happen under load and holds what it sees against this table. ``make faults`` does that,
and writes the page.
"""

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/faults.md"
HEAD = """# Faults

What clients notice when a part of the [Kong stack](kong.md) fails. Each line is a test (`tests/stack/test_faults.py`):
four clients send requests, streams among them, while the fault is made, and what becomes of each request is held
against this table. In every case the test also checks that no original has reached the API, that each error has the
shape of the API's own, that service comes back by itself once the fault is gone, and that tokens from before the fault
are still restored.

`make faults` runs the tests, on containers, a real Kong or a stand-in, whichever is there, and writes this page.

| what fails | how | requests meanwhile | answered within |
|---|---|---|---|
"""
TAIL = """
"Served" means masked on the way out and restored on the way back. "Broken off" is an answer that ends without its end,
as the API's own does when a connection breaks: clients do not take it for a whole one, and ask again. Some faults show
only in the requests that were under way, or in those of one worker: the others are served.

Not in the table, as there is nothing to fail in that way: the filter is code inside Kong's workers, and is killed,
stopped and slow with them; it gets garbage where the plugin server or the API gives garbage. Nobody asks the clock to
mask or to restore; it decides only how long the vault keeps what it has. What each half of aws-masker does without the
other is in [kong.md](kong.md).
"""


@dataclass(frozen=True)
class Cell:
    """A line. ``meanwhile`` is what may become of requests, ``bites`` what at least one of has to be seen of it.

    ``seconds`` bounds every answer. ``forgets``: whether the vault loses what it held. ``lingers``: whether it
    has consequences a little later, too.
    """

    part: str
    fault: str
    meanwhile: tuple[str, ...]
    seconds: float
    bites: tuple[str, ...] = ()
    forgets: bool = False
    lingers: bool = False

    @property
    def name(self) -> str:
        return f"{self.part}: {self.fault}"


CELLS = (
    Cell("plugin server", "killed", ("served", "500", "503"), 6, ("500", "503")),
    Cell("plugin server", "stopped", ("served", "500", "503"), 6, ("500", "503")),
    Cell("plugin server", "slow: no decision within 4 s", ("served", "503"), 6, ("503",)),
    Cell("plugin server", "refuses: every request raises an error in it", ("served", "503"), 6, ("503",)),
    Cell("plugin server", "full: as many requests as it may have are under way", ("served", "529"), 6, ("529",)),
    Cell("plugin server", "garbage: its result cannot be read", ("served", "503"), 6, ("503",)),
    Cell("Kong", "a worker is killed", ("served", "500", "502", "503", "broken off"), 6, lingers=True),
    Cell("Kong", "its workers are stopped for a second", ("served", "500", "503"), 6),
    Cell("Kong", "refuses connections", ("served", "502", "broken off"), 6, ("502",)),
    Cell("Kong", "slow", ("served",), 6),
    Cell("Kong", "garbage in place of HTTP", ("served", "502", "broken off"), 6, ("502", "broken off")),
    Cell("Kong", "breaks off", ("served", "502", "broken off"), 6, ("502", "broken off")),
    Cell("Redis", "killed", ("served",), 6),
    Cell("Redis", "stopped", ("served",), 6),
    Cell("Redis", "slow", ("served",), 6),
    Cell("Redis", "refuses connections", ("served",), 6),
    Cell("Redis", "full", ("served",), 6),
    Cell("Redis", "garbage in place of its protocol", ("served",), 6),
    Cell("Redis", "emptied", ("served",), 6, forgets=True),
    Cell("nginx", "a worker is killed", ("served", "broken off"), 6),
    Cell("nginx", "its workers are stopped for a second", ("served",), 6),
    Cell("API", "refuses connections", ("served", "502", "503", "broken off"), 6, ("502", "503")),
    Cell(
        "API",
        "silent: no answer within `read_timeout` (2 s in the test)",
        ("served", "502", "504", "broken off"),
        6,
        ("504",),
    ),
    Cell("API", "slow", ("served",), 6),
    Cell("API", "full: answers 529", ("served", "529"), 6, ("529",)),
    Cell("API", "garbage in place of HTTP", ("served", "502", "broken off"), 6, ("502", "broken off")),
    Cell("API", "breaks off", ("served", "502", "broken off"), 6, ("502", "broken off")),
    Cell("disk", "full, where Kong's log is", ("served",), 6),
    Cell("clock", "jumps a year ahead in the plugin server", ("served",), 6),
    Cell("clock", "jumps a year back in the plugin server", ("served",), 6),
    Cell("DNS", "the API's name is not found", ("502", "503"), 6, ("502", "503")),
)


def page() -> str:
    """Return docs/faults.md."""
    lines = (f"| {one.part} | {one.fault} | {' or '.join(one.meanwhile)} | {one.seconds:.0f} s |" for one in CELLS)
    return HEAD + "\n".join(lines) + "\n" + TAIL


if __name__ == "__main__":
    PAGE.write_text(page())
