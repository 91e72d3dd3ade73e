"""The doctor, asking a Kong that runs."""

import json

import pytest
from real_kong import RealKong
from stacks import Stack

from aws_masker import doctor


def test_the_doctor_sees_priorities_and_settings_of_a_running_kong(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    if not isinstance(stack, RealKong):
        pytest.skip("stack: only Kong itself has an admin API")
    doctor.run(["--admin", stack.admin_url, "--json"])
    findings = json.loads(capsys.readouterr().out)
    told = [one["text"] for one in findings]
    assert "aws-masker runs before its filter" in told
    assert "both plugins are on it" in told
    # The plugin server here is the one with faults to set.
    wrong = [one["place"] for one in findings if one["level"] == "wrong"]
    assert wrong == ["KONG_PLUGINSERVER_AWS_MASKER_START_CMD"]
