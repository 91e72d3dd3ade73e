"""The benchmarks: what they are built of, and each part at its smallest, so that none breaks before all of it runs."""

import argparse
import contextlib
import itertools
import json
import math
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import msgpack
import pytest
from benchmarks import (
    __main__,
    audit_bench,
    bodies,
    gateway_bench,
    kong_socket_bench,
    names_bench,
    peers_bench,
    restore_bench,
    restore_lua_bench,
    scan_bench,
    servers,
    stream_bench,
)
from benchmarks.clients import percentile
from benchmarks.table import Table

from aws_masker import Masker, catalogue, settings_load
from aws_masker.catalogue import Catalogue

KB = 1000
ALL = catalogue.load()
# Python's own engine takes seconds to compile all of them.
FEW = SimpleNamespace(load=lambda: Catalogue(ALL.families[::20], ALL.suffixes, ALL.words))
KINDS = audit_bench.kinds


def two_kinds(folder: str) -> dict[str, dict[str, str]]:
    """Return two ways of keeping records: a gateway each takes a second to start."""
    return dict(itertools.islice(KINDS(folder).items(), 2))


STREAM = {"EVENTS": 20, "KNOWN": ((0, 0.0), (10, 0.3)), "OTHER_SIZE": 20 * KB, "OTHER_KNOWN": 10}
# What each part is made small with.
SMALLEST: dict[str, dict[ModuleType, dict[str, Any]]] = {
    "scan": {scan_bench: {"SIZE": 6 * KB, "RE_SIZE": 300, "ROUNDS": 1, "catalogue": FEW}},
    "names": {names_bench: {"SIZE": 4 * KB, "KNOWN": (0, 5, 20)}, scan_bench: {"ROUNDS": 1}},
    "gateway": {
        gateway_bench: {
            "PLAN": {1: {KB: 1}, 2: {KB: 1}, 32: {KB: 1}},
            "LOAD": {KB: 8},
            "SMALL": 1,
            "PAUSE": 0.01,
            "LARGE": 2 * KB,
            "DISTINCT": 70,
            "WARM_UP": KB,
        }
    },
    "streams": {stream_bench: {"STREAMS": 1}},
    "restore": {restore_bench: {**STREAM, "RUNS": 1}},
    "lua": {restore_bench: {**STREAM, "RUNS": 1}, restore_lua_bench: STREAM},
    "kong": {kong_socket_bench: {"SIZES": (1200, 20), "RUNS": 1}},
    "records": {audit_bench: {"SIZE": KB, "ROUNDS": 2, "WARM_UP": 1, "HANDED": 20, "kinds": two_kinds}},
    "peers": {peers_bench: {"SIZE": 3 * KB, "PACKAGES": {}}},
}
# Of each table of a part: its rows, and how many cells at the end of each are figures.
FIGURES = {
    "scan": [(4, 5)],
    "names": [(3, 4)],
    "gateway": [(4, 8), (3, 4), (3, 3), (2, 3)],
    "streams": [(3, 6)],
    "restore": [(2, 4), (2, 1), (4, 2)],
    "lua": [(2, 7), (2, 1)],
    "kong": [(3, 3)],
    "records": [(2, 3)],
    "peers": [(1, 4)],
}
# So often the text of "names" names something.
NAMED = 10


@pytest.fixture(scope="module")
def route() -> Iterator[servers.Route]:
    """Run the servers that two of the parts measure, once."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(servers.Server, "until_idle", lambda _: None)
        with servers.route() as running:
            yield running


def figure(cell: object) -> float:
    """Return what a cell of a table says."""
    return cell if isinstance(cell, float) else float(str(cell).replace(",", "").rstrip("%"))


@pytest.fixture
def smallest(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Table]]:
    """Return what runs a part at its smallest and returns its tables."""

    def run(part: str) -> list[Table]:
        for module, constants in SMALLEST[part].items():
            for name, value in constants.items():
                monkeypatch.setattr(module, name, value)
        # To get ready takes longer than all that is measured here.
        monkeypatch.setattr(Masker, "warm_up", lambda _: None)
        monkeypatch.setattr(servers.Server, "until_idle", lambda _: None)
        if part in ("gateway", "streams"):
            running = request.getfixturevalue("route")
            monkeypatch.setattr(gateway_bench, "route", lambda: contextlib.nullcontext(running))
            monkeypatch.setattr(stream_bench, "route", lambda: contextlib.nullcontext(running))
        given = argparse.Namespace(clients=2, largest=10 * KB, cache=Path("none"))
        return list(__main__.PARTS[part](given))

    return run


def test_every_part_is_run_here() -> None:
    assert SMALLEST.keys() == FIGURES.keys() == __main__.PARTS.keys()


@pytest.mark.parametrize("part", FIGURES)
def test_a_part_at_its_smallest_gives_its_figures_and_nothing_breaks(
    smallest: Callable[[str], list[Table]], part: str, capfd: pytest.CaptureFixture[str]
) -> None:
    tables = smallest(part)
    assert capfd.readouterr().err == ""
    assert [len(table.rows) for table in tables] == [rows for rows, _ in FIGURES[part]]
    for table, (_, count) in zip(tables, FIGURES[part], strict=True):
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert table.title in table.text()
        for row in table.rows:
            figures = [figure(cell) for cell in row[-count:]]
            assert all(map(math.isfinite, figures))
            # What something adds may be less than nothing where it adds little, and the machine is busy.
            added = part == "records" or table.title.startswith("Added")
            assert added or min(figures) >= 0
            assert added or max(figures) > 0


def test_the_parts_that_search_say_how_much_they_found(smallest: Callable[[str], list[Table]]) -> None:
    (names,) = smallest("names")
    at = names.columns.index("masked")
    assert [row[at] for row in names.rows][::2] == [0, NAMED]
    assert 0 < figure(names.rows[1][at]) < NAMED


def test_every_way_of_keeping_records_is_one_that_the_settings_have(tmp_path: Path) -> None:
    kinds = audit_bench.kinds(str(tmp_path))
    assert list(kinds)[:2] == ["off", "file"]
    for name, environment in kinds.items():
        loaded = settings_load.load(environ={"AWS_MASKER_KEY": scan_bench.KEY, **environment})
        assert (name, loaded.settings.audit) == (name, environment["AWS_MASKER_AUDIT"])
        assert (name, loaded.settings.record_bodies) == (name, environment.get("AWS_MASKER_RECORD_BODIES", "off"))
        assert not [note for note in loaded.notes if "AWS_MASKER" in note]


def test_a_plugin_server_that_does_not_start_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        began = time.monotonic()
        with pytest.raises(FileNotFoundError):
            kong_socket_bench.connected(path, process)
    assert time.monotonic() - began < kong_socket_bench.START_SECONDS / 2


def test_a_plugin_server_that_ends_the_connection_is_no_one_to_wait_for(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(KB)
            connection.sendall(msgpack.packb([1, 1, None, {"Id": 1}]))
            connection.recv(KB)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with contextlib.closing(kong_socket_bench.KongsEnd(path)) as end, pytest.raises(ConnectionError, match="ended"):
            end.seconds(b"x" * 1200)
        thread.join()


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
