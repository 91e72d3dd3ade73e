"""Names that are learned, terms that are given, policies, limits, and the cache of findings."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aws_masker import Blocked, Limits, TooLarge, catalogue
from aws_masker.alone import WINDOW
from aws_masker.found import Found, FoundCache, Text
from aws_masker.text import Result
from masking import OTHER_KEY, marked, masker, plain
from writing import FORMS, OTHERS


def one(text: str, **settings: object) -> str:
    with masker(**settings) as made:
        return marked(made, text)


def test_a_name_found_in_context_is_masked_in_all_of_its_text() -> None:
    text = "ledger-blue is down; --cluster-name ledger-blue; ledger-blue again, (ledger-blue)"
    assert one(text) == "«ledger-blue» is down; --cluster-name «ledger-blue»; «ledger-blue» again, («ledger-blue»)"


def test_a_name_found_in_context_is_masked_in_the_texts_that_follow_and_in_none_before() -> None:
    said = ["ledger-blue is down", "--cluster-name ledger-blue", "ledger-blue again"]
    raw = json.dumps({"messages": [{"role": "user", "content": text} for text in said]}).encode()
    with masker() as made:
        masked = json.loads(made.mask_body(raw, "/v1/messages").apply(raw))
    first, *others = [message["content"] for message in masked["messages"]]
    assert first == "ledger-blue is down"
    assert not any("ledger-blue" in text for text in others)


@pytest.mark.parametrize("text", ["xledger-blue", "ledger-bluex", "ledger-blue7", "Ledger-blue"])
def test_a_learned_name_is_masked_only_where_it_stands_alone(text: str) -> None:
    assert one(f"--cluster-name ledger-blue {text}") == f"--cluster-name «ledger-blue» {text}"


@pytest.mark.parametrize("before", ["\\n", "\\t", "%2F", "%3D", "\\u0022", "\x1b[31m", "_", "/", "é"])
def test_an_escape_before_a_learned_name_does_not_hide_it(before: str) -> None:
    assert (
        one(f"--cluster-name ledger-blue {before}ledger-blue") == f"--cluster-name «ledger-blue» {before}«ledger-blue»"
    )


def test_the_longest_known_name_wins() -> None:
    text = "--cluster-name ledger --bucket ledger-blue-logs : ledger-blue-logs ledger-blue"
    assert one(text) == "--cluster-name «ledger» --bucket «ledger-blue-logs» : «ledger-blue-logs» «ledger»-blue"


def test_a_learned_name_that_covers_a_form_is_masked_as_it_was_learned() -> None:
    text = "--bucket dump-i-0a1b2c3d4e5f60718 then dump-i-0a1b2c3d4e5f60718 and i-0a1b2c3d4e5f60718"
    assert one(text) == (
        "--bucket «dump-i-0a1b2c3d4e5f60718» then «dump-i-0a1b2c3d4e5f60718» and «i-0a1b2c3d4e5f60718»"
    )


def test_what_an_arn_tells_is_learned() -> None:
    text = "arn:aws:iam::481516234217:role/LedgerDeployer: user 481516234217 as LedgerDeployer"
    assert one(text) == "arn:aws:iam::«481516234217»:role/«LedgerDeployer»: user «481516234217» as «LedgerDeployer»"


def test_a_common_word_is_neither_masked_nor_learned() -> None:
    assert one("--cluster-name default: the default cluster") == "--cluster-name default: the default cluster"


def test_a_name_inside_a_longer_identifier_does_not_tear_it_apart() -> None:
    assert one("--cluster-name ledger9 --bucket ledger9-raw") == "--cluster-name «ledger9» --bucket «ledger9-raw»"


def test_a_name_of_awss_own_with_several_fields_stays_whole() -> None:
    text = "--option-group-name default:aurora-mysql-5-7 and aurora-mysql-5-7"
    assert one(text) == text


def test_an_identifier_with_several_parts_counts_once_however_often_its_parts_were_seen() -> None:
    with masker() as made:
        assert made.mask_text("arn:aws:iam::481516234217:role/LedgerDeployer; " * 3).counts == {"arn": 3}


def test_a_secret_that_takes_the_place_of_what_only_begins_it_counts() -> None:
    with masker() as made:
        masked = made.mask_text("X-Amz-Security-Token: FQoGZXIvYXdzE1a2b3c4d5epp.b9Qz7mTT")
        assert list(masked.dictionary.values()) == ["FQoGZXIvYXdzE1a2b3c4d5epp.b9Qz7mTT"]
        assert masked.counts["session-token"] == 1


def test_a_secret_is_masked_from_there_on_too() -> None:
    assert one('"Password": "Zx81-Qy92" then mysql -pZx81 Zx81-Qy92') == (
        '"Password": "«Zx81-Qy92»" then mysql -pZx81 «Zx81-Qy92»'
    )


def test_a_given_term_is_masked_from_the_first_word() -> None:
    assert one("Acme Ledger and acme-ledger", terms=("Acme Ledger", "acme-ledger")) == "«Acme Ledger» and «acme-ledger»"


def test_a_name_that_a_term_covers_is_learned_all_the_same() -> None:
    text = "--bucket ledger-logs then ledger-logs"
    assert one(text, terms=("bucket ledger-logs",)) == "--«bucket ledger-logs» then «ledger-logs»"


def test_a_term_that_only_overlaps_an_identifier_leaves_it_whole() -> None:
    assert one("--bucket ledger-logs", terms=("logs then",)) == "--bucket «ledger-logs»"
    assert one("--bucket ledger-logs then", terms=("logs then",)) == "--bucket «ledger-logs» then"


def test_terms_are_counted_as_such() -> None:
    with masker(terms=("Zebulon",)) as made:
        assert made.mask_text("Zebulon, Zebulon").counts == {"operator-term": 2}


def test_a_family_that_is_allowed_stays_and_is_not_learned() -> None:
    text = "i-0a1b2c3d4e5f60718 --bucket ledger-logs ledger-logs"
    assert one(text, policy={"name": "allow"}) == "«i-0a1b2c3d4e5f60718» --bucket ledger-logs ledger-logs"
    assert one(text, policy={"ec2-instance": "allow"}) == "i-0a1b2c3d4e5f60718 --bucket «ledger-logs» «ledger-logs»"


def test_a_policy_for_a_family_beats_one_for_its_kind() -> None:
    assert one("i-0a1b2c3d4e5f60718", policy={"identifier": "allow", "ec2-instance": "mask"}) == "«i-0a1b2c3d4e5f60718»"


def test_a_policy_holds_for_the_parts_of_an_arn() -> None:
    text = "arn:aws:ec2:eu-west-1:481516234217:instance/i-0a1b2c3d4e5f60718"
    assert one(text, policy={"account": "allow"}) == (
        "arn:aws:ec2:eu-west-1:481516234217:instance/«i-0a1b2c3d4e5f60718»"
    )
    with masker(policy={"ec2-instance": "block"}) as made, pytest.raises(Blocked):
        made.mask_text(text)


def test_a_family_that_is_blocked_refuses_the_text_without_naming_the_value() -> None:
    with masker(policy={"secret": "block"}) as made, pytest.raises(Blocked) as refusal:
        made.mask_text("AWS_SECRET_ACCESS_KEY=wJalrFAKEFAKEFAKE/K7MDENG/bPxRfiCYFAKEFAKE1")
    assert "FAKE" not in str(refusal.value)
    assert "secret-access-key" in str(refusal.value)


def test_too_many_identifiers_are_refused() -> None:
    text = " ".join(f"i-{number:017x}" for number in range(11))
    with masker(limits=Limits(identifiers=10)) as made, pytest.raises(TooLarge, match="more than 10 distinct"):
        made.mask_text(text)


def test_too_many_names_are_refused() -> None:
    text = " ".join(f"--bucket ledger-{number}" for number in range(11))
    with masker(limits=Limits(names=10)) as made, pytest.raises(TooLarge, match="more than 10 names"):
        made.mask_text(text)


def test_a_text_seen_before_is_not_scanned_again_and_masks_the_same() -> None:
    text = "i-0a1b2c3d4e5f60718 --bucket ledger-logs " * 30
    with masker() as made:
        first = made.mask_text(text)
        misses = made.cache.misses
        second = made.mask_text(text)
        assert (made.cache.misses, made.cache.hits) == (misses, 1)
    assert (first.text, first.counts) == (second.text, second.counts)


def test_short_texts_in_a_row_are_not_scanned_again_and_mask_the_same() -> None:
    tools = [{"name": "T", "input_schema": {f"k{number}": f"--bucket ledger-{number}" for number in range(100)}}]
    with masker() as made:
        raw = json.dumps({"tools": tools, "messages": []}).encode()
        first = made.mask_body(raw, "/v1/messages")
        misses = made.cache.misses
        grown = json.dumps({"tools": tools, "messages": [{"role": "user", "content": "ledger-7"}]}).encode()
        second = made.mask_body(grown, "/v1/messages")
        # But for the last ones, beside which the new one stands now.
        assert (made.cache.hits, made.cache.misses - misses) == (192, 10)
    assert len(first.edits) == 100
    assert second.edits[: len(first.edits)] == first.edits
    assert len(second.edits) == 101


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=30), st.integers(1, 3))
def test_the_cache_keeps_to_its_bounds_and_never_mixes_texts(keys: list[str], texts: int) -> None:
    cache = FoundCache(b"k" * 32, texts)
    for key in keys:
        group = [Text(key.encode())] * (1 + ord(key) % 2)
        digest = cache.digest(group)
        found = [Found([(0, ord(key), b"", 0, False)], {})] * len(group)
        assert cache.get(digest, len(group)) in (None, found)
        cache.put(digest, found)
        assert len(cache) <= texts


def test_the_cache_keeps_to_its_bound_of_parts() -> None:
    cache = FoundCache(b"k" * 32, texts=5)
    for key in (b"a", b"b", b"c"):
        cache.put(cache.digest([Text(key)]), [Found([(0, 1, b"", 0, False)] * 20, {})])
    assert len(cache) == 2


def test_the_digests_of_the_cache_say_nothing_without_the_key() -> None:
    text = [Text(b"i-0a1b2c3d4e5f60718")]
    with masker() as mine, masker(key=OTHER_KEY) as theirs:
        assert mine.cache.digest(text) != theirs.cache.digest(text)


def test_a_result_shows_no_original() -> None:
    assert "0a1b2c3d" not in repr(Result([], dictionary={b"i-x0123456789abcdef": b"i-0a1b2c3d4e5f60718"}))


def test_the_cache_tells_texts_by_their_keys_and_spellings_apart() -> None:
    cache = FoundCache(b"k" * 32)
    texts = [
        Text(b"1:ab"),
        Text(b"b", b"a"),
        Text(b"", b"ab"),
        Text(b"b", b"1:a"),
        Text(b"b", b"a", b"b"),
        Text(b"b", b"a", b"\\u0062"),
        Text(b"b", None, b"b"),
        Text(b"b"),
    ]
    groups = [*([text] for text in texts), texts, texts[::-1], texts[:2], [Text(b"1:abb")]]
    assert len({cache.digest(group) for group in groups}) == len(groups)


_FILLER = "nothing to see here, " * 40
_SAID = [
    f"{_FILLER} ledger-blue and ledger-blue-logs",
    f"{_FILLER} --cluster-name ledger-blue; arn:aws:s3:::ledger-blue-logs",
    f"ledger-blue {_FILLER} i-0a1b2c3d4e5f60718",
    f"{_FILLER} --bucket ledger-blue-logs, \u00e9 {_FILLER} ledger-blue",
    "--cluster-name ledger-blue",
    "ledger-blue-logs",
    "i-0a1b2c3d4e5f60718",
    "nothing",
]


@given(st.lists(st.lists(st.sampled_from(_SAID), max_size=12), max_size=5))
def test_what_was_masked_before_makes_no_difference(conversations: list[list[str]]) -> None:
    """What was looked at is remembered; with other names before it, it is masked differently all the same."""
    with masker() as used, masker() as fresh:
        for texts in conversations:
            raw = json.dumps({"messages": [{"role": "user", "content": text} for text in texts]}).encode()
            fresh.cache.clear()
            first, second = used.mask_body(raw, "/v1/messages"), fresh.mask_body(raw, "/v1/messages")
            assert (first.edits, first.dictionary, first.counts) == (second.edits, second.dictionary, second.counts)


_WRITTEN = [plain(text) for text in (*FORMS.values(), *OTHERS.values())]
_WRITTEN += [plain(text) for family in catalogue.load().families for text in family.match[:1]]
_TEXT = st.tuples(st.sampled_from(_WRITTEN), st.integers(0, 400), st.booleans()).map(
    lambda cut: cut[0][: cut[1]] if cut[2] else cut[0][cut[1] % max(1, len(cut[0])) :]
)


@given(_TEXT, _TEXT)
@example("the bucket", "-BucketName acme-raw")
@example("Id,BucketName", "1\n2,acmeraw\n")
@example("| BucketName | x |\n|---|---|", "a\n| acmeraw | 1 |\n")
@example('"BucketName": {', '"Default": "acme-raw"}')
@example("BucketName:\n", "  Default: acme-raw\n")
def test_what_is_found_in_a_text_does_not_depend_on_the_one_before(before: str, text: str) -> None:
    """They are looked through together; what begins in one does not go on in the next."""
    first, second = Text(before.encode()), Text(text.encode())
    with masker() as made:
        finder = made._texts._finder
        together = finder.find([first, second])[1]
        made.cache.clear()
        assert finder.find([second]) == [together]


def test_ten_thousand_near_identifiers_are_left_alone() -> None:
    """Half-identifiers, quotes and near-tokens are none, however many there are."""
    with masker() as made:
        for piece in ("i-0a1b2c3d4 ", '\\"', "name-x0000000000000000 ", "arn:aws:", '"Bucket": ', "10.0.0."):
            assert made.mask_text(piece * 10_000).counts == {}


def test_two_threads_mask_the_same() -> None:
    text = "i-0a1b2c3d4e5f60718 --bucket ledger-logs ledger-logs"
    with masker() as shared, ThreadPoolExecutor(8) as pool:
        assert len({result.text for result in pool.map(lambda _: shared.mask_text(text), range(64))}) == 1


def test_nothing_is_found_across_two_texts() -> None:
    """Whatever ends one text and begins the next: each is masked as it is alone."""
    halves = [example.split(" ", 1) for family in catalogue.load().families for example in family.match]
    pairs = [(plain(one[0]), plain(one[1])) for one in halves if len(one) > 1]
    with masker() as made:
        for before, after in pairs:
            content = [{"type": "text", "text": before}, {"type": "text", "text": after}]
            raw = json.dumps({"messages": [{"role": "user", "content": content}]}).encode()
            got = json.loads(made.mask_body(raw, "/v1/messages").apply(raw))["messages"][0]["content"]
            assert got[0]["text"] == made.mask_text(before).text


@pytest.mark.parametrize("before", range(1, 12))
def test_a_name_is_found_across_the_border_of_what_is_looked_at_at_a_time(before: int) -> None:
    learned = "--bucket ledger-logs "
    text = learned + "." * (WINDOW - len(learned) - before) + "ledger-logs"
    with masker() as made:
        assert "ledger-logs" not in made.mask_text(text).text
