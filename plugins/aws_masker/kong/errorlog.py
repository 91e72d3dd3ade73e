"""The way to Kong's error log for what belongs to no request: this process's standard error becomes it.

What a plugin server prints, Kong logs at ``info``, below its default level (runloop/plugin_servers/process.lua), so
that nobody would see why one cannot start. But Kong starts it from a worker of its nginx, and nginx makes its error log
the standard error of every worker (``ngx_log_redirect_stderr``). So that is opened through /proc, and takes all that is
printed as an error from then on, the last words of a library too. Where it cannot be opened, the line is at ``info``;
where Kong logs to syslog alone, it is in the file that nginx opens beside that, ``logs/error.log`` in Kong's prefix.
"""

import os
import stat
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

_PROCESSES: Final = Path("/proc")
_KONG: Final = "nginx"


def take_over() -> bool:
    """Make Kong's error log standard error, if it is Kong that has started this process; tell whether it is."""
    parent = _PROCESSES / str(os.getppid())
    try:
        # Kong reads what a plugin server prints through a pipe; where it was led elsewhere, somebody meant that.
        if not stat.S_ISFIFO(os.fstat(sys.__stdout__.fileno()).st_mode) or not _is_kong(parent):  # type: ignore[union-attr]
            return False
        log = os.open(parent / "fd/2", os.O_WRONLY | os.O_APPEND | os.O_NOCTTY)
    except (OSError, AttributeError, ValueError):
        return False
    os.dup2(log, 2)
    os.close(log)
    return True


def tell(text: str) -> bool:
    """Write ``text``, one line, as an error; tell whether Kong's error log has it."""
    reached = take_over()  # anew, as the log may have been rotated
    moment = datetime.now().strftime("%Y/%m/%d %H:%M:%S")  # noqa: DTZ005 - nginx writes local time
    head = f"{moment} [error] {os.getpid()}#0: " if reached else ""
    print(f"{head}aws-masker plugin-server: {text}", file=sys.stderr, flush=True)  # noqa: T201 - that is the log
    return reached


def _is_kong(process: Path) -> bool:
    return (process / "comm").read_text().strip() == _KONG
