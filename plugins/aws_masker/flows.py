"""Flows: names that a text gives to a variable, and passes on under a key.

``for q in ["ledger-jobs", "ledger-mails"]: sqs.get_queue_url(QueueName=q)``: what ``q`` holds are names of queues. The
variable is met beside the key; what was assigned to it, by itself, in a loop or as a default, is looked for in the same
piece of text.
"""

from collections.abc import Iterator
from typing import Final

from aws_masker.boundaries import ALNUM
from aws_masker.general import stands_given
from aws_masker.joints import AFTER_KEY, VALUE, Kind, Series, joint_of
from aws_masker.re2c import Pattern, Span
from aws_masker.values import Value, values_at

# So many variables of one piece are followed, to so many places each, in pieces of such a length.
MAX_VARIABLES: Final = 16
MAX_PLACES: Final = 32
MAX_PIECE: Final = 65_536
# A variable that is all of a value, as programs and shells write it.
_PASSED: Final = Pattern(
    r"\\*[\"']?&?\$?\{?([A-Za-z_][A-Za-z0-9_]{0,40})\}?\\*[\"']?(?:[\s,;)\]}\\\x00]|\.(?:clone|to_string|to_owned|into)\()",
    captures=True,
)
_GIVEN_AFTER: Final = Pattern(AFTER_KEY)
# A loop of the shell.
_LOOP: Final = Pattern(r"[ \t]+in(?:[ \t]+\\*[\"']?[A-Za-z0-9_./-]+\\*[\"']?)+[ \t]*(?:;|\r?\n|\\+n)")
_WORD: Final = Pattern(r"[A-Za-z0-9_./-]+")
_WITHIN: Final = ALNUM | frozenset(b"_.")
_QUOTED: Final = (b'"', b"'", b"`", VALUE)


class Flows:
    """The variables of one text that stood where a name does."""

    __slots__ = ("_passed",)

    def __init__(self) -> None:
        """Begin with none."""
        self._passed: dict[Span, dict[bytes, list[int]]] = {}

    def note(self, text: bytes, at: int, piece: Span, families: list[int]) -> None:
        """Keep the variable that stands at ``at`` in a ``piece``, if one does, beside a key of ``families``."""
        # In quotes, only a shell puts one.
        if text[at - 1 : at] in _QUOTED and text[at] != 0x24:  # noqa: PLR2004 - "$"
            return
        low, high = piece
        if high - low > MAX_PIECE or (parts := _PASSED.parts(text, at, high)) is None:
            return
        passed = self._passed.setdefault(piece, {})
        if len(passed) < MAX_VARIABLES:
            passed.setdefault(text[slice(*parts[1])], families)

    def values(self, text: bytes) -> Iterator[tuple[Value, list[int]]]:
        """Yield the names that variables were given, each with the families of the key that it was passed under."""
        for piece, passed in self._passed.items():
            for variable, families in passed.items():
                for value in _given(text, piece, variable):
                    if stands_given(text, value.start, value.end, None) or b"/" in text[value.start : value.end]:
                        yield value, families


def _given(text: bytes, piece: Span, variable: bytes) -> Iterator[Value]:
    """Yield what is assigned to ``variable`` in a ``piece``, as far as it stands there in full."""
    at, high = piece
    for _ in range(MAX_PLACES):
        at = text.find(variable, at, high)
        if at < 0:
            return
        begin, at = at, at + len(variable)
        if text[begin - 1] in _WITHIN or text[at : at + 1] in b"(.":
            continue
        if (end := _LOOP.match(text, at, high)) > 0:
            words = text.index(b"in", at) + len(b"in")
            yield from (Value(*word, quoted=True) for word in _WORD.each(text, words, end))
            continue
        end = _GIVEN_AFTER.match(text, at, high)
        if end <= at:
            continue
        joint = joint_of(text[at:end], flag=False, plural=False)
        assigned = b"=" in text[at:end] or joint.series is not Series.ONE
        if joint.kind is Kind.VALUE and assigned and b"==" not in text[at:end]:
            yield from (value for value in values_at(text, end, joint, secret=False) if _is_literal(text, value))


def _is_literal(text: bytes, value: Value) -> bool:
    """Tell whether a value is written out: in quotes, or as a shell has it, with a dash."""
    return value.quoted or b"-" in text[value.start : value.end]
