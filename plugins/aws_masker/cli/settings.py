"""Settings on the command line: an option for each, and the command that shows them."""

import argparse
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from aws_masker.keyfile import state_folder
from aws_masker.settings import Settings
from aws_masker.settings_fields import FILE_SUFFIX, Setting, shown
from aws_masker.settings_load import CONFIG, SETTINGS, Loaded, gather, load, vault_in

_METAVARS: Final = {"flag": "true|false", "list": "A,B", "pairs": "NAME=VALUE,…", "integer": "N", "number": "N"}


def add_options(parser: argparse.ArgumentParser, shown: Sequence[str], taken: Collection[str] = ()) -> None:
    """Add the option of each setting. Help shows those in ``shown``; those in ``taken`` mean something else here."""
    title = "All other settings are taken too; `aws-masker settings --markdown` lists them."
    group = parser.add_argument_group("settings", title)
    group.add_argument("--config", dest=f"setting_{CONFIG}", metavar="FILE", help="a YAML file of settings")
    for setting in SETTINGS:
        text = setting.about.doc.replace("`", "").replace("%", "%%")
        if setting.about.option and setting.name not in taken:
            flag = setting.kind == "flag"
            group.add_argument(
                setting.option,
                dest=f"setting_{setting.name}",
                nargs="?" if flag else None,
                const="true" if flag else None,
                metavar=_METAVARS.get(setting.kind, "VALUE"),
                help=text if setting.name in shown else argparse.SUPPRESS,
            )
        if setting.about.file:
            name = setting.name + FILE_SUFFIX
            group.add_argument(
                setting.option + FILE_SUFFIX.replace("_", "-"),
                dest=f"setting_{name}",
                metavar="FILE",
                help=f"a file with {setting.name}: {text[0].lower()}{text[1:]}" if name in shown else argparse.SUPPRESS,
            )


def load_from(parsed: argparse.Namespace, *, make_key: bool) -> Loaded:
    """Return the settings for a command: those given, and the person's own key and vault where none is.

    Tells on stderr what there is to be told. Raises SettingsError.
    """
    state = state_folder(os.environ)
    loaded = load(_given(parsed), os.environ, state=state, make_key=make_key)
    for note in loaded.notes:
        print(f"aws-masker: {note}", file=sys.stderr)
    if loaded.settings.vault == default_vault():
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return loaded


def load_given(parsed: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    """Return the settings for a command that needs no key or vault of the person's own. Raises SettingsError."""
    return load(_given(parsed), environ).settings


def given_value(parsed: argparse.Namespace, name: str) -> Any:
    """Return the value of one setting for a command that needs no key. Raises SettingsError."""
    (setting,) = (one for one in SETTINGS if one.name == name)
    return gather(_given(parsed), os.environ).values.get(name, setting.default)


def default_vault() -> str:
    """Return the URL of the person's own vault."""
    return vault_in(state_folder(os.environ))


def _given(parsed: argparse.Namespace) -> dict[str, str]:
    """Return the settings that stand on the command line, as text by name."""
    names = [CONFIG, *(name for setting in SETTINGS for name in (setting.name, setting.name + FILE_SUFFIX))]
    return {name: value for name in names if (value := getattr(parsed, f"setting_{name}", None)) is not None}


def settings(parsed: argparse.Namespace) -> int:
    """Print what is in force and why, or with ``--markdown`` what there is."""
    if parsed.markdown:
        print(markdown(), end="")
        return 0
    given = gather(_given(parsed), os.environ, state=state_folder(os.environ))
    for note in given.notes:
        print(f"aws-masker: {note}", file=sys.stderr)
    rows = [(setting.yaml, _value(setting, given.values), given.origins[setting.name]) for setting in SETTINGS]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, value, origin in rows:
        print(f"{name:{widths[0]}}  {value:{widths[1]}}  {origin}")
    return 0


def _value(setting: Setting, values: Mapping[str, object]) -> str:
    if setting.about.secret and setting.name in values:
        return "(set, not shown)"
    return shown(setting, values.get(setting.name, setting.default)) or "(none)"


def markdown() -> str:
    """Return the table of all settings, for the documentation."""
    lines = ["| in the file | environment | option | default | meaning |", "|---|---|---|---|---|"]
    for setting in SETTINGS:
        default = shown(setting, setting.default)
        cells = [
            f"`{setting.yaml}`",
            f"`{setting.variable}`",
            f"`{setting.option}`" if setting.about.option else "",
            f"`{default}`" if default else "",
            f"{setting.about.doc} {_takes(setting)}".strip(),
        ]
        lines.append(f"| {' | '.join(cells)} |")
        if setting.about.file:
            names = (setting.yaml + "_file", setting.variable + "_FILE", setting.option + "-file")
            cells = [*(f"`{name}`" for name in names), "", f"A file that holds `{setting.name}`."]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _takes(setting: Setting) -> str:
    if setting.about.expected:
        return f"Takes {setting.expected}."
    if setting.kind == "choice":
        return f"Takes {setting.expected}."
    return ""
