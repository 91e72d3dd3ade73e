"""The plugin ``aws-masker`` as Kong runs it: one ``access`` for each request.

It tells the Lua filter what to do, and changes nothing itself but one thing: the request's target, which it points at
a dead end before anything else. Only the filter points it back, once it has made the edits. So where the filter is
missing, or Python fails later on, the request cannot reach the API as it came.

The calls are few, as each is a trip through the socket and back: the dead end, headers, path, body, the result.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, Protocol

from aws_masker.edits import MaskedBody
from aws_masker.errors import InternalError, Overloaded, Refused, SettingsError, TooLarge, Unsupported, VaultError
from aws_masker.faults import describe
from aws_masker.kong import batches, bodies, exchange, schema
from aws_masker.kong.events import computing
from aws_masker.kong.journal import Journal, Part
from aws_masker.kong.maskers import Maskers, Tenants
from aws_masker.masker import Masker

NAME: Final = "aws-masker"
VERSION: Final = version("kong-aws-masker")
# Behind authentication (1250 and above), limits (900s) and transformers (800s), as it must see the last form of the
# body and need not look at what they turn away; before the filter, and before all that logs.
PRIORITY: Final = 750

# The port of "discard", on which nothing listens: https://www.rfc-editor.org/rfc/rfc863
DEAD_END: Final = ("127.0.0.1", 9)
# The most that Kong can be asked for. Beyond it would be a header that hides a content coding.
MAX_HEADERS: Final = 1000

Headers = Mapping[str, Sequence[str]]


class NotConfigured(Refused):
    """The plugin's configuration does not work; Kong's error log says why."""

    status = 503
    error_type = "api_error"
    reason = "not_configured"


class NoConsumer(Refused):
    """Tenants are consumers, and this request has none."""

    status = 403
    error_type = "permission_error"
    reason = "no_consumer"


class Pdk(Protocol):
    """What is used of Kong's plugin development kit: https://docs.konghq.com/gateway/3.9.x/plugin-development/pdk."""

    client: Any
    ctx: Any
    log: Any
    request: Any
    service: Any


class Plugin:
    """One entry of the plugin in Kong's configuration."""

    maskers = Maskers()
    journal = Journal(maskers.all)

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Keep ``config`` for the first request: an error here would reach clients as Kong's, without a remedy."""
        self._raw = config
        self._config: schema.Config | None = None

    def __repr__(self) -> str:
        """Show nothing of the configuration."""
        return "<Plugin>"

    def access(self, kong: Pdk) -> None:
        """Mask one request and tell the filter, or have it refused."""
        kong.service.set_target(*DEAD_END)
        part = Part()
        try:
            message = self._decide(kong, part)
        except Refused as refused:
            message = exchange.refuse(refused, part)
        except SettingsError as error:
            kong.log.err(f"the plugin cannot work: {error}")
            fault = NotConfigured("the masking plugin is not configured: see Kong's error log")
            message = exchange.refuse(fault, part)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told, and nothing of it is logged
            kong.log.err(f"internal error: {describe(error)}")
            ours = InternalError("internal error while masking: nothing was forwarded; please report it")
            message = exchange.refuse(ours, part)
        for key, piece in exchange.pieces(message):
            kong.ctx.shared.set(key, piece)

    def _decide(self, kong: Pdk, part: Part) -> bytes:
        """Return the message for the filter, and note in ``part`` what is known. Raises Refused, or SettingsError."""
        config = self._config = self._config or schema.read(self._raw)
        part.audit = self.journal.opened(config.settings)
        headers: Headers = kong.request.get_headers(MAX_HEADERS)
        limit = config.settings.limits.body
        _check_length(_first(headers, "content-length"), limit)
        path: str = kong.request.get_path()
        raw: bytes = kong.request.get_raw_body(0)
        part.note_read(raw)
        _check_length(str(len(raw)), limit)
        tenants = self.maskers.of(config.settings)
        masker = tenants.masker(self._tenant(kong, config))
        part.tenant, part.ruleset = masker.settings.tenant, masker.ruleset
        batch_rules = ""
        if not raw:
            batch = batches.results_of(path)
            masked = MaskedBody((), batches.recalled(masker, batch) if batch else {}, {})
        else:
            _check_coding(headers)
            masked = _masked(tenants, masker, raw, path, headers, enabled=config.enable_masking)
            part.note_masked(masked, masker)
            if batches.makes_one(path) and masked.dictionary:
                batch_rules = masker.ruleset
        # What is not masked holds originals.
        keeping = bodies.keeping(config.settings) if config.enable_masking else None
        order = exchange.Order(config.enable_unmasking, config.upstream, batch_rules, config.settings.limits, keeping)
        return exchange.forward(raw, masked, order, part)

    @classmethod
    def remember_batch(cls, rules: str, tokens: Sequence[str], batch: str) -> bool:
        """Take what the filter brings back after a batch has been made. Tells whether it could be kept."""
        return batches.remember(cls.maskers.of_ruleset(rules), batch, tokens)

    @classmethod
    def take_records(cls, entries: Sequence[str]) -> list[str]:
        """Take the records that the filter has joined; return what Kong should log. Raises NotReadyError."""
        return cls.journal.take(entries)

    @classmethod
    def take_bodies(cls, entries: Sequence[str | bytes]) -> list[str]:
        """Take the masked bodies that the filter has kept; return what Kong should log."""
        return cls.journal.take_bodies(entries)

    @classmethod
    def close(cls, seconds: float) -> None:
        """Have the last records written, in ``seconds`` at most."""
        cls.journal.close(seconds)

    def _tenant(self, kong: Pdk, config: schema.Config) -> str:
        if not config.tenant_is_consumer:
            return config.settings.tenant
        consumer: Mapping[str, Any] | None = kong.client.get_consumer()
        if not consumer:
            message = "this gateway serves known consumers only: add an authentication plugin, and send its key"
            raise NoConsumer(message)
        return str(consumer["id"])


def _masked(tenants: Tenants, masker: Masker, raw: bytes, path: str, headers: Headers, *, enabled: bool) -> MaskedBody:
    if not tenants.slots.acquire(blocking=False):
        message = "too many requests at once: try again"
        raise Overloaded(message)
    try:
        if enabled:
            with computing(len(raw)):
                return masker.mask_body(raw, path, _content_type(headers))
        return MaskedBody((), _recalled(masker, raw), {})
    finally:
        tenants.slots.release()


def _recalled(masker: Masker, raw: bytes) -> Mapping[str, str]:
    """Return what the vault knows of the tokens in a body that is not masked."""
    try:
        return masker.vault.recall(masker.settings.tenant, masker.tokens_in(raw.decode("utf-8", "surrogateescape")))
    except VaultError:
        return {}


def _first(headers: Headers, name: str) -> str:
    values = headers.get(name) or ("",)
    return values[0]


def _content_type(headers: Headers) -> str:
    if len(headers.get("content-type") or ()) > 1:
        message = "the request has two Content-Type fields: send one"
        raise Unsupported(message)
    return _first(headers, "content-type")


def _check_length(length: str, limit: int) -> None:
    if length.isdigit() and int(length) > limit:
        message = f"the body is larger than {limit} bytes: shorten the conversation, or raise limits.body"
        raise TooLarge(message)


def _check_coding(headers: Headers) -> None:
    codings = {part.strip().lower() for value in headers.get("content-encoding", ()) for part in value.split(",")}
    if codings - {"", "identity"}:
        # The edits would be of the decoded body, and the filter cannot decode.
        message = "compressed bodies cannot be masked here: send it without Content-Encoding"
        raise Unsupported(message)
