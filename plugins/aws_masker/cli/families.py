"""The command that lists the families of the catalogue: for a person, as JSON, or as the page in the documentation."""

import argparse
import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from aws_masker import catalogue
from aws_masker.catalogue import KINDS, Family
from aws_masker.errors import SettingsError
from aws_masker.names import Names

# Of what a line of the table shows.
MOST_KEYS: Final = 3
MOST_CHARACTERS: Final = 100
_MARKED: Final = re.compile("«([^»]*)»")
_HEAD: Final = """\
# All families

<!-- Written by `aws-masker families --markdown > docs/catalogue.md`; a test compares. -->

What is found, by service. In an example, « and » enclose what is masked, and the column *tokens* says how the tokens
for it begin; all examples are made up. The family is the name in [policies](configuration.md#policy) and in counts.
[Families](families.md) says how one is added.
"""
_COLUMNS: Final = "| family | what it is | kind | tokens | found by | example |\n|---|---|---|---|---|---|\n"


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
    if parsed.markdown:
        print(markdown(chosen), end="")
        return 0
    rows = [("FAMILY", "KIND", "SERVICE", "TITLE")]
    rows += [(family.name, family.kind, family.service, family.title) for family in chosen]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join([*(f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)), row[3]]))
    return 0


def markdown(chosen: Sequence[Family]) -> str:
    """Return the page of all families: a table for each service."""
    return "\n".join(_page(chosen))


def _page(chosen: Sequence[Family]) -> Iterator[str]:
    counts = Counter(family.kind for family in chosen)
    by_service = sorted(chosen, key=lambda family: (family.service, family.name))
    services = [(service, list(rows)) for service, rows in groupby(by_service, key=lambda family: family.service)]
    yield _HEAD
    kinds = ", ".join(f"{counts[kind]} of the kind `{kind}`" for kind in KINDS if counts[kind])
    yield f"{len(chosen)} families of {len(services)} services: {kinds}.\n"
    names = Names(catalogue.load())
    for service, rows in services:
        yield f"## {service}\n\n{_COLUMNS}" + "\n".join(_row(family, names) for family in rows) + "\n"


def _row(family: Family, names: Names) -> str:
    example = _example(family)
    labels = dict.fromkeys(names.label(value.encode()).decode() for value in _MARKED.findall(example))
    tokens = " ".join(f"`{label}-x…`" for label in labels)
    cells = (f"`{family.name}`", family.title, family.kind, tokens, _way(family), _code(example))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _example(family: Family) -> str:
    """Return the first of the row's examples that is short, or else the shortest of one line."""
    lines = [text for text in family.match if "\n" not in text] or [family.match[0]]
    return next((text for text in lines if len(text) <= MOST_CHARACTERS), min(lines, key=len))


def _way(family: Family) -> str:
    if family.split:
        return "its structure"
    if family.host:
        return "host name"
    if family.opener:
        return f"in its section, beside {', '.join(f'`{member}`' for member in family.members)}"
    if not family.keys:
        return "its form"
    shown = ", ".join(f"`{key}`" for key in family.keys[:MOST_KEYS])
    more = len(family.keys) - MOST_KEYS
    return f"beside {shown}" + (f" and {more} more" if more > 0 else "")


def _code(text: str) -> str:
    """Return ``text`` as code in a table: of one line, with quotes that it does not hold itself."""
    quotes = "``" if "`" in text else "`"
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{quotes}{space}{' '.join(text.split())}{space}{quotes}"
