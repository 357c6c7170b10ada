"""The span of an HTTP request: a name out of few, and no secret of its query."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from waybill.telemetry import name_unmatched_request, redact_query
from waybill.telemetry.requests import redacted_query

SHOWN = frozenset({"limit", "status"})


@pytest.fixture
def ended() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with trace.use_span(tracer.start_span("GET /x/3f9a", attributes={"http.target": "/x?token=hush"}), True):
        yield exporter


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    trace.get_current_span().end()
    (span,) = exporter.get_finished_spans()
    return span


@pytest.mark.parametrize(
    ("method", "name"), [("GET", "GET"), ("delete", "DELETE"), ("BREW", "HTTP"), ("X3F9A", "HTTP")]
)
def test_a_request_that_no_route_takes_is_named_by_its_method(
    method: str, name: str, ended: InMemorySpanExporter
) -> None:
    name_unmatched_request(method)

    assert only(ended).name == name


def test_a_token_in_the_query_is_redacted_in_every_attribute(ended: InMemorySpanExporter) -> None:
    redact_query("token=hush&limit=3", SHOWN)

    attributes = only(ended).attributes or {}
    assert attributes["url.query"] == "token=REDACTED&limit=3"
    assert attributes["http.target"] == "/x?token=REDACTED&limit=3"


def test_without_a_span_nothing_happens() -> None:
    name_unmatched_request("GET")
    redact_query("token=hush", SHOWN)


@given(st.lists(st.tuples(st.text("abcLIMTlimt%=&", max_size=8), st.just("hush")), max_size=5))
def test_no_value_of_an_unknown_parameter_is_shown(parameters: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in parameters if name not in SHOWN)

    assert "hush" not in redacted_query(query, SHOWN)


def test_what_stands_without_a_name_is_redacted() -> None:
    assert redacted_query("hush", SHOWN) == "REDACTED"
