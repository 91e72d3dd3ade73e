"""What the doctor finds: one thing that was looked at, whether it is right, and what to do where it is not."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "doubtful", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One result. ``wrong`` does not work or is not safe, ``doubtful`` may be meant.

    ``place`` is where it was found ("route claude-route"), ``text`` what, ``remedy`` what to do; none of them holds a
    value that could be a secret.
    """

    level: Level
    place: str
    text: str
    remedy: str = ""


def judge(good: object, finding: Finding, fine: str) -> Finding:
    """Return ``finding``, or where it is ``good`` that all is well, with ``fine`` as the text."""
    return Finding("ok", finding.place, fine) if good else finding
