"""Secrets in the Kong stack: what the admin API, the list of processes and the logs show of them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from client import ask, message
from real_kong import RealKong
from stacks import KEY, Setup, Stack, ask_until, records, server_of

from aws_masker.fake_api import FakeApi
from redis_fixture import RedisServer

PASSWORD = "made-up-password-of-redis"
OTHER_KEY = "0ddba11f00d5ca1ab1e7e57ab1e0ffed9876543210fedcbaabcdef0123456789"
SECRETS = (KEY, OTHER_KEY, PASSWORD)

Start = Callable[[Setup], Stack]
StartRedis = Callable[..., RedisServer]


@pytest.fixture
def guarded(start_stack: Start, start_redis: StartRedis, api: FakeApi) -> Stack:
    """Return a stack whose vault has a password, with two keys."""
    redis = start_redis("--requirepass", PASSWORD)
    vault = redis.url.replace("redis://", f"redis://:{PASSWORD}@")
    stack = start_stack(Setup(api.url, vault=vault, accepted_keys=OTHER_KEY))
    assert ask(stack.url, "/v1/messages", message("stop i-0a1b2c3d4e5f60718")).status == 200
    assert redis.admin(password=PASSWORD).dbsize() > 0
    return stack


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except OSError:
            continue


def test_no_process_has_a_secret_on_its_command_line_or_in_a_log(guarded: Stack) -> None:
    ours = [line for line in _command_lines() if str(guarded.folder).encode() in line]
    assert ours
    seen = b"\n".join(ours).decode(errors="replace") + guarded.error_log() + json.dumps(records(guarded))
    assert not [secret for secret in SECRETS if secret in seen]


def test_the_plugin_server_may_not_be_dumped(guarded: Stack) -> None:
    assert server_of(guarded).core_limits == ["0", "0"]


def test_the_admin_api_shows_references_and_no_secret(guarded: Stack) -> None:
    if not isinstance(guarded, RealKong):
        pytest.skip("stack: only Kong itself has an admin API")

    plugins = ask(guarded.admin_url, "/plugins").json()["data"]
    (config,) = (one["config"] for one in plugins if one["name"] == "aws-masker")
    assert config["key"] == "{vault://env/aws-masker-key}"
    assert config["accepted_keys"] == "{vault://env/aws-masker-accepted-keys}"
    assert config["vault"] == "{vault://env/aws-masker-vault}"
    paths = ("/", "/plugins", "/config", "/status", "/services", "/routes", "/schemas/plugins/aws-masker")
    shown = b"".join(ask(guarded.admin_url, path).body for path in paths).decode()
    assert not [secret for secret in SECRETS if secret in shown]


@pytest.mark.parametrize(
    "config",
    [
        {"key": "made-up-but-too-short-for-a-key"},
        {"accepted_keys": "made-up-but-too-short-for-a-key"},
        {"vault": "made-up-but-too-short-for-a-key"},
    ],
)
def test_a_bad_secret_is_told_in_the_log_without_being_shown(
    start_stack: Start, api: FakeApi, config: dict[str, str]
) -> None:
    stack = start_stack(Setup(api.url, config=config, refuses=True))
    answer = ask_until(
        lambda _: f"config.{next(iter(config))}" in stack.error_log(),
        lambda: ask(stack.url, "/v1/messages", message("hello")),
    )
    assert (answer.status, answer.is_error) == (503, True)
    assert "made-up-but-too-short" not in stack.error_log() + answer.body.decode()
