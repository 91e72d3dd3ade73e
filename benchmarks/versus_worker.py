"""Masks bodies for ``versus`` with whichever checkout is on the path: a job a line in, milliseconds and a digest out.

A job names a file, and whether it is to be masked as if nothing like it had been seen. The milliseconds are of this
thread's CPU; the digest is of all that masking gave.
"""

import hashlib
import json
import sys
import time
from pathlib import Path

from aws_masker import Masker, Settings
from aws_masker.errors import Refused
from aws_masker.masker import settle
from benchmarks.scan_bench import KEY

PATH = "/v1/messages?beta=true"


def main() -> None:
    """Do one job after another."""
    with Masker(Settings(key=KEY, vault="memory://")) as masker:
        masker.warm_up()
        settle()
        print("ready", flush=True)
        for line in sys.stdin:
            job = json.loads(line)
            print(json.dumps(_done(masker, Path(job["file"]).read_bytes(), fresh=job["fresh"])), flush=True)


def _done(masker: Masker, body: bytes, *, fresh: bool) -> tuple[float, str]:
    """Return how long ``body`` took and the digest of what it became."""
    if fresh:
        masker.cache.clear()
    began = time.thread_time()
    try:
        masked = masker.mask_body(body, PATH)
        sent = masked.apply(body)
    except Refused as error:
        return 0.0, f"{type(error).__name__}: {error}"
    took = time.thread_time() - began
    all_of_it = (
        [(edit.offset, edit.length, edit.replacement) for edit in masked.edits],
        sorted(masked.dictionary.items()),
        sorted(masked.counts.items()),
        masked.opaque,
        masked.model,
        sent,
    )
    return took * 1e3, hashlib.sha256(repr(all_of_it).encode("utf-8", "surrogatepass")).hexdigest()


if __name__ == "__main__":
    main()
