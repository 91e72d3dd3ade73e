"""No image of this process on a disk, nor in another's hands: it holds the key and originals in clear.

On Linux a process that is not dumpable leaves no core file, whatever the kernel does with such files, and others of the
same user can neither trace it nor read its environment in /proc. Elsewhere only the size of core files is set to none.
https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html
"""

import contextlib
import ctypes
import sys
from typing import Final

if sys.platform != "win32":
    import resource

_PR_SET_DUMPABLE: Final = 4


def forbid() -> None:
    """Forbid it for the rest of this process's life. Where that cannot be done, nothing happens."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
