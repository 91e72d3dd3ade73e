"""What the end-to-end run finds out: one check for each test, in sections, and the criteria that rest on them.

A check counts as failed until its test has passed: one that never ran, or died on the way, cannot look like success.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

Outcome = Literal["passed", "failed", "not run"]


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the report; ``columns`` are those between a check's name and its result."""

    key: str
    title: str
    intro: str
    of: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class Check:
    """One row. ``cells`` has what was measured, by column."""

    section: str
    name: str
    cells: dict[str, str] = field(default_factory=dict)
    outcome: Outcome = "not run"
    problem: str = "the run ended before it"


@dataclass(frozen=True, slots=True)
class Criterion:
    """Something that was promised. It is met when its section has ``least`` checks or more, and all have passed."""

    text: str
    section: str
    least: int = 1

    def met(self, checks: Iterable[Check]) -> bool:
        """Tell whether the checks show it."""
        mine = [check for check in checks if check.section == self.section]
        return len({check.name for check in mine}) >= self.least and all(check.outcome == "passed" for check in mine)


SECTIONS: Final = (
    Section(
        "hops",
        "The chain, hop by hop",
        "Each hop is asked by itself, then the whole chain in every form in which clients ask for it.",
        "hop",
        ("connection", "first ms", "median ms", "answers"),
    ),
    Section(
        "patterns",
        "Patterns",
        "Each text goes through the whole chain twice, answered plainly and as a stream; the API says back what it "
        "was told. *Masked*: no reading of what arrived holds an identifying part. *Restored*: both answers are the "
        "text as it was sent. *Stored*: Redis holds each token, its value sealed. *Read back*: the text as it arrived, "
        "tokens and all, is sent in a request of its own, and comes back with the identifiers: only Redis knows them "
        "then.",
        "pattern",
        ("as it arrived at the API", "masked", "restored", "stored", "read back"),
    ),
    Section(
        "faults",
        "Errors and faults",
        "What a client gets when a request is bad or a part of the chain fails, and how soon. In every case nothing "
        "that was received by the API may hold an identifier, and the next good request has to be served.",
        "what is wrong",
        ("expected", "status", "ms", "reached the API unmasked"),
    ),
    Section(
        "latency",
        "Added latency",
        "The same request through the chain and through the same nginx and Kong without the two plugins, one right "
        "after the other; what is added is the difference of such a pair. All in milliseconds. *First*: a conversation "
        "that was never seen. *Next turn*: the same conversation, grown at its end. Several clients each wait a second "
        "on average before each pair, as they would for a model, and send at the same time otherwise. The times are "
        "those of the machine above, however busy it was.",
        "body",
        ("pairs", "without p50", "added p50", "added p95", "next turn p50", "next turn p95"),
    ),
    Section(
        "load",
        "Error rate",
        "Clients side by side, every third answer a stream. A request has failed when its status is not 200, or when "
        "its answer is not the text that was sent.",
        "load",
        ("requests", "failed", "error rate", "p50 ms", "p95 ms", "requests a second"),
    ),
    Section(
        "records",
        "Logs",
        "What the parts of the chain wrote down meanwhile.",
        "what is looked for",
        ("found",),
    ),
)

CRITERIA: Final = (
    Criterion("The chain works: connection through all hops, response time measured", "hops", least=8),
    Criterion("All 50 patterns are masked, restored, stored in Redis and read back", "patterns", least=50),
    Criterion("Bad requests, network failures and time-outs are answered, and leak nothing", "faults", least=10),
    Criterion("Added latency under 100 ms (p95, up to 1 MB)", "latency", least=3),
    Criterion("Error rate under 1 %", "load"),
    Criterion("Requests and answers logged, masking events traced, error logs collected", "records", least=5),
)


@dataclass(slots=True)
class Findings:
    """All that a run found out. ``facts`` say what it ran on."""

    facts: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    originals: tuple[str, ...] = ()
    """What was planted, and must not stand in the report."""

    def of(self, section: str) -> Iterator[Check]:
        """Yield the checks of a section."""
        return (check for check in self.checks if check.section == section)

    @property
    def good(self) -> bool:
        """Whether every criterion is met and nothing failed."""
        return not self.problems and all(criterion.met(self.checks) for criterion in CRITERIA)

    @property
    def problems(self) -> list[Check]:
        """The checks that have not passed."""
        return [check for check in self.checks if check.outcome != "passed"]
