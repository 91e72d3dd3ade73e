"""Where identifiers stand in practice: markup, escapes, lists, near misses. None of it hides them."""

import bisect
import itertools
import json
from collections.abc import Sequence

import pytest

from aws_masker import Blocked, InvalidBody, catalogue
from aws_masker.masker import compiled
from aws_masker.scan import Scanner
from masking import masker, plain

INSTANCE = "i-0a1b2c3d4e5f60718"
# What surrounds it, a text, and what must not be left of it.
SURROUNDINGS = [
    ("markup around a host or path", "**acme-ledger-prod.s3.amazonaws.com**", "acme-ledger-prod"),
    ("markup around a host or path", "**481516234217.dkr.ecr.eu-west-1.amazonaws.com/ledger-api9**", "481516234217"),
    ("markup around a host or path", "_ledger-pg.c9akciq32abc.eu-west-1.rds.amazonaws.com_", "c9akciq32abc"),
    ("markup around a host or path", "DB_HOST_ledger-pg.c9akciq32abc.eu-west-1.rds.amazonaws.com", "c9akciq32abc"),
    ("markup around a host or path", "**/aws/lambda/payments-webhook9**", "payments-webhook9"),
    ("an escape before it", "\x1b[01;31m\x1b[Ki-0a1b2c3d4e5f60718\x1b[m\x1b[K", "i-0a1b2c3d4e5f60718"),
    ("an escape before it", "\x1b[2Ki-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"),
    ("an escape before it", "\x1b(Bi-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"),
    ("an escape before it", "\x1b[38:5:1mi-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"),
    ("an escape before it", "log-groups/log-group/$252Faws$252Fi-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"),
    ("an escape before it", "%252Fi-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"),
    ("an escape before it", "\\012i-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"),
    ("no escape before it", "IMAGE=481516234217.dkr.ecr.eu-west-1.amazonaws.com/ledger-api9", "481516234217"),
    ("no escape before it", "IMAGE=481516234217.dkr.ecr.eu-west-1.amazonaws.com/ledger-api9", "ledger-api9"),
    ("no escape before it", "[hold-data9.s3.amazonaws.com](https://localhost)", "hold-data9"),
    ("no escape before it", "(Acme-db9.c9akciq32abc.eu-west-1.rds.amazonaws.com)", "cme-db9"),
    ("beside a key, with a form of its own", "aws eks x --name arn:aws:eks:eu-west-1:481516234217:cluster/b9", "4815"),
    ("beside a key, with a form of its own", "s3://arn:aws:s3:eu-west-1:481516234217:accesspoint/b9/x", "4815"),
    ("beside a key, with a form of its own", "[profile x]\nsso_role_name = 52.201.238.220", "52.201"),
    ("beside a key, with a form of its own", "alias/52.201.238.220", "52.201"),
    ("an escape before it", "arn%253Aaws%253Aiam%253A%253A481516234217%253Arole%252FLedgerR9", "481516234217"),
    ("a secret by its characters", '"MasterUserPassword": "~x8Kd9mmQz12"', "x8Kd9"),
    ("a secret by its characters", '"MasterUserPassword": ";x8Kd9mmQz12"', "x8Kd9"),
    ("a secret by its characters", '"MasterUserPassword": "=x8Kd9mmQz12"', "x8Kd9"),
    ("a secret by its characters", "MASTER_USER_PASSWORD=x8K(d9)mmQz12\n", "x8K"),
    ("a secret by its characters", '--environment "Variables={DB_PASSWORD=Xk29dlQpq0Zz77ab}"', "Xk29dlQpq0Zz77ab"),
    ("a secret by its characters", "--master-user-password '$x8Kd9mmQz12'", "x8Kd9"),
    ("a list", "Buckets:\n  - arn:aws:s3:::acme9\n  - ledger-raw9\n", "ledger-raw9"),
    ("a list", 'Buckets: ["*", "ledger-raw9"]', "ledger-raw9"),
    ("a list", 'Buckets: ["", "ledger-raw9"]', "ledger-raw9"),
    ("an account in an ARN", "arn:aws:kms:eu-west-1:481516234217:alias/aws/ebs", "481516234217"),
    ("an account in an ARN", "arn:aws:ssm:eu-west-1:481516234217:parameter/aws/x", "481516234217"),
    ("an account in an ARN", "arn:aws:s3:::*/AWSLogs/481516234217/x", "481516234217"),
    ("an account in an ARN", "arn:aws:s3:::ledger9x/AWSLogs/481516234217/*", "481516234217"),
    ("an account in an ARN", "arn:${AWS::Partition}:iam::481516234217:role/LedgerR9", "481516234217"),
    ("an account in an ARN", "arn:${var.partition}:s3:::ledger-raw9", "ledger-raw9"),
    ("characters after it", "--bucket ledger-raw9。", "ledger-raw9"),
    ("characters after it", "bucket: ledger-raw9”", "ledger-raw9"),
    ("characters after it", "arn:aws:s3:::ledger-raw9” and ledger-raw9", "ledger-raw9"),
    ("characters after it", "?roleArn=arn:aws:iam::481516234217:role/LedgerR9&x=1 LedgerR9", "LedgerR9"),
    ("characters after it", "arn:aws:s3:::ledger-raw9&quot; ledger-raw9", "ledger-raw9"),
    ("a near miss before it", "key-0a1b2c3d4e5f607189_i-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"),
    ("a near miss before it", "300.1.1.1_10.20.30.40", "10.20"),
    ("a near miss before it", "300.1.1.1_arn:aws:iam::481516234217:role/x9", "481516234217"),
    ("a value that is common as a whole", "--option-group-name default:i-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"),
    ("a value that is common as a whole", "--secret-id aws/x/i-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60718"),
    ("a key before its line", "role\n$ aws s3api list-buckets --query 'Buckets[].Name'\nledgerraw\n", "ledgerraw"),
    ("markup", "- **Bucket**: `ledger-raw9`", "ledger-raw9"),
    ("markup", "AWS account: **481516234217**", "481516234217"),
    ("markup", "account id `481516234217`", "481516234217"),
    ("markup", '~ bucket = "old9-x" -> "ledger-raw9"', "ledger-raw9"),
    ("markup", '{"name":"DB_PASSWORD","value":"Xk29dlQpq0Zz77ab"}', "Xk29dlQpq0Zz77ab"),
]


@pytest.mark.parametrize(
    ("text", "value"), [row[1:] for row in SURROUNDINGS], ids=[f"{row[0]}: {row[2]}" for row in SURROUNDINGS]
)
def test_an_identifier_is_masked_whatever_surrounds_it(text: str, value: str) -> None:
    with masker() as made:
        assert value not in made.mask_text(text).text


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("AWS_SESSION_TOKEN=" + "aB3/" * 300 + "ENDE\n", "ENDE"),
        ('"SecretString": "' + "aB3/" * 2060 + 'ENDE"', "ENDE"),
    ],
)
def test_a_secret_is_masked_to_its_end_however_long_it_is(text: str, end: str) -> None:
    with masker() as made:
        assert end not in made.mask_text(text).text


def test_what_stays_of_a_value_does_not_cover_an_identifier_in_it() -> None:
    with masker() as made:
        once = made.mask_text("--bucket ledger9/10.20.30.40 ").text
        assert "10.20" not in once
        assert made.mask_text(once).text == once


def test_a_name_that_runs_into_an_arn_is_masked_the_same_way_again() -> None:
    with masker() as made:
        once = made.mask_text("--bucket ledger.arn:aws:s3:::ledger%").text
        assert made.mask_text(once).text == once


@pytest.mark.parametrize("text", [f"--bucket dump-{INSTANCE}", f"s3://dump-{INSTANCE}/x"])
def test_a_name_that_is_allowed_does_not_cover_an_identifier(text: str) -> None:
    with masker(policy={"name": "allow"}) as made:
        assert INSTANCE not in made.mask_text(text).text


def test_a_secret_that_is_blocked_is_not_covered_by_a_name() -> None:
    with masker(policy={"secret": "block"}) as made, pytest.raises(Blocked):
        made.mask_text("--bucket AKIAIOSFODNN7EXAMPLE-x")


@pytest.mark.parametrize("text", ["password=abcde" + "é" * 600, "arn:aws:iam::481516234217:role/" + "あ" * 900])
def test_no_bound_cuts_a_character(text: str) -> None:
    with masker() as made:
        assert made.restore_text(made.mask_text(text).text) == text


def test_a_key_that_reads_like_an_assignment_does_not_cover_its_value() -> None:
    raw = json.dumps({"x password=": f'abcd {INSTANCE} "'}).encode()
    with masker() as made:
        assert INSTANCE.encode() not in made.mask_body(raw, "/v1/x").apply(raw)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("account \x1b[1m481516234217\x1b[0m", "481516234217"),
        ('\x1b[34;1m"BucketName"\x1b[0m\x1b[1;39m: \x1b[0;32m"acme-ledger-raw"\x1b[0m', "acme-ledger-raw"),
        ('  \x1b[32m+\x1b[0m bucket = \x1b[33m"acme-ledger-raw"\x1b[0m', "acme-ledger-raw"),
        ("--bucket \x1b[01;31m\x1b[Kacme-ledger-raw\x1b[m\x1b[K", "acme-ledger-raw"),
        ('{"log": "--bucket \\u001b[1macme-ledger-raw\\u001b[0m"}', "acme-ledger-raw"),
    ],
)
def test_colours_of_a_terminal_hide_no_value_from_its_key(text: str, value: str) -> None:
    with masker() as made:
        masked = made.mask_text(text)
        assert value not in masked.text
        assert made.restore_text(masked.text) == text
        assert made.mask_text(masked.text).text == masked.text
        # Nothing of the colours is lost.
        assert masked.text.count("[") == text.count("[")


def test_utf16_is_not_taken_for_utf8() -> None:
    with masker() as made, pytest.raises(InvalidBody, match="UTF-16"):
        made.mask_body(f"x {INSTANCE}\n".encode("utf-16le"), "/v1/x", "text/plain")


def test_the_protocols_members_of_a_block_of_an_unknown_type_stay() -> None:
    block = {"type": "encrypted_code_execution_result", "encrypted_stdout": f"AA/{INSTANCE}+B", "tool_use_id": INSTANCE}
    raw = json.dumps({"messages": [{"role": "assistant", "content": [block]}]}).encode()
    with masker() as made:
        assert made.mask_body(raw, "/v1/messages").edits == ()


@pytest.mark.parametrize("text", ["cat /etc/passwd > /dev/null", "password: [REDACTED]", "font-family: et-book"])
def test_what_is_no_secret_and_no_name_stays(text: str) -> None:
    with masker() as made:
        assert made.mask_text(text).text == text


def test_many_names_that_overlap_are_all_found() -> None:
    """More hits in one place than are taken at a time, and longer than what is looked at at a time."""
    names = [f"{'a1-' * n}a1" for n in range(5, 60)]
    text = " ".join(f"--bucket {name}" for name in names) + " " + "x" * 5000 + " " + names[-1] + " " + names[0]
    with masker() as made:
        masked = made.mask_text(text)
        assert not any(name in masked.text for name in names)
        assert made.restore_text(masked.text) == text


@pytest.mark.parametrize("mark", ["\0", "\1"])
def test_a_control_character_in_a_secret_does_not_end_it(mark: str) -> None:
    raw = json.dumps({"MasterUserPassword": f"abcd{mark}W0rdEnde"}).encode()
    with masker() as made:
        assert b"W0rdEnde" not in made.mask_body(raw, "/v1/x").apply(raw)


def test_findings_that_lie_upon_each_other_in_a_row_are_each_replaced_once() -> None:
    text = "arn:aws:iam::481516234217:role/GitHubDeployer Account ID: 481516234217/ssm://acme-pay/ledger/db-host "
    with masker() as made:
        masked = made.mask_text(text).text
        assert made.restore_text(masked) == text
        assert "acme-pay" not in masked


SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
# What speaks of a secret, or of a name that looks given, and is read alike wherever it stands.
SAYING = (
    f"AWS_SECRET_ACCESS_KEY={SECRET}",
    f"SecretAccessKey: {SECRET}",
    f"secret_access_key = {SECRET}",
    f'{{"SecretAccessKey": "{SECRET}"',
    f"bucket_name = '{SECRET[:4]}-raw-9'",
)
NOUNS = ("role", "RDS", "the user", "bucket", "S3", "profile", "environment", "Password", "--profile", "aws", "secret")


BETWEEN = (
    " ", "  ", "\n", "\n\n", "\\n", "\t", "\\t", ", ", ",", ": ", ":\n  - ", "\n# ", " is ", "=", " | ", "` ", "(", ">"
)  # fmt: skip


@pytest.mark.parametrize("between", BETWEEN)
def test_no_word_before_a_key_hides_what_stands_beside_it(between: str) -> None:
    """Another key, or the noun of a sentence, with what may join it to a value of its own."""
    keys = sorted({key for family in catalogue.load().families for key in family.keys})
    words = (*NOUNS, *map(str.upper, NOUNS), *keys[len(between) :: 40])
    texts = [f"aws\n{word}{between}{said}" for word in words for said in SAYING]
    texts += [f"topic.{SAYING[0]}", f"SERVICE_DB_{SAYING[0][4:]}", f"Use s-3-secret-access-key {{{SAYING[0]}"]
    with masker() as made:
        assert [text for text in texts if SECRET[:4] in made.mask_text(text).text] == []


# A text, and one that stands before it in the same request and must make no difference to what is found in it.
HEADING = "## Queues\n- `ledger.worker.raw`: x\n- `ledger-jobs-x-jobs`\n"
TITLES = "the AWS list:\nName          Bucket\n------------  ------------\nledger-web-7  ledger-raw-7\n"
COMPANY = [
    ("queue r-f/aws/", HEADING),
    ("ledger-jobs-7  ledger-docs-7\n", TITLES),
    ("on AWS, the queue ledger-jobs failed", "## AWS queues\n- `ledger.worker.raw`: x\n- `LedgerTable`\n"),
    ("READY", "Name | Bucket\n--- | ---\nledger-web-7 | ledger-raw-7\nof AWS\n"),
    ("<bucket id=1", ' name = "ledger-raw-7" # arn:aws:s3:::acme-7\n'),
]


@pytest.mark.parametrize(("other", "text"), COMPANY)
def test_what_a_text_holds_is_its_own_whatever_is_looked_through_with_it(other: str, text: str) -> None:
    scanner, _ = compiled()
    alone = found_in(scanner, [text])
    assert found_in(scanner, [other, text])[1:] == alone
    assert found_in(scanner, [text, other])[:1] == alone


def test_what_any_example_holds_is_its_own_whatever_is_looked_through_with_it() -> None:
    scanner, _ = compiled()
    families = catalogue.load().families
    # Sorted, those of one family do not stand together.
    texts = sorted(plain(example) for family in families for example in (*family.match, *family.reject))
    together = found_in(scanner, texts)
    for text, held in zip(texts, together, strict=True):
        assert found_in(scanner, [text]) == [held], text


def found_in(scanner: Scanner, texts: Sequence[str]) -> list[set[tuple[int, ...]]]:
    """Return what is found in each of ``texts`` when they are looked through together: families, places, parts."""
    raws = [text.encode() for text in texts]
    starts = list(itertools.accumulate([len(raw) + 1 for raw in raws], initial=1))
    held: list[set[tuple[int, ...]]] = [set() for _ in raws]
    for start, end, family, parts, *_ in scanner.find(b"".join([b"\0", *(raw + b"\0" for raw in raws)])):
        at = bisect.bisect_right(starts, start) - 1
        places = (start, end, *itertools.chain(*parts))
        held[at].add((family, *(place - starts[at] for place in places)))
    return held
