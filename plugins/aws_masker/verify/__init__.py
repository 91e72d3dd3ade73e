"""``aws-masker verify``: identifiers of every family through a gateway, and what of them arrived behind it."""

from aws_masker.verify.report import Report, Unreachable, Verification

__all__ = ["Report", "Unreachable", "Verification"]
