"""The rules: what decides, for one tenant under one policy, how a finding is masked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from aws_masker.alone import Automaton
from aws_masker.catalogue import Catalogue, Family
from aws_masker.family_patterns import has_groups
from aws_masker.limits import Limits
from aws_masker.names import NAME, Names
from aws_masker.settings import Policy, Settings
from aws_masker.tokens import Tokens

# The last of the families of the rules, which no catalogue has: names that were given, and how.
GIVEN_FAMILIES: Final = ("inventory-name", "operator-term")
INVENTORY: Final = -2
OPERATORS: Final = -1


class Stays(IntEnum):
    """What stays as it is although it stands where an identifier is expected."""

    NOTHING = 0
    WORDS = 1
    COMMON = 2


class Given:
    """The names that are known before the first text: the operator's terms and those of an inventory."""

    def __init__(self, families: Mapping[bytes, int]) -> None:
        """Build the automaton of names, given with the place of each one's family among those of the rules."""
        self.names = tuple(sorted(families))
        self.families = tuple(families[name] for name in self.names)
        self.automaton = Automaton(self.names)

    def __repr__(self) -> str:
        """Show no name."""
        return f"<Given: {len(self.names)} names>"


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides how a finding is masked, for one tenant under one policy."""

    names: Names
    tokens: Tokens
    # Those of the catalogue, and then GIVEN_FAMILIES.
    families: tuple[str, ...]
    policies: tuple[Policy, ...]
    # What was said of a family or kind holds for its identifiers as parts of others too: an account in an ARN.
    part_policies: Mapping[bytes, Policy]
    # Whether what a family masks is a name to look for elsewhere: not what is found by its own form, nor a part of
    # an address.
    learns: tuple[bool, ...]
    stays: tuple[Stays, ...]
    # Whether nothing but its surroundings tells what is of a family: no form of its own.
    surrounded: tuple[bool, ...]
    # Whether what a family finds may be a path: several words that are common each, but not together. In a registry any
    # words are one, elsewhere not those of programs alone.
    paths: tuple[bool, ...]
    registries: tuple[bool, ...]
    given: Given
    limits: Limits


def rules(
    catalogue: Catalogue, names: Names, tokens: Tokens, settings: Settings, inventory: Mapping[str, str] | None = None
) -> Rules:
    """Return the rules that ``settings`` make of a catalogue: policy by family, else by kind, else mask.

    ``inventory`` are the names known beside the terms, and the family or kind of each.
    """
    policy = settings.policy
    return Rules(
        names=names,
        tokens=tokens,
        families=(*(family.name for family in catalogue.families), *GIVEN_FAMILIES),
        # A name of which nothing else is known is of the kind name; a term is masked whatever the policy.
        policies=(
            *(policy.get(family.name, policy.get(family.kind, "mask")) for family in catalogue.families),
            policy.get("name", "mask"),
            "mask",
        ),
        part_policies={
            family.label.encode(): policy.get(family.name, policy.get(family.kind, "mask"))
            for family in catalogue.families
            if family.label != NAME.decode() and (family.name in policy or family.kind in policy)
        },
        learns=tuple(learns(family) for family in catalogue.families),
        stays=tuple(Stays.WORDS if family.kind == "secret" else Stays.COMMON for family in catalogue.families),
        surrounded=tuple(not (family.pattern or family.host) for family in catalogue.families),
        registries=tuple(family.registry for family in catalogue.families),
        paths=tuple(not family.split and (family.kind == "name" or bool(family.host)) for family in catalogue.families),
        given=_given(catalogue, settings.terms, inventory or {}),
        limits=settings.limits,
    )


def _given(catalogue: Catalogue, terms: Sequence[str], inventory: Mapping[str, str]) -> Given:
    places = {family.name: place for place, family in enumerate(catalogue.families)}
    families = {_bytes(name): places.get(family, INVENTORY) for name, family in inventory.items()}
    return Given(families | {_bytes(term): OPERATORS for term in terms})


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def learns(family: Family) -> bool:
    """Tell whether what a family masks is a name to look for elsewhere too."""
    if family.split:
        return family.split == "arn"
    return not family.pattern or has_groups(family.pattern)
