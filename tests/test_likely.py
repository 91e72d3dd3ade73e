"""Likely names: beside names that a text gives, other strings that look so are names, unless it says what they are."""

import pytest

from aws_masker import Masker
from masking import marked, plain

GIVEN = 'import boto3\nTABLE = "«kazor-orders»"\n'


@pytest.mark.parametrize(
    "text",
    [
        GIVEN + "run(3, ('«ledger-parts»', '«LedgerPrinter»', '/«ledger»/db/«pass9»'))\n",
        "table_name: «kazor-orders»\naws: 1\nparking: «ledger-parts»\n",
        "AWS: the table «kazor-orders» is full, and we moved to «ledger-parts» for now.",
        # Other joints than dashes, flags, cells, and three words that programs have all.
        GIVEN + "run(3, '«ledger_parts»', '«ledgerPrinterOut»', '«ledger»/«mail-hook»', '«search-index-worker»')\n",
        "tool --table-name «kazor-orders» --moved-to «ledger_parts» --eu eu-west-1\n| «ledger-parts» | x |\n",
        "AWS: the table «kazor-orders», the plugin runs with «Ledger-RotateCert», and Read-Only.\n",
        "the subnet «subnet-0a1b2c3d4e5f60718»\naws: eu-west-1\nparking: «LedgerParts»\nlot: «ledger»/«parts9»\n",
        GIVEN + "new StringParameter(this, '/«ledger»/db/«pass9»')\n",
        # What a change takes away and adds, unless programs have it.
        "table_name: «kazor-orders»\naws: 1\n  ├─ [-] «kazor-parts»\n  ├─ [-] nodejs18.x\n  └─ [+] «kazor_parts»\n",
        # Dots, and words of programs under a key with a noun.
        GIVEN + "x = ['«ledger.moves.v2»']; tableMoves = '«search-index»'; queue_of_mails = '«SearchIndex»'\n",
        GIVEN + "x = ['ledger.moves.py', 'com.ledger.Main', 'Ledger.Moves', 'search-index']; mode = 'SearchIndex'\n",
        # Paths in YAML, but of files; cells with dots.
        "table_name: «kazor-orders»\naws: {key: /«ledger»/db/«pass9»}\ndir: /printer/db/x\n| «ledger.moves» | x |\n",
        # What a graph, a block, a directory and a column are called; what has no letters to speak of.
        GIVEN + "DAG('ledger_nightly'); x = 'src/ledger/lib'; arch = 'x86_64'; attribute_name='flight_ledger'\n",
        'resource "aws_sqs_queue" "ledger_moves" {\n  name = "«kazor-orders»"\n}\nexecutor = "LedgerExecutor"\n',
        "aws x --table-name «kazor-orders» --filters Name=ledger-state-name,Values=running\n",
        # Words of programs, AWS's own, packages, headers, files.
        GIVEN + "run('full-load', 'aws-lambda-thing', 'CreateLedger', 'X-Ledger-Id', '/usr/ledger/lib', 'read-only')\n",
        # Keys, types, clients, logical ids, imports.
        GIVEN + "x = {'ledger-parts': 3}\nengine = 'moves-printer'; boto3.client('ledger-parts')\n",
        GIVEN + "from 'ledger-parts' import x\nBucket(self, 'LedgerParts')\n",
        # What the program defines or imports, packages for other clouds, words of a comment.
        GIVEN + "class LedgerParts:\n    pass\nrun('LedgerParts', 'ledger-azure-blobs')\n",
        GIVEN + "# NOTE: ledger-parts is gone\n",
        # A rule of make.
        "# aws\n.PHONY: ledger-parts\nQUEUE_NAME=«kazor-orders»\nledger-parts: ledger-jobs\n",
        # A command's operations.
        "AWS: the table «kazor-orders»\n$ aws dms rename-ledgers and so on",
        # Nothing speaks of AWS, or no name is given.
        "run(3, 'ledger-parts')\n",
        "import boto3\nrun(3, 'ledger-parts')\n",
    ],
)
def test_strings_beside_names(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


def test_what_is_found_otherwise_keeps_its_parts(one: Masker) -> None:
    text = (
        GIVEN
        + "x = ['ip-«10-20»-5-7', '«i-0a1b2c3d4e5f60718»', 'arn:aws:sqs:eu-west-1:«481516234217»:«ledger-jobs»']\n"
    )
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        # One word is a name in a map of such things, unless programs have it; not in what is deeper.
        'import boto3\nBUCKETS = {\n    "raw": "«kazorbi»",\n    "mode": "table",\n    "x": {"a": "kazorba"},\n}\n',
        "region: eu-west-1\nqueues:\n  failed: «kazorbi»\n  state: enabled\n  more:\n    kind: kazorba\n",
        # A time has twelve digits, too.
        GIVEN + 'x = {"«481516234217»": 1, "202611231204": 2, "000000000000": 3}\n',
        # Equals signs that stand below each other.
        "[aws]\nregion   = eu-west-1\n\n[queues]\nqueue_name = «kazor-orders»\nfailed     = «kazor_misfits»\n",
    ],
)
def test_maps_and_settings_of_names(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        # Behind what is called so, in brackets.
        GIVEN + "You are signed in to `kazorbox` («481516234217») with (1) role, on 202611231204 (202611231204).\n",
        GIVEN + "ARN in Resource Worker contains hardcoded AccountId («481516234217») in ARN\n",
        # At the end of a line that has cells, and at the beginning of one of a sentence.
        GIVEN + "live/\n  box/           «481516234217»\n  sandbox/   «481516234218»\nsent 481516234219\n",
        GIVEN + "It comes from\n  «481516234217» but the rest is pending, 481516234218 bytes in all.\n",
    ],
)
def test_accounts_beside_names(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        GIVEN + "2025-04-10T07:00:01.114Z\tINFO\t«kazorSlotAllocator» cold start\n",
        GIVEN + "[2026-02-02, 04:10:41 UTC] {batch.py:288} INFO - job: «kazorBatchLoader» - waits\n",
        GIVEN + "no line of a log\tINFO\tkazorSlotAllocator cold start\n",
    ],
)
def test_words_in_lines_of_logs(one: Masker, text: str) -> None:
    assert marked(one, plain(text)) == text
