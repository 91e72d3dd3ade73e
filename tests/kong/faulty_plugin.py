"""The real plugin server, with a plugin that fails when it is told to: ``faulty_plugin.py FILE …``.

FILE names the fault, or is empty. All other arguments are those of ``aws-masker plugin-server``.
"""

import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from aws_masker.audit.bodies import BodyFolder
from aws_masker.audit.files import FileTarget
from aws_masker.edits import MaskedBody
from aws_masker.kong import server
from aws_masker.kong.exchange import KEY
from aws_masker.kong.plugin import DEAD_END, Plugin
from aws_masker.masker import Masker

CONTROL = Path(sys.argv[1])


YEAR = 365 * 86400
CLOCKS = {"year-ahead": YEAR, "year-back": -YEAR}
right_time = time.time


# Longer than Kong waits for an answer, in seconds.
SLOW = 5.5
mask_body = Masker.mask_body


def slow_mask_body(masker: Masker, *arguments: Any) -> MaskedBody:
    if CONTROL.read_text() == "slow":
        threading.Event().wait(SLOW)
    return mask_body(masker, *arguments)


Masker.mask_body = slow_mask_body  # type: ignore[assignment, method-assign]


# A disk that is full takes the beginning of a file, and then no more, in bytes.
ROOM = 100
SOFT, HARD = resource.getrlimit(resource.RLIMIT_FSIZE)


def on_a_bad_disk(write: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``write`` as it is where the disk is full, or takes as long as the fault lasts."""

    def written(*arguments: Any) -> Any:
        while (fault := CONTROL.read_text()) == "disk-hangs":
            threading.Event().wait(0.02)
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM if fault == "disk-full" else SOFT, HARD))
        return write(*arguments)

    return written


for target in (BodyFolder, FileTarget):
    target.write = on_a_bad_disk(target.write)  # type: ignore[method-assign]


class FaultyPlugin(Plugin):
    taken: ClassVar[list[threading.BoundedSemaphore]] = []

    def access(self, kong: Any) -> None:
        fault = CONTROL.read_text()
        time.time = lambda: right_time() + CLOCKS.get(fault, 0)
        self.take_all_places() if fault == "full" else self.give_places_back()
        if fault == "raise-first":
            message = "secret-in-message"
            raise ValueError(message)
        if fault == "raise-later":
            body = kong.request.get_raw_body(0)
            raise ValueError(body)
        if fault == "exit-first":
            sys.exit("secret-in-message")
        if fault == "die":
            kong.request.get_raw_body(0)
            os._exit(3)
        if fault == "hang":
            kong.request.get_raw_body(0)
            CONTROL.with_name("reached").touch()
            threading.Event().wait(60)
        if fault == "garbage":
            kong.service.set_target(*DEAD_END)
            kong.ctx.shared.set(f"{KEY}1", b"no netstring at all")
            return
        super().access(kong)

    def take_all_places(self) -> None:
        """Have it as if as many requests were being masked as may be."""
        for tenants in self.maskers._kept:
            while tenants.slots.acquire(blocking=False):
                self.taken.append(tenants.slots)

    def give_places_back(self) -> None:
        while self.taken:
            self.taken.pop().release()


if __name__ == "__main__":
    sys.exit(server.run(sys.argv[2:], FaultyPlugin))
