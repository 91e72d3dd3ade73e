"""Errors as AWS words them, in which a name stands in a sentence."""

import random
from typing import Final

from benchmarks.accuracy.facts import Fact, kebab, pascal, snake

# {noun}, {words}: what it is, as one word and in words; {value}: its name.
_SENTENCES: Final = (
    "{noun} {value} not found.",
    "{noun} not found: {value}",
    "{noun} '{value}' does not exist",
    'The {words} "{value}" does not exist',
    "The {words} {value} does not exist.",
    "{noun} already exists: {value}",
    "{noun} with name {value} already exists",
    "The {words} with name {value} cannot be found.",
    "Could not find {words} {value}",
    "No {words} found for name: {value}.",
    "{noun} {value} is in an invalid state: DELETING",
    "{noun}: {value} is not active",
)


def error(fact: Fact, chance: random.Random) -> str:
    """Write an error as the AWS CLI or an SDK prints it."""
    words = snake(fact.noun).replace("_", " ")
    sentence = chance.choice(_SENTENCES).format(noun=pascal(fact.noun), words=words, value=fact.value)
    operation = fact.operation
    return chance.choice(
        (
            f"An error occurred (ResourceNotFoundException) when calling the {operation} operation: {sentence}",
            (
                f"botocore.errorfactory.{pascal(fact.noun)}NotFoundFault: "
                f"An error occurred ({pascal(fact.noun)}NotFound) when calling the {operation} operation: {sentence}\n"
            ),
            (
                f"Error: deleting {words} ({fact.value}): operation error {kebab(fact.service)}: {operation}, "
                f"https response error StatusCode: 404, api error ResourceNotFoundException: {sentence}\n"
            ),
        )
    )
