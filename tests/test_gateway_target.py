"""Request targets: all the ways to ask for one endpoint, and no way out of /v1."""

import pytest

from aws_masker.gateway.errors import BadTarget, NotServed
from aws_masker.gateway.target import parse_target


@pytest.mark.parametrize(
    "raw",
    [
        "/v1/messages?beta=true",
        "/v1/v1/messages?beta=true",
        "http://gw.example/v1/messages?beta=true",
        "http://gw.example:8082/v1/v1/messages?beta=true",
        "HTTP://[::1]:8082/v1/messages?beta=true",
    ],
)
def test_every_form_of_a_target_is_the_same_endpoint(raw: str) -> None:
    target = parse_target(raw)
    assert (target.path, target.query) == ("/v1/messages", "?beta=true")


def test_an_absolute_target_names_the_authority_that_the_client_used() -> None:
    assert parse_target("http://gw.example:8082/v1/messages").authority == "gw.example:8082"
    assert parse_target("/v1/messages").authority == ""


@pytest.mark.parametrize(
    "raw",
    [
        "/v1/files/file_011CNha8iCJcU1wXNR6q4V8w/content",
        "/v1/messages/batches/msgbatch_01%2Babc/results",
        "/v1/files?after_id=i-0a1b2c3d4e5f60718&x=%7E~%2f..%2F+%20",
        "/v1/a;b=c/d,e/~f/(g)/h..i/...",
        "/v1/models?a=1?b=2&c=[]'",
        "/v1//messages",
        "/v1/",
    ],
)
def test_path_and_query_keep_their_spelling(raw: str) -> None:
    target = parse_target(raw)
    assert target.path + target.query == raw


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../admin",
        "/v1/..",
        "/v1/./messages",
        "/v1/v1/../../admin",
        "/v1/%2e%2e/admin",
        "/v1/.%2E/admin",
        "/v1/%252e%252e/admin",
        "/v1/%25252e%25252e/admin",
        "/v1/a%2f..%2f..%2fadmin",
        "/v1/a/..%5c..%5cadmin",
        "/v1/..\\admin",
        "/v1/..;x=1/admin",
        "/v1/..%20/admin",
        "/v1/%2e%2e",
        "http://gw.example/v1/../admin",
    ],
)
def test_a_path_that_may_lead_out_of_v1_is_refused(path: str) -> None:
    with pytest.raises(BadTarget, match=r"\.\. segment"):
        parse_target(path)


@pytest.mark.parametrize(
    "raw", ["/v1/%zz", "/v1/a%", "/v1/%2", "/v1/a b", "/v1/\x7f", "/v1/ü", "/v1/a#b", "ftp://x/v1/y"]
)
def test_what_no_client_sends_in_good_faith_is_refused(raw: str) -> None:
    with pytest.raises(BadTarget):
        parse_target(raw)


def test_a_path_encoded_over_and_over_is_refused() -> None:
    path = "/v1/%" + "25" * 40 + "2e"
    with pytest.raises(BadTarget, match="too many times"):
        parse_target(path)


@pytest.mark.parametrize(
    "path", ["/messages", "/v1", "/v2/messages", "/V1/messages", "/%76%31/messages", "//v1/messages", "*"]
)
def test_what_is_not_under_v1_is_not_served(path: str) -> None:
    with pytest.raises((NotServed, BadTarget)):
        parse_target(path)


def test_a_wrong_path_is_answered_with_the_right_base_url() -> None:
    with pytest.raises(NotServed, match=r"set ANTHROPIC_BASE_URL to http://HOST:PORT"):
        parse_target("/anthropic/messages")


@pytest.mark.parametrize("raw", ["/", "http://gw.example", "http://gw.example/", "/?x=1"])
def test_the_root_is_a_probe(raw: str) -> None:
    assert parse_target(raw).is_probe


@pytest.mark.parametrize(
    ("raw", "template"),
    [
        ("/v1/messages?beta=true", "/v1/messages"),
        ("/v1/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/v1/messages/batches/msgbatch_1/results", "/v1/messages/batches/{id}/results"),
        ("/v1/files/i-0a1b2c3d4e5f60718/content", "/v1/files/{id}/content"),
        ("/v1/models/claude-sonnet-4-5", "/v1/models/{id}"),
        ("/v1/i-0a1b2c3d4e5f60718", "/v1/{id}"),
        ("/v1/a/b/c/d/e/f/g/h", "/v1/{id}/{id}/{id}/{id}/{id}"),
        ("/", "/"),
        ("/_aws-masker/health?i-0a1b2c3d4e5f60718", "/_aws-masker/health"),
    ],
)
def test_the_template_for_the_records_holds_no_identifier(raw: str, template: str) -> None:
    assert parse_target(raw).template == template
