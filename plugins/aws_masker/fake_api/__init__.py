"""A small fake Claude API, for the demo, ``verify``, tests and benchmarks: it records what it is sent.

As a process: ``python -m aws_masker.fake_api --listen 127.0.0.1:8090 --record received.jsonl``.
"""

from aws_masker.fake_api.server import MAX_BODY, FakeApi, Received

__all__ = ["MAX_BODY", "FakeApi", "Received"]
