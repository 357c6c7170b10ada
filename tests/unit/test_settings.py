"""Settings from the environment, and what is said about wrong ones."""

from datetime import timedelta

import pytest
from confluent_kafka import KafkaException

from producer_api.settings import ApiSettings
from report_worker.settings import WorkerSettings
from tests.support.api_services import GOOD, set_alone
from waybill.kafka import producer
from waybill.settings import PREFIX, RENAMED, ServiceSettings, WrongSettings, load


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_alone(monkeypatch, GOOD)


def test_three_are_enough() -> None:
    assert load(ApiSettings).topics.report == "report"
    assert load(WorkerSettings).drain == timedelta(seconds=20)


@pytest.mark.parametrize("name", GOOD)
def test_each_missing_one_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(WrongSettings, match=f"{name}: Field required"):
        load(ServiceSettings)


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_SLOTS", "0")
    monkeypatch.setenv("WAYBILL_LOG_LEVEL", "loud")
    monkeypatch.delenv("WAYBILL_ARTEFACT_URL")

    with pytest.raises(WrongSettings) as caught:
        load(WorkerSettings)

    for name in ("WAYBILL_SLOTS", "WAYBILL_LOG_LEVEL", "WAYBILL_ARTEFACT_URL"):
        assert name in str(caught.value)


def test_a_wrong_value_is_not_repeated_for_it_may_be_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_DATABASE_URL", "mysql://waybill:secret@db/waybill")

    with pytest.raises(WrongSettings) as caught:
        load(ServiceSettings)

    assert "secret" not in str(caught.value)


def test_security_goes_to_kafka_by_librdkafkas_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("WAYBILL_KAFKA_SASL_USERNAME", "waybill")
    monkeypatch.setenv("WAYBILL_KAFKA_SSL_CA_LOCATION", "/ca.pem")

    common = load(ServiceSettings).kafka_config("me").common()

    assert common["bootstrap.servers"] == "kafka:9092"
    assert common["client.id"] == "me"
    assert common["security.protocol"] == "SASL_SSL"
    assert common["sasl.username"] == "waybill"
    assert common["ssl.ca.location"] == "/ca.pem"
    assert "sasl.password" not in common


def test_a_certificate_may_be_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """librdkafka checks it as soon as a client is made."""
    monkeypatch.setenv("WAYBILL_KAFKA_SECURITY_PROTOCOL", "SSL")
    monkeypatch.setenv("WAYBILL_KAFKA_SSL_KEY_PEM", "not a key")

    with pytest.raises(KafkaException, match=r"ssl\.key\.pem"):
        producer(load(ServiceSettings).kafka_config("me"))


@pytest.mark.parametrize("name", ["WAYBILL_TLS_CERTIFICATE_FILE", "WAYBILL_TLS_KEY_FILE"])
def test_a_certificate_needs_its_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(ApiSettings).tls is None

    monkeypatch.setenv(name, "/tls.pem")

    with pytest.raises(
        WrongSettings, match="WAYBILL_TLS_CERTIFICATE_FILE, WAYBILL_TLS_KEY_FILE: HTTPS needs"
    ):
        load(ApiSettings)


def test_policies_are_made_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYBILL_LEASE_SECONDS", "12")
    monkeypatch.setenv("WAYBILL_RETRY_INITIAL_DELAY_SECONDS", "3")
    monkeypatch.setenv("WAYBILL_STREAM_HEARTBEAT_SECONDS", "4")

    settings = load(ApiSettings)

    assert settings.lease.time_to_live == timedelta(seconds=12)
    assert settings.retry.initial_delay == timedelta(seconds=3)
    assert settings.stream.heartbeat == timedelta(seconds=4)


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_stops_the_start_and_gives_the_new_one(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}{old}", "3")

    with pytest.raises(WrongSettings) as caught:
        load(ServiceSettings)

    assert f"{PREFIX}{old}: this setting is called {PREFIX}{new} now; rename it" in str(caught.value)


def test_every_new_name_is_a_setting() -> None:
    fields = {*ApiSettings.model_fields, *WorkerSettings.model_fields}

    assert {name.lower() for name in RENAMED.values()} <= fields
    assert not {name.lower() for name in RENAMED} & fields


def test_an_empty_setting_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = {model: load(model) for model in (ApiSettings, WorkerSettings)}
    for model in usual:
        for field in model.model_fields:
            if f"{PREFIX}{field.upper()}" not in GOOD:
                monkeypatch.setenv(f"{PREFIX}{field.upper()}", "")
    for old in RENAMED:
        monkeypatch.setenv(f"{PREFIX}{old}", "")

    assert {model: load(model) for model in usual} == usual


@pytest.mark.parametrize("name", GOOD)
def test_an_empty_one_that_is_needed_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "")

    with pytest.raises(WrongSettings, match=f"{name}: Field required"):
        load(ServiceSettings)


TIMES = [
    (settings, name)
    for settings in (ApiSettings, WorkerSettings)
    for name, field in settings.model_fields.items()
    if field.annotation is float
]


@pytest.mark.parametrize(("settings", "name"), TIMES)
@pytest.mark.parametrize("value", ["inf", "nan", "1e300", "1e8"])
def test_a_time_has_an_end(
    settings: type[ServiceSettings], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"{PREFIX}{name.upper()}"
    monkeypatch.setenv(variable, value)

    with pytest.raises(WrongSettings, match=f"{variable}: "):
        load(settings)
