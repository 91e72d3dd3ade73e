"""Multipart bodies (RFC 7578), as the Files API takes them: which bytes of one are text.

Only where the parts lie is found out here; nothing is decoded. Headers of parts are text too: a file's name can be an
identifier.
"""

import itertools
from dataclasses import dataclass, field
from typing import Final

from aws_masker.errors import InvalidBody, TooLarge, Unsupported
from aws_masker.media import check_encoding, is_unreadable, media_type, parameter
from aws_masker.settings import Settings

_BLANK: Final = b"\r\n\r\n"
# May be of ASCII throughout, and holds where in it what stands.
_PDF: Final = b"%PDF-"


@dataclass(slots=True)
class Regions:
    """The byte ranges of a body that are text, ascending, and how many parts cannot be read."""

    readable: list[tuple[int, int]] = field(default_factory=list)
    opaque: int = 0


def regions(raw: bytes, content_type: str, settings: Settings) -> Regions:
    """Return the readable regions of a multipart body.

    Raises InvalidBody when it is malformed, TooLarge when it has more parts than ``limits.parts``, Unsupported when a
    part can neither be read nor be let through.
    """
    boundary = _boundary(content_type)
    marks = _marks(raw, boundary, settings.limits.parts)
    found = Regions()
    for low, high in itertools.pairwise(marks):
        start = low + len(boundary) + 2
        stop = high - 2
        blank = raw.find(_BLANK, start - 2, high)
        if blank < 0 or raw[start - 2 : start] != b"\r\n":
            message = "a part of the multipart body has no end of its headers: send it as RFC 7578 says"
            raise InvalidBody(message)
        if blank > start:
            found.readable.append((start, blank))
        _content(raw[start:blank], raw, (blank + len(_BLANK), stop), found, settings)
    return found


def _content(headers: bytes, raw: bytes, span: tuple[int, int], found: Regions, settings: Settings) -> None:
    """Add a part's content to ``found``, as text or as something that cannot be read."""
    if b"\r\n " in headers or b"\r\n\t" in headers:
        message = "a part of the multipart body has a header of several lines: send each in one"
        raise InvalidBody(message)
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in headers.split(b"\r\n"))
    }
    if headers.lower().count(b"content-type:") > 1:
        message = "a part of the multipart body has two content types: send one"
        raise InvalidBody(message)
    encoding = fields.get(b"content-transfer-encoding", b"8bit").lower()
    if encoding not in (b"7bit", b"8bit", b"binary"):
        message = "a part of the multipart body has a transfer encoding: send its bytes as they are"
        raise Unsupported(message)
    content_type = fields.get(b"content-type", b"text/plain").decode("latin-1")
    media = media_type(content_type)
    if (is_unreadable(media) and not _is_text(raw[slice(*span)])) or media in settings.allow_content_types:
        if settings.opaque == "block" and media not in settings.allow_content_types:
            message = "images and PDFs cannot be read and the settings block them: send text, or set opaque to pass"
            raise Unsupported(message)
        found.opaque += 1
        return
    check_encoding(content_type)
    try:
        raw[span[0] : span[1]].decode("utf-8")
    except UnicodeDecodeError:
        message = "a file in the multipart body is not UTF-8 text: send text, or allow its type in allow_content_types"
        raise Unsupported(message) from None
    if span[0] < span[1]:
        found.readable.append(span)


def _is_text(content: bytes) -> bool:
    """Tell whether a file that is called a picture or so is text: ``stack.ts`` is a video to whoever asks its name."""
    if content.startswith(_PDF) or b"\0" in content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _boundary(content_type: str) -> bytes:
    value = parameter(content_type, "boundary")
    if value is None or not 0 < len(value) <= 70:  # noqa: PLR2004 - RFC 2046 5.1.1
        message = "the multipart body has no boundary in its content type: send it as RFC 7578 says"
        raise InvalidBody(message)
    return b"--" + value.encode("latin-1", "replace")


def _marks(raw: bytes, boundary: bytes, most: int) -> list[int]:
    """Return where the boundary's lines begin, the closing one last."""
    marks = []
    at = raw.find(boundary)
    if at != 0:
        message = "the multipart body does not begin with its boundary: send it as RFC 7578 says"
        raise InvalidBody(message)
    while at >= 0:
        marks.append(at)
        after = at + len(boundary)
        if raw.startswith(b"--", after):
            if raw[after + 2 :].strip():
                break
            return marks
        if len(marks) > most:
            message = f"the multipart body has more than {most} parts: send fewer at once, or raise limits.parts"
            raise TooLarge(message)
        at = raw.find(b"\r\n" + boundary, after)
        at = at + 2 if at >= 0 else at
    message = "the multipart body is cut off, or goes on behind its end: send it as RFC 7578 says"
    raise InvalidBody(message)
