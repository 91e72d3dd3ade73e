"""The commands that show that it works: verify and demo."""

import argparse
import asyncio
import dataclasses
import os
import sys
from collections.abc import Mapping
from typing import Final

from aws_masker import catalogue, gateway, keyfile
from aws_masker import demo as demonstration
from aws_masker.cli.settings import load_given
from aws_masker.errors import SettingsError
from aws_masker.fake_api import FakeApi
from aws_masker.settings import Settings, parse_address
from aws_masker.verify import Report, Verification
from aws_masker.verify.traffic import Example, examples

MOST_PROBLEMS: Final = 20
_MOST_CHARACTERS: Final = 90


def demo(parsed: argparse.Namespace) -> int:
    """Show a conversation; 1 if anything of it leaked."""
    del parsed
    return asyncio.run(demonstration.run())


def verify(parsed: argparse.Namespace) -> int:
    """Send identifiers through a gateway and print what leaked; 1 if anything did."""
    settings = load_given(parsed, {**os.environ, "AWS_MASKER_KEY": keyfile.fresh_key(), "AWS_MASKER_KEY_FILE": ""})
    try:
        address = parse_address(parsed.listen or "127.0.0.1:0")
        headers = dict(_header(text) for text in parsed.header)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    chosen = examples(catalogue.load(), settings.policy)
    report = asyncio.run(_verify(parsed, settings, address, headers, chosen))
    _print(report, chosen, settings)
    return 0 if report.clean else 1


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        message = "--header: expected 'NAME: VALUE'"
        raise ValueError(message)
    return name.strip(), value.strip()


async def _verify(
    parsed: argparse.Namespace,
    settings: Settings,
    address: tuple[str, int],
    headers: Mapping[str, str],
    chosen: list[Example],
) -> Report:
    # Longer than what the API sends, so that it does not take minutes, but every token is still cut somewhere.
    api = FakeApi(pieces=(13, 40, 3, 64, 1, 29, 200, 7))
    await api.start(*address)
    try:
        if parsed.gateway:
            _say(f"the fake API listens on {api.url}: that has to be the upstream of {parsed.gateway}")
            verification = Verification(parsed.gateway.rstrip("/"), api, headers, _progress)
            await verification.wait(parsed.wait)
            return await verification.run(chosen)
        # An inventory is sealed with another key than the one that is made for this.
        local = dataclasses.replace(settings, upstream=api.url, listen="127.0.0.1:0", vault="memory://", inventory="")
        running = await gateway.start(local)
        try:
            return await Verification(running.url, api, headers, _progress).run(chosen)
        finally:
            await running.stop()
    finally:
        await api.stop()


def _print(report: Report, chosen: list[Example], settings: Settings) -> None:
    width = max(map(len, report.strings))
    print(f"{'place':{width}}  strings   leaked  not restored  other")
    for place, strings in report.strings.items():
        leaked, lost = report.count(place, "leaked"), report.count(place, "not restored")
        other = sum(problem.place == place for problem in report.problems) - leaked - lost
        print(f"{place:{width}}  {strings:7}  {leaked:7}  {lost:12}  {other:5}")
    print()
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for problem in report.problems:
        grouped.setdefault((problem.what, problem.family, problem.text), []).append(problem.place)
    for (what, family, text), places in list(grouped.items())[:MOST_PROBLEMS]:
        where = places[0] if len(places) == 1 else f"{len(places)} places"
        print(
            f"{what}: {family}, {where}: {text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + '…'!r}"
        )
    if len(grouped) > MOST_PROBLEMS:
        print(f"… and {len(grouped) - MOST_PROBLEMS} more")
    families = {example.family for example in chosen}
    left_out = len(catalogue.load().names - families)
    if left_out:
        policy = ", ".join(f"{name}={choice}" for name, choice in settings.policy.items())
        print(f"{left_out} families are left out by the policy {policy}")
    told = f"{len(families)} families, {len(chosen)} examples in {len(report.strings)} places"
    if report.clean:
        print(f"clean: {told}: nothing leaked, everything came back")
    elif any(problem.what == "leaked" for problem in report.problems):
        print(f"LEAKED: {told}; see above")
    else:
        print(f"not clean: {told}; see above")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="" if text else "\r", file=sys.stderr, flush=True)


def _say(text: str) -> None:
    print(f"aws-masker: {text}", file=sys.stderr, flush=True)
