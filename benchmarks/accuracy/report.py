"""What was measured, for people, for programs, and as a page of the documentation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.accuracy.measure import Recall, Score
from benchmarks.accuracy.negatives import Precision

BEGIN: Final = "<!-- measured: begin -->"
# How much of a text is shown on each side of what was missed.
BESIDE: Final = 300
END: Final = "<!-- measured: end -->"


def misses(result: Recall) -> str:
    """Return every miss on a line: form, family, value, and the text."""
    return "\n".join(
        f"{miss.sample.form} | {miss.sample.family} | {miss.value} | {_around(miss.sample.text, miss.value)!r}"
        for miss in result.misses
    )


def _around(text: str, value: str) -> str:
    at = text.index(value)
    return text[max(0, at - BESIDE) : at + len(value) + BESIDE]


def summary(recall: Recall, precision: Precision) -> str:
    """Return the figures as lines, the worst forms first."""
    rows = sorted(recall.forms.items(), key=lambda one: one[1].recall)
    rows.append(("all that identifies itself", recall.own_form))
    width = max(len(name) for name, _ in rows) + 2
    lines = [f"{recall.texts} texts; {len(recall.not_restored)} did not come back byte for byte"]
    lines += [f"{name:<{width}}{score.recall:9.2%}{score.found:>9} of {score.values}" for name, score in rows]
    if recall.misses:
        lines.append("most missed: " + ", ".join(f"{name} ({count})" for name, count in recall.worst(8)))
    if precision.texts:
        lines.append(
            f"files without AWS: {precision.changed} of {precision.texts} changed ({precision.rate:.2%}), "
            f"{precision.changed_lines} of {precision.lines} lines"
        )
    lines.append(f"lines that look so: {precision.generated_changed} of {precision.generated} changed")
    return "\n".join(lines)


def as_json(recall: Recall, precision: Precision) -> dict[str, Any]:
    """Return everything as JSON."""

    def scores(table: Mapping[str, Score]) -> dict[str, Any]:
        return {name: {"values": one.values, "found": one.found, "recall": one.recall} for name, one in table.items()}

    return {
        "texts": recall.texts,
        "not restored": len(recall.not_restored),
        "identifies itself": scores({"all": recall.own_form})["all"],
        "forms": scores(recall.forms),
        "families": scores(recall.families),
        "sources": scores(recall.sources),
        "files": {"texts": precision.texts, "changed": precision.changed, "lines changed": precision.changed_lines},
        "lines that look so": {"texts": precision.generated, "changed": precision.generated_changed},
    }


def markdown(recall: Recall, precision: Precision) -> str:
    """Return the tables of the documentation."""
    lines = ["| form | values | found |", "|---|---|---|"]
    forms = sorted(recall.forms.items(), key=lambda one: one[0].lower())
    lines += [f"| {name} | {score.values:,} | {_percent(score)} |" for name, score in forms]
    lines += ["", "| what | of | result |", "|---|---|---|"]
    lines.append(f"| identifies itself: found | {recall.own_form.values:,} values | {_percent(recall.own_form)} |")
    lines.append(f"| came back byte for byte | {recall.texts:,} texts | {recall.texts - len(recall.not_restored):,} |")
    lines.append(
        f"| files of other packages: changed | {precision.texts:,} files | {precision.changed} ({precision.rate:.2%}) |"
    )
    lines.append(f"| their lines: changed | {precision.lines:,} lines | {precision.changed_lines} |")
    lines.append(f"| lines that look so: changed | {precision.generated:,} lines | {precision.generated_changed} |")
    return "\n".join(lines)


def write(page: Path, recall: Recall, precision: Precision) -> None:
    """Put the tables between the marks of ``page``. Raises ValueError where it has none."""
    text = page.read_text("utf-8")
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    page.write_text(f"{text[:before]}\n{markdown(recall, precision)}\n{text[after:]}", "utf-8")


def _percent(score: Score) -> str:
    # Rounded down: 99.95 % of something that is missing is not 100 %.
    return f"{int(score.recall * 10_000) / 100:.2f} %"
