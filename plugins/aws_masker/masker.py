"""The masker: settings in, masked texts and bodies out.

The facade that every host uses. What it masks it remembers in the vault of its settings, so that tokens that come back
later, or in another process, can be restored; nothing is read from there to mask.
"""

import contextlib
import functools
import gc
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple, Self

from aws_masker import catalogue, documents, multipart
from aws_masker.cuts import Cut
from aws_masker.edits import Edit, Masked, MaskedBody, VaultUse, apply
from aws_masker.errors import InvalidBody, Refused, Unsupported, VaultError, VaultRequired
from aws_masker.found import FoundCache, Settled, Text
from aws_masker.history import History, Past
from aws_masker.inventory import Inventory, known_names
from aws_masker.keys import derive, master_keys
from aws_masker.media import check_encoding, media_type
from aws_masker.names import Names
from aws_masker.parts import token_spans
from aws_masker.places import Place, edits_of, number_dictionary
from aws_masker.restore import restore_text
from aws_masker.rules import rules
from aws_masker.ruleset import ruleset
from aws_masker.scan import Scanner
from aws_masker.settings import Settings
from aws_masker.text import Result, TextMasker
from aws_masker.tokens import Tokens
from aws_masker.tools import QuietTools, fits
from aws_masker.turns import turn
from aws_masker.vault import Vault, open_vault

_JSON_SUFFIXES = ("/json", "+json")
_FORM = "multipart/form-data"
_COLLECT_AFTER = (100_000, 50, 100)
_SWITCH_SECONDS = 0.0005
WARM_UP_ROUNDS = 4
WARM_UP_TEXTS = 500

_HEX = "0123456789abcdef"


@functools.cache
def compiled() -> tuple[Scanner, Names]:
    """Compile the catalogue once for all maskers of the process."""
    loaded = catalogue.load()
    return Scanner(loaded), Names(loaded)


def settle() -> None:
    """Suit the interpreter to a process that does nothing but mask.

    What lives now lives as long as the process. And a parsed body is a hundred thousand objects without a cycle, which
    the collector, left as it is, would look through a hundred times.

    Threads take turns ten times as often as they would, so that a small request does not wait for a large one at each
    of its steps.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    sys.setswitchinterval(_SWITCH_SECONDS)


def _varied(example: str, chance: random.Random) -> str:
    """Return an example with other hexadecimal digits in what it marks."""
    outside, *marked = example.split("«")
    out = [outside]
    for piece in marked:
        inside, _, after = piece.partition("»")
        out += ("".join(chance.choice(_HEX) if one in _HEX else one for one in inside), after)
    return "".join(out)


class _Read(NamedTuple):
    """A document and the body that it was read from: without its tools and its past, where these are known."""

    document: documents.Document
    body: bytes
    cut: Cut | None
    past: Past | None


class Masker:
    """Masks and restores for one tenant. Safe to use from several threads."""

    def __init__(self, settings: Settings, vault: Vault | None = None, inventory: Inventory | None = None) -> None:
        """Compile the catalogue, read the inventory and open the vault, unless the caller lends them.

        Several tenants may share both. What is known from the start stays the same for the masker's life, whatever
        becomes of the file: a conversation must not change its past.

        Raises SettingsError for a missing or weak key or an inventory that cannot be read, VaultError when the vault
        cannot be opened.
        """
        self.settings = settings
        self.lost = 0
        self._lost_lock = threading.Lock()
        master, *accepted = master_keys(settings.key, settings.accepted_keys)
        scanner, names = compiled()
        self._tokens = Tokens(master, settings.tenant, names.labels, accepted)
        known = known_names(inventory or Inventory.of(settings), settings)
        # How many names are known from the inventory.
        self.known = len(known)
        decided = rules(catalogue.load(), names, self._tokens, settings, known)
        cache_key = derive(master, "findings cache")
        self._texts = TextMasker(scanner, decided, cache_key)
        self._tools = QuietTools(cache_key)
        self._history = History(cache_key, self._texts.cache)
        # The name of all that decides what a text becomes, for records; see ruleset.
        self.ruleset: str = ruleset(catalogue.load(), settings, master, known)
        self.vault: Vault = open_vault(settings) if vault is None else vault

    @property
    def cache(self) -> FoundCache:
        """The findings kept by the digests of texts, with its hits and misses."""
        return self._texts.cache

    def __repr__(self) -> str:
        """Show neither key nor tenant."""
        return "<Masker>"

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Close the vault."""
        self.close()

    def close(self) -> None:
        """Close the vault."""
        self.vault.close()

    def warm_up(self, ended: Callable[[], bool] = lambda: False) -> None:
        """Let the engine meet every family, so that no request pays for building its automata; stop once ``ended``.

        An automaton is built as far as texts lead through it: other digits, other states. Takes a few seconds of one
        core, the first time in a process.
        """
        scanner, _ = compiled()
        chance = random.Random(0)  # noqa: S311 - the same in every process, and nothing secret
        examples = [example for family in scanner.families for example in family.match]
        for _ in range(WARM_UP_ROUNDS):
            varied = [_varied(example, chance) for example in examples]
            keyed = [f'{{"{key}": "{chance.choice(varied)}"}}' for family in scanner.families for key in family.keys]
            for texts in (varied, [json.dumps(one) for one in varied], keyed):
                for low in range(0, len(texts), WARM_UP_TEXTS):
                    if ended():
                        return
                    scanner.find(",\n    ".join(texts[low : low + WARM_UP_TEXTS]).encode())

    def mask_text(self, text: str) -> Masked:
        """Mask one text.

        Raises Blocked, TooLarge or VaultRequired.
        """
        data = text.encode("utf-8", "surrogatepass")
        result = self._texts.mask([Text(data)])
        edits = [Edit(start, end - start, token) for start, end, token, _, _ in result.settled[0].parts]
        dictionary, _ = self._dictionary([result])
        return Masked(apply(edits, data).decode("utf-8", "surrogatepass"), dictionary, dict(result.counts))

    def mask_body(self, raw: bytes, path: str, content_type: str = "application/json") -> MaskedBody:
        """Mask the body of a request to ``path``, a path of the API with or without a query string.

        Raises a subclass of Refused when the body cannot be masked whole.
        """
        if not raw:
            return MaskedBody((), {}, {})
        media = media_type(content_type)
        is_json = media.endswith(_JSON_SUFFIXES) or not media
        if not is_json and not self._takes(media):
            message = (
                "a body of this content type cannot be read: send JSON, text or multipart/form-data, "
                "or allow the type by name in allow_content_types"
            )
            raise Unsupported(message)
        # The API may read a message as JSON whatever its type is said to be.
        if is_json or documents.kind_of(path) != "json":
            check_encoding(content_type)
            return self._mask_json(raw, path)
        if media == _FORM:
            return self._mask_regions(raw, multipart.regions(raw, content_type, self.settings))
        if media.startswith("text/"):
            check_encoding(content_type)
            # Who takes JSON may go by what a body looks like.
            if documents.may_be_json(raw, self.settings):
                return self._mask_json(raw, path)
            return self._mask_regions(raw, multipart.Regions([(0, len(raw))]))
        return MaskedBody((), {}, {}, opaque=1)

    def _takes(self, media: str) -> bool:
        return media == _FORM or media.startswith("text/") or media in self.settings.allow_content_types

    def restore_text(self, text: str) -> str:
        """Put the originals back that this tenant's vault knows.

        Raises VaultError when the vault cannot be read.
        """
        return restore_text(text, self.vault.recall(self.settings.tenant, self.tokens_in(text)))

    def tokens_in(self, text: str) -> set[str]:
        """Return the tokens of this tenant that stand in ``text``."""
        data = text.encode("utf-8", "surrogatepass")
        return {data[low:high].decode("ascii") for low, high in token_spans(data, self._tokens)}

    def _mask_json(self, raw: bytes, path: str) -> MaskedBody:
        results = []
        edits: list[Edit] = []
        extra: dict[str, str] = {}
        with turn(len(raw)):
            read = self._read(raw, path)
            for places in read.document.parts:
                result, made = self._mask_places(read, places, extra)
                results.append(result)
                edits += made
            edits.sort(key=itemgetter(0))
            if read.cut is not None:
                edits = read.cut.moved(edits)
            elif read.document.tools is not None:
                self._tools.keep(read.body, read.document.tools, results[0].quiet)
        # Others need not wait for the vault.
        dictionary, use = self._dictionary(results, extra)
        opaque = read.document.opaque + (0 if read.past is None else read.past.opaque)
        return MaskedBody(tuple(edits), dictionary, _total(results), opaque, read.document.model, use)

    def _mask_places(self, read: _Read, places: Sequence[Place], extra: dict[str, str]) -> tuple[Result, list[Edit]]:
        """Mask the texts of one conversation, with its past, and return the edits that this makes of the body.

        What tokens of numbers stand for is added to ``extra``.
        """
        past, texts = read.past, [place.text(read.body) for place in places]
        if past is None:
            result = self._texts.mask(texts)
            self._history.keep(read.body, read.document, result.found, None)
            return result, self._edits(read.body, places, result.settled, extra)
        at = read.document.messages[0].places
        until = at + len(past.found)
        result = self._texts.mask(texts, past.texts(), at)
        self._history.keep(read.body, read.document, result.found[:at] + result.found[until:], past)
        edits = self._edits(read.body, places, result.settled[:at] + result.settled[until:], extra)
        changed = [one for one in result.settled[at:until] if one.parts]
        of_past = self._edits(past.raw, past.places(result.settled[at:until]), changed, extra)
        edits.sort(key=itemgetter(0))
        return result, past.cut.moved(edits) + of_past

    def _edits(
        self, body: bytes, places: Sequence[Place], settled: Sequence[Settled], extra: dict[str, str]
    ) -> list[Edit]:
        extra |= number_dictionary(places, settled, self._tokens)
        return edits_of(body, places, settled, self._tokens)

    def _read(self, raw: bytes, path: str) -> _Read:
        """Read a body without what of it is known already, where there is such.

        First the tools in which nothing is found are cut out, and then the messages that came before.
        """
        if documents.kind_of(path) == "messages" and documents.fits(raw, self.settings):
            cut = self._tools.cut(raw)
            whole = raw if cut is None else cut.body
            past = self._history.past(whole)
            body, heads = (whole, documents.NOTHING) if past is None else (past.cut.body, past.heads())
            further = None if past is None else past.cut
            if body is not raw:
                # What is wrong with it is said of the whole.
                with contextlib.suppress(Refused):
                    document = documents.read(body, path, self.settings, heads)
                    if (cut is None or fits(cut, document.tools, further)) and (past is None or past.fits(document)):
                        return _Read(document, body, cut, past)
        return _Read(documents.read(raw, path, self.settings), raw, None, None)

    def _mask_regions(self, raw: bytes, regions: multipart.Regions) -> MaskedBody:
        for low, high in regions.readable:
            try:
                raw[low:high].decode("utf-8")
            except UnicodeDecodeError:
                message = "a text in the body is not UTF-8: send it as UTF-8"
                raise InvalidBody(message) from None
            if b"\0" in raw[low:high]:
                message = "a text in the body holds null bytes, as UTF-16 does: send it as UTF-8"
                raise InvalidBody(message)
        with turn(len(raw)):
            result = self._texts.mask([Text(raw[low:high]) for low, high in regions.readable])
        edits = tuple(
            Edit(low + start, end - start, token)
            for (low, _), settled in zip(regions.readable, result.settled, strict=True)
            for start, end, token, _, _ in settled.parts
        )
        dictionary, use = self._dictionary([result])
        return MaskedBody(edits, dictionary, dict(result.counts), regions.opaque, vault=use)

    def _dictionary(
        self, results: Collection[Result], extra: Mapping[str, str] | None = None
    ) -> tuple[dict[str, str], VaultUse]:
        """Return what the tokens of a request stand for: remember those just made, recall those that came in."""
        made = {
            token.decode("ascii"): original.decode("utf-8", "surrogatepass")
            for result in results
            for token, original in result.dictionary.items()
        } | dict(extra or {})
        came_in = {token.decode("ascii") for result in results for token in result.seen} - made.keys()
        tenant = self.settings.tenant
        recalled: dict[str, str] = {}
        start = time.perf_counter()
        lost = 0
        if made:
            lost += self._use_vault(lambda: self.vault.remember(tenant, made), len(made))
        if came_in:
            lost += self._use_vault(lambda: recalled.update(self.vault.recall(tenant, came_in)), len(came_in))
        return recalled | made, VaultUse(time.perf_counter() - start, lost)

    def _use_vault(self, use: Callable[[], None], entries: int) -> int:
        """Use the vault, or go on without it and return how much that lost, or refuse, as the settings say."""
        try:
            use()
        except VaultError:
            with self._lost_lock:
                self.lost += entries
            if self.settings.vault_required:
                message = "the vault does not answer and the settings require it: try again, or see to the vault"
                raise VaultRequired(message) from None
            return entries
        return 0


def _total(results: Collection[Result]) -> dict[str, int]:
    total: dict[str, int] = {}
    for result in results:
        for name, count in result.counts.items():
            total[name] = total.get(name, 0) + count
    return total
