"""A wrong environment is told by the variable and the rule that it breaks."""

from pathlib import Path

import pytest

from bus.settings import Settings, SettingsError, with_database
from bus.variables import CHECKOUT


def test_an_empty_environment_has_what_a_local_mesh_needs() -> None:
    settings = Settings.from_environment({})
    assert settings.nats_url == "nats://127.0.0.1:4222"
    assert settings.home == CHECKOUT / ".trueup"
    assert settings.log == "console"
    assert settings.stream_replicas == 1
    assert settings.stream_max_msgs == 0
    assert not settings.stream_by_entity


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NATS_URL", "http://127.0.0.1:4222"),
        ("NATS_URL", "nats://127.0.0.1:port"),
        ("NATS_URL", "nats://"),
        ("TRUEUP_ORDERING_DATABASE_URL", "sqlite:///file"),
        ("TRUEUP_VIEWS_DATABASE_URL", "postgresql"),
        ("TRUEUP_DATABASE_URL", "127.0.0.1:5432"),
        ("REDIS_URL", "nats://127.0.0.1"),
        ("TRUEUP_PROVIDER_URL", "127.0.0.1:80"),
        ("TRUEUP_METRICS_PORT", "0"),
        ("TRUEUP_METRICS_PORT", "65536"),
        ("TRUEUP_METRICS_PORT", "9464/metrics"),
        ("TRUEUP_LOG", "xml"),
        ("TRUEUP_STREAM_REPLICAS", "2"),
        ("TRUEUP_STREAM_SUBJECTS", "all"),
        ("TRUEUP_STREAM_MAX_MSGS", "-1"),
        ("TRUEUP_STREAM_MAX_MSGS", "1e6"),
        ("TRUEUP_RECEIPTS_DAYS", "36501"),
        ("TRUEUP_KEPT_HOURS", "8761"),
        ("TRUEUP_HISTORY_HOURS", "a day"),
    ],
)
def test_a_broken_rule_is_told_when_the_process_starts(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must be .*, not '"):
        Settings.from_environment({name: value})


def test_a_password_is_not_told() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment({"TRUEUP_DATABASE_URL": "mysql://shop:secret@db/shop"})
    assert "secret" not in str(raised.value)


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_environment({"NATS_URL": ""}).nats_url == "nats://127.0.0.1:4222"


@pytest.mark.parametrize("ask", ["redis_url", "provider_url"])
def test_what_is_needed_but_not_set_is_told_by_its_name(ask: str) -> None:
    settings = Settings.from_environment({})
    with pytest.raises(SettingsError, match=r"_URL must be a URL like .*: it is not set"):
        getattr(settings, ask)


def test_a_database_of_its_own_comes_before_the_common_server() -> None:
    settings = Settings.from_environment(
        {
            "TRUEUP_DATABASE_URL": "postgresql://u:p@db:5432/postgres?ssl=require",
            "TRUEUP_PAYMENTS_DATABASE_URL": "postgresql://u:p@safe/money",
        }
    )
    assert settings.database_url("payments") == "postgresql://u:p@safe/money"
    common = "postgresql://u:p@db:5432/trueup_ordering?ssl=require"
    assert settings.database_url("ordering") == common


def test_a_domain_without_any_database_is_told_which_variable_to_set() -> None:
    with pytest.raises(SettingsError, match=r"^TRUEUP_ORDERING_DATABASE_URL must be"):
        Settings.from_environment({}).database_url("ordering")


def test_several_nats_servers_may_be_named() -> None:
    url = "nats://one:4222, nats://two:4222"
    assert Settings.from_environment({"NATS_URL": url}).nats_url == url.replace(" ", "")


def test_a_home_may_begin_with_a_tilde() -> None:
    assert Settings.from_environment({"TRUEUP_HOME": "~/shop"}).home == Path.home() / "shop"


def test_only_the_database_changes_in_a_url() -> None:
    assert with_database("postgresql://a:b@c:1/d?e=f", "g") == "postgresql://a:b@c:1/g?e=f"
