"""No secret that a text quotes gets into logs, spans, or the errors of reports."""

import json
import logging
from collections.abc import Iterator
from typing import Literal, NoReturn

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest import CaptureFixture, MonkeyPatch

from report_worker.slots.sanitize import message_of, stack_of
from tests.unit.test_settings import GOOD
from waybill.logs import configure_logs
from waybill.redaction import redacted
from waybill.store import StoreUnavailable
from waybill.telemetry import fail_span, record_error, request_span
from waybill_client.cli import main

QUOTES = [
    "postgresql://waybill:hush@db:5432/waybill",
    "cannot reach http://me:hu@hush@host/path",
    "GET /reports?token=hush&limit=2",
    "https://bucket/key?X-Amz-Signature=hush",
    "https://account.blob/key?sv=1&sig=hush)",
    "?access_token=hush;next",
    "connection failed: host=db password=hush user=x",
    "password='hush hush'",
    "sasl.password=hush",
    "api_key=hush",
    "Authorization: Basic hush",
    "a Bearer hush in it",
]


@pytest.mark.parametrize("text", QUOTES)
def test_a_secret_is_redacted(text: str) -> None:
    assert "hush" not in redacted(text)
    assert "REDACTED" in redacted(text)


@pytest.mark.parametrize("word", ["token.", "a.", "://", "'", "password='"])
def test_no_text_takes_long(word: str) -> None:
    """Hours, where a pattern tries all ways to divide it."""
    assert redacted(word * 20_000).startswith(word.removesuffix("'"))


@pytest.mark.parametrize(
    "text",
    [
        "doWork:5: Something wrong!",
        "http://127.0.0.1:8080/api/v1/reports?limit=2&kind=dowork",
        "unexpected token: } at line 3",
        "a mail to me@example.org",
        "design=2 signal=3 monkey=4",
        "password authentication failed",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert redacted(text) == text


def fail(text: str) -> NoReturn:
    raise ValueError(text)


@pytest.fixture
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("_logs_as_before")
@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("text", QUOTES)
def test_no_log_line_has_it_whoever_writes_it(
    capsys: CaptureFixture[str], form: Literal["json", "console"], text: str
) -> None:
    configure_logs("tests", form, "info")
    try:
        fail(text)
    except ValueError as error:
        structlog.get_logger().error(text, about=text, exc_info=error)
        logging.getLogger("a.library").exception("it says %s", text)

    log = capsys.readouterr().err
    assert "hush" not in log
    assert log.count("Traceback") == 2
    if form == "json":
        assert [json.loads(line)["service"] for line in log.splitlines()] == ["tests"] * 2


@pytest.fixture
def spans(monkeypatch: MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def written(span: ReadableSpan) -> str:
    return str(span.to_json())


@pytest.mark.parametrize("text", QUOTES)
def test_no_span_has_it(spans: InMemorySpanExporter, text: str) -> None:
    with pytest.raises(ValueError, match=r".+"), request_span("dowork"):
        fail(text)
    span = trace.get_tracer("tests").start_span("another")
    record_error(span, ValueError(text))
    fail_span(span, "error", text)
    span.end()

    for found in spans.get_finished_spans():
        assert "hush" not in written(found)
        assert [event.name for event in found.events] == ["exception"]
        assert not found.status.is_ok


def test_a_span_does_not_say_what_the_database_said(spans: InMemorySpanExporter) -> None:
    with pytest.raises(StoreUnavailable), request_span("dowork"):
        try:
            fail('connection to "10.1.2.3" failed for user "secretary"')
        except ValueError as error:
            raise StoreUnavailable("The database cannot be reached.") from error

    (span,) = spans.get_finished_spans()
    assert "secretary" not in written(span)
    assert "The database cannot be reached." in written(span)


@pytest.mark.parametrize("text", QUOTES)
def test_no_error_of_a_report_has_it(text: str) -> None:
    try:
        fail(text)
    except ValueError as error:
        assert "hush" not in message_of(error) + stack_of(error)


@pytest.mark.parametrize("command", ["", "request", "trace", "migrate", "demo"])
def test_help_has_nothing_of_the_environment(
    monkeypatch: MonkeyPatch, capsys: CaptureFixture[str], command: str
) -> None:
    for name in (*GOOD, "WAYBILL_API_URL", "JAEGER_URL", "WAYBILL_KAFKA_SASL_PASSWORD"):
        monkeypatch.setenv(name, "http://me:hush@secret-host/?token=hush")

    with pytest.raises(SystemExit):
        main([*filter(None, [command]), "--help"])

    shown = capsys.readouterr()
    assert "Usage" in shown.out
    assert "hush" not in shown.out + shown.err
    assert "secret-host" not in shown.out + shown.err
