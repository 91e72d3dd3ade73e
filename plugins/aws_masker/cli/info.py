"""The commands that tell one thing: families, version."""

import argparse
import platform
from importlib import metadata

from aws_masker import catalogue


def version(parsed: argparse.Namespace) -> int:
    """Print the version, and of what."""
    del parsed
    number = metadata.version("kong-aws-masker")
    print(f"aws-masker {number}, {len(catalogue.load().families)} families, Python {platform.python_version()}")
    return 0
