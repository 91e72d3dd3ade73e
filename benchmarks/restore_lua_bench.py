"""Prints what Kong's Lua filter spends on answers: microseconds an event of a stream, milliseconds for other answers.

Run it with ``python -m benchmarks.restore_lua_bench`` (it needs lupa, which brings LuaJIT). Each event is fed by
itself, which is how they arrive. The input is that of ``restore_bench.py``; each figure is the best of several runs.
"""

from functools import partial
from pathlib import Path
from typing import Any

from lupa.luajit21 import LuaRuntime

from benchmarks.restore_bench import best, body, dictionary, stream

ROOT = Path(__file__).resolve().parents[1]
EVENTS = 10_000
KINDS = {"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}
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


def print_streams(*, jit: bool) -> None:
    """Print microseconds an event for dictionaries of several sizes."""
    lua, _, run = runtime(jit=jit)
    print(f"Streams of {EVENTS:,} events, JIT {'on' if jit else 'off'}")
    for size, share in [(0, 0.0), (50, 0.02), (5000, 0.02), (5000, 0.3)]:
        known = dictionary(size)
        tokens = in_lua(lua, known)
        for kind, field in KINDS.items():
            raw = stream(kind, field, list(known), share)
            chunks = lua.table_from([event + b"\n\n" for event in raw.split(b"\n\n") if event])
            seconds = best(partial(run, b"text/event-stream", tokens, chunks))
            print(
                f"  {size:5} tokens known, {share:4.0%} of the words, {kind:17} {seconds / EVENTS * 1e6:6.1f} µs/event"
            )


def print_rest() -> None:
    """Print what beginning an answer costs, and answers that are no streams."""
    lua, new, run = runtime(jit=True)
    tokens = in_lua(lua, dictionary(7000))
    seconds = best(partial(new, b"text/event-stream", tokens))
    print(f"Beginning an answer with 7000 tokens known: {seconds * 1e3:.2f} ms")
    print("Other answers of 5 MB, 1000 tokens known")
    known = dictionary(1000)
    raw = body(5_000_000, 5000).replace(b"names", next(iter(known)).encode())
    tokens = in_lua(lua, known)
    for content_type in [b"application/json", b"text/plain"]:
        seconds = best(partial(run, content_type, tokens, lua.table_from([raw])))
        print(f"  {content_type.decode():17} {seconds * 1e3:6.1f} ms {len(raw) / seconds / 1e6:6.1f} MB/s")


def main() -> None:
    """Print all figures."""
    print_streams(jit=True)
    print_streams(jit=False)
    print_rest()


if __name__ == "__main__":
    main()
