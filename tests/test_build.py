"""What is built, locked and run: the package's files, the lock files, make and CI."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCKS = ("requirements.lock", "requirements-dev.lock")
REQUIREMENT = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)", re.MULTILINE)


def pinned(lock: str) -> dict[str, str]:
    return dict(REQUIREMENT.findall((ROOT / lock).read_text("utf-8")))


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=; \[]", requirement)[0].lower() for requirement in requirements}


def test_the_wheel_holds_the_catalogue_and_the_licence(tmp_path: Path) -> None:
    setuptools = importlib.metadata.version("setuptools")
    if int(setuptools.split(".")[0]) < 80:
        pytest.skip(f"the package is built with setuptools 80 or newer, this is {setuptools}: run `make test`")
    source = tmp_path / "source"
    source.mkdir()
    shutil.copytree(ROOT / "plugins", source / "plugins", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", tmp_path, source], check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {one.relative_to(source / "plugins").as_posix() for one in (source / "plugins").rglob("*.toml")} <= held
    assert "aws_masker/py.typed" in held
    assert any(name.endswith("LICENSE") for name in held)
    assert any(name.endswith("catalogue/words.txt") for name in held)
    page = source / "plugins/aws_masker/page/static"
    assert {one.relative_to(source / "plugins").as_posix() for one in page.iterdir()} <= held


def test_the_licence_is_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text("ascii")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert text.rstrip().endswith("limitations under the License.")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_version_has_a_hash_and_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^(-|--)", text, re.MULTILINE)
    for block in re.split(r"\n(?=[a-z])", text)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_what_the_project_needs_is_locked() -> None:
    extras = PROJECT["optional-dependencies"]
    assert names(PROJECT["dependencies"]) | names(extras["build"]) <= set(pinned("requirements.lock"))
    assert names(extras["dev"]) <= set(pinned("requirements-dev.lock"))


def test_tests_run_with_the_versions_that_users_get() -> None:
    locked = pinned("requirements-dev.lock")
    for name, version in pinned("requirements.lock").items():
        assert locked[name] == version


def test_make_says_what_it_can_do() -> None:
    shown = subprocess.run(["make", "--directory", ROOT], capture_output=True, text=True, check=True, timeout=60).stdout
    targets = re.findall(r"^make ([a-z]+) +\S", shown, re.MULTILINE)
    assert {"run", "demo", "test", "lint", "bench", "lock", "clean", "help"} <= set(targets)


def test_make_names_the_remedy_where_there_is_no_python(tmp_path: Path) -> None:
    for name in ("Makefile", "stack.mk", "pyproject.toml", *LOCKS):
        shutil.copy(ROOT / name, tmp_path)
    command = ["make", "--directory", str(tmp_path), "run", "PYTHON="]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13" in ended.stderr
    assert "make PYTHON=/path/to/python3" in ended.stderr


def test_ci_is_a_script_that_bash_can_read() -> None:
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True, timeout=60)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_every_test_that_the_threat_model_names_is_there() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    files = set(re.findall(r"tests/[a-z0-9_/]+\.py", text))
    assert len(files) > 10
    assert not [name for name in files if not (ROOT / name).exists()]
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert not [name for name in re.findall(r"\btest_[a-z0-9_]{20,}", text) if f"def {name}(" not in tests]


# The structure that docs/design.md draws.


def _drawn() -> list[list[str]]:
    """Return the modules of each line, from the top down."""
    drawing = (ROOT / "docs/design.md").read_text("utf-8").partition("## The modules")[2].split("```")[1]
    return [line.split("  ")[0].replace("/", "").split(", ") for line in drawing.strip().splitlines()]


def _known_to(module: Path) -> set[str]:
    """Return the modules of the package that a module or a folder of them imports."""
    known: set[str] = set()
    for file in module.rglob("*.py") if module.is_dir() else [module]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "aws_masker":
                known |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aws_masker."):
                known.add(str(node.module).split(".")[1])
    return known


def test_every_module_stands_in_the_drawing_and_knows_only_those_above_it_or_in_its_line() -> None:
    package = ROOT / "plugins/aws_masker"
    modules = {path.stem: path for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    modules = {name: path for name, path in modules.items() if not name.startswith("__")}
    above: set[str] = set()
    for line in _drawn():
        above |= set(line)
        for name in line:
            known = (_known_to(modules[name]) & modules.keys()) - above
            assert not known, f"{name} knows {known}"
    assert above == modules.keys()
