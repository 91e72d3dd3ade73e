"""Each resource pattern is masked on the way out, restored on the way back, and kept in Redis as ciphertext."""

import secrets
import time

import pytest
from client import ask, message
from whole_chain import Chain

from aws_masker.vault.breaker import COOL_DOWN
from e2e.leaks import TOKEN, leaks
from patterns import PATTERNS, Pattern

from .exchanges import text_of, told
from .findings import Check

SECTION = "patterns"
# What aws_masker.vault.sealing adds to a value: version, nonce and tag.
SEALED_BYTES = 1 + 12 + 16


@pytest.fixture(scope="module", autouse=True)
def _vault_in_use(chain: Chain) -> None:
    """Wait until the vault is written to: after a load that made it too slow, it is left alone for a while."""
    deadline = time.monotonic() + 4 * COOL_DOWN
    # One that was never seen each time: what was stored before says nothing.
    while not _is_written_to(chain, Pattern("instance", f"«i-{secrets.token_bytes(8).hex()}0»")):
        assert time.monotonic() < deadline, "the vault is not written to"


def _is_written_to(chain: Chain, pattern: Pattern) -> bool:
    chain.api.requests.clear()
    ask(chain.front.url, "/v1/messages", message(pattern.text))
    return _stored(chain, told(chain.api.requests[0]), pattern)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_a_pattern_is_masked_restored_stored_and_read_back(chain: Chain, check: Check, pattern: Pattern) -> None:
    check.name = pattern.name
    chain.api.requests.clear()
    answers = [ask(chain.front.url, "/v1/messages", message(pattern.text, stream=one)) for one in (False, True)]
    arrived = told(chain.api.requests[0])
    pasted = ask(chain.front.url, "/v1/messages", message(arrived))
    shown = {
        "masked": bool(TOKEN.search(arrived)) and not leaks(chain.api.requests, pattern.originals),
        "restored": [text_of(answer) for answer in answers] == [pattern.text] * 2,
        "stored": _stored(chain, arrived, pattern),
        "read back": told(chain.api.requests[-1]) == arrived and text_of(pasted) == pattern.text,
    }
    check.cells = {"as it arrived at the API": f"`{arrived}`", **{name: _mark(good) for name, good in shown.items()}}
    assert all(shown.values()), f"not {' and not '.join(name for name, good in shown.items() if not good)}"


def _mark(good: bool) -> str:  # noqa: FBT001 - it is what is shown
    return "yes" if good else "**NO**"


def _stored(chain: Chain, arrived: str, pattern: Pattern) -> bool:
    """Tell whether Redis holds a value for every token that arrived, of which no part is an original."""
    with chain.redis.admin() as admin:
        names = {key.decode().rpartition(":")[2]: key for key in admin.scan_iter("aws-masker:*", count=1000)}
        values = {name: bytes(admin.get(key) or b"") for name, key in names.items() if name in arrived}
    # What stands before a label, as in vpc-name-x…, may look like a part of it.
    found = all(any(one.endswith(name) for name in values) for one in TOKEN.findall(arrived))
    plain = [part.encode() for part in pattern.originals]
    sealed = all(len(one) > SEALED_BYTES and not any(part in one for part in plain) for one in values.values())
    return bool(values) and found and sealed
