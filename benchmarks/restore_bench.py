"""What restoring answers costs in Python: microseconds an event of a stream, milliseconds for other answers.

The input is made up and always the same; each figure is the best of several runs, in time of the processor. The last
table compares ``jsontext.parse`` with ``json.loads``, which it is built on.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Final

from aws_masker import jsontext
from aws_masker.restore import restorer_for
from aws_masker.tokens import ALPHABET
from benchmarks.table import Table

MAX_DEPTH = 200
RUNS = 5
PACKET = 16 << 10
EVENTS: Final = 10_000
# The delta of an event, and its member that holds text.
KINDS: Final = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}
# Tokens in the dictionary, and the share of the words that are some of them.
KNOWN: Final = ((0, 0.0), (50, 0.02), (7000, 0.02), (7000, 0.3))
OTHERS: Final = ("application/json", "text/plain")
OTHER_KNOWN: Final = 1000
OTHER_SIZE: Final = 5_000_000
WORDS = ["the", "bucket", "of", "this", "instance", "is", "in", "another", "account,", "so", "stop", "it", "now;\n"]
CODE = '    if value["name"] != "\\n".join(names):\n        raise ValueError(f"{value!r} is not a name")\n'


def best(run: Callable[[], object]) -> float:
    """Return the seconds of the fastest of some runs."""
    seconds = []
    for _ in range(RUNS):
        start = time.thread_time()
        run()
        seconds.append(time.thread_time() - start)
    return min(seconds)


def dictionary(size: int) -> dict[str, str]:
    """Return ``size`` tokens with originals."""
    random.seed(size)
    labels = ["i", "vpc", "subnet", "sg", "eni", "eni-attach", "name", "acct", "net", "ip", "secret", "uuid"]
    return {
        f"{random.choice(labels)}-x{''.join(random.choices(ALPHABET, k=16))}": f"original-{number}"
        for number in range(size)
    }


def stream(kind: str, field: str, tokens: list[str], share: float) -> bytes:
    """Return EVENTS events with 4 words each; ``share`` of the words are tokens, which the events may divide."""
    random.seed(1)
    words = [
        random.choice(tokens) if tokens and random.random() < share else random.choice(WORDS) for _ in range(4 * EVENTS)
    ]
    text = " ".join(words)
    size = len(text) // EVENTS
    events = []
    for start in range(0, size * EVENTS, size):
        delta = {"type": kind, field: text[start : start + size]}
        data = json.dumps({"type": "content_block_delta", "index": 0, "delta": delta}, separators=(",", ":"))
        events.append(f"event: content_block_delta\ndata: {data}\n\n")
    return "".join(events).encode()


def body(size: int, block: int) -> bytes:
    """Return a request of about ``size`` bytes, whose blocks of text have about ``block`` bytes."""
    text = (CODE * (block // len(CODE) + 1))[:block]
    content = [{"type": "tool_result", "tool_use_id": "toolu_01", "content": [{"type": "text", "text": text}]}]
    message = {"role": "user", "content": content}
    messages = [message] * (size // len(json.dumps(message)))
    return json.dumps({"model": "claude", "messages": messages}, separators=(",", ":")).encode()


def tables() -> Iterator[Table]:
    """Yield what streams, other answers and reading a request cost."""
    rows: list[list[object]] = []
    for size, share in KNOWN:
        tokens = dictionary(size)
        row: list[object] = [f"{size:,}", f"{share:.0%}"]
        for kind, field in KINDS.items():
            raw = stream(kind, field, list(tokens), share)

            def restore(raw: bytes = raw, tokens: dict[str, str] = tokens) -> None:
                restorer = restorer_for("text/event-stream", tokens)
                for start in range(0, len(raw), PACKET):
                    restorer.feed(raw[start : start + PACKET])
                restorer.close()

            row.append(best(restore) / EVENTS * 1e6)
        rows.append([*row, best(lambda tokens=tokens: restorer_for("text/event-stream", tokens)) * 1e3])  # type: ignore[misc]
    yield Table(
        "An event of a stream, restored in Python (the gateway), microseconds",
        ("tokens known", "of the words are tokens", *KINDS, "to begin, ms"),
        rows,
        f"{EVENTS:,} events in packets of 16 KiB. to begin: what an answer costs before its first event.",
    )
    tokens = dictionary(OTHER_KNOWN)
    raw = body(OTHER_SIZE, 5000).replace(b"names", next(iter(tokens)).encode())
    rows = []
    for content_type in OTHERS:

        def restore_whole(raw: bytes = raw, content_type: str = content_type) -> None:
            restorer = restorer_for(content_type, tokens)
            restorer.feed(raw)
            restorer.close()

        rows.append([content_type, best(restore_whole) * 1e3])
    yield Table(f"Other answers of 5 MB, {OTHER_KNOWN:,} tokens known, in Python", ("answer", "ms"), rows)
    rows = []
    for block in (50_000, 5000, 1000, 200):
        raw = body(OTHER_SIZE, block)
        loads = best(lambda raw=raw: json.loads(raw))  # type: ignore[misc]
        parse = best(lambda raw=raw: jsontext.parse(raw, MAX_DEPTH))  # type: ignore[misc]
        rows.append([f"{block:,} bytes", loads * 1e3, parse * 1e3])
    yield Table("Reading a request of 5 MB, ms", ("blocks of text of", "json.loads", "with the places of texts"), rows)
