"""Damage: what fuzzing does to good input, as a strategy. Bytes change, go, come, come twice; the end is missing."""

from hypothesis import strategies as st

from restore_parts import DICTIONARY

# What means something to some reader: structure, escapes, framing, beginnings and whole tokens, identifiers.
PIECES = [
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"null", b"1e999", b"NaN", b"481516234217"),
    *(b"\\u", b"\\ud83d", b"\\ud800\\u0041", b"\\\\", b"\0", b"\1", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf"),
    *(b"\n", b"\r\n", b"\r", b"\n\n", b"data: ", b"data:", b"event: ", b": ", b"--B"),
    *(b"-x", b"i-x", b"i-x0123456789abcde", b"acctn-x", b"i-0a1b2c3d4e5f60718"),
    *(b'"type": "thinking"', b'"type": "base64"'),
    *(token.encode() for token in DICTIONARY),
]


@st.composite
def damaged(draw: st.DrawFn, good: bytes, most: int = 6) -> bytes:
    """Generate ``good`` with up to ``most`` pieces of damage."""
    raw = good
    for _ in range(draw(st.integers(0, most))):
        at = draw(st.integers(0, len(raw)))
        length = draw(st.integers(0, 12))
        match draw(st.integers(0, 5)):
            case 0:
                raw = raw[:at] + draw(st.sampled_from(PIECES)) + raw[at:]
            case 1:
                raw = raw[:at] + raw[at + length :]
            case 2:
                raw = raw[:at] + draw(st.binary(min_size=1, max_size=3)) + raw[at + 1 :]
            case 3:
                raw = raw[:at] + raw[at : at + length] * draw(st.integers(2, 4)) + raw[at + length :]
            case 4:
                raw = raw[:at] + draw(st.sampled_from(PIECES)) + raw[at + length :]
            case _:
                raw = raw[:at] if draw(st.integers(0, 4)) == 0 else raw
    return raw
