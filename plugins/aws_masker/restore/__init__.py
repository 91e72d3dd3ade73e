"""Restorers: bytes of an answer in, the same with originals for tokens out. No I/O, and any cut gives the same.

``text`` is the algorithm; ``documents`` and ``events`` apply it to JSON and to streams of events; ``answers`` chooses.
"""

from aws_masker.restore.answers import PlainTextRestorer, Restorer, Untouched, restore_text, restorer_for

__all__ = ["PlainTextRestorer", "Restorer", "Untouched", "restore_text", "restorer_for"]
