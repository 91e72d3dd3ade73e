"""What was measured, for people and for programs."""

from collections.abc import Mapping
from typing import Any

from benchmarks.accuracy.measure import Recall, Score


def table(scores: Mapping[str, Score]) -> str:
    """Return scores as lines, the worst first."""
    rows = sorted(scores.items(), key=lambda one: one[1].recall)
    width = max((len(name) for name in scores), default=0) + 2
    return "\n".join(f"{name:<{width}}{score.recall:9.2%}{score.found:>9} of {score.values}" for name, score in rows)


def misses(result: Recall) -> str:
    """Return every miss on a line: form, family, value, and the text."""
    return "\n".join(
        f"{miss.sample.form} | {miss.sample.family} | {miss.value} | {miss.sample.text[:600]!r}"
        for miss in result.misses
    )


def as_json(result: Recall) -> dict[str, Any]:
    """Return everything as JSON."""

    def scores(table: Mapping[str, Score]) -> dict[str, Any]:
        return {name: {"values": one.values, "found": one.found, "recall": one.recall} for name, one in table.items()}

    return {
        "texts": result.texts,
        "own form": scores({"all": result.own_form})["all"],
        "forms": scores(result.forms),
        "families": scores(result.families),
        "sources": scores(result.sources),
        "not restored": len(result.not_restored),
    }
