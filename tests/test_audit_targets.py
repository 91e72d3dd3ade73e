"""Where the setting ``audit`` leads, and the stream in Redis."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aws_masker.audit.files import Rotation
from aws_masker.audit.targets import FilePlace, StreamPlace, open_target, place_of
from aws_masker.errors import AuditError, SettingsError
from aws_masker.settings import Settings
from redis_fixture import RedisServer

KEY = "c0ffee0022446688113355779900aabbccddeeff02468ace13579bdf00112233"
LINES = [b'{"a":1}', b'{"a":2}', b'{"a":3}']


def test_a_file_and_how_it_makes_room() -> None:
    assert place_of("file:///var/log/a%20b/audit.jsonl") == FilePlace(Path("/var/log/a b/audit.jsonl"), Rotation())
    place = place_of("file:///a?size=1MiB&every=12h&keep=7")
    assert place == FilePlace(Path("/a"), Rotation(1 << 20, 12 * 3600, 7))


def test_a_stream_its_name_and_its_length() -> None:
    place = place_of("rediss://u:p@cache:6380/2?stream=own&length=5000&ssl_ca_certs=/ca")
    assert place == StreamPlace("rediss://u:p@cache:6380/2?ssl_ca_certs=%2Fca", "own", 5000)
    assert place_of("redis://cache/0") == StreamPlace("redis://cache/0", "aws-masker:audit", 100_000)


def test_nowhere_is_no_target() -> None:
    assert open_target("off") is None
    assert open_target("stdout:") is not None


@pytest.mark.parametrize(
    "url",
    [
        "file://hidden/audit",
        "file:///hidden/",
        "file:///hidden?size=none",
        "file:///hidden?size=0",
        "file:///hidden?sise=1MiB",
        "redis://hidden/0?length=many",
        "redis://u:hidden@a,b/0",
        "redis://u:hid#den@a/0",
        "redis://hidden/0?unknown=1",
        "http://hidden/",
    ],
)
def test_a_url_that_cannot_be_used_is_an_error_that_does_not_quote_it(url: str) -> None:
    with pytest.raises(SettingsError, match="audit") as raised:
        open_target(url, {})
    assert "hid" not in str(raised.value)


@pytest.mark.parametrize("url", ["", "hidden", "hidden:", "http://hidden", "file://", "redis://"])
def test_settings_take_none_of_another_form(url: str) -> None:
    with pytest.raises(SettingsError, match=r"stdout:, off, file:///") as raised:
        Settings(key=KEY, audit=url)
    assert "hidden" not in str(raised.value)
    assert "hidden" not in repr(Settings(key=KEY, audit="redis://u:hidden@a/0"))


def test_lines_on_standard_output_and_a_reader_that_is_gone() -> None:
    code = "from aws_masker.audit.targets import *; t = open_target('stdout:'); print(t.write([b'x']), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("x\n", "1\n")
    code = "import os; os.close(1); from aws_masker.audit.targets import *; open_target('stdout:').write([b'x'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "AuditError: standard output cannot be written" in done.stderr


def stream(server: RedisServer) -> list[bytes]:
    """Return the lines in the stream."""
    admin = server.admin()
    entries: Any = admin.xrange("aws-masker:audit")
    admin.close()
    return [entry[b"record"] for _, entry in entries]


class TestTheStream:
    """The stream in Redis."""

    def test_lines_are_entries_in_their_order(self, redis_server: RedisServer) -> None:
        target = open_target(redis_server.url)
        assert target is not None
        assert target.write(LINES) == 3
        target.close()
        assert stream(redis_server) == LINES

    def test_its_length_is_bounded(self, redis_server: RedisServer) -> None:
        target = open_target(f"{redis_server.url}?length=100")
        assert target is not None
        for _ in range(40):
            target.write([b"x"] * 25)
        target.close()
        assert 100 <= len(stream(redis_server)) < 500  # whole nodes of the stream go at a time

    def test_credentials_may_come_from_the_environment(self, start_redis: Callable[..., RedisServer]) -> None:
        server = start_redis("--requirepass", "made-up-password")
        target = open_target(server.url, {"AWS_MASKER_AUDIT_PASSWORD": "made-up-password"})
        assert target is not None
        assert target.write([b"x"]) == 1
        target.close()
        locked = open_target(server.url, {"AWS_MASKER_VAULT_PASSWORD": "made-up-password"})
        assert locked is not None
        with pytest.raises(AuditError, match="AWS_MASKER_AUDIT_PASSWORD"):
            locked.write([b"x"])
        locked.close()

    @pytest.mark.parametrize("how", ["stop", "freeze"])
    def test_a_redis_that_is_gone_or_hangs_is_an_error_within_a_second(
        self, redis_server: RedisServer, how: str
    ) -> None:
        target = open_target(redis_server.url)
        assert target is not None
        target.write([b"a"])
        getattr(redis_server, how)()
        with pytest.raises(AuditError, match=r"Redis at 127\.0\.0\.1"):
            target.write([b"b"])
        redis_server.thaw() if how == "freeze" else redis_server.start()
        assert target.write([b"c"]) == 1
        target.close()
        assert stream(redis_server)[-1] == b"c"

    def test_a_user_that_may_not_write_is_told_what_is_missing(self, redis_server: RedisServer) -> None:
        admin = redis_server.admin()
        rights = ("on", ">made-up", "~*", "+@read", "+select")
        admin.execute_command("ACL", "SETUSER", "reader", *rights)  # type: ignore[no-untyped-call]
        target = open_target(f"redis://reader:made-up@127.0.0.1:{redis_server.port}/0")
        assert target is not None
        with pytest.raises(AuditError, match=r"\+xadd"):
            target.write([b"x"])
        target.close()
        admin.close()
