"""What the tests of the page share: made-up records and bodies."""

import functools
import json
import uuid
from typing import Any

from aws_masker.audit.hub import Bodies
from aws_masker.audit.record import AuditRecord, now
from masking import masker

MARKUP = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'


def record(**more: Any) -> AuditRecord:
    """Return the record of a request that went well."""
    told: dict[str, Any] = {
        "time": now(),
        "request_id": uuid.uuid4().hex,
        "host": "gateway",
        "session": str(uuid.uuid4()),
        "tenant": "default",
        "model": "claude-sonnet-4-5-20250929",
        "endpoint": "/v1/messages",
        "method": "POST",
        "outcome": "ok",
        "status": 200,
        "bytes_in": 51_200,
        "bytes_up": 51_000,
        "bytes_out": 900,
        "edits": 3,
        "families": {"ec2-instance": 2, "subnet": 1},
        "restored": 3,
        "ms": {"read": 0.4, "mask": 2.5, "vault": 0.5, "upstream": 400, "total": 900},
    }
    return AuditRecord(**told | more)


_one = functools.cache(masker)


def masked(text: str) -> str:
    """Return ``text`` with tokens in place of its identifiers."""
    return _one().mask_text(text).text


def bodies(text: str, answer: str = "fine") -> Bodies:
    """Return the bodies of an exchange in which ``text`` was sent and ``answer`` was streamed, both masked already."""
    sent = json.dumps({"messages": [{"role": "user", "content": text}]}, ensure_ascii=False).encode()
    half = len(answer) // 2
    deltas = ({"type": "text_delta", "text": part} for part in (answer[:half], answer[half:]))
    events = ({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas)
    answered = "".join(f"event: content_block_delta\ndata: {json.dumps(event)}\n\n" for event in events).encode()
    return Bodies(sent, len(sent), answered, len(answered))
