"""Extents: how far a section goes from its opener on, and the values of its members there.

``block``
    From a bracket, with which the opener ends, to the one that closes it; members of blocks inside do not count.
``items``
    From the first object of a list, with whose bracket the opener ends, to the end of the list, in a text that speaks
    of AWS; members of its objects count, and none of what is in those.
``line``
    To the end of the line, or of the command that goes on behind backslashes.
``indented``
    Lines of YAML that stand as deep as the first one behind the opener.
``message``
    A sentence to the end of the line; a member is the noun before a name that is said to be missing, or there already.
    In a text that speaks of AWS, so is each noun for the names of which the catalogue has a key, before what can be no
    word of a sentence.
``table``
    A table drawn with |, to the first empty line; members are titles of columns or of rows.
``cells``
    As ``table``: the cells of rows that have no header, and of those, the values of dimensions.
``row``
    A row of the AWS CLI's text output, see ``outputs``; members are the nouns of which no row counts.
``output``
    What a command printed, see ``printed``: the opener is the command, and members are names in its query.
``values``
    From a bracket, with which the opener ends, to the one that closes it, in a text that speaks of AWS; the values of
    whatever members, and the items of a list.
``next``
    The word with which the text goes on behind the opener, in a text that speaks of AWS.
``constants``
    From a bracket or a colon, with which the opener ends, to the one that closes it, or to a line that does not stand
    deeper, in a text that speaks of AWS; what is assigned, or given in brackets, between.
``spoken``
    The word that follows, in a text that speaks of AWS: the opener is a noun in a sentence.
``before``
    The word of which the opener is the end, in a text that speaks of AWS: its noun follows.
``quoted``
    The word that follows, between marks of code, in a text that speaks of AWS.
``akin``
    No section: what stands behind the opener, in a sentence of a text that gives a name like it, see ``akin``.
``words``
    The words of a loop of the shell, or up to the end of the line, in a text that speaks of AWS.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from aws_masker.boundaries import BEFORE
from aws_masker.catalogue import Family
from aws_masker.composed import composed, is_composed
from aws_masker.joints import AFTER_FLAG, AFTER_KEY, ALONE, NEWLINE, ONE, QUOTE, Joint, Kind, joint_of
from aws_masker.re2c import NEVER, Pattern
from aws_masker.sentences import NAME, NAMING, SAID, SAID_NAME, SOUGHT
from aws_masker.spoken import begin_of
from aws_masker.subject import Subject
from aws_masker.tables import cells_without_header, table_at
from aws_masker.values import Value, constants_at, entries_at, values_at

_OPEN: Final = frozenset(b"([{")
_CLOSE: Final = frozenset(b")]}")
_COMMAND_ENDS: Final = Pattern(r"[^\\\r]\r?\n|\x00|[ \t](?:\|\|?|&&|;)[ \t]|;[ \t]")
_LINE_ENDS: Final = Pattern(r"\n|\\+n|\x00")
# Services in errors of the SDK for Java.
_OWN: Final = (b"Amazon", b"AWS")
_EMPTY_LINE: Final = Pattern(r"\n[ \t]*\r?\n|\x00")
# Before the first word of a loop.
_LOOPS: Final = frozenset(b" \"'")
# What counts in a text that speaks of AWS alone.
_OF_AWS: Final = ("constants", "items", "next", "values", "words")
_WORD: Final = Pattern(rf"(?:{QUOTE})?({NAME})(?:{QUOTE})?", captures=True)
_LINE: Final = Pattern(r"[^\n\\\x00]+")
# Up to the body of a loop.
_LOOP: Final = Pattern(rf"[^\n;\\\x00]+(?:;|{NEWLINE})[ \t]*do\b")
_INDENT: Final = Pattern(rf"{NEWLINE}[ ]*")


class Section:
    """One kind of section: how far it goes, and which of its values count."""

    def __init__(self, family: Family, nouns: Sequence[str]) -> None:
        """Compile a row with an ``extent``; ``nouns`` are those that messages have names for, as they spell them."""
        members = "|".join(sorted(family.members, key=len, reverse=True))
        self._key = Pattern(f"(?:{members})")
        self._extent = family.extent
        self._named = Pattern(NEVER)
        if family.extent == "message":
            self._named = Pattern(rf"(?i:{'|'.join(nouns) or NEVER})s?(?:{NAMING})|{SOUGHT}", captures=True)
        block = rf"{BEFORE}(?:{members}){AFTER_KEY}|[()\[\]{{}};]|\x00"
        self._search = Pattern(
            {
                "block": block,
                "items": block,
                "line": rf"[\s\"'`]--?(?:{members}){AFTER_FLAG}",
                "indented": rf"{NEWLINE}[ ]*(?:- )?(?:{members}){AFTER_KEY}",
                "message": rf"(?:{members})[:,]? {SAID}",
                "table": rf"\|[ ]+(?:{members})[ ]+\|[ ]*",
                "values": NEVER,
                "constants": NEVER,
                "next": NEVER,
                "cells": NEVER,
                "words": r"[^\s\\]+",
            }[family.extent]
        )

    def values(self, text: bytes, at: int, limit: int, subject: Subject) -> Iterator[tuple[Value, Joint]]:
        """Yield the values of the members from ``at`` on, where the section begins, up to ``limit`` at most."""
        if self._extent in _OF_AWS and not subject.is_aws(at):
            return iter(())
        if self._extent == "message":
            return self._of_message(text, at, limit, subject)
        if self._extent == "values":
            return ((value, ALONE) for value in entries_at(text, at, limit))
        if self._extent == "next":
            parts = _WORD.parts(text, at, limit)
            return iter(()) if parts is None else iter([(Value(*parts[1], quoted=True), ALONE)])
        if self._extent == "constants":
            return ((value, ALONE) for value in constants_at(text, at, limit))
        if self._extent in ("block", "items"):
            return self._of_block(text, at, limit, 1 if self._extent == "block" else 2)
        return {
            "line": self._of_line, "indented": self._of_lines, "table": self._of_table, "cells": self._of_cells,
            "words": self._of_words
        }[self._extent](text, at, limit)  # fmt: skip

    def _of_block(self, text: bytes, at: int, limit: int, level: int) -> Iterator[tuple[Value, Joint]]:
        """Yield the values of members; ``level`` is how many brackets the opener leaves open."""
        depth = level
        while depth and (span := self._search.search(text, at, limit)) is not None:
            low, at = span
            if text[low] == 0:
                return
            if text[low] == 0x3B and depth == 1:  # noqa: PLR2004 - ";", the end of a statement
                return
            direct = depth == level
            depth += sum(byte in _OPEN for byte in text[low:at]) - sum(byte in _CLOSE for byte in text[low:at])
            if direct and at - low > 1:
                for value, joint in self._after_key(text, low, at):
                    yield value, joint
                    at = max(at, value.end)

    def _of_words(self, text: bytes, at: int, limit: int) -> Iterator[tuple[Value, Joint]]:
        at = begin_of(text, at)
        end = (_LOOP if text[at - 1] in _LOOPS else _LINE).match(text, at, limit)
        while (span := self._search.search(text, at, max(at, end))) is not None:
            at = span[1]
            parts = _WORD.parts(text, *span)
            if parts is not None:
                yield Value(*parts[1], quoted=True), ALONE

    def _of_line(self, text: bytes, at: int, limit: int) -> Iterator[tuple[Value, Joint]]:
        ends = _COMMAND_ENDS.search(text, at - 1, limit)
        limit = limit if ends is None else ends[1]
        while (span := self._search.search(text, at - 1, limit)) is not None:
            low, at = span
            plural = text[low:at].rstrip(b" \t\"'`=\\\n").endswith(b"s")
            joint = joint_of(b" ", flag=True, plural=plural)
            for value in values_at(text, at, joint, secret=False):
                if value.end > limit:
                    return
                yield value, joint
                at = max(at, value.end)

    def _of_lines(self, text: bytes, at: int, limit: int) -> Iterator[tuple[Value, Joint]]:
        first = _INDENT.search(text, at, limit)
        if first is None:
            return
        depth = first[1] - first[0]
        at = first[0]
        while (span := _INDENT.search(text, at, limit)) is not None:
            low, high = span
            if high - low < depth and text[high : high + 1] not in (b"\n", b"\r", b"#"):
                return
            at = high
            if high - low == depth and (found := self._search.match(text, low, limit)) > 0:
                yield from self._after_key(text, low, found)

    def _of_cells(self, text: bytes, at: int, limit: int) -> Iterator[tuple[Value, Joint]]:
        ends = _EMPTY_LINE.search(text, at, limit)
        for cell in cells_without_header(text, at, limit if ends is None else ends[0]):
            yield cell, ONE

    def _of_table(self, text: bytes, at: int, limit: int) -> Iterator[tuple[Value, Joint]]:
        ends = _EMPTY_LINE.search(text, at, limit)
        limit = limit if ends is None else ends[0]
        while (span := self._search.search(text, at, limit)) is not None:
            low, at = span
            table = table_at(text, low + 2, lambda title: [0] if self._key.fits(title) else [])
            if not table.columns:
                for value in values_at(text, at, ALONE, secret=False):
                    yield value, ALONE
                continue
            at = max(at, table.end)
            for column in table.columns:
                for value in column.values:
                    yield value, ONE

    def _of_message(self, text: bytes, at: int, limit: int, subject: Subject) -> Iterator[tuple[Value, Joint]]:
        ends = _LINE_ENDS.search(text, at, limit)
        limit = limit if ends is None else ends[0]
        begin = at
        while (span := self._search.search(text, at, limit)) is not None:
            low, at = span
            noun = self._key.match(text, low, at)
            parts = SAID_NAME.parts(text, noun, at)
            if parts is not None:
                yield Value(*parts[1], quoted=True), ONE
        # Any program has exceptions.
        at = begin if subject.is_aws(begin) else limit
        while (span := self._named.search(text, at, limit)) is not None:
            parts = self._named.parts(text, span[0], limit) or [span]
            low, high = next((part for part in parts[1:] if part[0] >= 0), span)
            at = high
            if not text.startswith(_OWN, low):
                yield Value(low, high, quoted=True), ONE

    def _after_key(self, text: bytes, low: int, end: int) -> Iterator[tuple[Value, Joint]]:
        """Yield the values of the member that stands in ``low:end``, with a joint at its end."""
        key = self._key.search(text, low, end)
        if key is None:
            return
        joint = joint_of(text[key[1] : end], flag=False, plural=text[key[1] - 1] == 0x73)  # noqa: PLR2004
        if joint.kind is Kind.VALUE:
            for value in values_at(text, end, joint, secret=False):
                yield value, joint
        if joint.kind in (Kind.VALUE, Kind.DEFINITION) and is_composed(text, end):
            for value in composed(text, key[0], end):
                yield value, ALONE
