"""Prints what restoring answers costs: microseconds an event of a stream, MB/s, and milliseconds for JSON bodies.

Run it with ``python benchmarks/restore_bench.py``. The input is made up and always the same; each figure is the best of
several runs. The second part compares ``jsontext.parse`` with ``json.loads``, which it is built on.
"""

import json
import random
import time
from collections.abc import Callable

from aws_masker import jsontext
from aws_masker.restore import restorer_for
from aws_masker.tokens import ALPHABET

MAX_DEPTH = 200
RUNS = 5
PACKET = 16 << 10
WORDS = ["the", "bucket", "of", "this", "instance", "is", "in", "another", "account,", "so", "stop", "it", "now;\n"]
CODE = '    if value["name"] != "\\n".join(names):\n        raise ValueError(f"{value!r} is not a name")\n'


def best(run: Callable[[], object]) -> float:
    """Return the seconds of the fastest of some runs."""
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
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
    """Return 10,000 events with 4 words each; ``share`` of the words are tokens, which the events may divide."""
    random.seed(1)
    words = [
        random.choice(tokens) if tokens and random.random() < share else random.choice(WORDS) for _ in range(40_000)
    ]
    text = " ".join(words)
    size = len(text) // 10_000
    events = []
    for start in range(0, size * 10_000, size):
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


def main() -> None:
    """Print all figures."""
    print("Streams of 10,000 events, in packets of 16 KiB")
    for size, share in [(0, 0.0), (20, 0.02), (1000, 0.02), (1000, 0.3)]:
        tokens = dictionary(size)
        for kind, field in [
            ("text_delta", "text"),
            ("input_json_delta", "partial_json"),
            ("thinking_delta", "thinking"),
        ]:
            raw = stream(kind, field, list(tokens), share)

            def restore(raw: bytes = raw, tokens: dict[str, str] = tokens) -> None:
                restorer = restorer_for("text/event-stream", tokens)
                for start in range(0, len(raw), PACKET):
                    restorer.feed(raw[start : start + PACKET])
                restorer.close()

            seconds = best(restore)
            print(
                f"  {size:5} tokens known, {share:4.0%} of the words, {kind:17}"
                f" {seconds / 10_000 * 1e6:6.1f} µs/event {len(raw) / seconds / 1e6:6.1f} MB/s"
            )
    tokens = dictionary(7000)
    seconds = best(lambda: restorer_for("text/event-stream", tokens))
    print(f"  beginning an answer with 7000 tokens known: {seconds * 1e3:.2f} ms")

    print("Other answers of 5 MB, 1000 tokens known")
    tokens = dictionary(1000)
    raw = body(5_000_000, 5000).replace(b"names", next(iter(tokens)).encode())
    for content_type in ["application/json", "text/plain"]:

        def restore_whole(raw: bytes = raw, content_type: str = content_type) -> None:
            restorer = restorer_for(content_type, tokens)
            restorer.feed(raw)
            restorer.close()

        seconds = best(restore_whole)
        print(f"  {content_type:17} {seconds * 1e3:6.1f} ms {len(raw) / seconds / 1e6:6.1f} MB/s")

    print("Reading a request of 5 MB")
    for block in [50_000, 5000, 1000, 200]:
        raw = body(5_000_000, block)
        loads = best(lambda raw=raw: json.loads(raw))  # type: ignore[misc]
        parse = best(lambda raw=raw: jsontext.parse(raw, MAX_DEPTH))  # type: ignore[misc]
        print(f"  blocks of {block:5} bytes: json.loads {loads * 1e3:6.1f} ms, jsontext.parse {parse * 1e3:6.1f} ms")


if __name__ == "__main__":
    main()
