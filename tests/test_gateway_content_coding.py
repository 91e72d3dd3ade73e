"""Decoding of compressed bodies: every framing, every cut, bounded, and never half."""

import gzip
import random
import zlib

import pytest

from aws_masker.errors import InvalidBody, TooLarge
from aws_masker.gateway.body import body_coding
from aws_masker.gateway.content_coding import PIECE, Decoder, decode

RANDOM = random.Random(20260722)  # noqa: S311 - the same bytes every time are the point
BODIES = (b"", b"x", b'{"a":"b"}' * 300, RANDOM.randbytes(3000))
LARGE_BODIES = (bytes(3 * PIECE), bytes(3 * PIECE + 5), b"ab" * PIECE)


def raw_deflate(body: bytes) -> bytes:
    """Return a deflate body without zlib's framing, as some clients send it."""
    compress = zlib.compressobj(level=1, wbits=-zlib.MAX_WBITS)
    return compress.compress(body) + compress.flush()


def decoded(raw: bytes, coding: str, cut: int) -> bytes:
    """Decode ``raw`` in pieces of ``cut`` bytes."""
    decoder = Decoder(coding)
    pieces = [piece for start in range(0, len(raw), cut) for piece in decoder.feed(raw[start : start + cut])]
    decoder.close()
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


@pytest.mark.parametrize("cut", [1, 2, 3, 17, 1000, 1 << 20])
@pytest.mark.parametrize("body", BODIES)
def test_every_cut_of_every_framing_decodes_to_the_body(body: bytes, cut: int) -> None:
    assert decoded(gzip.compress(body), "gzip", cut) == body
    assert decoded(zlib.compress(body), "deflate", cut) == body
    assert decoded(raw_deflate(body), "deflate", cut) == body


@pytest.mark.parametrize("cut", [1000, 1 << 20])
@pytest.mark.parametrize("body", LARGE_BODIES)
def test_output_comes_in_bounded_pieces_however_much_it_expands(body: bytes, cut: int) -> None:
    assert decoded(gzip.compress(body), "gzip", cut) == body
    assert decoded(zlib.compress(body), "deflate", cut) == body


@pytest.mark.parametrize("cut", [1, 5, 1 << 20])
def test_gzip_members_after_each_other_are_one_body(cut: int) -> None:
    assert decoded(b"".join(map(gzip.compress, [b"one ", b"", b"two"])), "gzip", cut) == b"one two"


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
@pytest.mark.parametrize("unit", [b"\0", b"ab"])
def test_a_body_that_fills_its_last_piece_loses_neither_its_end_nor_what_follows(unit: bytes, size: int) -> None:
    body = (unit * size)[:size]
    assert decoded(gzip.compress(body) + gzip.compress(b"two"), "gzip", 1 << 20) == body + b"two"
    # Nothing follows what zlib still holds, not even a checksum.
    assert decoded(raw_deflate(body), "deflate", 1 << 20) == body


def test_gzip_has_two_names() -> None:
    assert decode(gzip.compress(b"a"), "x-gzip", 1) == b"a"
    assert body_coding(((b"Content-Encoding", b"x-gzip"),)) == "x-gzip"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\x08\x05\x00\xfa\xffhello\x03\x00", id="zlib's method without its check"),
        pytest.param(b"\x01\x17\x00\xe8\xffhello, hello, hello, he", id="zlib's check without its method"),
    ],
)
def test_deflate_without_zlibs_framing_is_told_by_method_and_check_together(raw: bytes) -> None:
    assert decode(raw, "deflate", 100) == raw[5:].removesuffix(b"\x03\x00")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("missing", [1, 4, 10])
def test_a_body_that_ends_early_is_refused(coding: str, missing: int) -> None:
    whole = (gzip.compress if coding == "gzip" else zlib.compress)(BODIES[3])
    with pytest.raises(InvalidBody, match="ends before its end"):
        decode(whole[:-missing], coding, 1 << 20)


def test_nothing_at_all_is_no_compressed_body() -> None:
    with pytest.raises(InvalidBody):
        decode(b"", "gzip", 10)


@pytest.mark.parametrize("raw", [gzip.compress(b"a") + b"junk", gzip.compress(b"a") + b"\x1f", b'{"a":1}'])
def test_what_is_not_in_the_coding_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidBody):
        decode(raw, "gzip", 1 << 20)


def test_a_deflate_body_that_goes_on_after_its_end_is_refused() -> None:
    with pytest.raises(InvalidBody, match="goes on"):
        decode(zlib.compress(b"a") + b"b", "deflate", 1 << 20)


def test_a_bomb_is_refused_before_it_has_expanded() -> None:
    bomb = gzip.compress(bytes(64 << 20), compresslevel=1)
    with pytest.raises(TooLarge, match=r"1000000 bytes.*limits\.body"):
        decode(bomb, "gzip", 1_000_000)


def test_the_limit_itself_is_allowed() -> None:
    assert decode(gzip.compress(b"12345"), "gzip", 5) == b"12345"
    with pytest.raises(TooLarge):
        decode(gzip.compress(b"123456"), "gzip", 5)
