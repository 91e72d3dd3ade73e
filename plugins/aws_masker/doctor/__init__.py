"""``aws-masker doctor``: what is wrong with a Kong that runs the plugins, and the remedy of each."""

from aws_masker.doctor.command import add_arguments, command, examine, run

__all__ = ["add_arguments", "command", "examine", "run"]
