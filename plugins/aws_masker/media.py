"""Content types: what one says about the bytes that it describes, and whether they can be read as text."""

from email.message import Message
from typing import Final

from aws_masker.errors import Unsupported

_UNREADABLE: Final = ("image/", "application/pdf", "audio/", "video/")
_DRAWING: Final = "image/svg"
# Encodings in which the bytes of ASCII are the characters of ASCII, which are all that identifiers are made of.
_LIKE_ASCII: Final = frozenset(("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252"))


def media_type(content_type: str) -> str:
    """Return the type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def parameter(content_type: str, name: str) -> str | None:
    """Return a parameter's value; None where there is none, or none that is plain text."""
    header = Message()
    header["content-type"] = content_type
    value = header.get_param(name)
    return value if isinstance(value, str) else None


def is_unreadable(media: str) -> bool:
    """Tell whether ``media`` is a type of pictures, sound or pages, in which no text is found; drawings are text."""
    return media.startswith(_UNREADABLE) and not media.startswith(_DRAWING)


def check_encoding(content_type: str) -> None:
    """See that text of this type may be read as UTF-8. Raises Unsupported."""
    if "charset" not in content_type.lower():
        return
    if (parameter(content_type, "charset") or "").lower() not in _LIKE_ASCII:
        message = "the content type names an encoding that cannot be read: send text as UTF-8"
        raise Unsupported(message)
