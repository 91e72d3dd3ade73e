"""Fuzzing: whatever comes, it is masked whole or refused, and an answer is restored or passed on; nothing else happens.

Seconds here, as long as one likes by hand: ``make fuzz ARGS="--hypothesis-seed=random"`` tries some thousand times as
many. The restorers of Kong's filter are fuzzed beside these in tests/kong/test_kong_fuzz.py.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aws_masker import Masker, Refused
from aws_masker.edits import MaskedBody
from aws_masker.errors import InvalidBody, MaskerError, TooLarge
from aws_masker.gateway.content_coding import decode
from aws_masker.gateway.recall import RecallingRestorer
from aws_masker.protocol import FREE_MEMBERS, IMMUTABLE, KNOWN_BLOCKS, PROTECTED, PROTECTED_REQUEST, READING_ORDER
from aws_masker.restore import restore_text, restorer_for
from aws_masker.restore.bounds import Bounds
from damage import damaged
from restore_parts import DICTIONARY, VECTORS, cuts, run

FUZZED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
LIMIT = 4000

_TOOL = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "aws s3 ls s3://acme-ledger-raw"}}
_TEXT = "arn:aws:iam::481516234217:role/ledger-writer i-0a1b2c3d4e5f60718 10.20.5.7\n--bucket acme-ledger-raw"
DOCUMENT = {
    "model": "claude-test",
    "max_tokens": 10,
    "system": [{"type": "text", "text": _TEXT, "cache_control": {"type": "ephemeral"}}],
    "tools": [{"name": "Bash", "description": _TEXT, "input_schema": {"type": "object", "properties": {"a": {}}}}],
    "messages": [
        {"role": "user", "content": json.dumps({"DBInstanceIdentifier": "ledger-blue-7", "Account": 481516234217})},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": _TEXT, "signature": "c2ln"}, _TOOL]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [_TEXT, 1, None]}]},
    ],
}
DOCUMENTS = [
    json.dumps(DOCUMENT).encode(),
    json.dumps(DOCUMENT, indent=1).encode(),
    json.dumps({"requests": [{"custom_id": "a", "params": DOCUMENT}]}).encode(),
    b'{"messages":[{"role":"user","content":"a\\\\n\\u0069-0a1b2c3d \\ud83d\\"481516234217\\""}],"n":9007199254740993}',
]
PATHS = st.sampled_from(["/v1/messages", "/v1/messages/count_tokens?beta=true", "/v1/messages/batches", "/v1/other"])
# Requests of any shape, from the words of the protocol and others. INSTANCE may be a name or a value anywhere.
INSTANCE = "i-0a1b2c3d4e5f60718"
WORDS = st.sampled_from(sorted({*PROTECTED, *FREE_MEMBERS, *PROTECTED_REQUEST, *READING_ORDER}))
MEMBERS = st.one_of(
    st.sampled_from(["type", "content", "source", "data", "text", "title", "metadata", "user_id", "x", INSTANCE]), WORDS
)
TYPES = st.one_of(st.sampled_from(sorted({*KNOWN_BLOCKS, *IMMUTABLE})), st.sampled_from(["custom", "new", INSTANCE]))
LEAVES = st.one_of(
    st.sampled_from([INSTANCE, f"see {INSTANCE}", "image/png", "text/plain", "AAAA"]), st.none(), st.integers(0, 9)
)
VALUES = st.recursive(
    st.one_of(LEAVES, TYPES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(MEMBERS, inner, max_size=4),
        st.builds(lambda kind, members: {**members, "type": kind}, TYPES, st.dictionaries(MEMBERS, inner, max_size=4)),
    ),
    max_leaves=12,
)
FORM = (
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="ledger.txt"\r\nContent-Type: text/plain\r\n\r\n'
    + _TEXT.encode()
    + b"\r\n--B\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--B\r\nContent-Disposition: form-data; "
    b'name="purpose"\r\n\r\ni-0a1b2c3d4e5f60718\r\n--B--\r\n'
)


def masked_or_refused(one: Masker, raw: bytes, path: str, content_type: str = "application/json") -> MaskedBody | None:
    """Mask a body, or see that it is refused in the API's shape; whatever else is raised fails the test."""
    try:
        masked = one.mask_body(raw, path, content_type)
    except Refused as refused:
        error = json.loads(refused.body())
        assert error["type"] == "error"
        assert error["error"]["type"]
        return None
    read = 0
    for edit in masked.edits:
        assert read <= edit.offset
        read = edit.offset + edit.length
        assert read <= len(raw)
        assert edit.length > 0
    return masked


def skeleton(value: Any) -> Any:
    """Return the shape of a JSON value, without its texts and numbers, which may change."""
    if isinstance(value, dict):
        return [skeleton(one) for one in value.values()]
    if isinstance(value, list):
        return [skeleton(one) for one in value]
    return "" if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def texts(value: Any) -> list[str]:
    """Return all texts, names of members and numbers in a JSON value, in order."""
    if isinstance(value, dict):
        return [text for name, one in value.items() for text in (name, *texts(one))]
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [str(value)]


@FUZZED
@given(st.data(), PATHS)
def test_a_damaged_document_is_masked_whole_or_refused(one: Masker, data: st.DataObject, path: str) -> None:
    raw = data.draw(st.sampled_from(DOCUMENTS).flatmap(damaged))
    masked = masked_or_refused(one, raw, path)
    if masked is None or not raw:
        return
    once = masked.apply(raw)
    # Nothing that was taken for JSON here is anything else there, and its shape is the same.
    assert skeleton(json.loads(once)) == skeleton(json.loads(raw))
    assert [restore_text(text, masked.dictionary) for text in texts(json.loads(once))] == texts(json.loads(raw))
    again = one.mask_body(once, path)
    assert again.apply(once) == once


def shown(value: Any, name: str = "") -> Iterator[str]:
    """Yield where INSTANCE stands in a masked value although no rule of the protocol keeps it there."""
    if isinstance(value, dict):
        if value.get("type") in [*IMMUTABLE]:
            return
        for own, member in value.items():
            if INSTANCE in own:
                yield f"a name in {name}"
            yield from shown(member, own)
    elif isinstance(value, list):
        for one in value:
            # What a protected name stays for is one value, not several.
            yield from shown(one, f"a list in {name}")
    elif isinstance(value, str) and INSTANCE in value and name not in PROTECTED and not name.startswith("encrypted_"):
        yield name


@FUZZED
@given(st.dictionaries(st.sampled_from([*READING_ORDER, "metadata", "other", INSTANCE]), VALUES, max_size=4))
def test_an_identifier_stays_nowhere_but_where_the_protocol_keeps_it(one: Masker, request: dict[str, Any]) -> None:
    raw = json.dumps(request).encode()
    masked = masked_or_refused(one, raw, "/v1/messages")
    if masked is not None:
        sent = json.loads(masked.apply(raw))
        if isinstance(sent.get("metadata"), dict):
            sent["metadata"].pop("user_id", None)
        assert not list(shown(sent)), sent


@FUZZED
@given(st.data())
def test_a_damaged_form_is_masked_whole_or_refused(one: Masker, data: st.DataObject) -> None:
    raw = data.draw(damaged(FORM))
    content_type = data.draw(damaged(b"multipart/form-data; boundary=B", 1)).decode("latin-1")
    masked = masked_or_refused(one, raw, "/v1/files", content_type)
    if masked is not None:
        assert one.restore_text(masked.apply(raw).decode("latin-1")) == raw.decode("latin-1")


@FUZZED
@given(st.data())
def test_any_bytes_as_any_text_are_masked_whole_or_refused(one: Masker, data: st.DataObject) -> None:
    raw = data.draw(st.one_of(st.binary(max_size=200), damaged(_TEXT.encode())))
    masked = masked_or_refused(one, raw, "/v1/files", data.draw(st.sampled_from(["text/plain", "text/csv", "x/y"])))
    if masked is not None:
        assert one.restore_text(masked.apply(raw).decode()) == raw.decode()


@FUZZED
@given(st.data())
def test_a_damaged_answer_is_restored_the_same_however_it_is_cut(data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(VECTORS))
    raw = data.draw(damaged(vector.input))

    def restored(pieces: list[bytes]) -> tuple[bytes | None, object]:
        restorer = restorer_for(vector.content_type, vector.dictionary, Bounds(event=LIMIT))
        try:
            return run(restorer, pieces), restorer.counts
        except MaskerError:
            return None, None

    assert restored(cuts(data, raw)) == restored([raw])


@FUZZED
@given(st.data())
def test_a_document_without_a_token_passes_as_it_came(data: st.DataObject) -> None:
    """Of a stream the same holds for its texts; the beginning of what may be a token goes on with a later event."""
    vector = data.draw(st.sampled_from([one for one in VECTORS if "event-stream" not in one.content_type]))
    raw = data.draw(damaged(vector.input)).replace(b"-x", b"-y").replace(b"\\u002d", b"").replace(b"\\u0078", b"")
    assert run(restorer_for(vector.content_type, vector.dictionary), cuts(data, raw)) == raw


@FUZZED
@given(st.data())
def test_an_answer_that_is_looked_up_while_it_comes_ends_without_a_fault(data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(VECTORS))
    raw = data.draw(damaged(vector.input))
    restorer = RecallingRestorer(vector.content_type, lambda _piece: DICTIONARY, Bounds(event=LIMIT))
    for piece in cuts(data, raw):
        restorer.feed(piece)
    restorer.close()


@FUZZED
@given(st.data(), st.binary(max_size=2000))
def test_a_damaged_compressed_body_is_decoded_as_zlib_does_or_refused(data: st.DataObject, body: bytes) -> None:
    coding, good = data.draw(st.sampled_from([("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))]))
    raw = data.draw(damaged(good, 3))
    try:
        decoded = decode(raw, coding, LIMIT)
    except (InvalidBody, TooLarge):
        return
    assert len(decoded) <= LIMIT
    if coding == "gzip":
        assert decoded == gzip.decompress(raw)
    else:
        framed = zlib.decompressobj()
        raw_deflate = zlib.decompressobj(-zlib.MAX_WBITS)
        assert decoded in {_all_of(framed, raw), _all_of(raw_deflate, raw)}


def _all_of(inflate: Any, raw: bytes) -> bytes | None:
    try:
        return bytes(inflate.decompress(raw)) if raw else b""
    except zlib.error:
        return None
