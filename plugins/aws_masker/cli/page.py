"""``aws-masker page``: the live page of a team, from the audit stream that its gateways or Kong nodes write."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from functools import partial
from typing import Final

from aws_masker import keyfile
from aws_masker.audit import targets
from aws_masker.audit.bodies import folder_of, kept_of
from aws_masker.cli.settings import load_given
from aws_masker.errors import AuditError, SettingsError
from aws_masker.page.follow import Follower
from aws_masker.page.ring import Ring
from aws_masker.page.server import PageServer

ADDRESS: Final = "127.0.0.1:8083"
READ_SECONDS: Final = 0.5
"""Between two looks at the stream."""

RETRY_SECONDS: Final = 2.0


def page(parsed: argparse.Namespace) -> int:
    """Serve the page until told to stop."""
    # Settings need a key, and this needs none: it sees no original.
    settings = load_given(parsed, {**os.environ, "AWS_MASKER_KEY": keyfile.fresh_key(), "AWS_MASKER_KEY_FILE": ""})
    place = targets.place_of(settings.audit)
    if not isinstance(place, targets.StreamPlace):
        message = (
            "audit: the page follows a stream in Redis: give --audit redis://HOST:PORT/DB or AWS_MASKER_AUDIT. "
            "A single gateway serves its own page: aws-masker gateway --page 127.0.0.1:8083"
        )
        raise SettingsError(message)
    kept = partial(kept_of, folder_of(settings.bodies)) if settings.record_bodies == "masked" else None
    limits = settings.limits
    ring = Ring(limits.page_requests, limits.page_bodies)
    follower = Follower(place.link(os.environ), place.key.encode(), ring, ring.capacity)
    try:
        server = PageServer(ring, "the audit stream", kept, limits.page_viewers)
        asyncio.run(_serve(server, settings.page or ADDRESS, follower))
    finally:
        follower.close()
    return 0


async def _serve(server: PageServer, address: str, follower: Follower) -> None:
    await server.start(address)
    print(f"what leaves is shown at {server.url}", file=sys.stderr, flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        while not stop.is_set():
            wait = await _look(server, follower)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await stop.wait()
    finally:
        await server.stop()


async def _look(server: PageServer, follower: Follower) -> float:
    """Take what is new. Return how many seconds to wait before the next look."""
    try:
        found = await asyncio.to_thread(follower.read)
    except AuditError as error:
        server.tell(str(error))
        return RETRY_SECONDS
    server.tell("")
    return 0.0 if found else READ_SECONDS
