"""Every wire can be TLS: with the right certificates all works, and with a wrong one nothing gets through.
Kafka's is in a file of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from local.ports import Ports
from local.stack import Stack
from tests.support import sse
from tests.support.api_services import GOOD
from tests.support.certificate_files import HOST, Authority, serial_of
from tests.support.encrypted import (
    API,
    USER,
    Encrypted,
    Parties,
    collector,
    database_options,
    encrypted,
    exporter_variables,
)
from tests.support.raw_http import connect
from tests.support.reports import QUICK, QUICK_SPANS
from tests.support.traces import Traces
from tests.support.waiting import PATIENCE, eventually
from waybill.store import StoreUnavailable, create_engine, ping
from waybill.telemetry import tracing_environment
from waybill_client import JaegerClient, WaybillClient

SLOW = {"steps": 50, "failing_step": None, "max_step_ms": 600_000}


@pytest.fixture(scope="module")
def wired(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    with encrypted(stack, tmp_path_factory.mktemp("encrypted") / "run") as started:
        yield started


@pytest.fixture
def client(wired: Encrypted) -> Iterator[WaybillClient]:
    with WaybillClient(wired.api_url, ca_file=wired.parties.authority.file) as opened:
        yield opened


def test_a_report_and_its_trace_travel_over_tls_alone(wired: Encrypted, client: WaybillClient) -> None:
    report = client.request("dowork", QUICK)
    *_, last = client.follow(report.id)
    assert last.status == "done"
    assert report.trace_id is not None

    with JaegerClient(wired.jaeger_url) as jaeger:
        trace = Traces(jaeger).whole(report.trace_id, "POST /api/v1/reports", *QUICK_SPANS)
    assert len(trace.spans) == 7


class TestTheApi:
    def test_a_certificate_is_replaced_while_a_stream_is_open(
        self, wired: Encrypted, client: WaybillClient
    ) -> None:
        authority, before = wired.parties.authority, wired.parties.api.serial
        report = client.request("dowork", SLOW)

        def shown() -> int:
            with (
                connect(wired.api_url) as plain,
                authority.trusted().wrap_socket(plain, server_hostname=HOST) as connection,
            ):
                return serial_of(connection.getpeercert(binary_form=True))

        with (
            httpx.Client(
                base_url=wired.api_url, verify=authority.trusted(), timeout=PATIENCE, trust_env=False
            ) as http,
            sse.opened(http, report.id) as stream,
        ):
            events = sse.events(stream)
            first = next(events)
            assert shown() == before
            wanted = authority.issue("api").serial

            # Each process of the API reads them by itself: 20 connections reach both.
            eventually(
                lambda: all(shown() == wanted for _ in range(20)), "new connections show the new certificate"
            )
            client.cancel(report.id)
            rest = list(events)

            under = stream.extensions["network_stream"].get_extra_info("ssl_object")
            assert serial_of(under.getpeercert(True)) == before
        assert [one.id for one in (first, *rest)] == list(range(first.id, first.id + len(rest) + 1))
        assert rest[-1].data["status"] == "cancelled"

    def test_files_that_cannot_be_used_are_said_and_change_nothing(self, wired: Encrypted) -> None:
        files = wired.parties.api
        other = wired.parties.authority.issue("other")
        good = files.key.read_bytes()
        try:
            files.key.write_bytes(other.key.read_bytes())

            eventually(
                lambda: "the key does not fit the first certificate" in wired.log(API), "the log says it"
            )
            with WaybillClient(wired.api_url, ca_file=wired.parties.authority.file) as another:
                assert another.kinds()
        finally:
            files.key.write_bytes(good)

    @pytest.mark.parametrize(
        ("certificate", "key", "sentence"),
        [
            ("nothing.pem", "server.key", "nothing.pem: cannot be read: No such file or directory"),
            ("server.pem", "other.key", "other.key: the key does not fit the first certificate"),
            ("server.pem", "", "WAYBILL_TLS_CERTIFICATE_FILE, WAYBILL_TLS_KEY_FILE: HTTPS needs both"),
        ],
    )
    def test_it_does_not_start_with_files_that_cannot_be_used(
        self, certificate: str, key: str, sentence: str, tmp_path: Path
    ) -> None:
        authority = Authority(tmp_path)
        for name in ("server", "other"):
            authority.issue(name)
        variables = {
            "WAYBILL_TLS_CERTIFICATE_FILE": str(tmp_path / certificate),
            "WAYBILL_TLS_KEY_FILE": key and str(tmp_path / key),
            "WAYBILL_LISTEN": "127.0.0.1:0",
            "WAYBILL_HEALTH_LISTEN": "127.0.0.1:0",
            "WAYBILL_ARTEFACT_URL": tmp_path.as_uri(),
            "OTEL_TRACES_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
        }
        answer = subprocess.run(
            [Path(sys.executable).parent / "producer-api"],
            env={**os.environ, **GOOD, **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

        assert answer.returncode != 0
        assert sentence in answer.stderr
        assert "Traceback" not in answer.stderr


class TestTheDatabase:
    def reason(self, url: str) -> str:
        engine = create_engine(url, application="tests")
        try:
            with pytest.raises(StoreUnavailable) as caught:
                ping(engine)
        finally:
            engine.dispose()
        return str(caught.value)

    def test_the_services_connections_are_encrypted(self, wired: Encrypted) -> None:
        engine = create_engine(wired.database.url(database_options(wired.parties)), application="tests")
        try:
            with engine.connect() as connection:
                sessions = connection.execute(
                    text(
                        "SELECT DISTINCT application_name, ssl, version, client_dn FROM pg_stat_ssl "
                        "JOIN pg_stat_activity USING (pid) WHERE usename = :user"
                    ),
                    {"user": USER},
                ).all()
        finally:
            engine.dispose()

        assert {API, "report-worker"} <= {name.partition("@")[0] for name, *_ in sessions}
        assert {(ssl, version) for _, ssl, version, _ in sessions} == {(True, "TLSv1.3")}
        assert all(f"CN={USER}" in name for *_, name in sessions)

    def test_plain_text_is_refused(self, wired: Encrypted) -> None:
        assert "no encryption" in self.reason(wired.database.url({"sslmode": "disable"}))

    def test_a_server_of_another_authority_is_refused(self, wired: Encrypted) -> None:
        options = {**database_options(wired.parties), "sslrootcert": wired.parties.stranger.file}

        assert "certificate verify failed" in self.reason(wired.database.url(options))

    def test_a_server_of_another_name_is_refused(self, wired: Encrypted) -> None:
        url = wired.database.url(database_options(wired.parties), host="database.example.com")

        assert "does not match host name" in self.reason(url)

    def test_a_client_without_a_certificate_is_refused(self, wired: Encrypted) -> None:
        options = {**database_options(wired.parties), "sslcert": "", "sslkey": ""}

        assert "client certificate" in self.reason(wired.database.url(options))

    @pytest.mark.parametrize("issuer", ["authority", "stranger"])
    def test_a_client_with_anothers_certificate_is_refused(self, wired: Encrypted, issuer: str) -> None:
        """Of another user, and of another authority."""
        name = "mallory" if issuer == "authority" else USER
        files = getattr(wired.parties, issuer).issue(f"{issuer}-other", "services", common_name=name)
        options = {
            **database_options(wired.parties),
            "sslcert": files.certificate,
            "sslkey": files.key,
        }

        assert self.reason(wired.database.url(options))

    def test_a_file_that_is_missing_is_said(self, wired: Encrypted) -> None:
        options = {**database_options(wired.parties), "sslrootcert": "/nowhere/ca.crt"}

        assert "root certificate file" in self.reason(wired.database.url(options))

    @pytest.mark.parametrize("trusted", ["authority", "stranger"])
    def test_libpqs_variables_hold_where_the_url_says_nothing(self, wired: Encrypted, trusted: str) -> None:
        """As the chart sets them."""
        variables = {
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(getattr(wired.parties, trusted).file),
            "PGSSLCERT": str(wired.parties.client.certificate),
            "PGSSLKEY": str(wired.parties.client.key),
            "WAYBILL_DATABASE_URL": wired.database.url(),
        }
        answer = subprocess.run(
            [Path(sys.executable).parent / "waybill", "migrate"],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

        assert answer.returncode == (0 if trusted == "authority" else 3), answer.stderr
        assert ("certificate verify failed" in answer.stderr) == (trusted == "stranger")


SPAN = """
from opentelemetry import trace
from waybill.logs import configure_logs
from waybill.telemetry.sdk import start_sdk

configure_logs("tests", "json", "info")
start_sdk()
trace.get_tracer("waybill").start_span("probe").end()
trace.get_tracer_provider().shutdown()
"""
"""A span, sent as a slot sends its own."""

Variables = dict[str, str]


def sent(service: str, variables: Variables) -> str:
    """What the process of `service` has logged, which has sent a span by these variables."""
    environment = tracing_environment(service, {**os.environ, **variables})
    answer = subprocess.run(
        [sys.executable, "-c", SPAN],
        env={**environment, "OTEL_METRICS_EXPORTER": "none"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return answer.stderr


def services_in(jaeger_url: str) -> set[str]:
    found = httpx.get(f"{jaeger_url}/api/services", timeout=PATIENCE, trust_env=False).json()["data"]
    return set(found or ())


class TestTheCollector:
    @pytest.mark.parametrize(
        ("service", "change", "words"),
        [
            (
                "trusts-another",
                lambda parties: {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(parties.stranger.file)},
                "certificate verify failed",
            ),
            (
                "is-a-stranger",
                lambda parties: _client_of(parties.stranger),
                "Failed to export",
            ),
            (
                "has-no-certificate",
                lambda _: {
                    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "",
                    "OTEL_EXPORTER_OTLP_CLIENT_KEY": "",
                },
                "Failed to export",
            ),
            (
                "speaks-plain-text",
                lambda _: {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:{port}"},
                "Failed to export",
            ),
        ],
    )
    def test_spans_that_may_not_pass_do_not_arrive_and_the_log_says_so(
        self, service: str, change: Callable[[Parties], Variables], words: str, wired: Encrypted
    ) -> None:
        port = wired.ports["otlp-http"]
        right = exporter_variables(wired.parties, port)
        wrong = {name: value.format(port=port) for name, value in change(wired.parties).items()}

        logged = sent(service, {**right, **wrong})
        sent(f"{service}-not", right)

        assert words in logged
        eventually(lambda: f"{service}-not" in services_in(wired.jaeger_url), "the right span arrives")
        assert service not in services_in(wired.jaeger_url)

    @pytest.mark.parametrize(
        ("service", "change", "words"),
        [
            (
                "collector-trusts-another",
                lambda parties: {"ca_file": str(parties.stranger.file)},
                "certificate signed by unknown authority",
            ),
            # Jaeger closes the connection, and why may be lost with it.
            ("collector-has-no-certificate", lambda _: {"cert_file": "", "key_file": ""}, "Exporting failed"),
        ],
    )
    def test_a_jaeger_that_is_not_trusted_or_does_not_trust_gets_nothing(
        self, service: str, change: Callable[[Parties], Variables], words: str, wired: Encrypted
    ) -> None:
        own = Ports.free()
        part = collector(wired.parties, own, service, **change(wired.parties))
        address = {"JAEGER_OTLP_ENDPOINT": f"127.0.0.1:{wired.ports['jaeger-otlp']}"}
        wired.runner.start_part(replace(part, environment={**part.environment, **address}))
        try:
            assert "Failed to export" not in sent(
                service, exporter_variables(wired.parties, own["otlp-http"])
            )

            eventually(lambda: words in wired.log(service), "the collector's log says it")
        finally:
            wired.runner.stop_part(service)
            own.release()
        assert service not in services_in(wired.jaeger_url)


def _client_of(authority: Authority) -> Variables:
    files = authority.issue("client-of-a-stranger", "services")
    return {
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(files.certificate),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(files.key),
    }
