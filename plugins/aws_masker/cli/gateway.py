"""The command that runs the gateway."""

import argparse
import sys

from aws_masker import coredumps
from aws_masker import gateway as gateway_host
from aws_masker.cli.settings import default_vault, load_from


def gateway(parsed: argparse.Namespace) -> int:
    """Run the gateway until it is told to stop."""
    coredumps.forbid()
    loaded = load_from(parsed, make_key=True)
    vault = loaded.settings.vault
    # Only the default is known to hold no password.
    shown = vault if vault in {default_vault(), "memory://"} else f"{vault.partition(':')[0]}://…"
    print(f"aws-masker: key: {loaded.origins['key']}; vault: {shown}", file=sys.stderr, flush=True)
    return gateway_host.run(loaded.settings)
