"""What is said of exceptions that nothing catches: their kind and place, never their message."""

import sys
import threading

import pytest

from aws_masker.faults import describe, tell_no_values

VALUE = "i-0a1b2c3d4e5f60718"


class Careless:
    """Fails where nobody can catch it."""

    def __del__(self) -> None:
        """Raise, with a value in the message."""
        raise ValueError(VALUE)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is told from here on; the interpreter's hooks come back behind the test."""
    for owner, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    said: list[str] = []
    tell_no_values(lambda error: said.append(describe(error)))
    return said


def test_what_an_object_raises_as_it_goes_is_told_without_its_message(
    told: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    careless = Careless()
    del careless
    assert told == ["ValueError at an unknown place"]
    assert capfd.readouterr() == ("", "")


def test_what_a_thread_raises_is_told_without_its_message(told: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    thread = threading.Thread(target=Careless().__del__)
    thread.start()
    thread.join()
    assert told[0] == "ValueError at an unknown place"
    assert VALUE not in "".join(capfd.readouterr())


def test_what_ends_the_process_is_told_without_its_message(told: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    error = ValueError(VALUE)
    sys.excepthook(ValueError, error, None)
    assert told == ["ValueError at an unknown place"]
    assert capfd.readouterr() == ("", "")
