"""What the tests of the restorers share: a dictionary, cuts, and a reader of server-sent events of their own."""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from aws_masker.restore import Restorer

INSTANCE = "i-x0123456789abcdef"
NAME = "name-xk3kqd81m4tvw2hz7"
NUMBER = "acctn-x7hq2mzk40vwtdb9c"
SECRET = "secret-xz8kdm2v7q4wth0bn"
UNKNOWN = "vpc-xbn0dh8t7vz2wq4km"

DICTIONARY = {
    INSTANCE: "i-0a1b2c3d4e5f60718",
    NAME: "prod-audit-logs",
    NUMBER: "111122223333",
    SECRET: 'qu"o\\te\nend',
    "acct-x9d2fk7wq0mzt4hvb": "481516234217",
    "net-x4kq7m2vwzt0hd8bn": "10.20",
    "eni-attach-xm4w8kq2zv7thd0bn": "eni-attach-0a1b2c3d",
    "name-xs5rgt0m2kqd81vwz": "서울-버킷",
}

_FILE = json.loads((Path(__file__).parent / "vectors" / "restore.json").read_text(encoding="utf-8"))


class Vector:
    """One entry of vectors/restore.json."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.name: str = entry["name"]
        self.content_type: str = entry["content_type"]
        self.counts: dict[str, int] = entry["counts"]
        named = entry["dictionary"]
        dictionary = _FILE["dictionaries"][named] if isinstance(named, str) else named
        self.dictionary = {token: _original(original) for token, original in dictionary.items()}
        self.input = _bytes(entry, "input")
        self.output = _bytes(entry, "output")


def _original(entry: str | dict[str, str]) -> str:
    return entry if isinstance(entry, str) else base64.b64decode(entry["base64"]).decode("utf-8", "surrogatepass")


def _bytes(entry: dict[str, str], name: str) -> bytes:
    return entry[name].encode() if name in entry else base64.b64decode(entry[f"{name}_base64"])


VECTORS = [Vector(entry) for entry in _FILE["vectors"]]


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Return ``data`` in pieces, cut at ``places``."""
    ends = [*sorted({place for place in places if 0 < place < len(data)}), len(data)]
    starts = [0, *ends[:-1]]
    return [data[start:end] for start, end in zip(starts, ends, strict=True)]


def cuts(data: st.DataObject, raw: bytes) -> list[bytes]:
    """Return ``raw`` in pieces that hypothesis chooses: single bytes, pieces of one length, or anything."""
    size = data.draw(st.one_of(st.just(1), st.integers(2, 50), st.just(0)))
    if size:
        return cut(raw, range(size, len(raw), size))
    return cut(raw, data.draw(st.sets(st.integers(0, len(raw)), max_size=20)))


def run(restorer: Restorer, pieces: Iterable[bytes]) -> bytes:
    """Return all that a restorer gives for ``pieces``."""
    return b"".join([restorer.feed(piece) for piece in pieces]) + restorer.close()


def events(raw: bytes) -> list[Any]:
    """Return the decoded data of a stream's events, as a client reads them."""
    text = raw.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    found = []
    for event in text.split("\n\n"):
        lines = [line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")]
        if lines:
            found.append(json.loads("\n".join(lines)))
    return found


def texts_by_block(stream: Iterable[Any]) -> dict[tuple[int, str], str]:
    """Return the whole text of each block of a stream, by index and type of delta."""
    texts: dict[tuple[int, str], str] = defaultdict(str)
    for event in stream:
        if event["type"] == "content_block_delta":
            (kind, text) = event["delta"].values()
            texts[event["index"], kind] += text
    return dict(texts)
