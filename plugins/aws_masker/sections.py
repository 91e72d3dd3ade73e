"""Sections: stretches of text in which a key as general as ``name`` says what its value is.

``name`` alone means nothing; in a resource of Terraform, behind an AWS CLI command or in a call of an SDK it is the
name of something. A family with an ``opener`` says where such a section begins, with ``members`` which keys count in
it, and with ``extent`` how far it goes:

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

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from aws_masker.boundaries import BEFORE, ESCAPE, begins_word
from aws_masker.catalogue import MACROS, Family, expand
from aws_masker.commands import read
from aws_masker.composed import composed, is_composed
from aws_masker.context import spelling
from aws_masker.joints import (
    AFTER_FLAG,
    AFTER_KEY,
    ALONE,
    BREAK,
    END,
    NEWLINE,
    ONE,
    QUOTE,
    VALUE,
    Joint,
    Kind,
    joint_of,
)
from aws_masker.outputs import Rows
from aws_masker.printed import cells, shown
from aws_masker.re2c import NEVER, FullMatchSet, Pattern, Span
from aws_masker.sentences import NAME, NAMING, SAID, SAID_NAME, SOUGHT
from aws_masker.shared import Vocabulary
from aws_masker.spoken import before_noun, begin_of, behind_noun, between_marks
from aws_masker.subject import Subject, Writing
from aws_masker.tables import cells_without_header, table_at
from aws_masker.values import Value, constants_at, entries_at, values_at

MAX_SECTION: Final = 8192
_OPEN: Final = frozenset(b"([{")
_CLOSE: Final = frozenset(b")]}")
_COMMAND_ENDS: Final = Pattern(r"[^\\\r]\r?\n|\x00|[ \t](?:\|\|?|&&|;)[ \t]|;[ \t]")
_LINE_ENDS: Final = Pattern(r"\n|\\+n|\x00")
# What the opener of an output has before its command.
_PROMPT: Final = Pattern(rf"(?s:.{{0,12}}?){MACROS['<prompt>']}")
# What an API's nouns are followed by in the keys for their names.
_NAMED_NOUN: Final = re.compile(r"(.*?)([A-Z]?[a-z]+|[A-Z]+)(?:Name|Id|ID|Identifier)")
# Nouns of which what follows is AWS's own word, unless a word before them makes them another: a scheduled action.
# fmt: off
_NO_NOUNS: Final = frozenset((
    "action", "engine", "identifier", "input", "limit", "location", "name", "number", "operation", "option", "output",
    "parameter", "principal", "request", "response", "status", "type", "url", "version",
))
# fmt: on
# Services in errors of the SDK for Java.
_OWN: Final = (b"Amazon", b"AWS")
# A line break, as such or escaped, or where a text begins.
_BEFORE_NOUN: Final = b'\\n\n\x00\x01"'
_EMPTY_LINE: Final = Pattern(r"\n[ \t]*\r?\n|\x00")
# Before the first word of a loop.
_LOOPS: Final = frozenset(b" \"'")
# Tried after all keys, as they may begin like one.
_LATE: Final = ("spoken", "words")
# What counts in a text that speaks of AWS alone.
_OF_AWS: Final = ("constants", "items", "next", "values", "words")
# What is no end of another section.
_GO_ON: Final = ("constants", "next", "values", "words", "spoken", "before", "quoted")
_WORD: Final = Pattern(rf"(?:{QUOTE})?({NAME})(?:{QUOTE})?", captures=True)
_LINE: Final = Pattern(r"[^\n\\\x00]+")
# Up to the body of a loop.
_LOOP: Final = Pattern(rf"[^\n;\\\x00]+(?:;|{NEWLINE})[ \t]*do\b")
_GAP: Final = Pattern(BREAK)
_INDENT: Final = Pattern(rf"{NEWLINE}[ ]*")
_FIRST_WORD: Final = Pattern(rf"(?:{ESCAPE}|_)?[0-9A-Za-z]+")


Said = Callable[[bytes, Span, Vocabulary, Subject], Iterator[Value]]


class Sections:
    """The sections of one catalogue, compiled."""

    def __init__(self, families: list[tuple[int, Family]]) -> None:
        """Compile the rows with an ``opener`` among ``families``, given with their place in the catalogue."""
        chosen = [(index, family) for index, family in families if family.opener and family.extent != "akin"]
        self._chosen = chosen
        early = [(index, family) for index, family in chosen if family.extent not in _LATE]
        late = [(index, family) for index, family in chosen if family.extent in _LATE]
        self.pattern = "|".join(f"(?:{family.opener})" for _, family in early) or NEVER
        # After all keys.
        # How a name follows its noun is the same for all nouns, and long.
        says = expand("<says>")
        nouns = [family.opener.removesuffix(says) for _, family in late if family.opener.endswith(says)]
        openers = [family.opener for _, family in late if not family.opener.endswith(says)]
        openers += [f"(?:{'|'.join(nouns)}){says}"] if nouns else []
        self.late = "|".join(f"(?:{BEFORE}{opener})" for opener in openers) or NEVER
        self.spoken = [index for index, family in late if family.extent == "spoken"]
        self.before = frozenset(index for index, family in early if family.extent in ("before", "quoted"))
        self._named = frozenset(self.spoken)
        self.quoted = frozenset(index for index, family in early if family.extent == "quoted")
        # What is read value by value goes on within what other sections there are.
        ending = [one for _, one in chosen if one.extent not in _GO_ON]
        self._late = frozenset(index for index, _ in late)
        words = [(index, one.opener) for index, one in late if one.extent == "words"]
        self._of_words = frozenset(index for index, _ in words)
        self._next_words = Pattern("|".join(f"(?:{BEFORE}{opener})" for _, opener in words) or NEVER)
        self._openers = Pattern("|".join(f"(?:{one.opener})" for one in ending) or NEVER)
        self._blocks = frozenset(index for index, family in chosen if family.extent == "block")
        self._which = FullMatchSet(
            [f"{BEFORE}{one.opener}" if one.extent in _LATE else one.opener for _, one in chosen]
        )
        keys = [key for _, one in families for key in one.keys]
        named = {_noun(*found.groups()) for key in keys if (found := _NAMED_NOUN.fullmatch(key))}
        spoken = sorted(named - _NO_NOUNS, key=lambda noun: (-len(noun), noun))
        members = {index: frozenset(member.encode() for member in family.members) for index, family in chosen}
        self._row = Rows(keys)
        self._rows = {index: members[index] for index, family in chosen if family.extent == "row"}
        self._outputs = {index: members[index] for index, family in chosen if family.extent == "output"}
        self._members = {
            index: _Members(family, spoken)
            for index, family in chosen
            if family.extent not in ("row", "output", "spoken", "before", "quoted")
        }

    def families(self, match: bytes) -> list[int]:
        """Return the places of the families of which a match is the opener."""
        return [self._chosen[place][0] for place in self._which.matches(match)]

    def resumes(self, families: list[int], match: bytes) -> int:
        """Return where in the opener of a section looking goes on: the noun of a row may be a key too.

        A command is looked through like other text, unless it only stands before its output to tell what that is. So is
        what stands behind the first word of an opener that ends within a word: it may be a key.
        """
        if not self._late.isdisjoint(families):
            return _FIRST_WORD.match(match)
        if not self._rows.keys().isdisjoint(families):
            return len(match) - len(match.lstrip(_BEFORE_NOUN))
        if not self._outputs.keys().isdisjoint(families):
            return len(match) - len(VALUE) if match.endswith(VALUE) else max(1, _PROMPT.match(match))
        # The noun behind a name may be that of another, or a key.
        if not self.quoted.isdisjoint(families):
            return 1
        if not self.before.isdisjoint(families) and (gap := _GAP.search(match)) is not None:
            return gap[0]
        return len(match)

    def said(self, families: list[int]) -> Said | None:
        """Return what finds the names that an opener of ``families`` speaks of in a sentence, if they do."""
        if not self._named.isdisjoint(families):
            return behind_noun
        if not self.before.isdisjoint(families):
            return before_noun if self.quoted.isdisjoint(families) else between_marks
        return None

    def cells(
        self, text: bytes, start: int, end: int, families: list[int], subject: Subject
    ) -> Iterator[tuple[Span, bytes, list[int]]]:
        """Yield the cells of a row or an output whose opener is ``start:end``; nothing where the section is none.

        Each with the key that is known of it, b"" for none, and those of ``families`` that it may belong to.
        """
        if not self._rows.keys().isdisjoint(families):
            noun = start + self.resumes(families, text[start:end])
            word = text[noun:end].rstrip(b"\\t\t")
            wanting = [family for family in families if word not in self._rows[family]]
            for cell in self._row.cells(text, noun, noun + len(word), subject) if wanting else ():
                yield cell, b"", wanting
        elif not self._outputs.keys().isdisjoint(families):
            base, printed, begin, limit = shown(text, start, end)
            command = read(printed[max(0, _PROMPT.match(printed, 0, begin)) : begin].rstrip(VALUE))
            wanted: dict[bytes, list[int]] = {}
            for (low, high), key in cells(printed, begin, limit, command):
                if key not in wanted:
                    wanted[key] = [one for one in families if not self._outputs[one].isdisjoint((key, b"*"))]
                yield (base + low, base + high), key, wanted[key]

    def values(self, text: bytes, end: int, family: int, subject: Subject) -> Iterator[tuple[Value, Joint]]:
        """Yield the values of the members of a section whose opener ends at ``end``, each with its joint.

        ``subject`` tells what the text speaks of.
        """
        if family not in self._members or subject.is_elsewhere(end):
            return
        # A program calls whatever it has; a line of a command in it says what it is.
        if family in self._blocks and not subject.is_aws(end) and subject.writing(end) is Writing.PROGRAM:
            return
        limit = min(len(text), end + MAX_SECTION)
        border = text.find(END, end, limit)
        limit = limit if border < 0 else border + 1
        # Another opener begins a section of its own: so no text is looked through twice.
        if family in self._of_words and (following := self._next_words.search(text, end, limit)) is not None:
            limit = following[0]
        for following in self._openers.each(text, end, limit):
            if begins_word(text, following[0]):
                limit = following[0]
                break
        yield from self._members[family].values(text, end, limit, subject)


def _noun(before: str, last: str) -> str:
    """Return how errors spell a noun, given its last word and those before it: that one will do, if it says enough."""
    last = last.lower()
    return spelling(before + last.title(), " ?") if before and last in _NO_NOUNS else last


class _Members:
    """The members of one kind of section."""

    def __init__(self, family: Family, nouns: Sequence[str]) -> None:
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
