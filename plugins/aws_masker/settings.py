"""The settings of every host: gateway, command line, Kong plugin and Python API.

One frozen model, and nothing is said twice: a setting is a field here, with its type, its default and what ``about``
says of it. Its names and its spelling elsewhere follow from that (``settings_fields``); ``settings_load`` puts the
sources (command line, environment, YAML file) together.

Whoever builds ``Settings`` in Python gets the same checks as one who writes a file: ``SettingsError`` names the setting
and what was expected, never the value.
"""

import difflib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import urlsplit

from aws_masker import catalogue
from aws_masker.errors import SettingsError
from aws_masker.keys import MAX_ACCEPTED, accepted_master_keys, master_key
from aws_masker.limits import Limits
from aws_masker.settings_fields import about, check

Policy = Literal["mask", "allow", "block"]

DAY: Final = 24 * 3600
REDIS_SCHEMES: Final = ("redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
VAULT_SCHEMES: Final = ("memory", "sqlite", *REDIS_SCHEMES)
MAX_TENANT_LENGTH: Final = 128
MAX_PORT: Final = 65535
MIN_REASON_LENGTH: Final = 10

_CONTENT_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``; an IPv6 address stands in brackets; port 0 means any free one.

    Raises ValueError.
    """
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        message = "an IPv6 address stands in brackets"
        raise ValueError(message)
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= MAX_PORT):
        message = "not HOST:PORT"
        raise ValueError(message)
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Tell whether a host, without brackets, is an address of loopback or the name ``localhost``."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


def _is_address_or_none(text: str) -> bool:
    return not text or _is_address(text)


def _is_reason_or_none(text: str) -> bool:
    return not text or (len(text) >= MIN_REASON_LENGTH and text.isprintable())


def _is_upstream(text: str) -> bool:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return False
    plain = not (url.query or url.fragment or "@" in url.netloc)
    return url.scheme in {"http", "https"} and bool(url.hostname) and port != 0 and plain and text.isprintable()


def _is_vault(text: str) -> bool:
    scheme, found, rest = text.partition("://")
    if not found or not text.isprintable():
        return False
    return scheme in VAULT_SCHEMES and (bool(rest) or scheme == "memory")


def _is_audit(text: str) -> bool:
    scheme, found, rest = text.partition("://")
    return text in {"stdout:", "off"} or (
        bool(found and rest) and text.isprintable() and scheme in {"file", *REDIS_SCHEMES}
    )


def _is_tenant(text: str) -> bool:
    return 0 < len(text) <= MAX_TENANT_LENGTH and text.isprintable() and text == text.strip()


def _is_path(text: str) -> bool:
    return text.isprintable() and text == text.strip()


def _are_terms(terms: tuple[str, ...]) -> bool:
    return all(term.strip() for term in terms)


def _are_content_types(names: tuple[str, ...]) -> bool:
    return all(_CONTENT_TYPE.fullmatch(name) for name in names)


def _is_key(key: str | bytes) -> bool:
    master_key(key)
    return True


def _are_accepted_keys(keys: tuple[str, ...]) -> bool:
    accepted_master_keys(keys)
    return True


def _is_policy(policy: Mapping[str, Policy]) -> bool:
    """Say yes, or raise SettingsError: a misspelt name would leave a policy without effect."""
    families = catalogue.load().names if policy else frozenset[str]()
    for name in policy:
        if name not in catalogue.KINDS and name not in families:
            near = difflib.get_close_matches(name, [*catalogue.KINDS, *families], 1)
            remedy = f"did you mean {near[0]!r}?" if near else "`aws-masker families` lists them"
            kinds = ", ".join(catalogue.KINDS)
            message = f"AWS_MASKER_POLICY: {name!r} is neither a kind ({kinds}) nor a family; {remedy}"
            raise SettingsError(message)
    return True


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; only ``key`` has no default."""

    key: str | bytes = field(
        repr=False,
        metadata=about(
            "The key that tokens and the vault's encryption are made from. Whoever changes it changes every token.",
            expected="64 hexadecimal digits or base64 of 32 bytes: make one with `aws-masker key`",
            accepts=_is_key,
            secret=True,
            file=True,
            option=False,
        ),
    )
    accepted_keys: tuple[str, ...] = field(
        default=(),
        repr=False,
        metadata=about(
            "Further keys while one is being changed: the one before, or the one to come. Their tokens are recognised "
            "and restored, and never made. The further keys of a key file count as well.",
            expected=f"up to {MAX_ACCEPTED} keys",
            accepts=_are_accepted_keys,
            secret=True,
            option=False,
        ),
    )
    tenant: str = field(
        default="default",
        metadata=about(
            "Whose identifiers these are. Tokens of one tenant are never restored for another.",
            expected=f"1 to {MAX_TENANT_LENGTH} printable characters",
            accepts=_is_tenant,
        ),
    )
    policy: Mapping[str, Policy] = field(
        default_factory=lambda: MappingProxyType({}),
        metadata=about(
            "What happens to identifiers of a kind or family: `mask`, `allow` (leave as it is) or `block` "
            "(refuse the request). What is not named is masked; a family goes before its kind.",
            expected="pairs such as pii=allow,secret=block, of a kind or family and one of {choices}",
            accepts=_is_policy,
        ),
    )
    terms: tuple[str, ...] = field(
        default=(),
        repr=False,
        metadata=about(
            "Words of your own that are masked wherever they stand. A file has one a line.",
            expected="words, none of them empty",
            accepts=_are_terms,
            secret=True,
            file=True,
        ),
    )
    inventory: str = field(
        default="",
        metadata=about(
            "A file of names that are masked wherever they stand, from the first word on: `aws-masker learn` "
            "writes it. It is read at start.",
            expected="the path of a file",
            accepts=_is_path,
        ),
    )
    limits: Limits = field(default_factory=Limits)
    opaque: Literal["pass", "block"] = field(
        default="pass",
        metadata=about("What happens to images and PDFs, which cannot be read: `pass` (and count them) or `block`."),
    )
    allow_content_types: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "Content types that may leave although they cannot be read; all others get 415.",
            expected="content types such as application/zip",
            accepts=_are_content_types,
        ),
    )
    vault: str = field(
        default="memory://",
        repr=False,
        metadata=about(
            "Where originals are kept, encrypted, so that later answers can be restored.",
            expected="memory://?entries=200000&size=64MiB, sqlite:///PATH?size=2GiB, redis://HOST:PORT/DB or "
            "rediss://HOST:PORT/DB (with TLS); redis+sentinel:// and redis+cluster:// too",
            accepts=_is_vault,
            secret=True,
        ),
    )
    vault_ttl: int = field(
        default=30 * DAY, metadata=about("How long an unused original is kept in the vault.", unit="seconds")
    )
    vault_required: bool = field(
        default=False,
        metadata=about("Refuse requests (503) while the vault is down, instead of going on without it."),
    )
    audit: str = field(
        default="stdout:",
        repr=False,
        metadata=about(
            "Where a record of each request goes (docs/records.md). `stdout:` is Kong's own log record under Kong.",
            expected="stdout:, off, file:///PATH?size=64MiB&every=1d&keep=30 or a Redis URL as for the vault, "
            "with ?stream=NAME&length=N",
            accepts=_is_audit,
            secret=True,
        ),
    )
    record_bodies: Literal["off", "masked"] = field(
        default="off",
        metadata=about("Whether the bodies that were sent to the API and its answers are kept, as the API saw them."),
    )
    bodies: str = field(
        default="",
        metadata=about(
            "The folder for them; `bodies` in the person's own folder if empty, but under Kong it has to be named.",
            expected="a path",
        ),
    )
    bodies_ttl: int = field(default=7 * DAY, metadata=about("How long they are kept.", unit="seconds"))
    metrics: str = field(
        default="",
        metadata=about(
            "Where figures for Prometheus are served; nowhere if empty.",
            expected="HOST:PORT, with brackets around an IPv6 address",
            accepts=_is_address_or_none,
        ),
    )
    page: str = field(
        default="",
        metadata=about(
            "Where a browser on this machine can see what leaves (docs/page.md); nowhere if empty.",
            expected="HOST:PORT of loopback, such as 127.0.0.1:8083",
            accepts=_is_address_or_none,
        ),
    )
    page_open: str = field(
        default="",
        metadata=about(
            "The reason why the page may listen where others can reach it. Without one it listens on loopback only.",
            expected=f"a sentence of {MIN_REASON_LENGTH} characters or more, or nothing",
            accepts=_is_reason_or_none,
        ),
    )
    upstream: str = field(
        default="https://api.anthropic.com",
        metadata=about(
            "Where masked requests go.",
            expected="http(s)://HOST[:PORT][/PATH], without user, query or fragment",
            accepts=_is_upstream,
        ),
    )
    listen: str = field(
        default="127.0.0.1:8082",
        metadata=about(
            "Where the gateway listens.",
            expected="HOST:PORT, with brackets around an IPv6 address; port 0 takes a free one",
            accepts=_is_address,
        ),
    )

    def __post_init__(self) -> None:
        """Check every field, and make the collections immutable.

        Raises SettingsError.
        """
        object.__setattr__(self, "accepted_keys", _as_tuple("accepted_keys", self.accepted_keys))
        object.__setattr__(self, "terms", _as_tuple("terms", self.terms))
        object.__setattr__(self, "allow_content_types", _as_tuple("allow_content_types", self.allow_content_types))
        check(self)
        if self.page and not self.page_open and not is_loopback(parse_address(self.page)[0]):
            message = (
                "page: expected an address of loopback, such as 127.0.0.1:8083, as the page shows who works on what; "
                "if others may reach it, say why in page_open"
            )
            raise SettingsError(message)
        object.__setattr__(self, "policy", MappingProxyType(dict(self.policy)))


def _as_tuple(name: str, values: object) -> object:
    if isinstance(values, str):
        message = f"{name}: expected a sequence of texts, got one text"
        raise SettingsError(message)
    return tuple(values) if isinstance(values, list) else values
