"""The `OTEL_*` variables that a service starts with: what somebody set wins over our defaults."""

import subprocess
import sys
from pathlib import Path

import pytest

from waybill.telemetry import WrongTelemetry, tracing_environment

SPECIFIED = ("tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ottrace", "none")
"""The names of propagators in OpenTelemetry's specification."""


def started_with(**environment: str) -> dict[str, str]:
    return dict(tracing_environment("producer-api", environment))


def test_our_defaults_fill_in() -> None:
    assert (
        started_with(PATH="/bin").items()
        >= {
            "PATH": "/bin",
            "OTEL_SERVICE_NAME": "producer-api",
            "OTEL_PROPAGATORS": "tracecontext",
            "OTEL_PYTHON_ID_GENERATOR": "waybill",
        }.items()
    )


def test_what_is_set_wins() -> None:
    environment = started_with(OTEL_SERVICE_NAME="reports-eu", OTEL_METRICS_EXPORTER="none")

    assert environment["OTEL_SERVICE_NAME"] == "reports-eu"
    assert environment["OTEL_METRICS_EXPORTER"] == "none"


def test_flask_is_instrumented_in_the_api_alone() -> None:
    name = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"

    assert name not in started_with()
    assert tracing_environment("report-worker", {})[name] == "flask"
    assert tracing_environment("report-worker", {name: "redis"})[name] == "redis"


def test_log_records_are_sent_where_that_is_asked_for() -> None:
    name = "OTEL_LOGS_EXPORTER"

    assert tracing_environment("report-worker", {})[name] == "none"
    assert tracing_environment("report-worker", {}, sends_logs=True)[name] == "otlp"
    assert tracing_environment("report-worker", {name: "console"}, sends_logs=True)[name] == "console"


def test_an_empty_variable_is_an_unset_one() -> None:
    empty = dict.fromkeys([*started_with(), "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_CONFIG_FILE"], "")

    assert started_with(**empty) == started_with()
    assert started_with(PYTHONPATH="")["PYTHONPATH"] == "", "others are not ours to judge"


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ("service.name=reports-eu", None),
        ("team=x, service.name = reports-eu", None),
        ("service.name=", "producer-api"),
        ("service.namespace=reports-eu", "producer-api"),
    ],
)
def test_a_service_name_among_the_resource_attributes_wins_too(attributes: str, name: str | None) -> None:
    assert started_with(OTEL_RESOURCE_ATTRIBUTES=attributes).get("OTEL_SERVICE_NAME") == name


def test_the_sdk_takes_the_name_from_there() -> None:
    program = (
        "from opentelemetry.sdk.resources import Resource as R; print(R.create().attributes['service.name'])"
    )
    environment = started_with(OTEL_RESOURCE_ATTRIBUTES="service.name=reports-eu", OTEL_SERVICE_NAME="")

    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "reports-eu"


@pytest.mark.parametrize("name", SPECIFIED)
def test_every_propagator_that_the_specification_names_is_installed(name: str) -> None:
    assert started_with(OTEL_PROPAGATORS=f" {name},,{name} ")["OTEL_PROPAGATORS"] == name


def test_another_one_is_refused_in_a_sentence() -> None:
    with pytest.raises(WrongTelemetry, match=r"OTEL_PROPAGATORS: b4: no installed package.* there are b3, "):
        started_with(OTEL_PROPAGATORS="tracecontext,b4")


def test_a_configuration_file_is_refused_in_a_sentence() -> None:
    with pytest.raises(WrongTelemetry, match=r"^OTEL_CONFIG_FILE: .*Unset it, and set variables instead\.$"):
        started_with(OTEL_CONFIG_FILE="/etc/otel.yaml")


@pytest.mark.parametrize("service", ["producer-api", "report-worker"])
def test_a_service_that_cannot_start_so_says_it_once(service: str, tmp_path: Path) -> None:
    environment = {
        "WAYBILL_DATABASE_URL": "postgresql://waybill@127.0.0.1:1/waybill",
        "WAYBILL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "WAYBILL_ARTEFACT_URL": tmp_path.as_uri(),
        "OTEL_PROPAGATORS": "b4",
    }

    answer = subprocess.run(
        [Path(sys.executable).parent / service], env=environment, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 1
    assert answer.stderr.startswith(f"{service}: OTEL_PROPAGATORS: b4: ")
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "authority", ["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"]
)
def test_an_authority_of_the_exporters_is_not_replaced_by_that_of_the_library(authority: str) -> None:
    others = {"REQUESTS_CA_BUNDLE": "/etc/ssl/all.pem", "CURL_CA_BUNDLE": "/etc/ssl/all.pem"}

    assert tracing_environment("producer-api", others).items() >= others.items()
    assert tracing_environment("producer-api", {**others, authority: ""}).items() >= others.items()
    assert not others.keys() & tracing_environment("producer-api", {**others, authority: "/ca.pem"}).keys()
