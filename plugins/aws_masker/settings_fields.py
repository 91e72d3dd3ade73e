"""What a setting is: a field of a settings model, its kind, its names elsewhere, and how its values are read.

The model (``settings``) describes each field once, with a type, a default and ``about``. All else follows mechanically:

========  ==============================  ==========================================================
the field ``Settings.limits.body``        is ``Setting.name == "limits_body"``
its       environment variable            ``AWS_MASKER_LIMITS_BODY``
its       option of the command line      ``--limits-body``
its       place in the YAML file          ``limits: {body: …}``
its       file variant, where it has one  ``AWS_MASKER_KEY_FILE``, ``--key-file``, ``key_file: …``
========  ==============================  ==========================================================

Values come as Python objects (the Python API), as text (environment, command line) or as what YAML makes of them. All
end in the same check, and an error says what was expected, never what was given: any value may be a secret that stands
in the wrong place.
"""

import dataclasses
import math
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin

from aws_masker.errors import SettingsError

Kind = Literal["flag", "integer", "number", "choice", "text", "key", "list", "pairs"]
Unit = Literal["", "bytes", "seconds"]

ENVIRONMENT_PREFIX: Final = "AWS_MASKER_"
FILE_SUFFIX: Final = "_file"

_UNITS: Final[Mapping[Unit, Mapping[str, int]]] = {
    "": {"": 1},
    "bytes": {"": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9},
    "seconds": {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400},
}
# How quantities are shown, by the largest unit that they have none of left over.
_SHOWN_IN: Final[Mapping[Unit, tuple[tuple[int, str], ...]]] = {
    "bytes": ((1 << 20, "MiB"), (1 << 10, "KiB")),
    "seconds": ((86400, "d"), (3600, "h"), (60, "m")),
}
_QUANTITY: Final = re.compile(r"([0-9]{1,18})(\.[0-9]{1,9})?[ ]?([A-Za-z]{0,3})", re.ASCII)
_QUANTITIES: Final[Mapping[Unit, str]] = {
    "bytes": "a size above 0, such as 33554432 or 32MiB",
    "seconds": "a time above 0, such as 90 (seconds), 10m, 12h or 30d",
}
_EXPECTED: Final[Mapping[Kind, str]] = {
    "flag": "true or false",
    "integer": "a whole number above 0",
    "number": "a number above 0",
    "choice": "one of {choices}",
    "text": "a text",
    "key": "a text",
    "list": "texts with commas between them",
    "pairs": "pairs NAME=VALUE with commas between them, each value one of {choices}",
}
_TYPES: Final[Mapping[Kind, type | types.UnionType]] = {
    "flag": bool,
    "text": str,
    "key": str | bytes,
}
_QUOTED: Final = ("text", "key", "choice")
_YES: Final = ("true", "yes", "on", "1")
_NO: Final = ("false", "no", "off", "0")


@dataclass(frozen=True, slots=True)
class About:
    """What stands beside a setting's name, type and default.

    ``doc`` is its line in the documentation. ``expected`` says what a good value is, and ``accepts`` whether one is; it
    may raise SettingsError with a reason, which begins with the setting's environment variable. The value of a
    ``secret`` setting is never shown. A ``file`` setting may be read from a file instead, which ``NAME_FILE`` names.
    Without ``option`` the command line does not take the value, as other users could read it there.
    """

    doc: str
    unit: Unit = ""
    expected: str = ""
    accepts: Callable[[Any], bool] | None = None
    secret: bool = False
    file: bool = False
    option: bool = True


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: where it stands in the model, what it takes, and what is said of it.

    ``default`` is None where the setting must be given. ``choices`` are those of a choice, or of the values of pairs.
    """

    path: tuple[str, ...]
    kind: Kind
    choices: tuple[str, ...]
    default: Any
    about: About

    @property
    def name(self) -> str:
        """The name in one word: ``limits_body``."""
        return "_".join(self.path)

    @property
    def variable(self) -> str:
        """The environment variable."""
        return ENVIRONMENT_PREFIX + self.name.upper()

    @property
    def option(self) -> str:
        """The option of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def yaml(self) -> str:
        """The place in the YAML file, with dots between the levels."""
        return ".".join(self.path)

    @property
    def expected(self) -> str:
        """What a good value is, for an error message."""
        told = self.about.expected or _QUANTITIES.get(self.about.unit) or _EXPECTED[self.kind]
        return told.format(choices=", ".join(self.choices))

    def check(self, value: object, where: str, hint: str = "") -> None:
        """Check that ``value`` is of the right type and one that the setting takes.

        Raises SettingsError, which begins with ``where`` and ends with ``hint``.
        """
        try:
            good = self._has_type(value) and (self.about.accepts is None or self.about.accepts(value))
        except SettingsError as error:
            message = where + str(error).removeprefix(self.variable)
            raise SettingsError(message) from None
        if not good:
            message = f"{where}: expected {self.expected}{hint}"
            raise SettingsError(message)

    def read(self, value: object, where: str) -> Any:
        """Return what ``value`` means: text as in the environment, or what YAML made of the file.

        Raises SettingsError, which begins with ``where``.
        """
        if isinstance(value, str):
            result = self._from_text(value.strip())
        else:
            result = tuple(value) if isinstance(value, list) else value
        self.check(result, where, " (in quotes)" if self.kind in _QUOTED and not isinstance(value, str) else "")
        return result

    def _has_type(self, value: object) -> bool:
        if self.kind == "list":
            return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
        if self.kind == "pairs":
            if not isinstance(value, Mapping):
                return False
            return all(isinstance(name, str) and choice in self.choices for name, choice in value.items())
        if self.kind == "choice":
            return isinstance(value, str) and value in self.choices
        if self.kind in {"integer", "number"}:
            wanted = int if self.kind == "integer" else int | float
            return isinstance(value, wanted) and not isinstance(value, bool) and 0 < value < math.inf
        return isinstance(value, _TYPES[self.kind])

    def _from_text(self, text: str) -> object:
        """Return what ``text`` means, or None."""
        match self.kind:
            case "flag":
                return text.lower() in _YES if text.lower() in (*_YES, *_NO) else None
            case "integer" | "number":
                return self._quantity(text)
            case "list":
                # A line a text, or commas: a file of terms may then hold terms with commas.
                parts = text.splitlines() if "\n" in text else text.split(",")
                return tuple(part.strip() for part in parts if part.strip())
            case "pairs":
                return _pairs(text)
            case _:
                return text

    def _quantity(self, text: str) -> int | float | None:
        value = quantity(text, self.about.unit)
        return None if isinstance(value, float) and self.kind != "number" else value


def quantity(text: str, unit: Unit) -> int | float | None:
    """Return what ``text`` means, ``64MiB`` for instance, in bytes or seconds; None where it means nothing."""
    found = _QUANTITY.fullmatch(text)
    factor = _UNITS[unit].get(found[3].lower()) if found else None
    if found is None or factor is None:
        return None
    return float(found[1] + found[2]) * factor if found[2] else int(found[1]) * factor


def shown(setting: Setting, value: object) -> str:
    """Return ``value`` as one would write it in the environment; empty for no value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ",".join(f"{name}={choice}" for name, choice in value.items())
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, int | float) and setting.about.unit:
        return _shown_quantity(setting, value)
    return "" if value is None else str(value)


def _shown_quantity(setting: Setting, value: float) -> str:
    for factor, unit in _SHOWN_IN.get(setting.about.unit, ()):
        if value % factor == 0:
            return f"{value / factor:.0f}{unit}"
    return f"{value:g}s" if setting.about.unit == "seconds" else str(value)


def about(doc: str, **more: Any) -> dict[str, About]:
    """Return the metadata of a field: ``About`` with these values."""
    return {"about": About(doc, **more)}


def settings_of(model: type) -> tuple[Setting, ...]:
    """Return all settings of a model, in the order of its fields.

    A field that is a model itself gives a setting for each of its own fields.
    """
    return tuple(_settings(model, ()))


def check(model: Any, prefix: tuple[str, ...] = ()) -> None:
    """Check each field of ``model``, an instance; fields that are models themselves have done so already.

    Raises SettingsError naming the field, with ``prefix`` before it.
    """
    for field in dataclasses.fields(model):
        value = getattr(model, field.name)
        path = (*prefix, field.name)
        if dataclasses.is_dataclass(field.type):
            if not isinstance(value, _as_type(field.type)):
                message = f"{'.'.join(path)}: expected {_as_type(field.type).__name__}(…)"
                raise SettingsError(message)
            continue
        setting = _setting(field, path)
        setting.check(value, setting.yaml)


def _settings(model: type, path: tuple[str, ...]) -> Iterator[Setting]:
    for field in dataclasses.fields(model):
        if dataclasses.is_dataclass(field.type):
            yield from _settings(_as_type(field.type), (*path, field.name))
        else:
            yield _setting(field, (*path, field.name))


def _setting(field: dataclasses.Field[Any], path: tuple[str, ...]) -> Setting:
    kind, choices = _kind(field.type)
    default = None if field.default is dataclasses.MISSING else field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    return Setting(path, kind, choices, default, field.metadata["about"])


def _as_type(annotation: Any) -> type:
    return annotation  # type: ignore[no-any-return]  # a class, as nothing here postpones annotations


_PLAIN: Final[Mapping[Any, Kind]] = {bool: "flag", int: "integer", float: "number", str: "text"}


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    """Return the kind of setting that a field's type makes, and its choices.

    Raises TypeError for a type that no setting has yet.
    """
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if annotation in _PLAIN:
        return _PLAIN[annotation], ()
    if origin is Literal:
        return "choice", arguments
    if origin is types.UnionType and set(arguments) == {str, bytes}:
        return "key", ()
    if origin is tuple and arguments == (str, ...):
        return "list", ()
    if origin is Mapping and arguments[0] is str and get_origin(arguments[1]) is Literal:
        return "pairs", get_args(arguments[1])
    message = f"no kind of setting has the type {annotation}"
    raise TypeError(message)


def _pairs(text: str) -> dict[str, str] | None:
    """Return ``a=b,c=d`` as a mapping, or None where a part is no pair or a name stands twice."""
    parts = [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]
    pairs = [part.partition("=") for part in parts]
    names = [name.strip() for name, _, _ in pairs]
    if len(set(names)) < len(names) or not all(equals and name for name, equals, _ in pairs):
        return None
    return {name: value.strip() for name, (_, _, value) in zip(names, pairs, strict=True)}
