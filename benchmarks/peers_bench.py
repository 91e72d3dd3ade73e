"""Other tools on the same texts: megabytes a second of processor time, and what share of the identifiers each finds.

Each is installed into an environment of its own (``--cache``, some hundred megabytes) and fed by ``peer_worker.py`` in
there, as its own documentation has it used. None of them promises what this project does: detect-secrets looks for
secrets, scrubadub and Presidio for personal data; Presidio is given no language model, only its pattern recognisers.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aws_masker import Masker, Settings, catalogue
from benchmarks import bodies
from benchmarks.scan_bench import KEY, afresh
from benchmarks.table import Table

PACKAGES: Final = {
    "cloudmask-aws": "0.4.1",
    "detect-secrets": "1.5.0",
    "scrubadub": "2.0.1",
    "presidio-analyzer": "2.2.366",
}
WORKER: Final = Path(__file__).with_name("peer_worker.py")
SIZE: Final = 200_000
INSTALL_SECONDS: Final = 600
WORK_SECONDS: Final = 300


def corpora() -> dict[str, tuple[str, list[str]]]:
    """Return texts, each with the identifiers in it."""
    random_ = random.Random(11)
    instances = [bodies.instance(random_, bodies.ACCOUNT) for _ in range(SIZE // 1500)]
    printed = json.dumps({"Reservations": [{"OwnerId": bodies.ACCOUNT, "Instances": instances}]}, indent=4)
    issued = [bodies.ACCOUNT]
    for one in instances:
        issued += (one[key] for key in ("InstanceId", "ImageId", "PrivateIpAddress", "SubnetId", "VpcId"))
        issued += (one["SecurityGroups"][0]["GroupId"], one["BlockDeviceMappings"][0]["Ebs"]["VolumeId"])
    lines, marked = [], []
    for family in catalogue.load().families:
        for example in family.match[:1]:
            lines.append(example.replace("«", "").replace("»", ""))
            marked += [piece.partition("»")[0] for piece in example.split("«")[1:]]
    return {"AWS CLI output": (printed, issued), "the catalogue's examples": ("\n".join(lines), marked)}


def _install(name: str, cache: Path) -> Path:
    """Return the interpreter of an environment with a peer in it."""
    folder = cache / f"{name}-{PACKAGES[name]}"
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        print(f"installing {name} {PACKAGES[name]} …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, f"{name}=={PACKAGES[name]}"], check=True, timeout=INSTALL_SECONDS)
        (folder / "done").touch()
    return python


def _peer(name: str, cache: Path, text: str) -> tuple[float, str]:
    """Return the seconds that a peer takes for ``text``, and what it leaves of it."""
    done = subprocess.run(
        [str(_install(name, cache)), str(WORKER), name],
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=WORK_SECONDS,
    )
    result = json.loads(done.stdout)
    return float(result["seconds"]), str(result["left"])


def _ours(text: str) -> tuple[float, str]:
    with Masker(Settings(key=KEY, vault="memory://")) as masker:
        masker.warm_up()
        afresh(masker, text)
        began = time.process_time()
        afresh(masker, text)
        return time.process_time() - began, masker.mask_text(text).text


def _share(identifiers: Sequence[str], left: str) -> str:
    """Return what share of ``identifiers`` does not stand in what is left of a text."""
    gone = sum(1 for one in set(identifiers) if one not in left)
    return f"{gone / len(set(identifiers)):.0%}"


def table(cache: Path) -> Table:
    """Return speed and recall of all."""
    rows: list[list[object]] = []
    texts = corpora()
    for name in ("aws-masker", *PACKAGES):
        cells: list[object] = []
        for text, identifiers in texts.values():
            try:
                seconds, left = _ours(text) if name == "aws-masker" else _peer(name, cache, text)
            except (subprocess.SubprocessError, OSError) as fault:
                print(f"not measured: {name}: {type(fault).__name__}", file=sys.stderr)
                cells += ("-", "-")
                continue
            cells += (f"{len(text) / seconds / 1e6:.2f}", _share(identifiers, left))
        rows.append([f"{name} {PACKAGES.get(name, '')}".rstrip(), *cells])
    return Table(
        "Other tools on the same text",
        ("tool", *(f"{text}, {what}" for text in texts for what in ("MB/s", "found"))),
        rows,
        "MB/s: of processor time. found: the share of the different identifiers that are not left in the text. The "
        "second text is made of this "
        "project's own examples, one of each family, so it is in its favour. The tools are made for other ends: "
        "detect-secrets for secrets, scrubadub and Presidio (its pattern recognisers alone) for personal data.",
    )
