"""Credentials: the secret access key that is given with an access key id, where no key says that it is one.

``new BasicAWSCredentials("AKIA…", "…")``, a line of a file, two words of a command: the two go together in every
language, the id first. The id tells itself, and a secret access key has forty characters of its own alphabet.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html
"""

from collections.abc import Iterator, Sequence
from typing import Final

from aws_masker.catalogue import Catalogue
from aws_masker.finding import Finding
from aws_masker.re2c import Pattern
from aws_masker.subject import Subject

# So far behind an id: a variable's name and its type, a sentence's words.
REACH: Final = 160
_IDS: Final = ("access-key-id", "temporary-access-key-id")
# As it is, or as a URL writes it; what stands around it is part of no longer word.
_SECRET: Final = Pattern(
    r"(?:[^A-Za-z0-9/+=%]|\\+[nrt]|%(?:3[AaDd]|2[06]))((?:[A-Za-z0-9/+]|%2[BFbf]){40})(?:[^A-Za-z0-9/+=%]|\z)",
    captures=True,
)
# No digest, no name of one case.
_MIXED: Final = (Pattern(r"[a-z]"), Pattern(r"[A-Z]"), Pattern(r"[0-9]"))


class Credentials:
    """Finds secret access keys behind the ids of access keys."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Take a catalogue, some of whose families are those of such ids and secrets."""
        places = {family.name: index for index, family in enumerate(catalogue.families)}
        self._ids = frozenset(places[name] for name in _IDS if name in places)
        self._secret = places.get("secret-beside-key-id", -1)

    def find(self, text: bytes, found: Sequence[Finding], subject: Subject) -> Iterator[Finding]:
        """Yield the first secret behind each of those ``found`` that are ids; ``subject`` is the text's."""
        if self._secret < 0:
            return
        for one in found:
            if one.family not in self._ids:
                continue
            limit = min(subject.piece(one.start)[1] + 1, one.end + REACH)
            for span in _SECRET.each(text, one.end, limit):
                begin, end = (_SECRET.parts(text, *span) or [span, span])[1]
                if all(kind.search(text, begin, end) is not None for kind in _MIXED):
                    yield Finding(begin, end, self._secret, ((begin, end),), whole=False)
                    break
