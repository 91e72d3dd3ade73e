"""The record of an exchange: what can stand in it, and that nothing else can."""

import json
from typing import Any

import pytest

from aws_masker import catalogue
from aws_masker.audit import AuditRecord, Records, parse
from aws_masker.audit.record import kinds_of, model_name, request_id, session_id

SESSION = "0b8f1c5e-9a51-4f0b-8b62-7d1f4a1c2e3d"
LINE: dict[str, Any] = {
    "schema": 1,
    "event": "request",
    "time": "2026-03-01T12:00:00.250+00:00",
    "request_id": "0123456789abcdef0123456789abcdef",
    "host": "kong",
    "session": SESSION,
    "tenant": "payments",
    "model": "claude-sonnet-4-5",
    "endpoint": "/v1/messages/batches/{id}/results",
    "method": "GET",
    "ruleset": None,
    "outcome": "broken_off",
    "reason": "upstream",
    "status": 200,
    "upstream_status": 200,
    "streamed": True,
    "bytes_in": 1,
    "bytes_up": 2,
    "bytes_out": 3,
    "edits": 4,
    "families": {"ec2-instance": 5},
    "kinds": {"identifier": 5},
    "opaque": 6,
    "restored": 7,
    "unresolved": 8,
    "held": 9,
    "vault": "half_open",
    "lost": 10,
    "ms": {"read": 1, "total": 2.5},
}
HIDDEN = "i-0a1b2c3d4e5f60718"


def test_a_line_holds_the_members_of_the_schema_in_their_order() -> None:
    record = parse(json.dumps(LINE))
    assert isinstance(record, AuditRecord)
    assert list(json.loads(record.json())) == list(LINE)
    assert json.loads(record.json()) == LINE
    assert "\n" not in record.json()
    assert record.masked == 5


def test_members_of_a_later_release_are_left_out() -> None:
    assert json.loads(parse(json.dumps(LINE | {"later": HIDDEN})).json()) == LINE


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"event": "other"},
        {"request_id": HIDDEN},
        {"session": HIDDEN},
        {"model": HIDDEN},
        {"endpoint": f"/v1/files/{HIDDEN}"},
        {"method": HIDDEN},
        {"outcome": HIDDEN},
        {"reason": HIDDEN},
        {"host": HIDDEN},
        {"time": HIDDEN},
        {"ruleset": f"x/{HIDDEN}"},
        {"vault": HIDDEN},
        {"families": {"Payroll Export": 1}},
        {"families": {"ec2-instance": HIDDEN}},
        {"kinds": [HIDDEN]},
        {"ms": {HIDDEN: 1}},
        {"ms": {"total": HIDDEN}},
        {"status": HIDDEN},
        {"streamed": HIDDEN},
        {"bytes_in": -1},
        {"bytes_in": True},
        {"tenant": "a\nb"},
    ],
)
def test_a_line_with_what_no_record_can_hold_is_refused_without_quoting_it(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="record") as raised:
        parse(json.dumps(LINE | change))
    assert HIDDEN not in str(raised.value)


@pytest.mark.parametrize("line", ["", "{", "[]", "7", '{"schema":1,"event":"request"}'])
def test_what_is_no_record_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"record|JSON|Expect"):
        parse(line)


@pytest.mark.parametrize(
    "name",
    [
        "claude-opus-4-1-20250805",
        "claude-3-5-haiku-latest",
        "claude-sonnet-4-5[1m]",
        "claude-2.1",
        "claude-instant-1.2",
        "claude-mythos-preview",
        "claude-haiku-5-5-fast",
    ],
)
def test_a_model_of_claude_is_named(name: str) -> None:
    assert model_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:bedrock:eu-west-1:481516234217:application-inference-profile/abc",
        "claude-481516234217",
        "claude-zebrafish-payroll",
        "claude-sonnet-zebrafish",
        "claude-opus-48151623",
        "claude-48-15-16-23-42-17",
        f"claude-{HIDDEN}",
        "claude-AKIAIOSFODNN7EXAMPLE",
        "claude-" + "a-" * 500,
        "claude",
    ],
)
def test_another_text_in_place_of_the_model_is_not(name: str) -> None:
    assert model_name(name) == "other"


@pytest.mark.parametrize("value", [None, "", 7, {"a": HIDDEN}])
def test_without_a_model_there_is_none(value: object) -> None:
    assert model_name(value) is None


def test_ids_of_another_form_are_not_taken_over() -> None:
    assert (session_id(SESSION), request_id(SESSION)) == (SESSION, SESSION)
    assert request_id("a" * 32) == "a" * 32
    for header in (None, "", HIDDEN, "481516234217", SESSION + "\n", "g" * 32):
        assert session_id(header) is None
        assert request_id(header) is None


def test_every_family_counts_for_its_kind_and_a_name_of_the_operators_for_term() -> None:
    first, second = catalogue.load().families[:2]
    assert kinds_of({first.name: 2, "operator-term": 3}) == {first.kind: 2, "term": 3}
    together = kinds_of({first.name: 2, second.name: 1})
    assert sum(together.values()) == 3
    assert set(together) == {first.kind, second.kind}


class TestTheHub:
    """Who listens gets every record; who fails hurts nobody."""

    def test_all_who_listen_get_a_record_until_they_leave(self) -> None:
        records, first, second = Records(), list[AuditRecord](), list[AuditRecord]()
        leave = records.listen(lambda record, _: first.append(record))
        records.listen(lambda record, _: second.append(record))
        one = parse(json.dumps(LINE))
        records.publish(one)
        leave()
        records.publish(one)
        assert (len(first), len(second)) == (1, 2)

    def test_one_that_fails_is_counted_and_the_others_get_theirs(self) -> None:
        records, got = Records(), list[AuditRecord]()

        def fails(*_: object) -> None:
            raise OSError(HIDDEN)

        records.listen(fails)
        records.listen(lambda record, _: got.append(record))
        records.publish(parse(json.dumps(LINE)))
        assert (records.failures, len(got)) == (1, 1)
