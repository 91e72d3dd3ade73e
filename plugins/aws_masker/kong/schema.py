"""The plugin's configuration in Kong: its schema, made from the settings model, and settings made from it.

Every setting of ``Settings`` that means something behind Kong is a field of the same name, at the same place as in the
YAML file (``limits: {body: …}``). The schema gives those no default on purpose: Kong would fill it in, and what the
environment of the plugin server says (``AWS_MASKER_…``, or the file of ``AWS_MASKER_CONFIG``) would never count. Kong's
configuration goes before the environment, the environment before the defaults.

Kong resolves references such as ``{vault://env/aws-masker-key}`` before the plugin sees them; one that finds nothing
arrives as an empty text and counts as not given.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aws_masker.errors import SettingsError
from aws_masker.kong.exchange import Upstream
from aws_masker.limits import Limits
from aws_masker.settings import Settings
from aws_masker.settings_fields import Setting, shown
from aws_masker.settings_load import SETTINGS, gather

# The largest message that the plugin server takes from Kong: a body, and what is told beside it.
MAX_MESSAGE: Final = 256 << 20
_BESIDE_A_BODY: Final = 1 << 20

Field = dict[str, dict[str, Any]]

# What only the gateway or the command line does: here it is Kong's and nginx's business, or nobody's.
_ELSEWHERE: Final = frozenset(
    {
        "listen",
        "page",
        "page_open",
        "limits_learn_file",
        "limits_header",
        "limits_queue",
        *(f"limits_page_{what}" for what in ("requests", "bodies", "viewers")),
        *(f"limits_{what}_seconds" for what in ("connect", "idle", "body", "stop", "queue", "keep_alive")),
    }
)
_SETTINGS: Final = tuple(setting for setting in SETTINGS if setting.name not in _ELSEWHERE)
_NAMES: Final = frozenset(setting.name for setting in _SETTINGS)
_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "flag": {"type": "boolean"},
    "integer": {"type": "integer", "gt": 0},
    "number": {"type": "number", "gt": 0},
    "choice": {"type": "string"},
    "text": {"type": "string"},
    "key": {"type": "string"},
    "list": {"type": "array", "elements": {"type": "string"}},
    "pairs": {"type": "map", "keys": {"type": "string"}},
}
# One reference names several keys, with commas between them; none of them where it finds nothing.
_AS_TEXT: Final = frozenset({"accepted_keys"})
_SECRET: Final = {"referenceable": True, "encrypted": True}
_DEFAULTS: Final = {"upstream": "where the service's url points"}
# No secrets, but what differs between deployments of one kong.yml.
_REFERENCEABLE: Final = frozenset({"upstream", "tenant", "metrics", "record_bodies", "bodies"})


@dataclass(frozen=True, slots=True)
class Config:
    """What one plugin entry in Kong's configuration means.

    ``upstream`` is None where requests go to the service that Kong's configuration names.
    """

    settings: Settings = field(repr=False)
    enable_masking: bool
    enable_unmasking: bool
    tenant_is_consumer: bool
    upstream: Upstream | None


def fields() -> list[Field]:
    """Return the fields of the schema, in Kong's format."""
    own: list[Field] = [
        _flag("enable_masking", "Whether AWS identifiers in requests are replaced by tokens.", default=True),
        _flag("enable_unmasking", "Whether tokens in answers are replaced by the identifiers.", default=True),
        _flag(
            "tenant_is_consumer",
            "Whether each consumer of Kong is a tenant of its own; requests without a consumer are refused then.",
            default=False,
        ),
    ]
    levels: dict[str, list[Field]] = {}
    for setting in _SETTINGS:
        if len(setting.path) == 1:
            own.append({setting.name: _field(setting)})
        else:
            levels.setdefault(setting.path[0], []).append({setting.path[1]: _field(setting)})
    own += [{level: {"type": "record", "fields": inner}} for level, inner in levels.items()]
    return own


def read(config: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Config:
    """Return what ``config``, as Kong hands it over, means together with the environment.

    Raises SettingsError, which names the field and never shows its value.
    """
    given = gather({}, environ)
    values = dict(given.values)
    in_kong = dict(_given(config))
    for setting in _SETTINGS:
        if setting.name in in_kong:
            values[setting.name] = setting.read(in_kong[setting.name], f"config.{setting.yaml}")
    if "key" not in values:
        message = (
            "config.key is not set, nor AWS_MASKER_KEY or AWS_MASKER_KEY_FILE of the plugin server: "
            "`aws-masker key` makes one"
        )
        raise SettingsError(message)
    if values.get("record_bodies", "off") != "off" and not Path(values.get("bodies", "")).is_absolute():
        message = "config.bodies is no absolute path: name a folder that Kong's user may write to, for record_bodies"
        raise SettingsError(message)
    made = _settings(values)
    if made.limits.body > MAX_MESSAGE - _BESIDE_A_BODY:
        message = f"config.limits.body is more than {MAX_MESSAGE - _BESIDE_A_BODY} bytes, which Kong cannot hand over"
        raise SettingsError(message)
    return Config(
        made,
        enable_masking=bool(config.get("enable_masking", True)),
        enable_unmasking=bool(config.get("enable_unmasking", True)),
        tenant_is_consumer=bool(config.get("tenant_is_consumer", False)),
        upstream=_upstream(values.get("upstream")),
    )


def _flag(name: str, description: str, *, default: bool) -> Field:
    return {name: {"type": "boolean", "default": default, "description": description}}


def _field(setting: Setting) -> dict[str, Any]:
    default = _DEFAULTS.get(setting.name) or shown(setting, setting.default)
    takes = f"In {setting.about.unit}." if setting.about.unit else f"Takes {setting.expected}."
    absent = f"Not given: {setting.variable} of the plugin server" + (f", or else {default}." if default else ".")
    kind = "text" if setting.name in _AS_TEXT else setting.kind
    made = {**_TYPES[kind], "description": f"{setting.about.doc} {takes} {absent}"}
    if setting.kind == "choice":
        made["one_of"] = list(setting.choices)
    if setting.kind == "pairs":
        made["values"] = {"type": "string", "one_of": list(setting.choices)}
    if setting.about.secret and kind != "list":
        made |= _SECRET
    elif setting.about.secret:
        made["elements"] = {"type": "string", **_SECRET}
    elif setting.name in _REFERENCEABLE:
        made["referenceable"] = True
    return made


def _given(config: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield the settings in ``config`` by name, without Kong's own keys and what is null or empty."""
    for name, value in config.items():
        here = (*path, name)
        if isinstance(value, Mapping) and name != "policy":
            yield from _given(value, here)
        elif "_".join(here) in _NAMES and value not in (None, "", [], {}):
            yield "_".join(here), value


def _settings(values: Mapping[str, Any]) -> Settings:
    top = {one.name: values[one.name] for one in SETTINGS if len(one.path) == 1 and one.name in values}
    limits = {one.path[1]: values[one.name] for one in SETTINGS if one.path[0] == "limits" and one.name in values}
    return Settings(limits=Limits(**limits), **top)


def _upstream(url: str | None) -> Upstream | None:
    if url is None:
        return None
    try:
        return Upstream.of(url)
    except ValueError as error:
        message = f"config.upstream: {error}: give scheme, host and port, and the path in the service's url"
        raise SettingsError(message) from None
