"""How the API reads the trace that a caller's headers name."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.b3 import B3MultiFormat
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import SpanContext, format_trace_id, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from waybill.telemetry.callers import CallerPropagator, CallerTrace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
B3 = {"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "1"}
EVERY = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator(), B3MultiFormat()])


def parent(headers: Mapping[str, str | list[str]], choice: CallerTrace = CallerTrace.CONTINUE) -> SpanContext:
    """The one that the request's span gets; not valid for a span that begins a trace."""
    return get_current_span(CallerPropagator(EVERY, choice).extract(headers)).get_span_context()


@pytest.mark.parametrize("traceparent", [TRACEPARENT, f'"{TRACEPARENT}"', f" {TRACEPARENT} "])
def test_a_traceparent_is_read_also_where_it_is_quoted(traceparent: str) -> None:
    assert format_trace_id(parent({"traceparent": traceparent}).trace_id) == TRACE


def test_the_members_of_a_long_tracestate_are_kept() -> None:
    members = {f"vendor{number}": "v" * 91 for number in range(7)}
    header = ",".join(f"{key}={value}" for key, value in members.items())
    assert len(header) == 699

    assert dict(parent({"traceparent": TRACEPARENT, "tracestate": header}).trace_state) == members


def test_two_tracestates_are_combined() -> None:
    found = parent({"traceparent": [TRACEPARENT], "tracestate": ["a=1", "b=2"]})

    assert found.trace_state.to_header() == "a=1,b=2"


def test_more_members_than_w3c_allows_cost_those_beyond() -> None:
    header = ",".join(f"v{number}=1" for number in range(40))

    assert len(parent({"traceparent": TRACEPARENT, "tracestate": header}).trace_state) == 32


def test_other_formats_are_read_as_they_are() -> None:
    assert format_trace_id(parent(B3).trace_id) == TRACE


@pytest.mark.parametrize("headers", [{"traceparent": TRACEPARENT}, B3])
def test_a_request_that_is_only_linked_begins_a_trace(headers: Mapping[str, str]) -> None:
    assert not parent(headers, CallerTrace.LINK).is_valid


@given(st.dictionaries(st.sampled_from(["traceparent", "tracestate", *B3]), st.text() | st.lists(st.text())))
def test_nothing_in_headers_raises(headers: dict[str, str | list[str]]) -> None:
    for choice in CallerTrace:
        parent(headers, choice)
