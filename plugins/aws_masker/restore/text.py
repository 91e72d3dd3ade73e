"""Tokens in running text put back to their originals: the algorithm that every restorer shares.

It is stated here in full because the Lua filter for Kong must give the same bytes. All text that matters is ASCII, so
characters may be read as bytes throughout.

**Finding.** Search ``-x`` from left to right. Where 16 characters of the tokens' alphabet follow, this is a *hit*: try
the labels of the dictionary, longest first, to the left of it. A label must not reach into a token that has been
restored. If label and hit together are in the dictionary, the original replaces them, whatever stands on either side,
and the search goes on behind. Otherwise the text stays, and counts as unresolved if a character ``a-z`` stands before
the hit, at most 24 characters away, with nothing but ``a-z 0-9 -`` between (and no restored token).

**Holding back.** When a piece of text ends, its longest suffix of the form "proper prefix of ``label-x`` and 16
characters of the alphabet", for any label of the dictionary, is held back until the next piece or the end. (Label
set and shape, not the tokens themselves: it needs a table of some dozens of prefixes, however large the dictionary
is.) An empty dictionary holds nothing back.

**JSON text** (the pieces of a tool call's input are parts of a JSON document). Originals are written as the inside of
a JSON string, in canonical spelling. An account id that was a JSON number has a token with the label ``acctn`` that
stands in a JSON string of its own; this string, quotes included, becomes the bare digits if

- the original is digits that do not begin with 0;
- the quote before is not escaped: an even number of backslashes, 40 at most, stands before it;
- a quote follows, and behind it and at most 64 characters of white space there is no colon (names of members stay
  strings).

Until that is decided the text is held back from the opening quote on; so is a final quote, or a quote and a proper
prefix of such a token. Without ``acctn`` tokens in the dictionary nothing of this applies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from aws_masker import jsontext
from aws_masker.tokens import ALPHABET, MAX_LABEL_LENGTH, TAIL_LENGTH

_NUMBER_LABEL = "acctn"
_HIT = 2 + TAIL_LENGTH  # "-x" and 16 characters
_CONTEXT = MAX_LABEL_LENGTH + _HIT - 1  # what is remembered of text that was sent: it may begin what is only counted
# How far is looked from a quote: over its backslashes (31 in JSON in JSON, five deep) and blanks. Lua has the same.
_SLASHES = 40
_SPACES = 64
_LABEL_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


@dataclass(slots=True)
class RestoreCounts:
    """What a restorer did.

    ``restored``: tokens put back. ``unresolved``: token-shaped text that the dictionary does not know. ``held``: events
    of a stream from whose text something was held back.
    """

    restored: int = 0
    unresolved: int = 0
    held: int = 0


class Entering(Enum):
    """What kind of text the originals enter."""

    TEXT = "text"
    JSON = "JSON text"
    BYTES = "bytes taken as Latin-1; originals enter as UTF-8, lone surrogates as U+FFFD"


class Lookup:
    """A dictionary (token -> original), prepared for the search. Keys that have no token's shape are never found."""

    __slots__ = ("_dictionary", "_labels", "_longest_stem", "_stems")

    def __init__(self, dictionary: Mapping[str, str]) -> None:
        self._dictionary = dictionary
        # Every answer begins with this, however many tokens the request had. Of tokens only labels matter here: a key
        # without a token's shape is not found, because what is looked up has it.
        labels = {
            token[:-_HIT]
            for token in dictionary
            if token[-_HIT:-TAIL_LENGTH] == "-x" and _in_alphabet(token[-TAIL_LENGTH:])
        }
        labels = {label for label in labels if label and _LABEL_CHARACTERS.issuperset(label)}
        self._labels = sorted(labels, key=len, reverse=True)
        # A stem is what a token can begin with before its 16 characters: "i", "i-", "i-x".
        self._stems = frozenset(f"{label}-x"[:end] for label in labels for end in range(1, len(label) + 3))
        self._longest_stem = max(map(len, self._stems), default=0)

    def ending_at(self, text: str, dash: int, floor: int) -> str | None:
        """Return the token whose "-x" stands at ``dash`` and that begins at ``floor`` or later, or None."""
        tail = text[dash : dash + _HIT]
        for label in self._labels:
            if text.endswith(label, floor, dash) and label + tail in self._dictionary:
                return label + tail
        return None

    def original(self, token: str, entering: Entering) -> str:
        """Return what ``token`` stands for, spelled for the text that it enters."""
        original = self._dictionary[token]
        if entering is Entering.TEXT:
            return original
        if entering is Entering.JSON:
            return jsontext.encode(original).decode("utf-8")
        whole = original.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return whole.encode("utf-8").decode("latin-1")

    def bare_number(self, token: str) -> str | None:
        """Return the digits that replace a JSON string which is nothing but ``token``, or None if it stays a string."""
        if not token.startswith(f"{_NUMBER_LABEL}-x") or not _is_hit(token[-_HIT:]):
            return None
        original = self._dictionary.get(token, "")
        return original if original.isascii() and original.isdigit() and original[0] != "0" else None

    def held_from(self, text: str, floor: int) -> int:
        """Return where the suffix of ``text`` begins that may be the beginning of a token; its length if there is none.

        Nothing before ``floor`` is considered.
        """
        end = len(text)
        if end == floor or text[-1] not in _LABEL_CHARACTERS:
            return end
        start = end
        dash = text.rfind("-x", max(floor, end - _HIT + 1))
        if dash >= 0 and _in_alphabet(text[dash + 2 :]):
            for label in self._labels:
                if text.endswith(label, floor, dash):
                    start = dash - len(label)
                    break
        for length in range(min(self._longest_stem, end - floor), end - start, -1):
            if text[end - length :] in self._stems:
                return end - length
        return start

    def quote_held_from(self, text: str, floor: int) -> int:
        """Return the same for a quote and an ``acctn`` token, which is a string of its own in JSON text."""
        stem = f"{_NUMBER_LABEL}-x"
        if stem not in self._stems:
            return len(text)
        quote = text.rfind('"', max(floor, len(text) - len(stem) - _HIT))
        if quote < 0 or _is_escaped(text, quote):
            return len(text)
        begun = text[quote + 1 :]
        if stem.startswith(begun) or (
            begun.startswith(stem) and len(begun) < len(stem) + _HIT - 2 and _in_alphabet(begun[len(stem) :])
        ):
            return quote
        return len(text)


class TextRestorer:
    """Restores one text that arrives in pieces. Where it was cut makes no difference to what comes out."""

    __slots__ = ("_counts", "_entering", "_lookup", "_next", "_sent", "_text")

    def __init__(self, lookup: Lookup, counts: RestoreCounts, entering: Entering = Entering.TEXT) -> None:
        self._lookup = lookup
        self._counts = counts
        self._entering = entering
        self._text = ""  # context that has been sent, then text that is held back
        self._sent = 0  # the length of the context
        self._next = 0  # where the search for "-x" goes on

    @property
    def holds(self) -> bool:
        """Whether text is being held back."""
        return self._sent < len(self._text)

    def feed(self, piece: str) -> str:
        """Take the next piece; return the text that is certain now."""
        return self._advance(piece, final=False)

    def close(self) -> str:
        """Return what was held back. The restorer can then begin another text."""
        rest = self._advance("", final=True)
        self._text, self._sent, self._next = "", 0, 0
        return rest

    def _advance(self, piece: str, *, final: bool) -> str:
        text = self._text + piece
        end = len(text)
        out: list[str] = []
        sent = self._sent  # where the text that has not been sent begins
        floor = 0  # where the last restored token ended
        undecided = end  # where a number's string begins of which too little is known
        search = self._next
        while (dash := text.find("-x", search)) >= 0:
            after = dash + _HIT
            if after > end and not final and _in_alphabet(text[dash + 2 :]):
                search = dash  # may become a hit
                break
            if not _is_hit(text[dash:after]):
                search = dash + 2
                continue
            token = self._lookup.ending_at(text, dash, sent)
            if token is None:
                self._counts.unresolved += _has_label(text, dash, floor)
                search = after
                continue
            start, replacement = after - len(token), ""
            if self._entering is Entering.JSON and (digits := self._lookup.bare_number(token)) is not None:
                known = _is_whole_string(text, start, after, sent, final=final)
                if known is None:
                    undecided, search = start - 1, dash
                    break
                if known:
                    start, after, replacement = start - 1, after + 1, digits
            out.append(text[sent:start])
            out.append(replacement or self._lookup.original(token, self._entering))
            self._counts.restored += 1
            sent = floor = search = after
        else:
            search = max(search, end - 1)  # a final "-" may become "-x"
        stop = end if final else min(undecided, self._held_from(text, sent))
        out.append(text[sent:stop])
        kept = max(floor, stop - _CONTEXT)
        self._text, self._sent, self._next = text[kept:], stop - kept, search - kept
        return "".join(out)

    def _held_from(self, text: str, floor: int) -> int:
        start = self._lookup.held_from(text, floor)
        if self._entering is Entering.JSON:
            return min(start, self._lookup.quote_held_from(text, floor))
        return start


def restore_whole(text: str, lookup: Lookup, counts: RestoreCounts, entering: Entering = Entering.TEXT) -> str:
    """Return ``text``, which is complete, with its tokens restored."""
    if "-x" not in text:
        return text
    restorer = TextRestorer(lookup, counts, entering)
    return restorer.feed(text) + restorer.close()


def _is_hit(text: str) -> bool:
    return len(text) == _HIT and text.startswith("-x") and _in_alphabet(text[2:])


def _in_alphabet(text: str) -> bool:
    return not text.strip(ALPHABET)


def _has_label(text: str, dash: int, floor: int) -> bool:
    """Whether what stands to the left of the "-x" at ``dash`` looks like a label."""
    for at in range(dash - 1, max(floor, dash - MAX_LABEL_LENGTH) - 1, -1):
        if text[at] not in _LABEL_CHARACTERS:
            return False
        if "a" <= text[at] <= "z":
            return True
    return False


def _is_whole_string(text: str, start: int, after: int, floor: int, *, final: bool) -> bool | None:
    """Whether the token at ``start`` to ``after`` is a JSON string of its own, and no member's name.

    None if that cannot be told before more text is known; never None if ``final``.
    """
    if start - 1 < floor or text[start - 1] != '"' or _is_escaped(text, start - 1):
        return False
    if after == len(text):
        return False if final else None
    if text[after] != '"':
        return False
    behind = text[after + 1 : after + 2 + _SPACES]
    following = behind.lstrip(" \t\n\r")
    if not following and len(behind) <= _SPACES and not final:
        return None
    return not following.startswith(":")


def _is_escaped(text: str, quote: int) -> bool:
    before = text[max(0, quote - _SLASHES - 1) : quote]
    slashes = len(before) - len(before.rstrip("\\"))
    return slashes % 2 == 1 or slashes > _SLASHES
