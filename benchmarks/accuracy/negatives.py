"""Texts that hold nothing of AWS: sources, documents and data of packages from all over, and lines that only look so.

A file counts when it holds neither an identifier of AWS nor an address. A rule of this module's own decides that, wider
than any catalogue: whatever mentions AWS at all, or has four numbers with dots or an IPv6 or MAC address in it, is out.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aws_masker import Masker
from benchmarks.accuracy import values

# fmt: off
_TEXTS: Final = frozenset((
    ".py", ".pyi", ".js", ".ts", ".tsx", ".jsx", ".mjs", ".cjs", ".css", ".scss", ".less", ".html", ".md", ".rst",
    ".json", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".sh", ".sql", ".xml", ".svg", ".vue", ".lock", ".go", ".java",
    ".txt", ".rb", ".tf", ".j2", ".po", ".csv", ".c", ".h", ".proto", ".ipynb",
))
# fmt: on
MAX_BYTES: Final = 200_000
_AWS: Final = re.compile(
    rb"(?i)aws|amazon|\bboto|\barn:|s3[an]?://|\bAKIA|\bec2\b|cloudfront"
    rb"|\b(?:eu|us|ap|ca|sa|me|af|cn)-(?:[a-z]+-)?(?:north|south|east|west|central)[a-z]*-\d"
)
_ADDRESS: Final = re.compile(
    rb"(?:(?<![\d.])|\\u[0-9a-f]{4})(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)"
    rb"|(?i:(?<![0-9a-z:])(?:[0-9a-f]{1,4}:){3,7}(?::?[0-9a-f]{1,4})|[0-9a-f]{1,4}::[0-9a-f]{1,4}|::[0-9a-f]{1,4}"
    rb"|(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2})"
)
# Credentials and mail addresses in the tests and examples of packages: nothing of AWS, and rightly masked all the same.
_SECRET: Final = re.compile(
    rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ|-----BEGIN [A-Z ]*PRIVATE KEY|://[^\s/:@\"']{1,64}:[^\s/:@\"']{1,64}@"
    rb"|(?i:password|passwd|secret(?:_?key)?|token|api_?key)[\"']?\s*[:=]\s*[\"'][^\"'\s]*[0-9][^\"'\s]*[\"']"
    rb"|(?i:e-?mail)[\"']?\s*[:=]\s*[\"']?[a-z0-9._+-]+@[a-z0-9-]+\.[a-z]"
)


@dataclass(slots=True)
class Precision:
    """How many texts and lines there were, and which were changed: by package, file, family and line."""

    texts: int = 0
    lines: int = 0
    changed: int = 0
    changed_lines: int = 0
    generated: int = 0
    generated_changed: int = 0
    hits: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The part of the texts that was changed, of 1."""
        return self.changed / self.texts if self.texts else 0.0


def files(folders: dict[str, Path], chance: random.Random, part: float = 1.0) -> Iterator[tuple[str, str]]:
    """Yield name and content of the files that hold nothing of AWS, of ``part`` of all files."""
    for package, folder in folders.items():
        for path in sorted(folder.rglob("*")):
            if path.suffix not in _TEXTS or chance.random() >= part or not path.is_file():
                continue
            data = path.read_bytes()
            if not 0 < len(data) <= MAX_BYTES or any(one.search(data) for one in (_AWS, _ADDRESS, _SECRET)):
                continue
            try:
                yield f"{package}: {path.relative_to(folder)}", data.decode()
            except UnicodeDecodeError:
                continue


def lines(chance: random.Random, count: int) -> Iterator[str]:
    """Yield lines of what is often taken for identifiers: digests, versions, times, numbers, pods, prose."""
    make = (
        lambda: f"commit {values.hexadecimal(chance, 40)}",
        lambda: f"{values.hexadecimal(chance, 7)} Fix the build of i-frames and sg-styles",
        lambda: f"sha256:{values.hexadecimal(chance, 64)}",
        lambda: f'"integrity": "sha512-{values.letters(chance, 86)}=="',
        lambda: f'"requestId": "{values.uuid(chance)}"',
        lambda: f"{chance.randrange(30)}.{chance.randrange(30)}.{chance.randrange(30)}-rc.{chance.randrange(9)}",
        lambda: f"2024-0{chance.randrange(1, 9)}-1{chance.randrange(9)}T10:11:12.{chance.randrange(999)}Z took 12 ms",
        lambda: f"epoch {1700000000 + chance.randrange(9**8)}, {1700000000000 + chance.randrange(9**11)} ms",
        lambda: f"order {chance.randrange(10**11, 10**12)} by +49 30 {chance.randrange(10**7)}",
        lambda: f"pod/web-{values.letters(chance, 10)}-{values.letters(chance, 5)} 1/1 Running 0 3d",
        lambda: f"npm install @acme/ui-kit@^{chance.randrange(9)}.2.1 left-pad && docker pull redis:7-alpine",
        lambda: f".btn-{chance.randrange(99)} {{ margin: -0.1em; color: #{values.hexadecimal(chance, 6)}; }}",
        lambda: f'  "resolved": "https://registry.example/x/-/x-1.0.tgz#{values.hexadecimal(chance, 40)}"',
        lambda: f"i-th element, sg-1 team, an ami-able vol-au-vent, page {chance.randrange(99)}",
        lambda: f"const id{chance.randrange(9)} = `row-${{index}}-{chance.randrange(9)}`;",
        lambda: f"id: user-{chance.randrange(99)}, name: John, ts={chance.randrange(10**9)}",
    )
    for _ in range(count):
        yield chance.choice(make)()


def precision(masker: Masker, folders: dict[str, Path], chance: random.Random, part: float = 1.0) -> Precision:
    """Mask every such file as a text, and thousands of generated lines, and count what was changed."""
    result = Precision()
    for name, text in files(folders, chance, part):
        result.texts += 1
        result.lines += text.count("\n") + 1
        masked = masker.mask_text(text)
        if not masked.dictionary:
            continue
        result.changed += 1
        changed = [
            before for before, after in zip(text.split("\n"), masked.text.split("\n"), strict=False) if before != after
        ]
        result.changed_lines += len(changed)
        result.hits += [f"{name} | {', '.join(masked.counts)} | {line.strip()[:300]}" for line in changed]
    for line in lines(chance, 4000):
        result.generated += 1
        masked = masker.mask_text(line)
        if masked.dictionary:
            result.generated_changed += 1
            result.hits.append(f"generated | {', '.join(masked.counts)} | {line}")
    return result
