"""The command line, ``aws-masker``."""

from aws_masker.cli.main import main

__all__ = ["main"]
