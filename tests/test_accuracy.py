"""Recall and precision on a small scale, offline: members drawn from AWS's models, in every form, and near misses.

``make accuracy`` measures the same on all of them, and on files.
"""

import json
import random
import re
from pathlib import Path

import pytest
from benchmarks.accuracy import measure, negatives, values
from benchmarks.accuracy.corpora import apis
from benchmarks.accuracy.facts import Fact
from benchmarks.accuracy.forms import FORMS, SCENES

from aws_masker import Masker

ROOT = Path(__file__).resolve().parents[1]
VECTORS = Path(__file__).parent / "vectors" / "accuracy_members.json"
RECALL_IN_CONTEXT = 0.97
CHANGED_WITHOUT_NEED = 0.001


def facts(chance: random.Random) -> list[Fact]:
    """Return a fact for each of the members in the vectors, with a name made up for it."""
    members = json.loads(VECTORS.read_text())
    return [
        Fact(service, operation, member, noun, values.name(chance, pattern), listed)
        for service, operation, member, noun, pattern, listed in members
    ]


@pytest.mark.parametrize("form", FORMS)
def test_names_are_found_in_every_form(one: Masker, form: str) -> None:
    chance = random.Random(form)  # noqa: S311 - made-up names
    result = measure.recall(one, (sample for sample in apis.samples(facts(chance), chance) if sample.form == form))
    assert result.forms[form].recall >= RECALL_IN_CONTEXT, [miss.sample.text for miss in result.misses]
    assert result.not_restored == []


@pytest.mark.parametrize("scene", SCENES)
def test_names_are_found_in_files_of_one_content(one: Masker, scene: str) -> None:
    chance = random.Random(scene)  # noqa: S311
    result = measure.recall(one, [SCENES[scene](chance) for _ in range(40)])
    assert result.forms[scene].recall >= RECALL_IN_CONTEXT, [miss.sample.text for miss in result.misses]
    assert result.not_restored == []


def test_lines_that_only_look_like_identifiers_stay(one: Masker) -> None:
    chance = random.Random(1)  # noqa: S311
    lines = list(negatives.lines(chance, 2000))
    changed = [line for line in lines if one.mask_text(line).dictionary]
    assert len(changed) <= CHANGED_WITHOUT_NEED * len(lines), changed


def test_the_readme_says_what_was_measured() -> None:
    measured = (ROOT / "docs/accuracy.md").read_text()
    forms = [float(one) for one in re.findall(r"^\| .* \| [0-9,]+ \| ([0-9.]+) % \|$", measured, re.MULTILINE)]
    own = re.search(r"identifies itself: found \| .* \| ([0-9.]+) %", measured)
    changed = re.search(r"files of other packages: changed \| .* \(([0-9.]+)%\)", measured)
    assert own
    assert changed
    told = re.findall(r"[0-9.]+ %", (ROOT / "README.md").read_text())
    assert told == [f"{own[1]} %", f"{min(forms):.2f} %", f"{changed[1]} %"]
