"""Where settings come from: command line, then environment, then YAML file, then defaults; the first that has one wins.

An empty environment variable counts as none (compose files produce them). Names in the YAML file that are unknown or
stand twice are errors. Unknown ``AWS_MASKER_…`` variables are not, since orchestrators make some of their own, but one
that looks like a misspelt setting is reported in ``Loaded.notes``.
"""

import dataclasses
import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from aws_masker import keyfile
from aws_masker.errors import SettingsError
from aws_masker.settings import Settings
from aws_masker.settings_fields import ENVIRONMENT_PREFIX, FILE_SUFFIX, Setting, settings_of

CONFIG: Final = "config"
SETTINGS: Final = settings_of(Settings)
ACCEPTED: Final = "accepted_keys"
_ACCEPTED_KEYS: Final = next(setting for setting in SETTINGS if setting.name == ACCEPTED)

# Every name that a source may give, and its place in the YAML file: ``limits_body`` stands at ``limits.body``.
_PLACES: Final[Mapping[str, str]] = {setting.name: setting.yaml for setting in SETTINGS} | {
    setting.name + FILE_SUFFIX: setting.yaml + FILE_SUFFIX for setting in SETTINGS if setting.about.file
}
_NAMES: Final = tuple(_PLACES)

_LIKELY_MISSPELT: Final = 0.85


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, where each came from (by ``Setting.name``), and what the person should be told."""

    settings: Settings
    origins: Mapping[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """The values that some source gave, where each setting's came from (both by ``Setting.name``), and the notes."""

    values: Mapping[str, Any] = field(repr=False)
    origins: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """The value of a setting, where it came from, and the further keys that stood beside it in a key file."""

    value: Any = field(repr=False)
    origin: str
    accepted_keys: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class _Source:
    """Raw values by ``Setting.name`` (or that with ``_file``), and how errors call the place of one."""

    title: str
    values: Mapping[str, object] = field(repr=False)
    where: Callable[[str], str]


def load(
    options: Mapping[str, str] = MappingProxyType({}),
    environ: Mapping[str, str] = os.environ,
    *,
    state: Path | None = None,
    make_key: bool = False,
) -> Loaded:
    """Put the sources together.

    ``options`` are those of the command line by ``Setting.name``, or ``key_file``, ``terms_file``, ``config``.
    ``state`` is a folder that holds ``key``, ``vault.sqlite`` and ``inventory`` for a person who names none; with
    ``make_key`` the key is made there, or at the named ``key_file``, when it is missing.

    Raises SettingsError naming the setting, its source, and what was expected.
    """
    given = gather(options, environ, state=state, make_key=make_key)
    if "key" not in given.values:
        message = "AWS_MASKER_KEY is not set, nor AWS_MASKER_KEY_FILE: `aws-masker key --out FILE` makes a key file"
        raise SettingsError(message)
    settings: Settings = _build(Settings, given.values)
    return Loaded(settings, given.origins, given.notes)


def gather(
    options: Mapping[str, str],
    environ: Mapping[str, str],
    *,
    state: Path | None = None,
    make_key: bool = False,
) -> Given:
    """Do what ``load`` does, short of making ``Settings`` of it: the key may be missing.

    Raises SettingsError.
    """
    sources = [_from_options(options), _from_environment(environ)]
    config = options.get(CONFIG) or environ.get(ENVIRONMENT_PREFIX + CONFIG.upper())
    if config:
        sources.append(_from_yaml(Path(config).expanduser()))
    if state is not None:
        sources.append(_from_state(state, make_key=make_key))
    notes = list(_misspelt(environ))
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    further: tuple[str, ...] = ()
    beside = ""
    for setting in SETTINGS:
        origins[setting.name] = "default"
        for source in sources:
            if setting.name in source.values or setting.name + FILE_SUFFIX in source.values:
                read = _value(setting, source, notes, make_key=make_key)
                values[setting.name], origins[setting.name] = read.value, read.origin
                if read.accepted_keys:
                    further, beside = read.accepted_keys, read.origin
                break
    if further:
        # They are no other choice than those that are named, which would win over them: all are accepted.
        values[ACCEPTED] = tuple(dict.fromkeys((*values.get(ACCEPTED, ()), *further)))
        origins[ACCEPTED] = beside if origins[ACCEPTED] == "default" else f"{origins[ACCEPTED]}, and {beside}"
    return Given(values, origins, tuple(notes))


def _value(setting: Setting, source: _Source, notes: list[str], *, make_key: bool) -> _Read:
    """Return what ``source`` says of ``setting``."""
    by_file = setting.name + FILE_SUFFIX
    if by_file not in source.values:
        return _Read(setting.read(source.values[setting.name], source.where(setting.name)), source.title)
    where = source.where(by_file)
    if setting.name in source.values:
        message = f"{where}: {source.where(setting.name)} is given too; keep one of the two"
        raise SettingsError(message)
    named = source.values[by_file]
    if not isinstance(named, str):
        message = f"{where}: expected the path of a file"
        raise SettingsError(message)
    path = Path(named).expanduser()
    origin = f"{source.title}, {path}"
    if setting.kind == "key":
        if make_key and keyfile.make(path):
            notes.append(f"made a new key: {path} (keep it: without it nothing that was masked can be restored)")
        keys = keyfile.read(path, where)
        value = setting.read(keys.current, f"{where}: {path}")
        return _Read(value, origin, _ACCEPTED_KEYS.read(list(keys.accepted), f"{where}: {path}"))
    lines = [line.strip() for line in _read(path, where).splitlines()]
    return _Read(setting.read([line for line in lines if line], f"{where}: {path}"), origin)


def _build(model: type[Any], values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Any:
    """Return an instance of ``model`` from values by ``Setting.name``, with its defaults for the others."""
    arguments = {}
    for one in dataclasses.fields(model):
        here = (*path, one.name)
        if isinstance(one.type, type) and dataclasses.is_dataclass(one.type):
            arguments[one.name] = _build(one.type, values, here)
        elif "_".join(here) in values:
            arguments[one.name] = values["_".join(here)]
    return model(**arguments)


# The sources


def _from_options(options: Mapping[str, str]) -> _Source:
    if has_password(options.get("vault", "")):
        message = (
            "--vault: others can read a command line: leave the password out, and set AWS_MASKER_VAULT_PASSWORD "
            "or AWS_MASKER_VAULT"
        )
        raise SettingsError(message)
    values = {name: value for name, value in options.items() if name != CONFIG}
    return _Source("command line", values, lambda name: "--" + name.replace("_", "-"))


def has_password(url: str) -> bool:
    """Tell whether a URL names a password."""
    return ":" in url.partition("://")[2].partition("/")[0].rpartition("@")[0]


def _from_environment(environ: Mapping[str, str]) -> _Source:
    names = {ENVIRONMENT_PREFIX + name.upper(): name for name in _NAMES}
    values = {name: environ[variable] for variable, name in names.items() if environ.get(variable)}
    return _Source("environment", values, lambda name: f"{ENVIRONMENT_PREFIX}{name.upper()} (environment)")


def _from_state(folder: Path, *, make_key: bool) -> _Source:
    values = {"vault": vault_in(folder)}
    if make_key or (folder / "key").exists():
        values["key_file"] = str(folder / "key")
    if inventory_in(folder).exists():
        values["inventory"] = str(inventory_in(folder))
    return _Source("default", values, lambda name: f"the default {name}")


def vault_in(folder: Path) -> str:
    """Return the URL of the vault in a person's own folder."""
    return f"sqlite:///{folder / 'vault.sqlite'}"


def inventory_in(folder: Path) -> Path:
    """Return the path of the inventory in a person's own folder."""
    return folder / "inventory"


def _misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    known = [ENVIRONMENT_PREFIX + name.upper() for name in (*_NAMES, CONFIG)]
    for variable in environ:
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in known:
            near = difflib.get_close_matches(variable, known, 1, _LIKELY_MISSPELT)
            if near:
                yield f"{variable} (environment) is no setting and is ignored; did you mean {near[0]}?"


def _from_yaml(path: Path) -> _Source:
    """Read the YAML file.

    Raises SettingsError with the line at fault: never its text, as it may be a secret.
    """
    try:
        loaded = yaml.load(_read(path, "--config"), _Loader)  # noqa: S506  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = error.problem if isinstance(error, _TwiceError) else "this is not valid YAML"
        message = f"{path}, line {line}: {problem}"
        raise SettingsError(message) from None
    except yaml.YAMLError:
        message = f"{path}: this is not valid YAML"
        raise SettingsError(message) from None
    values = dict(_flat({} if loaded is None else loaded, (), path))
    source = _Source(f"file {path}", values, lambda name: f"{_PLACES[name]} ({path})")
    for name in ("key", ACCEPTED):
        if name in values:
            keyfile.read_private(path, source.where(name))
    return source


def _flat(table: object, level: tuple[str, ...], path: Path) -> Iterator[tuple[str, object]]:
    """Yield the settings in ``table``, which stands in the file at ``level``."""
    known = {place[len(level)] for place in map(_split, _PLACES.values()) if place[: len(level)] == level}
    here = ".".join(level) or "the file"
    if not isinstance(table, Mapping):
        message = f"{path}: {here} must be a mapping of {', '.join(sorted(known))}"
        raise SettingsError(message)
    for name, value in table.items():
        if name not in known:
            message = f"{path}: {here} has no setting {name!r}; known are {', '.join(sorted(known))}"
            raise SettingsError(message)
        at = (*level, name)
        if value is None:
            continue
        if ".".join(at) in _PLACES.values():
            yield "_".join(at), value
        else:
            yield from _flat(value, at, path)


def _split(place: str) -> tuple[str, ...]:
    return tuple(place.split("."))


def _read(path: Path, where: str) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        message = f"{where}: {path} cannot be read ({reason})"
        raise SettingsError(message) from None


class _TwiceError(yaml.MarkedYAMLError):
    """A name stands twice in one mapping of the YAML file."""


class _Loader(yaml.SafeLoader):
    """Refuses what YAML lets pass: the same name twice, of which the second would win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  # inherited
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise _TwiceError(problem=f"{key.value!r} stands twice", problem_mark=key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)
