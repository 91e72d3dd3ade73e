"""What Kong's Lua filter spends on answers: microseconds an event of a stream, milliseconds for other answers.

It needs lupa, which brings LuaJIT. The input is that of ``restore_bench.py``; each figure is the best of several runs,
in time of the processor.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from lupa.luajit21 import LuaRuntime

from benchmarks.restore_bench import (
    EVENTS,
    KINDS,
    KNOWN,
    OTHER_KNOWN,
    OTHER_SIZE,
    OTHERS,
    PACKET,
    best,
    body,
    dictionary,
    stream,
)
from benchmarks.table import Table

ROOT = Path(__file__).resolve().parents[1]
RUN = b"""
local new = require("kong.plugins.aws-masker-filter.restorer").new
return new, function(content_type, dictionary, chunks)
  local restorer = new(content_type, dictionary)
  for i = 1, #chunks do
    restorer:feed(chunks[i])
  end
  return restorer:close()
end
"""


def runtime(*, jit: bool) -> tuple[LuaRuntime, Any, Any]:
    """Return a new LuaJIT, the filter's ``restorer.new`` in it, and a function that restores a list of chunks."""
    lua = LuaRuntime(encoding=None, unpack_returned_tuples=True)
    lua.execute(b"package.path = ... .. package.path", f"{ROOT}/?.lua;".encode())
    if not jit:
        lua.execute(b"jit.off() jit.flush()")
    new, run = lua.execute(RUN)
    return lua, new, run


def in_lua(lua: LuaRuntime, tokens: dict[str, str]) -> Any:
    """Return a dictionary as a table of Lua."""
    return lua.table_from({token.encode(): original.encode() for token, original in tokens.items()})


def _events(size: int, share: float, kind: str, *, jit: bool) -> float:
    """Return microseconds an event."""
    lua, _, run = runtime(jit=jit)
    known = dictionary(size)
    raw = stream(kind, KINDS[kind], list(known), share)
    chunks = lua.table_from([event + b"\n\n" for event in raw.split(b"\n\n") if event])
    return best(partial(run, b"text/event-stream", in_lua(lua, known), chunks)) / EVENTS * 1e6


def _begin(size: int) -> float:
    """Return the milliseconds before an answer's first event."""
    lua, new, _ = runtime(jit=True)
    return best(partial(new, b"text/event-stream", in_lua(lua, dictionary(size)))) * 1e3


def tables() -> Iterator[Table]:
    """Yield what streams and other answers cost."""
    yield Table(
        "An event of a stream, restored in Lua (Kong), microseconds",
        (
            "tokens known",
            "of the words are tokens",
            *KINDS,
            *(f"{kind}, not compiled" for kind in KINDS),
            "to begin, ms",
        ),
        [
            [
                f"{size:,}",
                f"{share:.0%}",
                *(_events(size, share, kind, jit=jit) for jit in (True, False) for kind in KINDS),
                _begin(size),
            ]
            for size, share in KNOWN
        ],
        f"{EVENTS:,} events, each by itself, which is how they arrive. not compiled: as long as LuaJIT interprets.",
    )
    lua, _, run = runtime(jit=True)
    known = dictionary(OTHER_KNOWN)
    raw = body(OTHER_SIZE, 5000).replace(b"names", next(iter(known)).encode())
    chunks = [lua.table_from([raw[at : at + PACKET] for at in range(0, len(raw), PACKET)])]
    rows = [[kind, best(partial(run, kind.encode(), in_lua(lua, known), *chunks)) * 1e3] for kind in OTHERS]
    yield Table(f"Other answers of 5 MB, {OTHER_KNOWN:,} tokens known, in Lua", ("answer", "ms"), rows)
