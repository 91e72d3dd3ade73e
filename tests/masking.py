"""Shared by tests: maskers under made-up keys, and texts with what is masked marked as the catalogue's examples do."""

from aws_masker import Masker, Settings
from aws_masker.edits import MaskedBody
from aws_masker.errors import Refused

KEY = "c0ffee00112233445566778899aabbccddeeff0123456789fedcba9876543210"
OTHER_KEY = "0ddba11f00d5ca1ab1e7e57ab1e0ffed9876543210fedcbaabcdef0123456789"


def masker(**settings: object) -> Masker:
    """Return a masker with a vault in memory."""
    return Masker(Settings(**{"key": KEY, **settings}))  # type: ignore[arg-type]


def plain(example: str) -> str:
    """Return an example without its marks."""
    return example.replace("«", "").replace("»", "")


def marked(masker: Masker, text: str) -> str:
    """Return ``text`` with marks around what the masker replaces in it."""
    masked = masker.mask_text(text)
    at = 0
    out = []
    data = masked.text
    dictionary = masked.dictionary
    while data:
        token = next((token for token in dictionary if data.startswith(token)), None)
        if token is None:
            out.append(data[0])
            data = data[1:]
            at += 1
        else:
            out.append(f"«{dictionary[token]}»")
            data = data[len(token) :]
    return "".join(out)


def outcome(masker: Masker, raw: bytes) -> MaskedBody | tuple[type[Refused], str]:
    """Return what becomes of the body of a request to the Messages API, but for the vault's part; or what is wrong."""
    try:
        masked = masker.mask_body(raw, "/v1/messages?beta=true")
    except Refused as refused:
        return type(refused), str(refused)
    return MaskedBody(masked.edits, masked.dictionary, masked.counts, masked.opaque, masked.model)
