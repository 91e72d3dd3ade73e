"""The live page "what leaves": the last requests as their records tell of them, and what was sent. Never an original.

``ring`` keeps the last records, ``reading`` makes bodies readable, ``server`` serves both to whom ``admit`` lets in,
and ``follow`` takes records from an audit stream in Redis.
"""

from aws_masker.page.ring import Ring
from aws_masker.page.server import PageServer

__all__ = ["PageServer", "Ring"]
