"""The carrier in headers, whatever else is in them."""

import re

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import get_current_span

from waybill.domain import Carrier
from waybill.messages import carrier_from_headers, headers_for
from waybill.telemetry import context_of

STALE = "00-11111111111111111111111111111111-1111111111111111-01"
FRESH = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

NAMES = st.sampled_from(["traceparent", "tracestate", "Traceparent", "x"]) | st.text(max_size=5)
LIKE_A_TRACEPARENT = st.from_regex(
    "[0-9a-fA-F]{2}-[0-9a-fA-F]{32}-[0-9a-fA-F]{16}-[0-9a-f]{2}", fullmatch=True
)
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=60) | st.text(max_size=60)))


def test_what_is_written_is_read() -> None:
    carrier = Carrier(FRESH, "vendor=1")

    assert carrier_from_headers(headers_for(carrier)) == carrier


def test_without_a_carrier_there_are_no_headers() -> None:
    assert headers_for(None) == []
    assert carrier_from_headers(None) is None
    assert carrier_from_headers([]) is None


def test_the_last_of_two_counts() -> None:
    assert carrier_from_headers(
        [("traceparent", STALE.encode()), ("traceparent", FRESH.encode())]
    ) == Carrier(FRESH)


def test_values_that_are_no_text_are_skipped() -> None:
    assert carrier_from_headers(
        [("traceparent", FRESH.encode()), ("traceparent", None), ("traceparent", b"\xff\xfe")]
    ) == Carrier(FRESH)


def test_names_are_read_in_any_case_as_http_has_it() -> None:
    assert carrier_from_headers([("TraceParent", FRESH.encode())]) == Carrier(FRESH)


def test_a_tracestate_alone_is_no_carrier() -> None:
    assert carrier_from_headers([("tracestate", b"vendor=1")]) is None


@given(HEADERS)
def test_nothing_in_headers_raises_and_what_is_read_can_be_kept(
    headers: list[tuple[str, bytes | str | None]],
) -> None:
    carrier = carrier_from_headers(headers)

    if carrier:
        for text in carrier.as_dict().values():
            assert "\0" not in text
            assert text.encode()


@given(
    st.text() | st.from_regex("[0-9a-fA-F]{2}-[0-9a-fA-F]{32}-[0-9a-fA-F]{16}-[0-9a-f]{2}", fullmatch=True)
)
def test_any_text_makes_a_context_and_only_a_valid_one_has_a_parent(traceparent: str) -> None:
    context = context_of(Carrier(traceparent, "vendor=1"))

    span = get_current_span(context).get_span_context()
    if span.is_valid:
        assert re.fullmatch("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", traceparent, re.DOTALL)
        assert not traceparent.startswith("ff")


class TestTraceId:
    def test_is_the_second_part(self) -> None:
        assert Carrier(FRESH).trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"

    def test_is_none_where_the_text_is_no_traceparent(self) -> None:
        assert Carrier("garbage").trace_id is None
        assert Carrier("a-b-c-d").trace_id is None
