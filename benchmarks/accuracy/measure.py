"""Masking samples and telling what is left of them: recall by form and family, and that everything comes back."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from aws_masker import Masker
from benchmarks.accuracy.facts import Sample


@dataclass(slots=True)
class Score:
    """How many values were there, and how many of them were gone."""

    values: int = 0
    found: int = 0

    @property
    def recall(self) -> float:
        """The part that was found, of 1."""
        return self.found / self.values if self.values else 1.0


@dataclass(frozen=True, slots=True)
class Miss:
    """A value that was left in a masked text."""

    sample: Sample
    value: str


@dataclass(slots=True)
class Recall:
    """What masking a corpus gave."""

    own_form: Score = field(default_factory=Score)
    forms: dict[str, Score] = field(default_factory=dict)
    families: dict[str, Score] = field(default_factory=dict)
    sources: dict[str, Score] = field(default_factory=dict)
    misses: list[Miss] = field(default_factory=list)
    not_restored: list[Sample] = field(default_factory=list)
    texts: int = 0

    def add(self, sample: Sample, value: str, *, found: bool) -> None:
        """Count one value of a sample."""
        scores = [
            self.forms.setdefault(sample.form, Score()),
            self.families.setdefault(sample.family, Score()),
            self.sources.setdefault(sample.source, Score()),
        ]
        if sample.own_form:
            scores.append(self.own_form)
        for score in scores:
            score.values += 1
            score.found += found
        if not found:
            self.misses.append(Miss(sample, value))

    def worst(self, count: int) -> list[tuple[str, int]]:
        """Return the families with the most misses."""
        return Counter(miss.sample.family for miss in self.misses).most_common(count)


def recall(masker: Masker, samples: Iterable[Sample]) -> Recall:
    """Mask each sample as a text of its own, and count what of it can still be read."""
    result = Recall()
    for sample in samples:
        masked = masker.mask_text(sample.text)
        result.texts += 1
        if masker.restore_text(masked.text) != sample.text:
            result.not_restored.append(sample)
        for value in sample.gone:
            result.add(sample, value, found=not stands_alone(value, masked.text))
    return result


def stands_alone(value: str, text: str) -> bool:
    """Tell whether ``value`` stands in ``text`` with no letter or digit on either side of it."""
    if value not in text:
        return False
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])", text) is not None
