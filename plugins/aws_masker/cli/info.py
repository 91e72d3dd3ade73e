"""The commands that tell or make one thing: families, key, version."""

import argparse
import dataclasses
import json
import platform
from importlib import metadata
from pathlib import Path

from aws_masker import catalogue, keyfile
from aws_masker.errors import SettingsError


def families(parsed: argparse.Namespace) -> int:
    """Print the families of the catalogue."""
    loaded = catalogue.load().families
    for name, wanted in (("kind", parsed.kind), ("service", parsed.service)):
        known = sorted({getattr(family, name) for family in loaded})
        if wanted is not None and wanted not in known:
            message = f"--{name}: no family has this {name}; there are {', '.join(known)}"
            raise SettingsError(message)
    chosen = [
        family for family in loaded if parsed.kind in {None, family.kind} and parsed.service in {None, family.service}
    ]
    if parsed.json:
        print(json.dumps([dataclasses.asdict(family) for family in chosen], ensure_ascii=False, indent=2))
        return 0
    rows = [("FAMILY", "KIND", "SERVICE", "TITLE")]
    rows += [(family.name, family.kind, family.service, family.title) for family in chosen]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join([*(f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)), row[3]]))
    return 0


def key(parsed: argparse.Namespace) -> int:
    """Print a fresh key, or write it to a new file."""
    if parsed.out is None:
        print(keyfile.fresh_key())
        return 0
    path = Path(parsed.out).expanduser()
    if not keyfile.make(path):
        message = f"{path} exists already and is left as it is: name another file, or remove it"
        raise SettingsError(message)
    print(f"wrote {path}; use it with --key-file {path} or AWS_MASKER_KEY_FILE={path}")
    return 0


def version(parsed: argparse.Namespace) -> int:
    """Print the version, and of what."""
    del parsed
    number = metadata.version("kong-aws-masker")
    print(f"aws-masker {number}, {len(catalogue.load().families)} families, Python {platform.python_version()}")
    return 0
