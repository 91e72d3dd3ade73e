"""The commands that tell one thing: families, version."""

import argparse
import dataclasses
import json
import platform
from importlib import metadata

from aws_masker import catalogue
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


def version(parsed: argparse.Namespace) -> int:
    """Print the version, and of what."""
    del parsed
    number = metadata.version("kong-aws-masker")
    print(f"aws-masker {number}, {len(catalogue.load().families)} families, Python {platform.python_version()}")
    return 0
