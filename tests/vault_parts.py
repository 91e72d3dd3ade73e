"""What the tests of the vault share: a clock that stands still, made-up keys and entries."""

import hashlib

KEY = hashlib.sha256(b"a made-up master key").digest()
OTHER_KEY = hashlib.sha256(b"another made-up master key").digest()
TTL = 3600
INSTANCE = {"i-x0123456789abcdef": "i-0a1b2c3d4e5f60718"}
BUCKET = {"name-x00000000000000zz": "planted-bucket-of-acme"}


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self.now += seconds


def many(count: int, start: int = 0) -> dict[str, str]:
    """Return ``count`` made-up entries."""
    return {f"i-x{number:016d}": f"i-{number:017x}" for number in range(start, start + count)}
