"""Every member of AWS's APIs that names a resource, in every form."""

import random
from collections.abc import Iterable, Iterator

from benchmarks.accuracy.facts import Fact, Sample
from benchmarks.accuracy.forms import FORMS, SCENES

SCENE_ROUNDS = 400


def samples(facts: Iterable[Fact], chance: random.Random) -> Iterator[Sample]:
    """Yield each fact in each form."""
    for fact in facts:
        for form, write in FORMS.items():
            family = f"{fact.service} {fact.member}"
            yield Sample(write(fact, chance), (fact.value,), form, family, "service models")


def scenes(chance: random.Random, rounds: int = SCENE_ROUNDS) -> Iterator[Sample]:
    """Yield texts of one content only, each kind ``rounds`` times."""
    for scene in SCENES.values():
        for _ in range(rounds):
            yield scene(chance)
