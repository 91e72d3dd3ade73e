"""The pass over keys: finds the values that are identifiers because of a key, a flag or the title of a column."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from aws_masker.catalogue import ANY_VALUE, Catalogue
from aws_masker.composed import composed, is_composed
from aws_masker.context import Keys, Met, fields
from aws_masker.finding import Finding
from aws_masker.flows import Flows
from aws_masker.general import may_title, stands_given
from aws_masker.joints import ALONE, END, ONE, Joint, Kind, Series
from aws_masker.members import Members
from aws_masker.names import Words
from aws_masker.plausible import is_of_words, pieces, plausible
from aws_masker.printed import names_nobody
from aws_masker.re2c import Pattern, Span
from aws_masker.sections import Sections
from aws_masker.shared import Vocabulary, is_api
from aws_masker.spoken import goes_on
from aws_masker.standing import holds
from aws_masker.subject import Subject, Writing
from aws_masker.tables import has_words, shorter, table_at, titled
from aws_masker.values import Value, definition_at, entries_at, indent, lines_at, values_at, words_at
from aws_masker.weighing import Weighing

# What may follow a value that is all of what stands beside a key.
_CLOSING: Final = frozenset(b"\"'`\\\x00")
# What may stand between a key and its joint, how much of it at most, and with what a joint begins.
_AROUND: Final = b" \t\\\"'`"
_NEAR: Final = 5
_JOINS: Final = (b":", b"=")
# Namespaces of AWS's own.
_OF_AWS: Final = b"AWS/"
# A variable of the shell with a string.
_ASSIGNED: Final = (b'="', b"='")
_LOOK_BACK: Final = 60
# So much of a line on both sides of a title belongs to the header of a table.
_HEADER: Final = 200
# After so many of a series that are nothing, it is none of names. Each key in it would go through all of it otherwise.
MAX_NOTHING: Final = 16
# A value that does not count is looked through for keys, but a long one: each of them would be read to its end again.
MAX_LEFT: Final = 120
# A key and what joins it to its value, without any other word: what it says is kept, as it is met again and again. Not
# a flag, which may have any words before its key.
_ONE_WORD: Final = Pattern(r"[^0-9A-Za-z-]{0,4}[0-9A-Za-z][0-9A-Za-z_.-]{0,63}[^0-9A-Za-z]{1,120}")
# What stands before the key of a flag, or one that is only a piece of a longer word.
_GLUED: Final = frozenset(b"-/._=+@,:")
# So far a map of names is looked through.
MAX_MAP: Final = 4096
MAX_KEPT: Final = 1 << 14
# What an ARN begins with: its partition is no key.
_ARN: Final = b"arn:"
# A function with a key in its first argument.
_PAIR: Final = Pattern(r"(?s:.*)(?:^|[^A-Za-z0-9_])[a-zA-Z0-9_.]*[a-z][A-Za-z0-9_]*\([\\]{0,4}[\"'`][A-Za-z0-9_.-]*")


class _Around(NamedTuple):
    """What is known of a text: where what has a form of its own begins and ends, what it speaks of, members met."""

    known: Mapping[int, int]
    subject: Subject
    members: Members


class Beside:
    """The keys of one catalogue, compiled, and the forms that their values must have."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Compile the rows of ``catalogue`` with keys, and those with sections."""
        families = list(enumerate(catalogue.families))
        keyed = [(index, family) for index, family in families if family.keys]
        self._families = dict(families)
        self._sections = Sections(families)
        self._keys = Keys(keyed, catalogue.shared_keys, catalogue.other_keys)
        self._vocabulary = Vocabulary(catalogue.vocabulary)
        self._words = Words(catalogue)
        self._weighing = Weighing(catalogue.families, self._vocabulary)
        # A section begins with words that are keys too: it is tried first.
        self.search = Pattern(f"{self._sections.pattern}|{self._keys.pattern}|{self._sections.late}")
        # What keys mean that were met, in any text.
        self.kept: dict[bytes, Met | list[int]] = {}
        self._secret = frozenset(index for index, family in families if family.value == ANY_VALUE)
        # Whose values may be names of several words.
        self._free = frozenset(index for index, one in families if one.kind == "name" and not one.value)
        self._forms = {
            index: Pattern(family.value) for index, family in families if family.value and family.value != ANY_VALUE
        }

    def find(self, text: bytes, known: Mapping[int, int], subject: Subject) -> Iterator[Finding]:
        """Yield the values beside keys, but for those ``known`` by their own form, by where they begin and end.

        What has a structure of its own (a host, an address, an ARN) is left to it however long the value is.
        ``subject`` is the text's.
        """
        position = 0
        # Up to where lines were looked at as those of a table, and whether they are.
        looked, in_table = -1, False
        search = self.search.search
        kept = self.kept
        resolved: dict[bytes, Met | list[int]] = {}
        flows = Flows()
        around = _Around(known, subject, Members())
        while (span := search(text, position)) is not None:
            start, position = span
            match = text[start:position]
            # The mark at the end of a text begins the next: what is found there does not depend on what stands before.
            position -= match.endswith(END)
            met = kept.get(match)
            if met is None and (met := resolved.get(match)) is None:
                met = resolved[match] = self._met(match)
            if isinstance(met, list):
                yield from self._in_section(text, span, met, around)
                position = start + self._sections.resumes(met, match)
                continue
            key = start + met.low
            if met.may_title and titled(text, key):
                if key >= looked:
                    table = table_at(text, key, self._titles(text, key, subject))
                    looked, in_table = table.end, any(column.values for column in table.columns)
                    for column in table.columns:
                        yield from self._among(text, column.values, column.families, ONE, around, len(column.values))
                if in_table:
                    continue
            known_whole = met.one_value and not met.joint.flag and _ends_value(text, known.get(position))
            if known_whole or text.startswith(_ARN, key - len(_ARN)):
                continue
            joint = (start + met.high, position)
            if met.joint.kind is Kind.VALUE and subject.is_aws(key):
                flows.note(text, position, subject.piece(key), met.families)
            position = yield from self._of_key(text, key, joint, met, around)
        for value, families in flows.values(text):
            yield from self._among(text, [value], families, ALONE, around, MAX_NOTHING)

    def _of_key(self, text: bytes, key: int, joint: Span, met: Met, around: _Around) -> Generator[Finding, None, int]:
        """Yield the values of the key that stands at ``key`` and count; return where looking for keys goes on.

        Nothing that may be a key is left out: neither what the joint has of another word or line, where no value
        follows, nor a value that is itself joined to something.
        """
        joined = text[slice(*joint)]
        position = joint[1] if joined.upper() == joined.lower() and b"\n" not in joined else joint[0]
        if met.spoken:
            yield from self._said(text, (key - met.low, joint[1]), met, around)
        for finding in self._of_member(text, key, joint, met, around):
            if self._weighing.counts(text, finding, key, joint, met, around.subject):
                yield finding
            elif finding.end - finding.start < MAX_LEFT:
                continue
            # What a definition holds, or a map, may stand behind other keys.
            if met.joint.kind is not Kind.DEFINITION and not _is_joined(text, finding):
                position = max(position, self._left(text, finding) if text[key - 1] in _GLUED else finding.end)
        return position

    def _left(self, text: bytes, one: Finding) -> int:
        """Return where the last masked part of what was found ends; keys behind it are there the next time, too.

        The key of what was found may not be: it is a piece of something, which may be masked.
        """
        return max((high for low, high in one.parts if not self._words.are_common(text[low:high])), default=one.start)

    def _of_member(self, text: bytes, key: int, joint: Span, met: Met, around: _Around) -> Iterable[Finding]:
        """Return what ``_values`` yields; for a plain member that was met before, what it yielded then."""
        begin = joint[1]
        values = self._values(text, key, joint, met, around)
        if not met.one_value or begin in around.known or not around.subject.is_aws(key):
            return values
        return around.members.found((), text[key - 1 : begin], text, begin, values)

    def _met(self, match: bytes) -> Met | list[int]:
        """Return what a match says: the families of a section that it begins, or what the key in it means, if any."""
        met: Met | list[int] = self._sections.families(match) or self._keys.read(match) or []
        if _ONE_WORD.fits(match):
            if len(self.kept) >= MAX_KEPT:
                self.kept.clear()
            self.kept[match] = met
        return met

    def _said(self, text: bytes, span: Span, met: Met, around: _Around) -> Iterator[Finding]:
        """Yield what stands behind a key that is a noun as well, in a sentence or below a heading."""
        key = span[0] + met.low
        if self._families[met.families[0]].kind == "account":
            return
        if (met.joint.kind is not Kind.TITLE or goes_on(text, *span)) and around.subject.mentions_aws(key):
            yield from self._in_section(text, span, self._sections.spoken, around)

    def _in_section(self, text: bytes, opener: Span, families: list[int], around: _Around) -> Iterator[Finding]:
        """Yield the values of a section that begins with ``opener``."""
        known, subject, members = around
        opened = tuple(families)
        # What is known of the cells with a key.
        known_of: dict[bytes, tuple[list[int] | None, bytes | None]] = {}
        for (low, high), key, wanting in self._sections.cells(text, *opener, families, subject):
            if known.get(low, -1) >= high:
                continue
            if (of_key := known_of.get(key)) is None:
                of_key = known_of[key] = self._of_cells(key)
            likely, member = of_key
            if likely is None or (member is not None and text.endswith(member, 0, low)):
                continue
            found = self._among(text, [Value(low, high, quoted=True)], [*likely, *wanting], ONE, around, MAX_NOTHING)
            yield from members.found(opened, b'"%b": "' % key, text, low, found) if key else found
        said = self._sections.said(families)
        if said is not None:
            if subject.mentions_aws(opener[0]):
                values = said(text, opener, self._vocabulary, subject)
                yield from self._among(text, values, families, ONE, around, MAX_NOTHING)
            return
        for family in families:
            for value, joint in self._sections.values(text, opener[1], family, subject):
                yield from self._among(text, [value], [family], joint, around, MAX_NOTHING)

    def _of_cells(self, key: bytes) -> tuple[list[int] | None, bytes | None]:
        """Return the families of the cells with a key, None where it names nobody.

        And what stands before such a cell that is found beside its key, as that means nothing else.
        """
        likely = self._keys.families(key) if key else []
        if not likely:
            return (None if names_nobody(key) else likely), None
        if self._families[likely[0]].general or self._keys.is_shared(key):
            return likely, None
        return likely, b'"%b": "' % key

    def _titles(self, text: bytes, at: int, subject: Subject) -> Callable[[bytes], list[int]]:
        """Return what tells the families of a table's titles."""
        before = text[max(0, at - _HEADER) : at].rpartition(END)[2].rpartition(b"\n")[2]
        line = before + text[at : at + _HEADER].partition(END)[0].partition(b"\n")[0]
        is_aws = subject.is_aws(at)
        general = is_aws and may_title(line)
        # What is set apart by blanks in a program is a declaration.
        declared = not is_aws and b"|" not in line and subject.writing(at) is Writing.PROGRAM

        def families(title: bytes) -> list[int]:
            if declared:
                return []
            if b"." in title:
                title = title.rpartition(b".")[2]
            found = self._keys.families(title)
            while not found and has_words(title):
                title = shorter(title)
                found = self._keys.families(title)
            if not general:
                found = [family for family in found if not self._families[family].general]
            # Any table has such nouns for titles.
            if not is_aws and self._keys.is_shared(title) and (not is_api(title) or title[1:].islower()):
                return [
                    family
                    for family in found
                    if self._families[family].value not in ("", ANY_VALUE) and self._families[family].kind != "name"
                ]
            return found

        return families

    def _values(self, text: bytes, key: int, joined: Span, met: Met, around: _Around) -> Iterator[Finding]:
        """Yield the values of the key that stands at ``key``, with a joint at ``joined``."""
        known, subject, _ = around
        if met.general and not subject.is_aws(key):
            return
        joint_at, end = joined
        joint = met.joint
        at: int | None = end
        if joint.kind is Kind.DEFINITION:
            at, joint = definition_at(text, key, end)
            mapped = at is None and subject.is_aws(key)
            if mapped and is_composed(text, end):
                yield from self._among(text, composed(text, key, end), met.families, ALONE, around, MAX_NOTHING)
            if mapped and text.find(b"{", joint_at, end) < 0 and text[joint_at - 1] in b"sS":
                lines = (one for one in lines_at(text, key, end) if self._is_given(text, one, indent(text, end)))
                yield from self._among(text, lines, met.families, ALONE, around, MAX_NOTHING)
            elif mapped and text.find(b"{", joint_at, end) >= 0:
                # A map: what stands beside its keys.
                limit = min(len(text), end + MAX_MAP)
                entries = (one for one in entries_at(text, end, limit) if self._is_given(text, one))
                yield from self._among(text, entries, met.families, ALONE, around, MAX_NOTHING)
        elif not holds(text, key, joint_at, end, joint.kind):
            # Whatever is called with a key and a value, in a text that speaks of AWS.
            before = text[max(0, key - _LOOK_BACK) : key].rpartition(END)[2]
            if joint.kind is not Kind.ARGUMENT or not subject.is_aws(key) or not _PAIR.fits(before):
                return
        if at is None:
            return
        # Behind what is given to a flag, more may follow a comma.
        if joint.series is Series.ONE and not joint.flag and _ends_value(text, known.get(at)):
            return
        secret = not self._secret.isdisjoint(met.families)
        values: Iterable[Value] = values_at(text, at, joint, secret=secret)
        if (
            text[joint_at:at].translate(None, b"\\") in _ASSIGNED
            and text[joint_at - 1 : joint_at] == b"S"
            and text[key:joint_at].isupper()
        ):
            values = words_at(text, at)
        yield from self._among(text, values, met.families, joint, around, MAX_NOTHING)
        # Behind a cell a bar joins nothing.
        plain = joint.flag or secret or joint.kind is Kind.ROW
        if not plain and is_composed(text, at) and subject.is_aws(key):
            yield from self._among(text, composed(text, key, at), met.families, ALONE, around, MAX_NOTHING)

    def _is_given(self, text: bytes, value: Value, depth: int | None = None) -> bool:
        """Tell whether a value of a map is a name; no single word in lines deeper than the map's ``depth``, if any."""
        direct = depth is None or indent(text, value.start) == depth
        return stands_given(text, value.start, value.end, self._vocabulary if direct else None)

    def _among(
        self,
        text: bytes,
        values: Iterable[Value],
        families: list[int],
        joint: Joint,
        around: _Around,
        most_nothing: int,
    ) -> Iterator[Finding]:
        """Yield those of ``values`` that may belong to one of ``families``, until ``most_nothing`` in a row do not."""
        secret = not self._secret.isdisjoint(families)
        known = around.known
        nothing = 0
        for value in values:
            if nothing > most_nothing:
                return
            nothing += 1
            if not secret and known.get(value.start, -1) >= value.end:
                continue
            if text.startswith(_OF_AWS, value.start):
                continue
            index = self._plausible_family(families, text, value, joint)
            word = text[value.start : value.end]
            spaced = index is None and b" " in word and is_of_words(word)
            if spaced and around.subject.is_aws(value.start):
                index = next((one for one in families if one in self._free), None)
            if index is None or self._keys.is_key(word):
                continue
            if spaced or self._families[index].kind in ("secret", "pii"):
                parts: tuple[Span, ...] = ((value.start, value.end),)
            else:
                parts = _parts(text, value.start, value.end)
            nothing = 0
            yield Finding(value.start, value.end, index, parts, False)  # noqa: FBT003 - half as long as by name

    def _plausible_family(self, families: list[int], text: bytes, value: Value, joint: Joint) -> int | None:
        """Return the first of the families of a key that its value may belong to."""
        for index in families:
            if plausible(self._families[index], text, value, joint, self._forms.get(index)):
                return index
        return None


def _ends_value(text: bytes, stop: int | None) -> bool:
    """Tell whether what has a form of its own, and ends at ``stop``, is a whole value: it is not looked at twice."""
    return stop is not None and (stop == len(text) or text[stop] in _CLOSING)


def _is_joined(text: bytes, one: Finding) -> bool:
    """Tell whether what was found is joined to what follows, as a key is: ``Password: secret_key: …``."""
    if one.end - one.start >= MAX_LEFT:
        return False
    following = text[one.end : one.end + _NEAR].lstrip(_AROUND)
    return following[:1] in _JOINS or text[one.end - 1 : one.end] in _JOINS


def _parts(text: bytes, start: int, end: int) -> tuple[Span, ...]:
    """Return the parts of a value: what stands between variables, or else its fields."""
    return tuple(pieces(text, start, end)) or fields(text, start, end)
