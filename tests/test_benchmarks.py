"""What the benchmarks are built of: bodies with as many identifiers as they say, tables, percentiles."""

import json
import re

from benchmarks import bodies
from benchmarks.clients import percentile
from benchmarks.table import Table


def test_a_body_repeats_as_many_identifiers_as_it_is_asked_for() -> None:
    text = json.dumps(bodies.repeated(1_000_000, 700))
    found = re.findall(r"(?:i|ami|subnet|vpc|sg|vol)-[0-9a-f]{17}", text)
    assert 500 < len(set(found)) <= 700
    assert len(found) > 3 * len(set(found))


def test_a_sparse_body_holds_few_identifiers() -> None:
    text = json.dumps(bodies.sparse(1_000_000))
    assert len(text) > 800_000
    assert len(re.findall(r"-[0-9a-f]{17}", text)) < len(text) / 500


def test_a_body_with_few_identifiers_is_as_long_and_holds_one_instance_now_and_then() -> None:
    texts = [json.dumps(bodies.few(1_000_000, seed)) for seed in range(3)]
    assert all(len(text) > 800_000 for text in texts)
    instances = [text.count("InstanceId") for text in texts]
    assert 10 < sum(instances) < 100


def test_a_percentile_is_one_of_the_values() -> None:
    assert [percentile([3.0, 1.0, 2.0], of) for of in (0, 50, 99)] == [1.0, 2.0, 3.0]


def test_a_table_is_text_and_markdown() -> None:
    table = Table("Sizes", ("body", "ms"), [["10 KB", 3.14159], ["5 MB", 1234.5]], "Less is better.")
    assert table.text() == "Sizes\n\nbody     ms\n10 KB   3.1\n5 MB   1234\n\nLess is better.\n"
    assert table.markdown() == (
        "## Sizes\n\n| body | ms |\n| --- | ---: |\n| 10 KB | 3.1 |\n| 5 MB | 1234 |\n\nLess is better.\n"
    )
