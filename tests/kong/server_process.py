"""The plugin server's process, as /proc shows it: found by the socket that it listens at.

Also a program, for a look into a container: ``server_process.py SOCKET`` prints the process as JSON, or ``null``, and
``server_process.py SOCKET NUMBER`` sends it that signal. It needs nothing but Python.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerProcess:
    """A process: its id, its resident memory in bytes, how many threads and descriptors it has.

    ``descriptors`` is None where they may not be counted, as within a container: the server lets nobody trace it.
    ``core_limits`` are the soft and the hard limit of what the system writes of it when it crashes. ``stopped`` tells
    whether all threads are: while others keep the machine busy, that takes a while after the signal.
    """

    pid: int
    resident: int
    threads: int
    descriptors: int | None
    core_limits: list[str]
    stopped: bool


def find(socket: str) -> ServerProcess | None:
    """Return the plugin server at ``socket``, or None where there is none just now."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                if b"--socket" in arguments and socket.encode() in arguments:
                    return _described(entry)
            except OSError:  # it has ended meanwhile
                continue
    return None


def send(socket: str, number: int) -> None:
    """Signal the plugin server at ``socket``. Raises ProcessLookupError where there is none."""
    found = find(socket)
    if found is None:
        raise ProcessLookupError
    os.kill(found.pid, number)


def send_to_workers(master: int, number: int, most: int) -> None:
    """Signal at most so many of the processes that an nginx of this id has started."""
    children = [int(one) for one in Path(f"/proc/{master}/task/{master}/children").read_text().split()]
    for child in children[:most]:
        os.kill(child, number)


def _described(entry: Path) -> ServerProcess:
    status = dict(line.split(":", 1) for line in (entry / "status").read_text().splitlines())
    limits = (entry / "limits").read_text().splitlines()
    return ServerProcess(
        int(entry.name),
        resident=int(status["VmRSS"].split()[0]) << 10,
        threads=int(status["Threads"]),
        descriptors=_descriptors(entry),
        core_limits=next(line.split()[4:6] for line in limits if line.startswith("Max core file size")),
        stopped=all("\nState:\tT" in (thread / "status").read_text() for thread in (entry / "task").iterdir()),
    )


def _descriptors(entry: Path) -> int | None:
    try:
        return len(list((entry / "fd").iterdir()))
    except PermissionError:
        return None


if __name__ == "__main__":
    if len(sys.argv) > 2:
        send(sys.argv[1], int(sys.argv[2]))
    else:
        process = find(sys.argv[1])
        json.dump(process and asdict(process), sys.stdout)
