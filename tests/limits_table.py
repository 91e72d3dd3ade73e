"""The table of all limits: what each bounds, its default, where it holds, and the test that reaches it.

docs/limits.md holds it: ``python tests/limits_table.py`` writes it there, and test_limits.py compares both.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from aws_masker.audit.targets import STREAM_LENGTH
from aws_masker.kong import schema
from aws_masker.kong.maskers import CONFIGURATIONS, TENANTS
from aws_masker.kong.server import MAX_EVENTS
from aws_masker.settings_fields import shown
from aws_masker.settings_load import SETTINGS
from aws_masker.vault.memory import MAX_ENTRIES

TESTS: Final = Path(__file__).parent
PAGE: Final = TESTS.parent / "docs/limits.md"
HEAD: Final = """\
| limit | default | what it bounds, and what happens beyond it | holds for | reached in |
|---|---|---|---|---|
"""

_CORE: Final = "test_limits.py"
_KONG: Final = "kong/test_kong_limits.py"
_REACHED: Final = {
    "recorded_body": ("test_audit_bodies.py", "kong/test_kong_bodies_bounds.py"),
    "recorded_bodies": (_CORE,),
    "masking_seconds": ("kong/test_kong_plugin.py",),
    "waiting_records": (_CORE, "kong/test_kong_filter.py", "kong/test_kong_journal.py"),
    "waiting_bytes": (_CORE, "kong/test_kong_bodies_bounds.py"),
    "inventory": (_CORE, "test_learn_command.py"),
    "learn_file": (_CORE, "test_learn_command.py"),
    "cached_texts": (_CORE,),
}


class Row(NamedTuple):
    """A limit. ``reached`` are files below tests/ that name it, and reach it."""

    name: str
    default: str
    meaning: str
    where: str
    reached: tuple[str, ...]


def rows() -> Iterator[Row]:
    """Yield all limits: the settings, the parameters of URLs, and the options of the plugin server."""
    (fields,) = (one["limits"]["fields"] for one in schema.fields() if "limits" in one)
    behind_kong = {name for field in fields for name in field}
    for setting in SETTINGS:
        if setting.path[0] == "limits":
            _, name = setting.path
            where = _where(name, in_kong=name in behind_kong)
            reached = _REACHED.get(name, (_CORE, _KONG) if name in behind_kong else (_CORE,))
            yield Row(f"limits.{name}", shown(setting, setting.default), setting.about.doc, where, reached)
    vault, audit = "`vault`'s URL", "`audit`'s URL"
    yield Row("size", "2GiB", "Size of a vault in a file; what would expire first goes.", vault, ("test_vault.py",))
    yield Row("size", "64MiB", "Originals in a vault in memory; the oldest go.", vault, ("test_vault.py",))
    yield Row("entries", f"{MAX_ENTRIES}", "Entries of a vault in memory; the oldest go.", vault, ("test_vault.py",))
    yield Row(
        "socket_timeout",
        "0.5 s",
        "Time for an answer of Redis; beyond it the vault counts as down.",
        vault,
        ("test_vault_redis_links.py",),
    )
    yield Row(
        "size, every, keep", "64MiB, 1d, 30", "Audit files, and how many are kept.", audit, ("test_audit_targets.py",)
    )
    yield Row(
        "length", f"{STREAM_LENGTH}", "Records in an audit stream; the oldest go.", audit, ("test_audit_targets.py",)
    )
    server = "Kong, `plugin-server`"
    yield Row(
        "--requests", f"{MAX_EVENTS}", "Requests in a plugin server at once; further ones get 503.", server,
        ("kong/test_kong_server.py",),
    )  # fmt: skip
    yield Row(
        "--configurations",
        f"{CONFIGURATIONS}",
        "Configurations that are kept ready (the oldest go); audits and folders of bodies that are written to (with "
        "further ones requests get 503, and bodies are dropped).",
        server,
        ("kong/test_kong_plugin.py", "kong/test_kong_journal.py", "kong/test_kong_bodies_bounds.py"),
    )
    yield Row(
        "--tenants",
        f"{TENANTS}",
        "Tenants of each that are kept ready; those used longest ago go.",
        server,
        ("kong/test_kong_plugin.py",),
    )


def _where(name: str, *, in_kong: bool) -> str:
    if name == "learn_file":
        return "`aws-masker learn`"
    if name == "masking_seconds":
        return "Kong"
    return "gateway, Kong" if in_kong else "gateway"


def table() -> str:
    """Return the table."""
    lines = [
        f"| `{one.name}` | `{one.default}` | {one.meaning} | {one.where} | "
        + ", ".join(f"`tests/{file}`" for file in one.reached)
        + " |\n"
        for one in rows()
    ]
    return HEAD + "".join(lines)


if __name__ == "__main__":
    written = PAGE.read_text("utf-8")
    before, rest = written.split("| limit |")[0], written.partition("| limit |")[2]
    PAGE.write_text(before + table() + rest[rest.index("\n\n") + 1 :], "utf-8")
