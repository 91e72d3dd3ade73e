"""What the chain wrote down: every request, what was masked in it, every fault, and no original."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from client import ask, message
from stacks import records, set_fault, wait_for
from whole_chain import Chain

from aws_masker.audit import AuditRecord
from aws_masker.audit.read import events, lines
from e2e.leaks import TOKEN
from patterns import PATTERNS

from .exchanges import told
from .findings import Check, Findings

SECTION = "records"
# Some of them with more than one identifier.
ASKED = PATTERNS[20:40]


def _asked(chain: Chain) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Send requests; return what nginx and what Kong logged of them."""
    logs: list[Callable[[], list[dict[str, Any]]]] = [chain.front.log, lambda: records(chain.kong)]
    before = [len(log()) for log in logs]
    chain.api.requests.clear()
    for number, pattern in enumerate(ASKED):
        ask(chain.front.url, "/v1/messages", message(pattern.text, stream=number % 2 == 0))
    wait_for(lambda: all(len(log()) >= old + len(ASKED) for log, old in zip(logs, before, strict=True)))
    front, kong = (log()[old:] for log, old in zip(logs, before, strict=True))
    return front, kong


def test_every_request_and_answer_is_in_both_logs_under_one_id(chain: Chain, check: Check) -> None:
    check.name = "every request and its answer"
    front, kong = _asked(chain)
    joined = {one["request_id"] for one in front} & {one["request"]["headers"]["x-request-id"] for one in kong}
    check.cells["found"] = f"{len(joined)} of {len(ASKED)}, in nginx's log and in Kong's, under one request id"
    assert len(joined) == len(ASKED), "requests are missing in a log"
    assert {one["status"] for one in front} == {one["response"]["status"] for one in kong} == {200}, "wrong status"


def test_every_request_has_its_audit_record(chain: Chain, check: Check) -> None:
    check.name = "the audit of every request"
    front, kong = _asked(chain)
    wanted = {one["request_id"] for one in front}

    def look() -> dict[str, AuditRecord]:
        every = events(lines(chain.redis.url, follow=False), lambda: None)
        found = {one.request_id: one for one in every if isinstance(one, AuditRecord)}
        return {name: one for name, one in found.items() if name in wanted}

    wait_for(lambda: len(look()) == len(wanted))
    joined = [one for one in look().values() if one.outcome == "ok" and one.families and one.restored and one.ms]
    check.cells["found"] = f"{len(joined)} of {len(wanted)} in the stream in Redis, request and answer joined"
    assert len(joined) == len(wanted), "a record lacks what is known of the request, or of its answer"
    logged = {one["aws_masker"]["request_id"]: one["aws_masker"]["edits"] for one in kong}
    assert {one.request_id: one.edits for one in joined} == logged, "the audit and Kong's log differ"


def test_what_was_masked_is_traced_as_the_api_received_it(chain: Chain, check: Check) -> None:
    check.name = "what was masked"
    _, kong = _asked(chain)
    logged = Counter(one["aws_masker"]["edits"] for one in kong)
    arrived = Counter(len(TOKEN.findall(told(request))) for request in chain.api.requests)
    check.cells["found"] = f"{sum(logged.elements())} identifiers in {len(kong)} requests, as many as arrived masked"
    assert logged == arrived, "the counts in the log are not those of the tokens that arrived"
    assert all(one["aws_masker"]["families"] for one in kong), "a record names no family"
    assert all(one["aws_masker"]["restored"] for one in kong), "a record tells nothing of the answer"


def test_a_fault_is_in_the_error_log(chain: Chain, check: Check) -> None:
    check.name = "a fault"
    set_fault(chain.kong, "raise-later")
    try:
        ask(chain.front.url, "/v1/messages", message(PATTERNS[0].text))
    finally:
        set_fault(chain.kong, "")
    lines = [line for line in chain.kong.error_log().splitlines() if "internal error: ValueError at" in line]
    check.cells["found"] = "its kind and place, in Kong's error log"
    assert lines, "the fault is not in Kong's error log"


def test_nothing_that_was_written_holds_an_original_or_a_credential(
    chain: Chain, check: Check, findings: Findings
) -> None:
    check.name = "an original or a credential"
    texts = [text for _name, text in chain.written()]
    check.cells["found"] = f"none in {len(texts)} files, {sum(map(len, texts)) // 1000} KB"
    wanted = [*findings.originals, "made-up-key"]
    found = [one for text in texts for one in wanted if one in text]
    assert not found, "an original or a credential was written down"
