"""``aws-masker doctor``: says what is wrong with a Kong that aws-masker runs in, and what to do about it.

It reads Kong's declarative file, a running Kong's admin API, nginx's configuration and Redis, as far as they are given,
and Kong's settings from the environment where that is Kong's (inside its container). It changes nothing, and prints no
key, no password and no address of Redis.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from aws_masker.doctor.findings import Finding
from aws_masker.doctor.process import (
    check_nginx,
    check_process,
    check_sizes,
    check_versions,
    read_nginx,
    settings_of,
)
from aws_masker.doctor.redis import check_redis
from aws_masker.doctor.routes import MASKER, check_routes, resolved
from aws_masker.doctor.sources import Configuration, from_admin, from_file
from aws_masker.errors import SettingsError
from aws_masker.settings_load import has_password

DEFAULT_FILE = "kong.yml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--kong-yml", metavar="FILE", help=f"Kong's declarative file (default: {DEFAULT_FILE}, if there)"
    )
    parser.add_argument("--admin", metavar="URL", help="the admin API of a running Kong, such as http://127.0.0.1:8001")
    parser.add_argument("--redis", metavar="URL", help="the vault's Redis (default: AWS_MASKER_VAULT)")
    parser.add_argument("--nginx", metavar="FILE", help="the configuration of an nginx before Kong")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")


def run(arguments: Sequence[str]) -> int:
    """Run the command with these arguments and return its exit code; see ``command``."""
    parser = argparse.ArgumentParser("aws-masker doctor", description="Say what is wrong with a Kong, and the remedy.")
    add_arguments(parser)
    return command(parser.parse_args(arguments))


def command(parsed: argparse.Namespace) -> int:
    """Print the findings and return 1 where something is wrong, else 0. Raises SettingsError for unreadable sources."""
    if has_password(parsed.redis or ""):
        message = "--redis: others can read a command line: leave it out, and set AWS_MASKER_VAULT"
        raise SettingsError(message)
    findings = list(examine(parsed, os.environ))
    if parsed.json:
        json.dump([asdict(one) for one in findings], sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(_table(findings))
    return 1 if any(one.level == "wrong" for one in findings) else 0


def examine(parsed: argparse.Namespace, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield all findings. Raises SettingsError."""
    configurations = _configurations(parsed)
    nginx = read_nginx(Path(parsed.nginx)) if parsed.nginx else None
    url = parsed.redis
    for source in configurations:
        configuration = replace(source, process={**settings_of(environ), **source.process})
        yield from check_routes(configuration, environ)
        yield from check_process(configuration.process)
        yield from check_sizes(configuration, nginx, environ)
        yield from check_versions(configuration.version)
        url = url or _vault_of(configuration, environ)
    if nginx is not None:
        yield from check_nginx(nginx)
    url = url or environ.get("AWS_MASKER_VAULT")
    if url and url.startswith("redis"):
        yield from check_redis(url, environ)


def _configurations(parsed: argparse.Namespace) -> list[Configuration]:
    found = [from_admin(parsed.admin)] if parsed.admin else []
    if parsed.kong_yml or (Path(DEFAULT_FILE).exists() and not parsed.admin):
        found.append(from_file(Path(parsed.kong_yml or DEFAULT_FILE)))
    if not found and not (parsed.redis or parsed.nginx):
        message = f"there is no {DEFAULT_FILE} here: name one with --kong-yml, or a running Kong with --admin"
        raise SettingsError(message)
    return found


def _vault_of(configuration: Configuration, environ: Mapping[str, str]) -> str | None:
    entries = (one for one in configuration.plugins if one.name == MASKER)
    return next((url for one in entries if (url := resolved(one.config.get("vault"), environ))), None)


def _table(findings: Sequence[Finding]) -> str:
    width = max((len(one.place) for one in findings), default=0)
    lines = []
    for one in findings:
        lines.append(f"{one.level:8}  {one.place:{width}}  {one.text}")
        if one.remedy:
            lines.append(f"{'':8}  {'':{width}}  -> {one.remedy}")
    counted = {level: sum(one.level == level for one in findings) for level in ("ok", "doubtful", "wrong")}
    lines.append(", ".join(f"{number} {level}" for level, number in counted.items()))
    return "\n".join(lines) + "\n"
