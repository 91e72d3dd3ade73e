"""Sections: stretches of text in which a key as general as ``name`` says what its value is.

``name`` alone means nothing; in a resource of Terraform, behind an AWS CLI command or in a call of an SDK it is the
name of something. A family with an ``opener`` says where such a section begins, with ``members`` which keys count in
it, and with ``extent`` how far it goes, see ``extents``.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from aws_masker.boundaries import BEFORE, ESCAPE, begins_word
from aws_masker.catalogue import MACROS, Family, expand
from aws_masker.commands import read
from aws_masker.context import spelling
from aws_masker.extents import Section
from aws_masker.joints import BREAK, END, VALUE, Joint
from aws_masker.outputs import Rows
from aws_masker.printed import cells, shown
from aws_masker.re2c import NEVER, FullMatchSet, Pattern, Span
from aws_masker.shared import Vocabulary
from aws_masker.spoken import before_noun, behind_noun, between_marks
from aws_masker.subject import Subject, Writing
from aws_masker.tokens import TAIL_LENGTH, TAIL_PATTERN
from aws_masker.values import Value

MAX_SECTION: Final = 8192
# What the opener of an output has before its command.
_PROMPT: Final = Pattern(rf"(?s:.{{0,12}}?){MACROS['<prompt>']}")
_TOKEN: Final = Pattern(TAIL_PATTERN)
_TOKEN_LENGTH: Final = len("-x") + TAIL_LENGTH
# What an API's nouns are followed by in the keys for their names.
_NAMED_NOUN: Final = re.compile(r"(.*?)([A-Z]?[a-z]+|[A-Z]+)(?:Name|Id|ID|Identifier)")
# Nouns of which what follows is AWS's own word, unless a word before them makes them another: a scheduled action.
# fmt: off
_NO_NOUNS: Final = frozenset((
    "action", "engine", "identifier", "input", "limit", "location", "name", "number", "operation", "option", "output",
    "parameter", "principal", "request", "response", "status", "type", "url", "version",
))
# fmt: on
# A line break, as such or escaped, or where a text begins.
_BEFORE_NOUN: Final = b'\\n\n\x00\x01"'
# Tried after all keys, as they may begin like one.
_LATE: Final = ("spoken", "words")
# What is no end of another section.
_GO_ON: Final = ("constants", "next", "values", "words", "spoken", "before", "quoted")
_GAP: Final = Pattern(BREAK)
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
        self._kinds = {
            index: Section(family, spoken)
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
            if _TOKEN.search(text, max(0, start + 1 - _TOKEN_LENGTH), start + 1) is not None:
                # What was replaced may not have looked like the end of a prompt.
                return
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
        if family not in self._kinds or subject.is_elsewhere(end):
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
        yield from self._kinds[family].values(text, end, limit, subject)


def _noun(before: str, last: str) -> str:
    """Return how errors spell a noun, given its last word and those before it: that one will do, if it says enough."""
    last = last.lower()
    return spelling(before + last.title(), " ?") if before and last in _NO_NOUNS else last
