"""Hosts: names of hosts that end as AWS's do, and the parts of them and of their paths that are masked.

Only the ending is searched for. From there, code extends the match by hand to where the name begins and the path ends.
"""

from collections.abc import Iterator
from typing import Final

from aws_masker.boundaries import ALNUM, beginnings
from aws_masker.catalogue import MACROS, Catalogue
from aws_masker.family_patterns import groups
from aws_masker.finding import Finding
from aws_masker.re2c import NEVER, FullMatchSet, Pattern

MAX_HOST: Final = 255
MAX_PATH: Final = 1024
_HOST_BYTES: Final = bytes(ALNUM) + b".-_*"
# A slash of a path: as it is, as JSON may escape it, and as a URL within a URL has to.
_SLASH: Final = MACROS["<slash>"]
_BEGIN_PATH: Final = (b"/", b":", b"?", b"\\", b"%")
_PATH: Final = Pattern(rf"(?:{_SLASH}|[:?])(?:\\{{1,4}}/|[^\s\"'`<>|\\,;(){{}}\[\]\x00-\x1f])*")


class Hosts:
    """Families of which the ending of a host's name tells."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Compile the hosts of ``catalogue``."""
        self._hosts = [
            (index, family.host.replace("/", _SLASH)) for index, family in enumerate(catalogue.families) if family.host
        ]
        self._host_patterns = {index: Pattern(host, captures=True) for index, host in self._hosts}
        # A host row is matched with whatever path follows.
        hosts = [f"(?:{host})(?s:[^0-9A-Za-z-].*)?" for _, host in self._hosts]
        self._host_set = FullMatchSet(hosts)
        # Where a host may begin after all: markup, and the joint of a variable's name, are no part of it.
        self._joined_host = Pattern(rf"[_*.-](?:{'|'.join(hosts) or NEVER})\z")
        self.search = Pattern(_suffixes(catalogue))

    def find(self, text: bytes) -> Iterator[Finding]:
        """Yield the hosts in ``text``, in the order of their endings."""
        position = 0
        while (span := self.search.search(text, position)) is not None:
            start, position = span
            host = self._host(text, start, position)
            # What follows the ending is looked at again: the host's path may be another host.
            if host is not None:
                yield host

    def _host(self, text: bytes, start: int, end: int) -> Finding | None:
        """Return the host whose ending stands at ``start:end``, extended to both sides."""
        stop = max(0, start - MAX_HOST)
        first = stop + len(text[stop:start].rstrip(_HOST_BYTES))
        if text[end - 1] == 0x5F:  # noqa: PLR2004 - "_", a boundary
            end -= 1
        high = end
        if text[end : end + 1] in _BEGIN_PATH:
            high = max(end, _PATH.match(text, end, min(len(text), end + MAX_PATH)))
        for low in beginnings(text, first, start):
            word = text[low:high]
            found = self._host_set.matches(word)
            if found:
                break
        else:
            joint = self._joined_host.search(text[first:high])
            if joint is None or first + joint[0] + 1 >= start:
                return None
            low = first + joint[0] + 1
            word = text[low:high]
            found = self._host_set.matches(word)
        index = self._hosts[found[0]][0]
        spans = self._host_patterns[index].parts(word) or [(0, len(word))]
        parts = groups(spans) or (spans[0],)
        return Finding(
            low, low + parts[-1][1], index, tuple([(low + one, low + two) for one, two in parts]), whole=False
        )


def _suffixes(catalogue: Catalogue) -> str:
    endings = sorted(catalogue.suffixes, key=lambda one: (-len(one), one))
    return rf"(?:{'|'.join(one.replace('.', chr(92) + '.') for one in endings)})(?:\b|_)" if endings else NEVER
