"""The plugin ``aws-masker`` as Kong runs it: one ``access`` for each request.

It tells the Lua filter what to do, and changes nothing itself but one thing: the request's target, which it has pointed
at a dead end before anything else. Only the filter points it back, once it has made the edits. So where the filter is
missing, or Python fails later on, the request cannot reach the API as it came.

The calls are two, as each is a trip through the socket and back: ``intake.lua``, a module of the filter's which Kong's
workers have loaded, sets the dead end and brings all that there is to know; and the result is left for the filter.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, NamedTuple, Protocol

from aws_masker.edits import MaskedBody
from aws_masker.errors import InternalError, Overloaded, Refused, SettingsError, TooLarge, Unsupported, VaultError
from aws_masker.faults import describe
from aws_masker.kong import batches, bodies, exchange, schema
from aws_masker.kong.events import computing, end_with_next
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

    aws_masker: Any
    ctx: Any
    log: Any
    service: Any


class Taken(NamedTuple):
    """A request as ``intake.lua`` gives it.

    ``body`` is None where it was not read. A ``crowded`` one has more header fields than may be.
    """

    path: str
    types: Sequence[str]
    codings: Sequence[str]
    length: str | None = None
    consumer: str | None = None
    body: bytes | None = None
    crowded: bool = False

    def __repr__(self) -> str:
        """Show nothing of the request."""
        return "<Taken>"


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
        config, part = self._configured(), Part()
        request = kong.aws_masker.take(*self.opening()["Args"])
        try:
            if request is None:
                kong.service.set_target(*DEAD_END)
            message = self._decide(config, request, part)
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
        *pieces, last = exchange.pieces(message)
        for piece in pieces:
            kong.ctx.shared.set(*piece)
        end_with_next()
        kong.ctx.shared.set(*last)

    def opening(self) -> Mapping[str, Any]:
        """Return what ``access`` calls first, for the server to call it before."""
        config = self._configured()
        limits = (
            (0, 1) if isinstance(config, Exception) else (config.settings.limits.body, config.settings.limits.headers)
        )
        return {"Method": "kong.aws_masker.take", "Args": (*DEAD_END, *limits)}

    def _configured(self) -> schema.Config | Exception:
        """Return the configuration, or what is wrong with it: the dead end comes before any error."""
        if self._config is None:
            try:
                self._config = schema.read(self._raw)
            except Exception as error:  # noqa: BLE001 - raised again as soon as the request is at the dead end
                return error
        return self._config

    def _decide(self, config: schema.Config | Exception, request: Mapping[str, Any] | None, part: Part) -> bytes:
        """Return the message for the filter, and note in ``part`` what is known. Raises Refused, or SettingsError."""
        if isinstance(config, Exception):
            raise config
        part.audit = self.journal.opened(config.settings)
        if request is None:
            message = "aws-masker-filter is not loaded, or older: name it in KONG_PLUGINS, and take both of one version"
            raise SettingsError(message)
        taken = Taken(**request)
        limit = config.settings.limits.body
        if taken.crowded:
            most = config.settings.limits.headers
            message = f"the request has more than {most} header fields: send less, or raise limits.headers"
            raise TooLarge(message)
        _check_length(taken.length, limit)
        path, raw = taken.path, taken.body
        if raw is None:
            message = "the body cannot be read: try again; Kong's error log says more"
            raise InternalError(message)
        part.note_read(raw)
        _check_length(str(len(raw)), limit)
        tenants = self.maskers.of(config.settings)
        masker = tenants.masker(_tenant(taken, config))
        part.tenant, part.ruleset = masker.settings.tenant, masker.ruleset
        batch_rules = ""
        if not raw:
            batch = batches.results_of(path)
            masked = MaskedBody((), batches.recalled(masker, batch) if batch else {}, {})
        else:
            _check_coding(taken.codings)
            masked = _masked(tenants, masker, taken, raw, enabled=config.enable_masking)
            part.note_masked(masked, masker)
            if batches.makes_one(path) and masked.dictionary:
                batch_rules = masker.ruleset
        # What is not masked holds originals.
        keeping = bodies.keeping(config.settings) if config.enable_masking else None
        order = exchange.Order(config.enable_unmasking, config.upstream, batch_rules, config.settings.limits, keeping)
        return exchange.forward(raw, masked, order, part)

    @classmethod
    def bound(cls, configurations: int, tenants: int) -> None:
        """Have this process keep maskers of so many configurations and tenants, and write to so many audits."""
        cls.maskers.configurations, cls.maskers.tenants = configurations, tenants
        cls.journal.bound(configurations)

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


def _tenant(taken: Taken, config: schema.Config) -> str:
    if not config.tenant_is_consumer:
        return config.settings.tenant
    if not taken.consumer:
        message = "this gateway serves known consumers only: add an authentication plugin, and send its key"
        raise NoConsumer(message)
    return taken.consumer


def _masked(tenants: Tenants, masker: Masker, taken: Taken, raw: bytes, *, enabled: bool) -> MaskedBody:
    if not tenants.slots.acquire(blocking=False):
        message = "too many requests at once: try again, or raise limits.concurrency"
        raise Overloaded(message)
    try:
        if enabled:
            with computing(len(raw), masker.settings.limits.masking_seconds):
                return masker.mask_body(raw, taken.path, _content_type(taken.types))
        return MaskedBody((), _recalled(masker, raw), {})
    finally:
        tenants.slots.release()


def _recalled(masker: Masker, raw: bytes) -> Mapping[str, str]:
    """Return what the vault knows of the tokens in a body that is not masked."""
    try:
        return masker.vault.recall(masker.settings.tenant, masker.tokens_in(raw.decode("utf-8", "surrogateescape")))
    except VaultError:
        return {}


def _content_type(types: Sequence[str]) -> str:
    if len(types) > 1:
        message = "the request has two Content-Type fields: send one"
        raise Unsupported(message)
    return types[0] if types else ""


def _check_length(length: str | None, limit: int) -> None:
    if length is not None and length.isdigit() and int(length) > limit:
        message = f"the body is larger than {limit} bytes: shorten the conversation, or raise limits.body"
        raise TooLarge(message)


def _check_coding(fields: Sequence[str]) -> None:
    codings = {part.strip().lower() for value in fields for part in value.split(",")}
    if codings - {"", "identity"}:
        # The edits would be of the decoded body, and the filter cannot decode.
        message = "compressed bodies cannot be masked here: send it without Content-Encoding"
        raise Unsupported(message)
