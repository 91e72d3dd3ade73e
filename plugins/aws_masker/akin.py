"""Akin names: what begins like a name that the same text gives, and is called for what it is.

Who names things on AWS has a prefix for them: where a text says that ``ledger-jobs`` is a queue, ``ledger-web`` is
another of the same owner's. That is told by the text alone. Two kinds of words count:

- what begins with the same word, if that is no word of programs, and goes on with a dash, wherever it stands: variables
  have no dashes. Elsewhere than in programs and JSON, it may go on with an underscore, if it is no key;
- in a sentence, or between backticks, also what has a hump, or begins with the same two words of programs; with a hump
  and capitals also a string of a program.

And so is a domain of which a label begins so: ``www.ledger.example``.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from operator import itemgetter
from typing import Final

from aws_masker.boundaries import ALNUM, after_escape, beginnings
from aws_masker.catalogue import Catalogue
from aws_masker.finding import Finding
from aws_masker.joints import VALUE
from aws_masker.names import PUBLIC_PARAMETERS
from aws_masker.re2c import Pattern, Span
from aws_masker.shared import Vocabulary
from aws_masker.spoken import in_sentence, is_compound, stands, word_before
from aws_masker.subject import Subject, Writing

# Longer pieces are not looked through, and so many beginnings are looked for in one.
MAX_PIECE: Final = 65_536
MAX_STEMS: Final = 8
# Of one beginning, so many places are looked at, and so many bytes of a word.
MAX_PLACES: Final = 512
MAX_WORD: Final = 256
# So many of those found may overlap at one place.
MAX_TOUCHING: Final = 8
_STEM: Final = Pattern(r"[A-Za-z][A-Za-z0-9]{3,}[-_]|[A-Z][a-z]{3,}|[a-z]{4,}")
_TWO: Final = Pattern(r"[A-Za-z0-9]+[-_][A-Za-z0-9]+[-_]")
_NAME: Final = Pattern(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)+(?:\.fifo)?|[A-Za-z][a-z0-9]+(?:[A-Z][a-z0-9]+)+")
MIN_STEM: Final = 4
# Documents of JSON have no sentences.
_NO_SENTENCE: Final = (b"{", b"[", b"<")
_DASHED: Final = Pattern(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)+")
_BEFORE: Final = frozenset(b" `(*\n\x00\x01")
_WITHIN: Final = ALNUM | frozenset(b"-_.")
_JOINTS: Final = (b"-", b"_")
# A call, a file, a domain that ends like one.
_CALL_OR_FILE: Final = Pattern(r"\(|\.[a-z][a-z0-9]{0,5}(?:[^0-9A-Za-z]|\z)")
_KEY: Final = Pattern(r"[\\\"'`]{0,4}[ \t]*[:=]")
# A pod of Kubernetes, a file.
_POD: Final = Pattern(
    r".*-[0-9a-f]{8,10}-[a-z0-9]{5}|.*\.(?:git|go|js|json|jsx|kt|md|py|rs|sh|sql|tf|toml|ts|tsx|ya?ml)"
)


# A domain with a last label that no file and no member of an object has for its name; and with others, which count
# behind a slash, an at sign or a quote.
_SURE_ENDS: Final = r"biz|ch|co\.uk|com|de|eu|example|fr|internal|net|nl|org|uk"
_DOMAIN: Final = Pattern(rf"(?:[A-Za-z0-9-]+\.)+(?:{_SURE_ENDS})\.?")
_ANY_DOMAIN: Final = Pattern(
    rf"(?:[A-Za-z0-9-]+\.)+(?:{_SURE_ENDS}"
    r"|ai|app|at|au|be|br|ca|cloud|cz|dev|dk|es|fi|ie|in|info|io|it|jp|local|me|no|online|pl|pt|ro|se|shop|site|tech|tv|us|xyz)"
    r"\.?"
)
_HOST_BYTES: Final = ALNUM | frozenset(b"-.")
_JOINS_LABELS: Final = (b".", b"-")
_LABELS: Final = Pattern(r"[A-Za-z0-9-]+\.[A-Za-z]")
_HOST: Final = Pattern(r"[A-Za-z0-9.-]{1,253}")
MAX_HOST: Final = 253
_OPENS_HOST: Final = frozenset(b"/@\"'`")
# Hosts of AWS have a form of their own.
_OF_AWS: Final = (b"amazonaws.com", b"aws.com", b"awsapps.com", b"cloudfront.net", b"aws.dev")


class Akin:
    """Finds the names that are akin to those found in a text."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Take a catalogue, one of whose families is that of such names."""
        families = catalogue.families
        self._named = catalogue.naming
        self._family = next((index for index, family in enumerate(families) if family.name == "akin-name"), -1)
        self._vocabulary = Vocabulary(catalogue.vocabulary)
        # What ids begin with says whose they are as little as a common word does: subnet-0a1b2c3d.
        prefixes = {label.partition("-")[0] for family in families if (label := family.label)}
        self._common = frozenset(word.encode() for word in prefixes | set(catalogue.words))

    def find(self, text: bytes, found: Sequence[Finding], subject: Subject) -> Iterator[Finding]:
        """Yield the names akin to those ``found``, which ascend, each in its piece of ``text``.

        ``subject`` is the text's.
        """
        if self._family < 0:
            return
        low = high = -1
        fits = False
        stems: dict[bytes, None] = {}
        seen: set[bytes] = set()
        stem_of: dict[bytes, bytes] = {}
        for start, _, family, parts, _ in found:
            if start >= high:
                yield from self._in_piece(text, (low, high), stems, seen, found, subject)
                stems, seen = {}, set()
                low, high = subject.piece(start)
                fits = high - low <= MAX_PIECE and subject.mentions_aws(start)
            if not fits or family not in self._named or len(stems) >= MAX_STEMS:
                continue
            # Parameters that AWS keeps for all are nobody's.
            if parts and text.startswith(PUBLIC_PARAMETERS, parts[0][0]):
                continue
            for begin, end in parts:
                name = text[begin:end]
                if name in seen:
                    continue
                seen.add(name)
                if name not in stem_of:
                    stem_of[name] = self._stem(name)
                if stem_of[name]:
                    stems[stem_of[name]] = None
        yield from self._in_piece(text, (low, high), stems, seen, found, subject)

    def _stem(self, name: bytes) -> bytes:
        """Return what others of the same owner begin with, in lower case; b"" where that says nothing."""
        if not name[:1].isalpha() or not _NAME.fits(name) or is_compound(name):
            return b""
        stem = name[: max(0, _STEM.match(name, 0))]
        word = stem.rstrip(b"-_").lower()
        if word in self._common or word.removesuffix(b"s") in self._common:
            return b""
        if MIN_STEM <= len(word) < len(name) and not self._vocabulary.holds(word):
            return word
        return name[: max(0, _TWO.match(name, 0))].lower()

    def _in_piece(
        self,
        text: bytes,
        piece: Span,
        stems: dict[bytes, None],
        seen: AbstractSet[bytes],
        found: Sequence[Finding],
        subject: Subject,
    ) -> Iterator[Finding]:
        """Yield the names in a ``piece`` that begin with one of ``stems``, but those ``seen`` there.

        What would cut another of those ``found`` in two is none: an address, or an ARN, that goes on behind it.
        """
        if not stems:
            return
        lowered = text[slice(*piece)].lower()
        is_code: bool | None = None
        for stem in stems:
            at = 0
            for _ in range(MAX_PLACES):
                at = lowered.find(stem, at)
                if at < 0:
                    break
                begin = piece[0] + at
                at += len(stem)
                within = text[begin - 1] in _WITHIN and after_escape(text, begin - 1, begin) != begin
                if within and text[begin - 1 : begin] != b".":
                    continue
                if not within and text[begin : (end := _end_of(text, begin))] in seen:
                    continue
                if (host := _host_at(text, begin, at + piece[0])) is not None and not _overlaps(found, *host):
                    yield Finding(*host, self._family, (host,), whole=False)
                    continue
                if within or _cuts(found, begin, end):
                    continue
                if is_code is None:
                    is_code = _is_code(text, piece, subject)
                if (one := self._one_at(text, begin, len(stem), is_code=is_code)) is not None:
                    yield one

    def _one_at(self, text: bytes, begin: int, stem: int, *, is_code: bool) -> Finding | None:
        """Return the name that begins at ``begin`` with a stem so long."""
        # Two words, or one that says enough.
        says_enough = text[begin + stem - 1 : begin + stem] not in _JOINTS
        if says_enough and (one := self._joined(text, begin, stem, is_code=is_code)) is not None:
            return one
        return None if is_code or text[begin - 1] not in _BEFORE else self._name_at(text, begin, stem)

    def _joined(self, text: bytes, begin: int, stem: int, *, is_code: bool) -> Finding | None:
        """Return the name that begins at ``begin`` with one word so long, and what is joined to that."""
        joint = text[begin + stem : begin + stem + 1]
        if joint not in _JOINTS:
            return None
        end = _end_of(text, begin)
        word = text[begin:end]
        if end <= begin + stem or _POD.fits(word) or is_compound(word) or _CALL_OR_FILE.match(text, end) >= 0:
            return None
        if joint == b"_" and (is_code or not word.islower() or _KEY.match(text, end) >= 0):
            return None
        return Finding(begin, end, self._family, ((begin, end),), whole=False)

    def _name_at(self, text: bytes, begin: int, stem: int) -> Finding | None:
        """Return the name that begins at ``begin`` with a stem so long, in a sentence or between backticks."""
        following = text[begin + stem : begin + stem + 1]
        if (following.islower() or following.isdigit()) and text[begin + stem - 1] in ALNUM:
            return None
        value = word_before(text, begin)
        if value is None or value.start != begin:
            return None
        word = text[begin : value.end]
        end = value.end
        while text[end - 1] in b".-_/":
            end -= 1
        word = text[begin:end]
        if not _NAME.fits(word) or _POD.fits(word) or is_compound(word):
            return None
        quoted = text[begin - 1 : begin] == b"`" and text[end : end + 1] == b"`"
        if not quoted and not (stands(text, end) or text[end : end + 1] == b" "):
            return None
        if not quoted and not in_sentence(text, begin, end):
            return None
        return Finding(begin, end, self._family, ((begin, end),), whole=False)


def _host_at(text: bytes, begin: int, end: int) -> Span | None:
    """Return where the domain is that has a label which begins with ``begin:end``, up to its own end or a dash."""
    if text[end : end + 1] not in _JOINS_LABELS or _LABELS.match(text, begin) < 0:
        return None
    low = begin
    while text[low - 1] in _HOST_BYTES and begin - low < MAX_HOST:
        low -= 1
    low = beginnings(text, low, end)[0]
    high = _HOST.match(text, low)
    while text[high - 1] in b".-":
        high -= 1
    if low > begin or text[begin - 1 : begin] == b"-" or text[high : high + 1] in (b"(", b"_"):
        return None
    host = text[low:high]
    sure = text[low - 1] in _OPENS_HOST
    return None if host.endswith(_OF_AWS) or not (_ANY_DOMAIN if sure else _DOMAIN).fits(host) else (low, high)


def _overlaps(found: Sequence[Finding], begin: int, end: int) -> bool:
    """Tell whether one of those ``found``, which ascend, has a byte of ``begin:end``."""
    last = bisect_left(found, end, key=itemgetter(0))
    return any(one.end > begin for one in found[max(0, last - MAX_TOUCHING) : last])


def _end_of(text: bytes, begin: int) -> int:
    """Return where the word with joints ends that begins at ``begin``: there, if none does."""
    return max(begin, _DASHED.match(text, begin, min(len(text), begin + MAX_WORD)))


def _cuts(found: Sequence[Finding], begin: int, end: int) -> bool:
    """Tell whether one of those ``found``, which ascend, begins within ``begin:end`` and goes on behind it."""
    inside = range(bisect_right(found, begin, key=itemgetter(0)), bisect_left(found, end, key=itemgetter(0)))
    return any(found[index].end > end for index in inside)


def _is_code(text: bytes, piece: Span, subject: Subject) -> bool:
    """Tell whether a piece is a document of JSON, or a program: neither has sentences."""
    # What a tool printed stands behind its command.
    begin = max(piece[0], text.find(VALUE, *piece)) + 1
    return text.startswith(_NO_SENTENCE, begin) or subject.writing(begin) is Writing.PROGRAM
