"""``aws-masker demo``: one conversation through the gateway, and what became of it on the way, side by side."""

from aws_masker.demo.conversation import COMMAND, ORIGINALS, Turn, problems, run

__all__ = ["COMMAND", "ORIGINALS", "Turn", "problems", "run"]
