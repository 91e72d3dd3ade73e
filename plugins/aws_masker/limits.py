"""The limits: what a request and its answer may cost, as settings with names.

docs/limits.md lists them with what happens at each, and with the tests that reach them.
"""

from dataclasses import dataclass, field
from typing import Final

from aws_masker.settings_fields import about, check

MIB: Final = 1 << 20
# No more header fields can be asked of Kong: kong/pdk/request.lua, get_headers.
MAX_HEADERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request and its answer may cost, and what is kept of them. Sizes are bytes, times seconds; all above 0."""

    body: int = field(default=32 * MIB, metadata=about("Size of a request's body; larger ones get 413.", unit="bytes"))
    depth: int = field(default=200, metadata=about("Nesting of a JSON body; deeper ones get 400."))
    values: int = field(
        default=500_000,
        metadata=about(
            "Values (texts, numbers, lists, objects) in a JSON body; more get 413. A JSON document of an answer with "
            "more is restored as text."
        ),
    )
    parts: int = field(default=1000, metadata=about("Parts of a multipart body; bodies with more get 413."))
    header: int = field(
        default=32 << 10,
        metadata=about(
            "Size of a header field, or of the first line, of a request or an answer; larger ones get 413 or 502.",
            unit="bytes",
        ),
    )
    headers: int = field(
        default=256,
        metadata=about(
            "Header fields of a request or an answer; more get 413 or 502.",
            expected=f"a whole number from 1 to {MAX_HEADERS}",
            accepts=lambda number: number <= MAX_HEADERS,
        ),
    )
    identifiers: int = field(default=100_000, metadata=about("Identifiers in one request; more get 413."))
    names: int = field(default=50_000, metadata=about("Names learned in one request; more get 413."))
    overlaps: int = field(
        default=4, metadata=about("Names that lie upon each other, on average for each byte of a text; more get 413.")
    )
    inventory: int = field(
        default=100_000, metadata=about("Names that an inventory holds of one tenant; `aws-masker learn` adds no more.")
    )
    learn_file: int = field(
        default=256 * MIB,
        metadata=about("Size of one file that `aws-masker learn` reads; larger ones are refused.", unit="bytes"),
    )
    concurrency: int = field(default=64, metadata=about("Requests at once; further ones get 529."))
    queue: int = field(
        default=16, metadata=about("Further requests that wait for one of these to end; still further ones get 529.")
    )
    queue_seconds: float = field(
        default=2.0, metadata=about("Time for which they wait; then they get 529.", unit="seconds")
    )
    connect_seconds: float = field(
        default=10.0, metadata=about("Time in which the upstream has to accept a connection.", unit="seconds")
    )
    idle_seconds: float = field(
        default=600.0, metadata=about("Time for which the upstream may send nothing.", unit="seconds")
    )
    body_seconds: float = field(
        default=60.0, metadata=about("Time in which a client has to send its body.", unit="seconds")
    )
    keep_alive_seconds: float = field(
        default=120.0,
        metadata=about(
            "Time for which a client's connection may be silent between requests, and for which the head of a request "
            "may take; then it is closed.",
            unit="seconds",
        ),
    )
    masking_seconds: float = field(
        default=2.0,
        metadata=about(
            "Behind Kong: time that masking may take for each MiB of a body, beside the 4 s that Kong waits for any "
            "answer; then the request gets 503.",
            unit="seconds",
        ),
    )
    event: int = field(
        default=64 * MIB,
        metadata=about(
            "Size of an event, a line or a JSON document of an answer, which have to be held whole to be restored; "
            "an answer with a larger one is broken off.",
            unit="bytes",
        ),
    )
    lines: int = field(
        default=100_000, metadata=about("Lines in an event of an answer; an answer with more is broken off.")
    )
    texts: int = field(
        default=1000,
        metadata=about(
            "Texts of an answer (content blocks of a stream) that are open at once; with more it is broken off."
        ),
    )
    answer: int = field(default=4 << 30, metadata=about("Size of an answer; a larger one is broken off.", unit="bytes"))
    answer_seconds: float = field(
        default=3600.0, metadata=about("Time that an answer may take; a longer one is broken off.", unit="seconds")
    )
    recorded_body: int = field(
        default=1 * MIB, metadata=about("How much of each body is kept with `record_bodies`.", unit="bytes")
    )
    recorded_bodies: int = field(
        default=256 * MIB, metadata=about("How much all that are kept may come to; the oldest go.", unit="bytes")
    )
    waiting_records: int = field(
        default=10_000,
        metadata=about(
            "Records that wait for where they go (in a process, or in each worker of Kong's); further ones are "
            "dropped and counted."
        ),
    )
    waiting_bytes: int = field(
        default=64 * MIB,
        metadata=about(
            "How much of records, and how much of kept bodies, may wait so; what is beyond is dropped and counted.",
            unit="bytes",
        ),
    )
    cached_texts: int = field(
        default=50_000,
        metadata=about(
            "Texts of a tenant of which is kept where something was found in them (at ten times as many places), so "
            "that a history is not looked through again; those used longest ago go."
        ),
    )
    page_requests: int = field(default=200, metadata=about("Requests that the page shows; the oldest go."))
    page_bodies: int = field(
        default=16 * MIB, metadata=about("How much of bodies the page shows; the oldest go.", unit="bytes")
    )
    page_viewers: int = field(default=16, metadata=about("Browsers that watch the page at once; further ones get 503."))
    stop_seconds: float = field(
        default=30.0, metadata=about("Time that open answers get to finish when the gateway stops.", unit="seconds")
    )

    def __post_init__(self) -> None:
        """Check every field."""
        check(self, ("limits",))
