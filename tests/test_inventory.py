"""The inventory file: whose names it tells whom, what of it a reader of the file sees, and that nothing gets lost."""

import json
import re
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from aws_masker import Blocked, Limits, Masker, Settings, SettingsError, TooLarge
from aws_masker.inventory import Inventory, Known, change, forget, known_names
from aws_masker.kong.maskers import Maskers
from masking import KEY, OTHER_KEY, marked, masker

NAMES = {"ledger-prod": "s3-bucket-name", "bluebird": "name", "481516234217": "arn"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "inventory"


def settings(path: Path, **more: object) -> Settings:
    return Settings(**{"key": KEY, "inventory": str(path), **more})  # type: ignore[arg-type]


def learn(given: Settings, names: dict[str, str] = NAMES) -> None:
    change(Path(given.inventory), given, lambda known: Known({**known.names, **names}, known.forgotten))


def known(given: Settings) -> dict[str, str]:
    return dict(known_names(Inventory.of(given), given))


# The file


def test_what_was_learned_is_known_to_who_reads_the_file(path: Path) -> None:
    learn(settings(path))
    learn(settings(path), {"payments-eks": "name"})
    assert known(settings(path)) == {**NAMES, "payments-eks": "name"}


def test_only_its_owner_may_read_the_file(path: Path) -> None:
    learn(settings(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_file_shows_neither_names_nor_tenants(path: Path) -> None:
    learn(settings(path, tenant="payments-team"))
    written = path.read_bytes()
    assert [name for name in (*NAMES, *NAMES.values(), "payments-team") if name.encode() in written] == []


def test_a_tenant_knows_its_own_names_only(path: Path) -> None:
    learn(settings(path, tenant="one"))
    learn(settings(path, tenant="other"), {"payments-eks": "name"})
    assert known(settings(path, tenant="one")) == NAMES
    assert known(settings(path, tenant="other")) == {"payments-eks": "name"}
    assert known(settings(path, tenant="third")) == {}


def test_a_section_that_was_put_in_place_of_another_tenants_does_not_open(path: Path) -> None:
    learn(settings(path, tenant="one"))
    learn(settings(path, tenant="other"), {"payments-eks": "name"})
    content = json.loads(path.read_bytes())
    one, other = content["sections"]
    one["sealed"], other["sealed"] = other["sealed"], one["sealed"]
    path.write_text(json.dumps(content))
    with pytest.raises(SettingsError, match="is damaged"):
        known(settings(path, tenant="one"))


def test_another_key_is_told_apart_from_an_inventory_without_names(path: Path) -> None:
    learn(settings(path))
    with pytest.raises(SettingsError, match="sealed with another key"):
        known(settings(path, key=OTHER_KEY))


def test_names_under_an_accepted_key_are_known_and_sealed_anew_when_something_is_learned(path: Path) -> None:
    learn(settings(path))
    overlap = settings(path, key=OTHER_KEY, accepted_keys=(KEY,))
    assert known(overlap) == NAMES
    learn(overlap, {})
    assert known(settings(path, key=OTHER_KEY)) == NAMES
    with pytest.raises(SettingsError, match="sealed with another key"):
        known(settings(path))


def test_learning_the_same_again_leaves_the_file_as_it_is(path: Path) -> None:
    learn(settings(path))
    before = path.read_bytes()
    learn(settings(path))
    assert path.read_bytes() == before


def test_a_missing_file_that_was_named_is_an_error(path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist: `aws-masker learn` makes it"):
        known(settings(path))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"format": "other"}', b'{"format": "aws-masker inventory 1"}', b"\xff\xfe"]
)
def test_what_is_no_inventory_is_refused_and_never_overwritten(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"is no inventory|is damaged"):
        learn(settings(path))
    assert path.read_bytes() == content


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_file_cut_off_is_refused_and_left_as_it_is(path: Path, keep: float) -> None:
    learn(settings(path))
    cut = path.read_bytes()[: int(keep * path.stat().st_size)]
    path.write_bytes(cut)
    with pytest.raises(SettingsError, match="is damaged"):
        learn(settings(path))
    assert path.read_bytes() == cut


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learn(settings(path))
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SettingsError, match="cannot be written"):
        learn(settings(path), {"payments-eks": "name"})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_who_learn_at_once_lose_nothing_of_each_other(path: Path) -> None:
    names = [f"ledger-{number}" for number in range(12)]
    threads = [threading.Thread(target=learn, args=(settings(path), {name: "name"})) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(known(settings(path))) == sorted(names)


def test_more_names_than_the_limit_are_not_taken_and_the_file_stays(path: Path) -> None:
    learn(settings(path))
    before = path.read_bytes()
    with pytest.raises(TooLarge, match=r"4 names in the inventory, more than limits.inventory \(3\)"):
        learn(settings(path, limits=Limits(inventory=3)), {"payments-eks": "name"})
    assert path.read_bytes() == before


def test_an_inventory_above_the_limit_is_an_error_at_start(path: Path) -> None:
    learn(settings(path))
    with (
        pytest.raises(SettingsError, match=r"more than limits.inventory \(2\)"),
        masker(inventory=str(path), limits=Limits(inventory=2)),
    ):
        pass


def test_a_forgotten_name_is_remembered_as_such() -> None:
    after = forget(Known(NAMES), frozenset({"bluebird", "unknown"}))
    assert "bluebird" not in after.names
    assert after.forgotten == {"bluebird", "unknown"}


def test_nothing_that_is_shown_of_it_holds_a_name(path: Path) -> None:
    learn(settings(path))
    given = settings(path)
    inventory = Inventory.of(given)
    shown = repr((inventory, inventory.of_tenant("default"), given))
    assert [name for name in NAMES if name in shown] == []


# Masking


def test_known_names_are_masked_from_the_first_word(path: Path) -> None:
    learn(settings(path))
    with masker(inventory=str(path)) as made:
        text = "Who owns ledger-prod and bluebird in 481516234217? (xbluebird, ledger-product)"
        assert marked(made, text) == (
            "Who owns «ledger-prod» and «bluebird» in «481516234217»? (xbluebird, ledger-product)"
        )
        assert made.known == 3


def test_a_known_name_has_the_token_that_it_has_in_context(path: Path) -> None:
    learn(settings(path))
    with masker(inventory=str(path)) as made, masker() as without:
        bare = made.mask_text("ledger-prod").text
        assert without.mask_text("s3://ledger-prod/").text == f"s3://{bare}/"
        assert made.mask_text("s3://ledger-prod/").text == f"s3://{bare}/"


def test_a_known_account_number_is_masked_where_it_is_a_number_too(path: Path) -> None:
    learn(settings(path))
    body = b'{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":{"n":481516234217}}]}]}'
    with masker(inventory=str(path)) as made:
        masked = made.mask_body(body, "/v1/messages")
        assert b"481516234217" not in masked.apply(body)
        assert list(masked.dictionary.values()) != []


def test_a_policy_holds_for_the_family_and_the_kind_of_a_known_name(path: Path) -> None:
    learn(settings(path))
    text = "ledger-prod bluebird 481516234217"
    for policy, expected in (
        ({"s3-bucket-name": "allow"}, "ledger-prod «bluebird» «481516234217»"),
        ({"name": "allow"}, "ledger-prod bluebird «481516234217»"),
        ({"account": "allow"}, "«ledger-prod» «bluebird» 481516234217"),
    ):
        with masker(inventory=str(path), policy=policy) as made:
            assert marked(made, text) == expected
    with masker(inventory=str(path), policy={"name": "block"}) as made, pytest.raises(Blocked) as refusal:
        made.mask_text(text)
    assert "bluebird" not in str(refusal.value)


def test_a_known_name_is_counted_by_its_family(path: Path) -> None:
    learn(settings(path))
    with masker(inventory=str(path)) as made:
        assert made.mask_text("ledger-prod bluebird bluebird").counts == {"s3-bucket-name": 1, "inventory-name": 2}


def test_a_changed_file_does_not_reach_a_masker_that_runs(path: Path) -> None:
    learn(settings(path))
    with masker(inventory=str(path)) as running:
        before = running.mask_text("payments-eks and bluebird").text
        learn(settings(path), {"payments-eks": "name"})
        assert running.mask_text("payments-eks and bluebird").text == before
        with masker(inventory=str(path)) as started_later:
            assert "payments-eks" not in started_later.mask_text("payments-eks").text
            assert started_later.ruleset != running.ruleset


def test_all_tenants_behind_kong_know_the_file_as_it_was_when_the_first_needed_it(path: Path) -> None:
    one = settings(path, tenant="one")
    learn(one)
    tenants = Maskers().of(replace(one, tenant="default"))
    learn(settings(path, tenant="other"), {"payments-eks": "name"})
    assert "bluebird" not in tenants.masker("one").mask_text("bluebird").text
    assert tenants.masker("other").mask_text("payments-eks").text == "payments-eks"


# The laws, with names that are parts of each other, of identifiers, of escapes and of words

WORDS = [
    "ledger",
    "ledger-prod",
    "prod-db",
    "db7",
    "i-0a1b2c3d4e5f60718",
    "nledger",
    "2Fledger",
    "481516234217",
    "é-blau",
]
PIECES = st.sampled_from(
    [
        *WORDS,
        *("s3://ledger-prod/x", "--cluster-name ledger-prod-db", "arn:aws:iam::481516234217:role/ledger", "10.20.5.7"),
        *(" ", "-", "\\n", "%2F", "_", "é", '"', ".", "/", "\n", "x", "-x0", "name-x"),
    ]
)
ANY_TIME = examples(deadline=None)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


@pytest.fixture(scope="module")
def knowing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Masker]:
    path = tmp_path_factory.mktemp("laws") / "inventory"
    learn(settings(path), dict.fromkeys(WORDS, "name"))
    with masker(inventory=str(path)) as made:
        yield made


@ANY_TIME
@given(TEXTS)
def test_any_text_with_known_names_comes_back(knowing: Masker, text: str) -> None:
    assert knowing.restore_text(knowing.mask_text(text).text) == text


@ANY_TIME
@given(TEXTS)
def test_no_token_is_masked_again(knowing: Masker, text: str) -> None:
    """What stands beside a token may: an address after a number and a dot is none, and after a token it is one."""
    once = knowing.mask_text(text).text
    twice = knowing.mask_text(once).text
    assert knowing.tokens_in(once) <= knowing.tokens_in(twice)
    assert knowing.restore_text(twice) == text


@ANY_TIME
@given(TEXTS)
def test_no_known_name_stands_alone_in_what_leaves(knowing: Masker, text: str) -> None:
    left = re.split(r"[^0-9A-Za-z-]+|-(?=x0)", knowing.mask_text(f" {text} ").text)
    assert [name for name in ("ledger-prod", "481516234217") if name in left] == []


@ANY_TIME
@given(TEXTS, TEXTS, TEXTS)
def test_what_follows_does_not_change_what_came_before(knowing: Masker, one: str, two: str, more: str) -> None:
    def masked(*texts: str) -> list[str]:
        raw = json.dumps({"messages": [{"role": "user", "content": text} for text in texts]}).encode()
        body = json.loads(knowing.mask_body(raw, "/v1/messages").apply(raw))
        return [message["content"] for message in body["messages"]]

    assert masked(one, two, more)[:2] == masked(one, two)


def test_how_long_masking_takes_does_not_depend_on_how_many_names_are_known(path: Path) -> None:
    """The engine is asked once a window, however many names there are: what is counted are its calls."""
    many = {f"ledger-{number:05x}-raw": "name" for number in range(20_000)}
    learn(settings(path), many)
    text = "plain words " * 2_000
    calls = {}
    for names, more in (("three", {}), ("many", {"inventory": str(path)})):
        with masker(terms=("a-1", "b-2", "c-3"), **more) as made:
            automaton = made._texts._finder._rules.given.automaton
            counting = _Counting(automaton._of_short)
            automaton._of_short = counting  # type: ignore[assignment]
            made.mask_text(text)
            calls[names] = counting.calls
    assert calls["three"] == calls["many"] > 0


class _Counting:
    def __init__(self, automaton: object) -> None:
        self._automaton = automaton
        self.calls = 0

    def find_matches_as_indexes(self, text: bytes, *, overlapping: bool) -> object:
        self.calls += 1
        return self._automaton.find_matches_as_indexes(text, overlapping=overlapping)  # type: ignore[attr-defined]
