"""What the live page keeps, how it makes bodies readable, and whom it serves."""

import threading

import pytest

from aws_masker.audit.hub import Bodies
from aws_masker.page import admit
from aws_masker.page.reading import pieces
from aws_masker.page.ring import Ring
from page_parts import bodies, masked, record

INSTANCE = "i-0a1b2c3d4e5f60718"


class TestRing:
    def test_the_last_records_are_kept_with_their_numbers(self) -> None:
        ring = Ring(records=3)
        for number in range(5):
            ring(record(status=200 + number))
        assert [(entry.number, '"status":20' in entry.json) for entry in ring.after(0)] == [
            (3, True),
            (4, True),
            (5, True),
        ]
        assert [entry.number for entry in ring.after(4)] == [5]
        assert ring.after(5) == []

    def test_bodies_go_with_their_records(self) -> None:
        ring = Ring(records=2)
        for _ in range(3):
            ring(record(), bodies("hello"))
        assert ring.bodies(1) is None
        assert ring.bodies(3) is not None
        assert ring._held == sum(len(one.sent) + len(one.answered) for one in (ring.bodies(2), ring.bodies(3)) if one)

    def test_bodies_are_bounded_by_their_size_and_the_oldest_go_first(self) -> None:
        ring = Ring(records=100, body_bytes=1000)
        for _ in range(10):
            ring(record(), Bodies(b"a" * 300, 300, b"b" * 100, 100))
        assert [number for number in range(1, 11) if ring.bodies(number)] == [9, 10]
        assert ring._held == 800
        assert len(ring.after(0)) == 10

    def test_a_body_that_is_larger_than_all_that_may_be_kept_is_not_kept(self) -> None:
        ring = Ring(body_bytes=100)
        ring(record(), Bodies(b"a" * 101, 101, b"", 0))
        assert ring.bodies(1) is None
        assert ring._held == 0

    def test_many_threads_may_tell_it_at_once(self) -> None:
        ring = Ring(records=1000)
        woken: list[int] = []
        leave = ring.wake(lambda: woken.append(1))

        def tell() -> None:
            for _ in range(50):
                ring(record())

        threads = [threading.Thread(target=tell) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [entry.number for entry in ring.after(0)] == list(range(1, 201))
        assert len(woken) == 200
        leave()
        ring(record())
        assert len(woken) == 200


class TestReading:
    def test_tokens_are_marked_with_their_labels_and_all_else_stays(self) -> None:
        text = f"stop {INSTANCE} of account 481516234217, arn:aws:iam::481516234217:role/GitHubDeployer."
        token, account = (masked(one).split()[-1] for one in (INSTANCE, "account 481516234217"))
        found = pieces(masked(text).encode())
        assert "".join(piece for piece, _ in found) == masked(text)
        assert (token, "i") in found
        assert (account, "acct") in found
        assert [label for _, label in found if label] == ["i", "acct", "acct", "name"]

    def test_json_is_indented_and_keeps_its_letters(self) -> None:
        (only,) = pieces('{"a":["é",1]}'.encode())
        assert only == ('{\n  "a": [\n    "é",\n    1\n  ]\n}', "")

    def test_the_deltas_of_a_stream_are_put_together(self) -> None:
        token = masked(INSTANCE)
        found = pieces(bodies("", f"I stop {token}.").answered)
        assert found == [("text: I stop ", ""), (token, "i"), (".", "")]

    def test_a_stream_names_its_blocks(self) -> None:
        events = [
            '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}',
            '{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","name":"Bash"}}',
            '{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":"}}',
            '{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}',
            '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        ]
        stream = "".join(f"event: x\ndata: {event}\n\n" for event in events)
        (only,) = pieces(stream.encode())
        assert only == ('thinking: hm\n\ninput of a tool: Bash {"a":1}\n\nerror: Overloaded', "")

    @pytest.mark.parametrize(
        "body",
        [
            b'{"cut": "of',
            b"\xff\x00",
            b"",
            b"data: [1]\n\n",
            b'data: {"type": "ping"}\n\n',
            b"[" * 100_000,
            b"data: " + b"[" * 100_000,
        ],
        ids=["cut off", "binary", "nothing", "a list", "nothing said", "nested", "a nested event"],
    )
    def test_what_cannot_be_read_stands_as_it_is(self, body: bytes) -> None:
        assert "".join(piece for piece, _ in pieces(body)) == body.decode("utf-8", "replace")


HOST = {"Host": "127.0.0.1:8083"}


class TestAdmission:
    @pytest.mark.parametrize("host", ["127.0.0.1:8083", "127.0.0.1", "localhost:8083", "[::1]:8083", "LOCALHOST"])
    def test_a_browser_of_this_machine_is_served(self, host: str) -> None:
        assert admit.refusal("GET", {"Host": host}, "127.0.0.1") is None

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:8083",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.168.7.3:8083",
            "",
        ],
    )
    def test_a_name_that_somebody_made_lead_here_is_not(self, host: str) -> None:
        refused = admit.refusal("GET", {"Host": host}, "127.0.0.1")
        assert refused is not None
        assert refused[0] == 421
        assert "evil" not in refused[1]

    def test_the_address_that_it_was_told_to_listen_on_is(self) -> None:
        assert admit.refusal("GET", {"Host": "192.168.7.3:8083"}, "192.168.7.3") is None

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
    def test_only_reading_is_served(self, method: str) -> None:
        refused = admit.refusal(method, HOST, "127.0.0.1")
        assert refused is not None
        assert refused[0] == 405

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:9999"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
            {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        ],
    )
    def test_other_sites_may_not_ask(self, headers: dict[str, str]) -> None:
        refused = admit.refusal("GET", HOST | headers, "127.0.0.1")
        assert refused is not None
        assert refused[0] == 403

    def test_a_link_from_elsewhere_may_be_followed(self) -> None:
        visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        assert admit.refusal("GET", HOST | visit, "127.0.0.1") is None

    def test_the_page_itself_may_ask(self) -> None:
        own = {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8083"}
        assert admit.refusal("GET", HOST | own, "127.0.0.1") is None
