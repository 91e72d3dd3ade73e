"""Text made to be slow: what looking through it costs stays proportional to its length (law 12).

Counted, not timed: the calls that Python makes, and the bytes that RE2 is given to search. Twice the text may cost
twice as much, and a little more for rounding; where looking were quadratic, it would cost four times as much.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from ahocorasick_rs import BytesAhoCorasick

from aws_masker import Masker, alone, re2c
from aws_masker.alone import MAX_OVERLAPPING, Automaton
from aws_masker.limits import Limits
from aws_masker.restore import restorer_for
from aws_masker.tokens import ALPHABET
from masking import masker

# Long enough for what grows to show, short enough for CI.
SIZE = 6_000
# Of calls and searched bytes, for each byte of text; ordinary text needs about 0.3 and 10.
MOST_CALLS = 24.0
MOST_SEARCHED = 400.0


def again(unit: str, before: str = "") -> Callable[[int], str]:
    """Return what makes a text of a length: ``before`` and then ``unit`` again and again."""
    return lambda length: (before + unit * (length // len(unit) + 1))[:length]


def near_tokens(length: int) -> str:
    chance = random.Random(7)  # noqa: S311 - the same near-tokens in every run
    count = length // 20 + 1
    return " ".join("i-x" + "".join(chance.choice(ALPHABET) for _ in range(16)) for _ in range(count))[:length]


def distinct(form: str) -> Callable[[int], str]:
    """Return what makes a text of a length, in which every ``form`` has another number."""
    return lambda length: " ".join(form.format(number) for number in range(length // len(form.format(0))))


def words_with_humps(length: int) -> str:
    """Return a program of AWS, which gives a bucket a name and calls something with as many words."""
    begins = 'import boto3\nboto3.client("s3").list_objects(Bucket="plum-ledger-eu")\n'
    units = (f'made("Harbor{"abcdefghij"[number % 10] * (number % 97 + 1)}Plum") ' for number in range(length // 24))
    return (begins + "".join(units))[:length]


def tokens_and_identifiers(length: int) -> str:
    """Return tokens of the masker that is measured, among as many identifiers."""
    with masker() as made:
        tokens = made.mask_text(distinct("i-{:017x}")(length // 2)).text.split()
    return " ".join(f"{token} i-{number:017x}" for number, token in enumerate(tokens, length))[:length]


def quotes_at_many_depths(length: int) -> str:
    units = ("\\" * depth + '"password' + "\\" * depth + '": ' + "\\" * depth + '"a' for depth in range(40))
    return ("".join(units) * (length // 40))[:length]


TEXTS: dict[str, Callable[[int], str]] = {
    "one character": again("a"),
    "blanks": again(" "),
    "backslashes": again("\\"),
    "quotes": again('"'),
    "digits": again("1"),
    "dashes": again("-"),
    "beginnings of tokens": again("i-x"),
    "beginnings of tokens with characters": again("name-x0123456789abc"),
    "near-tokens": near_tokens,
    "tokens among identifiers": tokens_and_identifiers,
    "labels upon labels": again("eni-attach-subnet-net-i-x0123456789abcdef"),
    "beginnings of ARNs": again("arn:aws:"),
    "ARNs without an end": again("arn:aws:iam::481516234217:role/"),
    "halves of ids": again("i-0a1b2c3d4e5f6071"),
    "halves of access keys": again("AKIAIOSFODNN7EXAMPL "),
    "endings of host names": again(".amazonaws.com"),
    "hosts in hosts": again("a.s3.amazonaws.com."),
    "buckets": again("s3://a-1/"),
    "numbers with dots": again("10.1.2.3."),
    "IPv6": again("2001:db8:"),
    "escapes": again("\\u0041\\n%2F"),
    "keys": again("bucket_name "),
    "keys with joints": again("password="),
    "keys with values": again("password=a1b2 "),
    "keys with quotes": again('"password": "'),
    "keys with quotes that never close": again('password="a1 '),
    "quotes at many depths": quotes_at_many_depths,
    "accounts that are none": lambda length: again("the accounts of ours, ")(length - 13) + " 481516234217",
    "numbers of lines": again("\n1\ta\n2\tb"),
    "numbered lines": lambda length: "\n".join(f"{number:6}\tbucket: a-1" for number in range(length // 20)),
    "rows of text": again("\nCLUSTERS\tTrue\ta-1"),
    "one row of text": again("a-1\t", "CLUSTERS\tTrue\t"),
    "commands of AWS": again("\n$ aws x y --query 'Ys[].[A,B]'"),
    "a command of many commands": again(" | jq .a[] && aws x --query '[?'", "$ aws x y"),
    "brackets that a command printed": again("[", "$ aws x y --query Ys\n"),
    "escaped quotes that a command printed": again('\\"[', '$ aws x y --query Ys\n["'),
    "lists that a command printed": again('["a-1"],', "$ aws x y --query Ys\n["),
    "tables that a command printed": again("| a-1 | b-2 |\n", "$ aws x y --query Ys\n"),
    "bars that a command printed": again("|a-1", "$ aws x y --query Ys\n|"),
    "items that a command printed": again("- - a-1\n", "$ aws x y --query Ys\n"),
    "lists of words": again("topic.role=x ", "aws "),
    "constants of the shell": again("SERVICE_STACK_ROLE=a ", "aws "),
    "words with humps": words_with_humps,
    "loops of the shell": again("for a in b c; ", "aws "),
    "nouns of sentences": again("the role a-1, ", "aws "),
    "keys that are values": again("Password: secret_key: ", "aws "),
    "keys in values of keys": again("password=:"),
    "flags": again("--bucket "),
    "flags with words": again("--source-db-bucket-"),
    "lists": again('"a-1", ', '"buckets": ['),
    "lists that never end": again('"buckets": ["a-1", '),
    "items of YAML": again("  - a-1\n", "buckets:\n"),
    "changes": again('a1b2" -> "', '"password": "'),
    "titles of one line": again("bucket,"),
    "titles of many lines": again("bucket,name\n"),
    "tables": again("| BucketName | a-1 |\n"),
    "tables of blanks": again("BUCKET  NAME  STATE\n"),
    "lists of nothing": again("Values=Value\t, account , "),
    "brackets": again("[{("),
    "distinct identifiers": distinct("i-{:017x}"),
    "distinct names": distinct("--bucket nm{}-b"),
    "distinct secrets": distinct('"password": "s3cr-{}x"'),
}


class Work:
    """What has been done: calls of Python and C, and the bytes that RE2 was given."""

    def __init__(self) -> None:
        self.calls = 0
        self.searched = 0

    def profile(self, _frame: FrameType, event: str, _argument: object) -> None:
        if event in {"call", "c_call"}:
            self.calls += 1


@pytest.fixture(scope="module")
def one() -> Iterator[Masker]:
    with masker(limits=Limits(identifiers=10**6, names=10**6)) as made:
        made.mask_text("the first text makes what later ones use")
        yield made


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], Work]:
    """Return a function that says what a call costs."""
    work = Work()
    search, match = re2c.Pattern.search, re2c.Pattern.match

    def counted(self: Any, text: bytes, start: int = 0, end: int | None = None) -> Any:
        found = search(self, text, start, end)
        stop = found[1] if found else len(text) if end is None else end
        work.searched += stop - start
        return found

    def matched(self: Any, text: bytes, start: int = 0, end: int | None = None) -> int:
        found = match(self, text, start, end)
        work.searched += max(found - start, 1)
        return found

    def fitted(self: Any, text: bytes) -> bool:
        work.searched += len(text)
        return bool(self._match(re2c._WHOLE, text, 0, len(text))[0][0] == 0)

    monkeypatch.setattr(re2c.Pattern, "search", counted)
    monkeypatch.setattr(re2c.Pattern, "match", matched)
    monkeypatch.setattr(re2c.Pattern, "fits", fitted)

    def of(call: Callable[[], object]) -> Work:
        work.calls = work.searched = 0
        before = sys.getprofile()
        sys.setprofile(work.profile)
        try:
            call()
        finally:
            sys.setprofile(before)
        done = Work()
        done.calls, done.searched = work.calls, work.searched
        return done

    return of


Measure = Callable[[Callable[[], object]], Work]


@pytest.mark.parametrize("kind", TEXTS)
def test_masking_takes_work_in_proportion_to_the_length(one: Masker, measure: Measure, kind: str) -> None:
    one.cache.clear()
    costs = [measure(partial(one.mask_text, TEXTS[kind](size))) for size in (SIZE, 2 * SIZE, 4 * SIZE)]
    for smaller, larger in pairwise(costs):
        assert larger.calls <= 2.3 * smaller.calls + 2000
        assert larger.searched <= 2.3 * smaller.searched + 20 * SIZE
    assert costs[-1].calls <= MOST_CALLS * 4 * SIZE
    assert costs[-1].searched <= MOST_SEARCHED * 4 * SIZE


@pytest.mark.parametrize("kind", ["near-tokens", "quotes at many depths", "keys with joints", "backslashes"])
def test_reading_a_body_and_making_edits_in_it_does_too(one: Masker, measure: Measure, kind: str) -> None:
    def body(size: int) -> bytes:
        content = json.dumps({"a": TEXTS[kind](size), "b": [TEXTS[kind](size // 10)] * 3})
        return json.dumps({"messages": [{"role": "user", "content": content}]}).encode()

    one.cache.clear()
    costs = [measure(partial(one.mask_body, body(size), "/v1/messages")) for size in (SIZE, 2 * SIZE)]
    assert costs[1].calls <= 2.3 * costs[0].calls + 2000
    assert costs[1].searched <= 2.3 * costs[0].searched + 20 * SIZE


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json", "text/plain"])
@pytest.mark.parametrize("kind", ["beginnings of tokens", "near-tokens", "labels upon labels", "dashes", "quotes"])
def test_restoring_takes_work_in_proportion_however_it_is_cut(measure: Measure, content_type: str, kind: str) -> None:
    dictionary = {f"{label}-x0123456789abcdef": "original" for label in ("i", "subnet", "net", "eni-attach", "acctn")}

    def answer(size: int) -> list[bytes]:
        text = TEXTS[kind](size)
        pieces = [text[start : start + 7] for start in range(0, size, 7)]
        if content_type == "text/event-stream":
            deltas = ({"type": "text_delta", "text": piece} for piece in pieces)
            events = ({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas)
            return [b"event: content_block_delta\ndata: " + json.dumps(one).encode() + b"\n\n" for one in events]
        if content_type == "application/json":
            return [piece.encode() for piece in json.dumps({"content": pieces})]
        return [piece.encode() for piece in pieces]

    def restore(pieces: list[bytes]) -> None:
        restorer = restorer_for(content_type, dictionary)
        for piece in pieces:
            restorer.feed(piece)
        restorer.close()

    made = [answer(SIZE // 2), answer(SIZE)]
    costs = [measure(partial(restore, pieces)) for pieces in made]
    assert costs[1].calls <= 2.3 * costs[0].calls + 500


# Names that overlap.


def test_a_name_that_repeats_itself_is_built_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a library does cannot be counted, but which of its ways is taken: its DFA is built in quadratic time."""
    built: list[object] = []

    def record(names: object, **how: object) -> BytesAhoCorasick:
        built.append(how["implementation"])
        return BytesAhoCorasick(names, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(alone, "BytesAhoCorasick", record)
    automaton = Automaton([b"password=" * 200, b"password="])
    assert [str(one) for one in built] == ["Implementation.ContiguousNFA"] * 2
    assert max(hit.end for hit in automaton.hits(b"password=" * 200, 2)) == 1800


def test_of_long_names_the_longest_is_found_and_short_ones_in_them_are_found_too() -> None:
    secret = b"s3cret" * 100
    names = [b"s3cret", secret, secret + b"-2"]
    hits = list(Automaton(names).hits(secret + b"-2 s3cret", 2))
    assert hits[0] == (2, 0, 602)
    assert hits[-1] == (0, 603, 609)
    assert len(secret) > MAX_OVERLAPPING
    assert all(one.start <= two.start for one, two in pairwise(hits))
