"""The plugin's configuration in Kong."""

import pytest

from aws_masker.errors import SettingsError
from aws_masker.kong import schema
from aws_masker.kong.exchange import Upstream

KEY = "7c0123456789abcdef0123456789abcdef0123456789abcdef5e1f9a0b3c4d77"
OTHER = "0ddba11f00d5ca1ab1e7e57ab1e0ffed9876543210fedcbaabcdef0123456789"
ENVIRONMENT = {"AWS_MASKER_KEY": KEY}


def _fields() -> dict[str, dict[str, object]]:
    return {name: about for one in schema.fields() for name, about in one.items()}


def test_only_the_switches_have_defaults_as_kong_would_put_them_before_the_environment() -> None:
    fields = _fields()
    assert {name: one["default"] for name, one in fields.items() if "default" in one} == {
        "enable_masking": True,
        "enable_unmasking": True,
        "tenant_is_consumer": False,
    }


def test_every_field_is_described_but_records() -> None:
    assert [name for name, one in _fields().items() if "description" not in one] == ["limits"]


def test_secrets_are_referenceable_and_encrypted() -> None:
    fields = _fields()
    assert all(
        fields[name]["referenceable"] and fields[name]["encrypted"] for name in ("key", "accepted_keys", "vault")
    )


def test_settings_of_the_gateway_are_no_fields() -> None:
    assert not {"listen", "limits_stop_seconds"} & _fields().keys()


def test_the_configuration_goes_before_the_environment_and_that_before_defaults() -> None:
    environment = {**ENVIRONMENT, "AWS_MASKER_LIMITS_DEPTH": "7", "AWS_MASKER_LIMITS_NAMES": "8"}
    settings = schema.read({"limits": {"depth": 9, "body": None}}, environment).settings
    assert (settings.limits.depth, settings.limits.names) == (9, 8)
    assert settings.limits.body == 32 << 20


@pytest.mark.parametrize(("given", "accepted"), [("", ()), (OTHER, (OTHER,)), (f"{OTHER}, {KEY}", (OTHER, KEY))])
def test_one_reference_may_name_several_accepted_keys_or_none(given: str, accepted: tuple[str, ...]) -> None:
    assert schema.read({"accepted_keys": given}, ENVIRONMENT).settings.accepted_keys == accepted


def test_kongs_own_keys_nulls_and_references_that_found_nothing_count_as_not_given() -> None:
    config = {"__plugin_id": "x", "__seq__": 1, "key": "", "vault": "", "tenant": None, "policy": {}, "terms": []}
    assert schema.read(config, ENVIRONMENT).settings.tenant == "default"


def test_bodies_are_kept_in_a_folder_that_is_named_in_full_or_not_at_all() -> None:
    kept = schema.read({"record_bodies": "masked", "bodies": "/var/bodies"}, ENVIRONMENT).settings
    assert (kept.record_bodies, kept.bodies) == ("masked", "/var/bodies")
    assert schema.read({"record_bodies": "", "bodies": "/var/bodies"}, ENVIRONMENT).settings.record_bodies == "off"
    for folder in ("", "bodies", "~/bodies"):
        with pytest.raises(SettingsError, match=r"config\.bodies.*for record_bodies"):
            schema.read({"record_bodies": "masked", "bodies": folder}, ENVIRONMENT)


def test_without_an_upstream_the_service_decides() -> None:
    assert schema.read({}, ENVIRONMENT).upstream is None
    assert schema.read({"upstream": "http://127.0.0.1:81"}, ENVIRONMENT).upstream == Upstream("http", "127.0.0.1", 81)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"key": "hidden-but-short"}, "config.key"),
        ({"accepted_keys": f"{OTHER},hidden-but-short"}, "config.accepted_keys: key 2 of 2 is 16 bytes"),
        ({"vault": "hidden-but-no-url"}, "config.vault"),
        ({"policy": {"pii": "hidden-policy"}}, "config.policy"),
        ({"upstream": "https://api.example/hidden-path"}, "config.upstream"),
    ],
)
def test_an_error_names_the_field_and_not_its_value(config: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsError, match=named) as raised:
        schema.read(config, ENVIRONMENT)
    assert "hidden" not in str(raised.value)


def test_a_missing_key_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match="aws-masker key"):
        schema.read({}, {})


def test_no_key_shows_in_a_representation() -> None:
    shown = repr(schema.read({"accepted_keys": OTHER}, ENVIRONMENT))
    assert KEY not in shown
    assert OTHER not in shown
