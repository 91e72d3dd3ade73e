"""The command line: which commands there are, what they take, and what an error looks like.

A command is a function that takes the parsed arguments and returns the exit code; the modules beside this one hold
them, and are imported when they are called, so that ``--help`` is quick. Errors that a person can mend are one line on
stderr, with the remedy; there is no traceback but for a fault of ours.
"""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from aws_masker.cli.settings import add_options
from aws_masker.errors import MaskerError, Refused, VaultError
from aws_masker.kong import errorlog

OK: Final = 0
FOUND: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
VAULT: Final = 4
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

_EXIT_CODES: Final = f"""\
exit codes:
  {OK}    all is well
  {FOUND}    verify, demo: something leaked or did not come back;
       gateway: it could not start
  {USAGE}    wrong usage or settings, or a file that cannot be read or written
  {REFUSED}    the input may not leave: blocked by policy, too large, or not what
       it is said to be
  {VAULT}    the vault cannot be used
  {INTERRUPTED}  interrupted
"""


class Command(NamedTuple):
    """One command: its module and function, a line of help, its text, and the settings that its help shows."""

    target: str
    line: str
    text: str
    settings: tuple[str, ...] = ()
    # The module and function that add the command's arguments, where they are its own module's business.
    arguments: str = ""


_SHARED: Final = ("config", "key_file", "tenant", "policy", "terms", "terms_file", "inventory", "vault")
_COMMANDS: Final[Mapping[str, Command]] = {
    "gateway": Command(
        "cli.gateway:gateway",
        "run the gateway that Claude Code and other clients talk to",
        """\
Take requests for the Claude API, mask them, send them on, and restore the
answers. Makes a key on first use.

  aws-masker gateway
      on 127.0.0.1:8082, towards https://api.anthropic.com
  aws-masker gateway --listen 127.0.0.1:9000 --policy secret=block
  aws-masker gateway --config aws-masker.yaml --vault redis://127.0.0.1:6379/0
""",
        (*_SHARED, "listen", "upstream", "vault_ttl", "vault_required", "page"),
    ),
    "mask": Command(
        "cli.text:mask",
        "mask a text, or the JSON body of a request",
        """\
Replace every AWS identifier in FILE (or standard input) by its token. What the
tokens stand for goes into the vault, so that `aws-masker restore` brings it
back, also later and elsewhere, with the same key and vault.

  aws-masker mask < notes.txt > masked.txt
  terraform show -json | aws-masker mask --format json
  aws-masker mask --format messages request.json
      as the gateway does it: thinking blocks, ids and such stay as they are
""",
        (*_SHARED, "limits_body"),
    ),
    "restore": Command(
        "cli.text:restore",
        "put the originals back",
        """\
Replace the tokens in FILE (or standard input) by what they stand for. Tokens
that the vault does not know stay.

  aws-masker restore < masked.txt
  aws-masker restore --format json answer.json
      originals are escaped as JSON strings need it
  aws-masker restore --dictionary d.json < masked.txt
      with what `mask --dictionary d.json` wrote, without key and vault
  aws-masker restore --record 4f1c2a9b0d3e4c55
      what was sent with this request, in clear; who asked for it is recorded
""",
        (*_SHARED, "audit", "bodies", "limits_event"),
    ),
    "learn": Command(
        "cli.learn:learn",
        "learn the names of your estate, so that they are masked from the first word on",
        """\
Read Terraform state, JSON that the AWS CLI printed (any list or describe, also
of Config, Resource Explorer, the tagging API, CloudFormation) and add the names
in it to the inventory: an encrypted file beside the key. What starts from then
on masks them wherever they stand alone. Prints counts, never names.

  aws-masker learn terraform.tfstate
  terraform show -json | aws-masker learn -
  { aws s3api list-buckets; aws rds describe-db-instances; } | aws-masker learn -
  aws resource-explorer-2 search --query-string '*' | aws-masker learn -
  echo project-bluebird | aws-masker learn --text -
  echo shared-tools | aws-masker learn --forget -
      takes a name out again, and does not learn it from documents any more
  aws-masker learn --status
  aws-masker learn --show
""",
        ("config", "key_file", "tenant", "inventory", "limits_inventory", "limits_learn_file"),
        arguments="cli.learn:add_arguments",
    ),
    "verify": Command(
        "cli.verify:verify",
        "send identifiers of every family through a gateway, report what leaks",
        """\
Start a fake Claude API and send it, through a gateway, what a coding agent
sends (system prompts, tools, tool calls and results, JSON in text, escapes,
token counts, batches, streamed and not), full of made-up identifiers of every
family. Then look at what arrived there and at what came back. Without
--gateway it starts a gateway with your settings.

  aws-masker verify
  aws-masker verify --policy pii=allow
      families that are allowed or blocked are left out
  aws-masker verify --gateway http://127.0.0.1:8082 --listen 127.0.0.1:8090
      one that runs already, with its upstream at http://127.0.0.1:8090
""",
        ("config", "policy"),
    ),
    "demo": Command(
        "cli.verify:demo",
        "show one conversation through a gateway, against a fake Claude API",
        """\
Show side by side what a client sent, what left, what came back and what the
client saw. No account, no network.

  aws-masker demo
  NO_COLOR=1 aws-masker demo | less
""",
    ),
    "families": Command(
        "cli.families:families",
        "list the kinds of identifiers that are found",
        """\
  aws-masker families
  aws-masker families --kind secret
  aws-masker families --service rds --json
  aws-masker families --markdown
      the page docs/catalogue.md
""",
    ),
    "audit": Command(
        "cli.audit:audit",
        "show what was sent: records of requests, or sums of them",
        """\
Read the records where the setting audit sends them, or FILE. No key is needed,
as no record holds an original.

  aws-masker audit --since 12h
  aws-masker audit --by family --since 7d
  aws-masker audit --session 0b8f1c5e --json
  aws-masker audit --outcome refused --follow
  aws-masker audit --body 4f1c2a9b0d3e4c55
      what was sent with this request, as the API saw it (with record_bodies)
  docker compose logs --no-log-prefix kong | aws-masker audit -
""",
        ("config", "audit", "bodies"),
        arguments="cli.audit:add_arguments",
    ),
    "key": Command(
        "cli.key:key",
        "make a new key, or change the one in a key file",
        """\
  aws-masker key
      print a new one
  aws-masker key --out FILE
      write it to a new file that only you can read; never overwrites
  aws-masker key rotate
      use a new key (or the one that is prepared) from the next start on; tokens
      of the previous one are still recognised and restored
  aws-masker key prepare
      before that, where several processes share the file or its copies: add the
      key to come, whose tokens are recognised from the next start on
  aws-masker key retire
      forget the previous keys, and with them what their tokens stand for
  aws-masker key show
      what the file holds, by fingerprints

Changing the key changes the past of conversations that are under way, once:
see docs/configuration.md.
""",
    ),
    "settings": Command(
        "cli.settings:settings",
        "show all settings, their values and where each came from",
        """\
  aws-masker settings
      what is in force here
  aws-masker settings --markdown
      what there is, as the table in docs/configuration.md

Each setting has an option, an environment variable and a place in the YAML
file. The first of these that is given wins, in this order.
""",
        ("config",),
    ),
    "doctor": Command(
        "doctor:command",
        "say what is wrong with a Kong that runs the plugins, and the remedy",
        """\
  aws-masker doctor --kong-yml kong.yml
  aws-masker doctor --admin http://127.0.0.1:8001 --redis redis://127.0.0.1:6379/0
""",
        arguments="doctor:add_arguments",
    ),
    "plugin-server": Command(
        "kong.server:command",
        "serve the Python plugin to Kong, which starts this itself",
        """\
Kong's environment names it: KONG_PLUGINSERVER_AWS_MASKER_START_CMD runs it, and
KONG_PLUGINSERVER_AWS_MASKER_QUERY_CMD runs it with --dump. See docs/kong.md.
""",
        arguments="kong.server:add_options",
    ),
    "page": Command(
        "cli.page:page",
        "show what leaves in a browser, from the audit stream of a team's Redis",
        """\
Follow the audit stream that the gateways or Kong nodes write (setting audit:
redis://…) and serve the live page on this machine. Needs no key. A single
gateway serves its own: aws-masker gateway --page 127.0.0.1:8083

  aws-masker page --audit redis://127.0.0.1:6379/0
  aws-masker page --audit rediss://redis.internal:6380/0?stream=audit --page 127.0.0.1:9000
  aws-masker page --audit redis://127.0.0.1:6379/0 --record-bodies masked --bodies /var/lib/aws-masker/bodies
      with what was sent and answered, from the folder in which Kong or a gateway keeps that
""",
        ("config", "audit", "record_bodies", "bodies", "page", "page_open"),
    ),
    "version": Command("cli.info:version", "show the version", ""),
}


# Options that mean something else to a command than the setting of that name.
_TAKEN: Final[Mapping[str, frozenset[str]]] = {"verify": frozenset({"listen"}), "audit": frozenset({"tenant"})}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``aws-masker`` with ``arguments`` (those of the process by default) and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that knows no box characters gets question marks, not a traceback.
            stream.reconfigure(errors="replace")
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["plugin-server"]:
        errorlog.take_over()  # in which Kong would put nothing of what follows, below its level as it is
    try:
        parser = _parser(arguments[0] if arguments else "")
    except ModuleNotFoundError as error:
        print(f"aws-masker: {error.name} is missing: pip install 'kong-aws-masker[kong]'", file=sys.stderr)
        return USAGE
    parsed = parser.parse_args(arguments)
    if parsed.command is None:
        parser.print_help()
        return USAGE
    try:
        code: int = _named(_COMMANDS[parsed.command].target)(parsed)
        sys.stdout.flush()
    except Refused as error:
        return _tell(REFUSED, error)
    except VaultError as error:
        return _tell(VAULT, error)
    except (MaskerError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Whoever read our output has enough of it; without this the interpreter complains when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return BROKEN_PIPE
        return _tell(USAGE, error)
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _named(target: str) -> Callable[..., Any]:
    module, _, function = target.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f"aws_masker.{module}"), function)
    return found


def _tell(code: int, error: Exception) -> int:
    text = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
    print(f"aws-masker: {text}", file=sys.stderr)
    return code


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        # Were options to be abbreviated, `--key SECRET` would be taken for --key-file.
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        said, unknown, given = message.partition("unrecognized arguments: ")
        if unknown:
            # The names of options alone: `--key SECRET` would stand in the journal of whoever starts it so.
            names = [one.partition("=")[0] for one in given.split() if one.startswith("-")]
            message = said + unknown + (" ".join(names) or "more than it takes")
        self.exit(USAGE, f"aws-masker: {message}; see `{self.prog} --help`\n")


def _parser(asked: str) -> _Parser:
    """Return the parser. Only the command that is ``asked`` for loads a module for its arguments."""
    text = "Keeps AWS identifiers out of what is sent to the Claude API.\n\n"
    text += "  aws-masker gateway            then, elsewhere: ANTHROPIC_BASE_URL=http://127.0.0.1:8082 claude\n"
    text += "  aws-masker demo               see it work, without an account\n"
    text += "  aws-masker COMMAND --help     examples and options of a command\n"
    formatter = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="aws-masker", description=text, epilog=_EXIT_CODES, formatter_class=formatter)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, command in _COMMANDS.items():
        one = commands.add_parser(
            name,
            help=command.line,
            description=f"{command.line[0].upper()}{command.line[1:]}.\n\n{command.text}",
            epilog=_EXIT_CODES,
            formatter_class=formatter,
        )
        _add_arguments(name, one)
        if command.arguments and name == asked:
            _named(command.arguments)(one)
        if command.settings:
            add_options(one, command.settings, taken=_TAKEN.get(name, frozenset()))
    return parser


def _add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    """Add what a command takes beside settings."""
    if name in {"mask", "restore"}:
        parser.add_argument("file", nargs="?", metavar="FILE", help="what to read (default: standard input)")
        parser.add_argument("--format", choices=("text", "json", "messages"), default="text", help="default: text")
    if name == "mask":
        parser.add_argument("--dictionary", metavar="FILE", help="also write token and original to a new file, 0600")
    if name == "restore":
        parser.add_argument("--dictionary", metavar="FILE", help="take the originals from this file, not the vault")
        parser.add_argument("--record", metavar="ID", help="not FILE, but what is kept of this request (record_bodies)")
        parser.add_argument("--part", choices=("sent", "answered"), default="sent", help="of a record (default: sent)")
    if name == "families":
        parser.add_argument("--kind", help="only those of this kind")
        parser.add_argument("--service", help="only those of this service")
        parser.add_argument("--json", action="store_true", help="as JSON, with their examples")
        parser.add_argument("--markdown", action="store_true", help="as a page of tables, by service")
    if name == "key":
        parser.add_argument(
            "action", nargs="?", choices=("rotate", "prepare", "retire", "show"), help="what to do to the key file"
        )
        parser.add_argument("--key-file", metavar="FILE", help="the key file (default: the one in use here)")
        parser.add_argument("--out", metavar="FILE", help="write it to this new file, mode 0600")
    if name == "settings":
        parser.add_argument("--markdown", action="store_true", help="what settings there are, as a table")
    if name == "verify":
        parser.add_argument("--gateway", metavar="URL", help="a gateway that runs already")
        parser.add_argument("--listen", metavar="HOST:PORT", help="where the fake API listens (default: a free port)")
        parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'", help="sent along")
        parser.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="for --gateway to find the API")
