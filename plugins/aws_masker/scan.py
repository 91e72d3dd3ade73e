"""Finding identifiers in text: a fixed number of linear passes, whatever the number of families.

Each pass is one RE2 alternation without captures: one for plain forms and one for forms with parts (``forms``), one for
the endings of host names (``hosts``), one for keys (``beside``). (All of it in a single alternation multiplies the
states of its automaton, and is slower by far than the passes together.) What a pass matches is looked at again, alone,
to tell the family and the parts to be masked. Some matches are only beginnings, which code extends by hand: an ARN, a
host name, the value beside a key. That keeps patterns short, and a search with them fast.

What is found says where, of which family and which parts; never what. It depends on the text alone, not on names
learned elsewhere, so it may be kept and used again for the same text.
"""

from aws_masker.akin import Akin
from aws_masker.beside import Beside
from aws_masker.catalogue import Catalogue, Family
from aws_masker.credentials import Credentials
from aws_masker.family_patterns import has_groups
from aws_masker.finding import Finding
from aws_masker.forms import Forms
from aws_masker.hosts import Hosts
from aws_masker.likely import Likely
from aws_masker.servers import Servers
from aws_masker.shared import Vocabulary
from aws_masker.subject import Subject


class Scanner:
    """One catalogue, compiled."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Compile ``catalogue``. Raises CatalogueError when a pattern is none."""
        self.families: tuple[Family, ...] = catalogue.families
        numbered = list(enumerate(self.families))
        forms = [(index, family) for index, family in numbered if family.pattern]
        plain = [one for one in forms if not one[1].split and not has_groups(one[1].pattern)]
        self._passes = [Forms(plain), Forms([one for one in forms if one not in plain])]
        # Those that their surroundings alone tell, in a text that is not of another cloud.
        self._surrounded = frozenset(index for index, one in forms if one.kind == "name" and has_groups(one.pattern))
        # Those of any machine and program, which count in a text that speaks of AWS.
        self._general = frozenset(index for index, one in forms if one.general)
        self._structured = frozenset(
            index for index, family in numbered if family.host or family.split or has_groups(family.pattern)
        )
        self._hosts = Hosts(catalogue)
        self._vocabulary = Vocabulary(catalogue.vocabulary)
        self._beside = Beside(catalogue)
        self._servers = Servers(catalogue)
        self._credentials = Credentials(catalogue)
        self._akin = Akin(catalogue)
        self._likely = Likely(catalogue)

    def find(self, text: bytes) -> list[Finding]:
        """Return what ``text`` holds, in ascending order; of what overlaps, the first is what counts, if it counts.

        Time and memory are linear in the length of ``text``.
        """
        # Of two that begin and end together, the first pass wins: a host is more than an id in its name.
        found = list(self._hosts.find(text))
        for one in self._passes:
            found += one.find(text)
        subject = Subject(text)
        found = [one for one in found if self._counts(text, one, subject)]
        found += self._beside.find(
            text,
            {start: len(text) if family in self._structured else end for start, end, family, _, _ in found},
            subject,
        )
        found += [*self._servers.find(text, found, subject), *self._credentials.find(text, found, subject)]
        found.sort(key=_place)
        if more := [*self._akin.find(text, found, subject), *self._likely.find(text, found, subject)]:
            found = sorted([*found, *more], key=_place)
        return found

    def _counts(self, text: bytes, one: Finding, subject: Subject) -> bool:
        """Tell whether what the passes found counts in its text."""
        if one.family in self._general:
            words = [text[low:high] for low, high in one.parts]
            of_programs = all(word.isalpha() and self._vocabulary.holds(word) for word in words)
            return not of_programs and subject.is_aws(one.start)
        return one.family not in self._surrounded or not (subject.is_elsewhere(one.start) or subject.is_said(one.start))

    def search(self, text: bytes) -> int:
        """Return how many places the passes would look at again: the engine's own work, for benchmarks."""
        searches = [*(one.search for one in self._passes), self._hosts.search, self._beside.search]
        return sum(1 for search in searches for _ in search.each(text))


def _place(finding: Finding) -> tuple[int, int]:
    return finding[0], -finding[1]
