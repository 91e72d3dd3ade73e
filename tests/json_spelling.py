"""JSON written in every legal spelling, for tests: hypothesis chooses how each character is spelled."""

import json
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import strategies as st

_SHORT = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

characters = st.one_of(
    st.sampled_from('abinx-019 "\\/\b\f\n\r\t\x00\x1f\x7fé€ß한😀\u2028\ud800\udbff\udc00\udfff'),
    st.characters(),
)


def _is_joined(text: str) -> bool:
    return any(0xD800 <= ord(a) < 0xDC00 <= ord(b) < 0xE000 for a, b in pairwise(text))


# No high surrogate before a low one: JSON has no way to write these as two characters.
texts = st.text(characters, max_size=12).filter(lambda text: not _is_joined(text))


def spellings(character: str) -> list[str]:
    """Return all ways to write one character inside a JSON string; the canonical one is first."""
    code = ord(character)
    units = character.encode("utf-16-be", "surrogatepass").hex()
    lower = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    escaped = [lower, lower.replace("\\u", "u").upper().replace("U", "\\u")]
    if character in _SHORT:
        short = _SHORT[character]
        return [character, short, *escaped] if character == "/" else [short, *escaped]
    if code < 0x20 or 0xD800 <= code < 0xE000:
        return escaped
    return [character, *escaped]


def canonical(text: str) -> bytes:
    """Return the inside of a string literal as JSON.stringify writes it."""
    return "".join(spellings(character)[0] for character in text).encode("utf-8")


@dataclass
class Written:
    """A document as it is written piece by piece, and what was written where."""

    raw: bytearray = field(default_factory=bytearray)
    strings: list[tuple[str, int, int, list[int]]] = field(default_factory=list)  # value, start, end, characters
    numbers: list[tuple[str, int, int]] = field(default_factory=list)


def write(data: st.DataObject, value: object, written: Written) -> None:
    """Append ``value`` to ``written``. Objects are dicts, numbers are of the class NumberText."""
    space = st.sampled_from(["", "", " ", "\n\t", "\r\n"])

    def structure(text: str) -> None:
        written.raw.extend(f"{data.draw(space)}{text}{data.draw(space)}".encode())

    if isinstance(value, NumberText):
        start = len(written.raw)
        written.raw.extend(value.encode())
        written.numbers.append((str(value), start, len(written.raw)))
    elif isinstance(value, str):
        write_string(data, value, written)
    elif isinstance(value, dict):
        structure("{")
        for position, (name, member) in enumerate(value.items()):
            if position:
                structure(",")
            write_string(data, name, written)
            structure(":")
            write(data, member, written)
        structure("}")
    elif isinstance(value, list):
        structure("[")
        for position, item in enumerate(value):
            if position:
                structure(",")
            write(data, item, written)
        structure("]")
    else:
        written.raw.extend(json.dumps(value).encode())


def write_string(data: st.DataObject, value: str, written: Written) -> None:
    """Append a string, each character in a spelling of its own or all in the same style."""
    style = data.draw(st.sampled_from(["canonical", "ascii", "mixed"]))
    start = len(written.raw)
    written.raw.extend(b'"')
    places = []
    for character in value:
        places.append(len(written.raw))
        choices = spellings(character)
        if style == "mixed":
            spelled = data.draw(st.sampled_from(choices))
        elif style == "ascii" and not choices[0].isascii():
            spelled = choices[1]
        else:
            spelled = choices[0]
        written.raw.extend(spelled.encode("utf-8"))
    places.append(len(written.raw))
    written.raw.extend(b'"')
    written.strings.append((value, start, len(written.raw), places))


class NumberText(str):
    """The text of a number."""

    __slots__ = ()


numbers = st.sampled_from(["0", "-0", "1", "12", "1e5", "1.50", "-2E-7", "481516234217", "9007199254740993"]).map(
    NumberText
)
scalars = st.one_of(texts, numbers, st.sampled_from([True, False, None]))


def documents(strings: st.SearchStrategy[str] = texts) -> st.SearchStrategy[object]:
    """Return JSON values whose strings and names come from ``strings``."""
    leaves = st.one_of(strings, scalars)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(strings, inner, max_size=4)),
        max_leaves=12,
    )
