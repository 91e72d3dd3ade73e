"""Decoding of gzip and deflate bodies, piece by piece and within bounds. No I/O.

Compressed data may expand a thousandfold, so output comes in pieces of at most ``PIECE`` bytes, and whoever collects
them counts. A body that ends early, or goes on after its end, is an error: what cannot be read whole must not pass.
"""

import zlib
from collections.abc import Iterator
from typing import Final

from aws_masker.errors import InvalidBody, TooLarge

CODINGS: Final = frozenset({"gzip", "x-gzip", "deflate"})
# Bytes that are decoded at a time: they bound the memory beside `limits.body`, and say nothing else.
PIECE: Final = 1 << 18

_GZIP_WBITS: Final = 16 + zlib.MAX_WBITS
_ZLIB_METHOD: Final = 8
_ZLIB_CHECK: Final = 31


class Decoder:
    """Decodes one body. ``coding`` is one of CODINGS."""

    def __init__(self, coding: str) -> None:
        """Start at the beginning of a body."""
        self._gzip = coding != "deflate"
        self._start = b""
        self._inflate: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data`` decodes to. Raises ValueError when it is not in the coding."""
        while data:
            if self._inflate is None or self._inflate.eof:
                if self._inflate is not None and not self._gzip:
                    message = "the body goes on after its compressed data"
                    raise ValueError(message)
                self._start += data
                if len(self._start) < 2:  # noqa: PLR2004 - the bytes that tell zlib's framing from none
                    return
                data, self._start = self._start, b""
                self._inflate = zlib.decompressobj(_GZIP_WBITS if self._gzip else _deflate_wbits(data))
            piece = _inflated(self._inflate, data)
            while piece:
                yield piece
                # zlib may have taken all input and still hold output. Asked at its end, it forgets what follows.
                piece = b"" if self._inflate.eof else _inflated(self._inflate, self._inflate.unconsumed_tail)
            data = self._inflate.unused_data

    def close(self) -> None:
        """Check that the body is whole. Raises ValueError when it is not."""
        if self._start or self._inflate is None or not self._inflate.eof:
            message = "the compressed body ends before its end"
            raise ValueError(message)


def _inflated(inflate: "zlib._Decompress", data: bytes) -> bytes:
    """Return the next piece. Raises ValueError when the data is not in the coding."""
    try:
        return inflate.decompress(data, PIECE)
    except zlib.error:
        message = "the body is not in the coding that its Content-Encoding names"
        raise ValueError(message) from None


def _deflate_wbits(data: bytes) -> int:
    """Return zlib's parameter for a "deflate" body: with zlib's framing as the RFC says, or raw as some send it."""
    framed = data[0] & 0x0F == _ZLIB_METHOD and int.from_bytes(data[:2], "big") % _ZLIB_CHECK == 0
    return zlib.MAX_WBITS if framed else -zlib.MAX_WBITS


def decode(raw: bytes, coding: str, limit: int) -> bytes:
    """Return the whole of ``raw`` decoded, at most ``limit`` bytes.

    Raises InvalidBody when it is damaged, TooLarge when it is larger than that.
    """
    decoder = Decoder(coding)
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in decoder.feed(raw):
            size += len(piece)
            if size > limit:
                message = f"the body decodes to more than {limit} bytes: shorten it, or raise limits.body"
                raise TooLarge(message)
            pieces.append(piece)
        decoder.close()
    except ValueError as error:
        message = f"{error}: send it whole, or without Content-Encoding"
        raise InvalidBody(message) from None
    return b"".join(pieces)
