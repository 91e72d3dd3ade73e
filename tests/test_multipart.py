"""Multipart bodies: which bytes of one are text, and which bodies are refused."""

import pytest

from aws_masker import InvalidBody, Refused, Settings, Unsupported
from aws_masker.multipart import regions
from masking import KEY

FORM = "multipart/form-data; boundary=B"
DEFAULTS = Settings(key=KEY)


def texts(raw: bytes, content_type: str = FORM, settings: Settings = DEFAULTS) -> list[bytes]:
    return [raw[low:high] for low, high in regions(raw, content_type, settings).readable]


def test_headers_and_text_of_every_part_are_readable_and_nothing_else() -> None:
    raw = b"--B\r\nA: 1\r\nC: 2\r\n\r\none\r\n--B\r\nA: 3\r\n\r\ntwo\r\n\r\nthree\r\n--B--\r\n"
    assert texts(raw) == [b"A: 1\r\nC: 2", b"one", b"A: 3", b"two\r\n\r\nthree"]


def test_a_part_without_headers_or_content_has_none() -> None:
    assert texts(b"--B\r\n\r\none\r\n--B\r\nA: 1\r\n\r\n\r\n--B--") == [b"one", b"A: 1"]


def test_a_quoted_boundary_is_the_same_and_one_inside_a_line_is_text() -> None:
    raw = b"--B\r\nA: 1\r\n\r\none --B two\r\n--B--"
    assert texts(raw, 'multipart/form-data; charset=utf-8; boundary="B"') == [b"A: 1", b"one --B two"]


@pytest.mark.parametrize("media", ["image/png", "IMAGE/JPEG", "application/pdf; x=y", "audio/mpeg", "video/mp4"])
def test_what_cannot_be_read_is_counted_or_refused_and_its_headers_are_read_all_the_same(media: str) -> None:
    raw = b"--B\r\nContent-Type: " + media.encode() + b"\r\n\r\n\xff\xd8\r\n--B--"
    found = regions(raw, FORM, DEFAULTS)
    assert found.opaque == 1
    assert texts(raw) == [b"Content-Type: " + media.encode()]
    with pytest.raises(Unsupported, match="settings block them"):
        regions(raw, FORM, Settings(key=KEY, opaque="block"))


@pytest.mark.parametrize("media", ["video/mp2t", "image/x-xbitmap", "audio/csound", "application/pdf"])
def test_text_that_is_called_something_else_by_its_name_is_text(media: str) -> None:
    head = b"Content-Type: " + media.encode()
    for content in (b'const bucket = "ledger-raw-7";', "grün".encode()):
        assert texts(b"--B\r\n" + head + b"\r\n\r\n" + content + b"\r\n--B--") == [head, content]


@pytest.mark.parametrize("content", [b"%PDF-1.4 of ASCII alone", b"\0\0\1 of ASCII", b"\xff\xd8"])
def test_what_is_no_text_cannot_be_read(content: bytes) -> None:
    raw = b"--B\r\nContent-Type: video/mp2t\r\n\r\n" + content + b"\r\n--B--"
    assert (texts(raw), regions(raw, FORM, DEFAULTS).opaque) == ([b"Content-Type: video/mp2t"], 1)


def test_a_drawing_is_text() -> None:
    raw = b"--B\r\nContent-Type: image/svg+xml\r\n\r\n<svg/>\r\n--B--"
    assert texts(raw) == [b"Content-Type: image/svg+xml", b"<svg/>"]


@pytest.mark.parametrize("media", [b"text/plain; charset=utf-7", b'application/json; charset="UTF-16LE"'])
def test_a_part_that_says_it_is_of_another_encoding_is_refused(media: bytes) -> None:
    with pytest.raises(Unsupported, match="UTF-8"):
        texts(b"--B\r\nContent-Type: " + media + b"\r\n\r\n+AGk-\r\n--B--")


@pytest.mark.parametrize("blank", [b" ", b"\t"])
def test_a_header_that_goes_on_in_a_second_line_is_refused(blank: bytes) -> None:
    raw = b"--B\r\nContent-Type: text/plain;\r\n" + blank + b"charset=utf-7\r\n\r\n+AGk-\r\n--B--"
    with pytest.raises(InvalidBody, match="several lines"):
        texts(raw)


def test_a_type_that_is_allowed_by_name_passes_even_where_images_are_blocked() -> None:
    raw = b"--B\r\ncontent-type: application/zip\r\n\r\nPK\xff\r\n--B--"
    with pytest.raises(Unsupported, match="not UTF-8"):
        texts(raw)
    settings = Settings(key=KEY, opaque="block", allow_content_types=("application/zip",))
    assert regions(raw, FORM, settings).opaque == 1


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "Base64", "x-unknown"])
def test_a_part_with_a_transfer_encoding_is_refused(encoding: str) -> None:
    raw = b"--B\r\nContent-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\naS0w\r\n--B--"
    with pytest.raises(Unsupported, match="transfer encoding"):
        texts(raw)


@pytest.mark.parametrize("encoding", [b"7bit", b"8bit", b"BINARY"])
def test_a_transfer_encoding_that_changes_nothing_passes(encoding: bytes) -> None:
    head = b"Content-Transfer-Encoding: " + encoding
    assert texts(b"--B\r\n" + head + b"\r\n\r\none\r\n--B--") == [head, b"one"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"--B",
        b"--B\r\nA: 1\r\n\r\none",
        b"--B\r\nA: 1\r\n\r\none\r\n--B",
        b"--B\r\nA: 1\r\n\r\none\r\n--B--trailing",
        b"--B\r\nA: 1\r\none\r\n--B--",
        b"--B\nA: 1\n\none\n--B--",
        b"--Bx\r\nA: 1\r\n\r\none\r\n--B--",
        b" --B\r\nA: 1\r\n\r\none\r\n--B--",
        b"--B\r\nA: 1\r\none\r\n--B\r\nA: 1\r\n\r\ntwo\r\n--B--",
        b"--B\r\nContent-Type: text/plain\r\nContent-Type: image/png\r\n\r\none\r\n--B--",
        b"--B\r\nContent-Type: text/plain\r\ncontent-type: image/png\r\n\r\none\r\n--B--",
    ],
)
def test_a_body_that_is_not_whole_or_not_of_the_form_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidBody):
        texts(raw)


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", f"multipart/form-data; boundary={71 * 'B'}"],
)
def test_a_form_without_a_usable_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(Refused, match="no boundary"):
        texts(b"--B\r\nA: 1\r\n\r\none\r\n--B--", content_type)


def test_the_longest_boundary_is_taken() -> None:
    assert texts(b"--%b\r\n\r\none\r\n--%b--" % (70 * b"B", 70 * b"B"), f"multipart/x; boundary={70 * 'B'}") == [b"one"]
