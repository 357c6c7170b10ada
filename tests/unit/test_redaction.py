"""No secret that a text quotes gets into logs, spans, or the errors of reports."""

import json
import logging
from collections.abc import Iterator
from multiprocessing import TimeoutError as TookTooLong
from multiprocessing import get_context
from multiprocessing.pool import Pool
from typing import Literal, NoReturn

import pytest
import structlog
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pytest import CaptureFixture, MonkeyPatch

from report_worker.slots.sanitize import message_of, stack_of
from tests.support.api_services import GOOD
from tests.support.logs import logs_as_before
from tests.support.waiting import PATIENCE
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
    "authorization=hush",
    "a Bearer hush in it",
    f"Cookie: a=b; __Host-waybill={'hush' * 10}; c=d",
    f"Set-Cookie: waybill-login=.{'hush' * 10}.hu-sh.hu_hush; Path=/",
    "code=x&code_verifier=hush",
    "WAYBILL_SESSION_SECRET=hush,hush",
    "oidc_client_secret: 'hush'",
    "password: hush",
    "password = hush",
    "X-Api-Key: hush",
    "password:12345hush",
    'password="hush hush"',
    "password='hush \\' hush'",
    'a text that is cut: password="hush hu',
    "{'password': 'hush'}",
    "{'user': 'me', 'password': b'hush hush', 'x': 1}",
    "{'Authorization': 'Basic hush'}",
    "password=SecretStr('hush')",
    '{"token": "hush", "limit": 2}',
    '{"tokens": ["hush", "hush"]}',
    r"{\"token\": \"hush\\\"hush\"}",
    "private_key: '-----BEGIN\nhush\n-----END'",
    '"token" => "hush"',
    "Driver=x;PWD={hush;hush}",
    "AccountName=x;AccountKey=hush==;EndpointSuffix=core.windows.net",
    "?next=%2Fx%3Ftoken%3Dhush",
    "?next=%2Fx%3Ftoken%253dhush",
    "?next=%2Fx%3Fsv%3D1%26sig%3Dhush",
    "?filter=%7B%22token%22%3A%22hush%22%7D",
    "http://token-service:8080/x?token=hush",
]


@pytest.mark.parametrize("text", QUOTES)
def test_a_secret_is_redacted(text: str) -> None:
    assert "hush" not in redacted(text)
    assert "REDACTED" in redacted(text)


PIECES = (
    *("token", "password", "sig", "author", "authorization", "bearer", "private_key", "a", "1", "."),
    *("=", ":", "%3D", "%253D", "=>", " ", "\n", "://", "@", "/", "&", "%26"),
    *("'", '"', "\\", '\\"', "%22", "b'", "(", "[", "]", "{", "}"),
)


@pytest.fixture(scope="module")
def process() -> Iterator[Pool]:
    """One that can be ended while it searches: no thread of the process itself runs meanwhile."""
    with get_context("spawn").Pool(1) as pool:
        yield pool


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join), st.sampled_from(PIECES))
@settings(
    max_examples=150,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
)
@example("token.", "")
@example("password='", '"')
@example("token=[", "")
@example("token" + " " * 8, "")
def test_no_text_takes_long(process: Pool, repeated: str, last: str) -> None:
    """Minutes or hours, where a pattern tries all ways to divide it, or looks ahead to the end each time."""
    text = repeated * (100_000 // len(repeated)) + last

    try:
        process.apply_async(redacted, (text,)).get(timeout=PATIENCE)
    except TookTooLong:
        pytest.fail(f"takes more than {PATIENCE:g} s: {repeated!r} again and again, then {last!r}")


@pytest.mark.parametrize(
    "text",
    [
        "doWork:5: Something wrong!",
        "http://127.0.0.1:8080/api/v1/reports?limit=2&kind=dowork",
        "unexpected token: } at line 3",
        "author=John authority=example.org unauthenticated_requests=5",
        "no route to token-service:8080, secret-host:80",
        "Kafka refuses the credentials: correct WAYBILL_KAFKA_SASL_MECHANISM",
        "a mail to me@example.org",
        "design=2 signal=3 monkey=4",
        "password authentication failed",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{'password': 'hush', 'x': 1}", "{'password': 'REDACTED', 'x': 1}"),
        ('password="a b" user=x', 'password="REDACTED" user=x'),
        ("'http://host/?token=hush' is away", "'http://host/?token=REDACTED' is away"),
        ("next=%3Ftoken%3Dhush&limit=2", "next=%3Ftoken%3DREDACTED&limit=2"),
        ("X-Api-Key: hush\nAccept: text/html", "X-Api-Key: REDACTED\nAccept: text/html"),
    ],
)
def test_what_stands_round_a_secret_stays(text: str, expected: str) -> None:
    assert redacted(text) == expected


def fail(text: str) -> NoReturn:
    raise ValueError(text)


@pytest.fixture
def _logs_as_before() -> Iterator[None]:
    with logs_as_before():
        yield


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


@pytest.mark.usefixtures("_logs_as_before")
@pytest.mark.parametrize("form", ["json", "console"])
def test_no_value_of_a_log_has_it(capsys: CaptureFixture[str], form: Literal["json", "console"]) -> None:
    configure_logs("tests", form, "info")
    structlog.get_logger().info(
        "called",
        token="hush",
        headers={"X-Api-Key": "hush", "Accept": "text/html"},
        addresses=["http://me:hush@host", ("?token=hush",)],
        reason=ValueError({"password": "hush"}),
        left=2.5,
        last=True,
        kind=None,
    )

    log = capsys.readouterr().err
    assert "hush" not in log
    if form == "json":
        line = json.loads(log)
        assert line["headers"] == {"X-Api-Key": "REDACTED", "Accept": "text/html"}
        assert (line["left"], line["last"], line["kind"]) == (2.5, True, None)


@pytest.mark.usefixtures("_logs_as_before")
@pytest.mark.parametrize("text", ["wrong password:", "password=", "token: 'cut", '"token"'])
def test_a_line_of_json_stays_one(capsys: CaptureFixture[str], text: str) -> None:
    configure_logs("tests", "json", "info")
    structlog.get_logger().info(text, about=text, next="seen")

    line = json.loads(capsys.readouterr().err)
    assert line["next"] == "seen"
    assert line["event"].startswith(text[:5])


@pytest.fixture
def spans(monkeypatch: MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
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
