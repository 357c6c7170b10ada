"""The carrier in headers, whatever else is in them."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.trace import get_current_span

from waybill.domain import Carrier, trimmed, whole_members
from waybill.messages import carrier_from_headers, headers_for
from waybill.telemetry import context_of

STALE = "00-11111111111111111111111111111111-1111111111111111-01"
FRESH = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

NAMES = st.sampled_from(["traceparent", "tracestate", "Traceparent", "x"]) | st.text(max_size=5)
LIKE_A_TRACEPARENT = st.from_regex(
    "[0-9a-fA-F]{2}-[0-9a-fA-F]{32}-[0-9a-fA-F]{16}-[0-9a-f]{2}", fullmatch=True
)
MANY = ",".join(f"v{number}=1" for number in range(40))
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


def test_a_tracestate_may_be_in_several_headers() -> None:
    headers = [("traceparent", FRESH), ("tracestate", "a=1,b=2"), ("tracestate", " c=3 ,\ta=4")]

    assert carrier_from_headers(headers) == Carrier(FRESH, "a=1,b=2,c=3")


def test_each_of_several_may_be_quoted() -> None:
    headers = [("traceparent", FRESH), ("tracestate", '"a=1"'), ("tracestate", '""'), ("tracestate", '"b=2"')]

    assert carrier_from_headers(headers) == Carrier(FRESH, "a=1,b=2")


def test_the_tracestate_of_a_stale_pair_is_not_the_fresh_ones() -> None:
    stale = [("traceparent", STALE), ("tracestate", "stale=1")]
    fresh = [("traceparent", FRESH), ("tracestate", "fresh=1")]

    assert carrier_from_headers(stale + fresh) == Carrier(FRESH, "fresh=1")


@pytest.mark.parametrize("text", [f'"{FRESH}"', f" {FRESH}\t", f' "{FRESH} "'])
def test_white_space_and_quotes_around_it_are_trimmed(text: str) -> None:
    assert carrier_from_headers([("traceparent", text), ("tracestate", '"a=1"')]) == Carrier(FRESH, "a=1")


@given(st.text('"\t 0a-'))
@example('""""')
def test_what_was_trimmed_once_stays_as_it_is(text: str) -> None:
    kept = trimmed(text)

    assert kept is None or trimmed(kept) == kept


def test_a_long_tracestate_keeps_whole_members_from_the_left() -> None:
    members = [f"vendor{number}={'v' * 91}" for number in range(7)]
    long = ",".join(members)
    assert len(long) == 699

    assert carrier_from_headers([("traceparent", FRESH), ("tracestate", long)]) == Carrier(FRESH, long)
    longer = carrier_from_headers([("traceparent", FRESH), ("tracestate", long), ("tracestate", MANY)])
    assert longer is not None
    assert longer.tracestate is not None
    assert longer.tracestate.startswith(long)


MEMBERS = st.lists(
    st.tuples(
        st.from_regex("[a-z][a-z0-9_*/-]{0,255}", fullmatch=True),
        st.from_regex(r"[!-+\-.-<>-~]{1,256}", fullmatch=True),
    ),
    unique_by=lambda member: member[0],
)


@given(MEMBERS, st.integers(1, 4))
def test_of_any_valid_tracestate_the_sdk_reads_all_that_is_kept(
    members: list[tuple[str, str]], headers: int
) -> None:
    texts = ["=".join(member) for member in members]
    split = [",".join(texts[start::headers]) for start in range(headers)]
    ordered = [text for header in split for text in header.split(",") if text]

    kept = whole_members(split)

    found = kept.split(",") if kept else []
    assert found == ordered[: len(found)]
    assert len(found) in (len(ordered), 32) or len(kept or "") >= 512
    state = get_current_span(context_of(Carrier(FRESH, kept))).get_span_context().trace_state
    assert list(state.items()) == [tuple(text.split("=", 1)) for text in found]


@example([',"a=1"'])
@given(st.lists(st.text() | st.sampled_from(['"', ",", "a=1", "=", "\t", "\0", "ä"]), max_size=5))
def test_no_text_is_too_much_for_a_tracestate(texts: list[str]) -> None:
    kept = whole_members(texts)

    assert whole_members([kept]) == kept, "what was read once is read as the same again"
    assert kept is None or (len(kept) <= 1025 and kept.isascii() and kept.isprintable())


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
        traceparent = traceparent.strip(" \t")
        assert re.fullmatch("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", traceparent, re.DOTALL)
        assert not traceparent.startswith("ff")


class TestTraceId:
    def test_is_the_second_part(self) -> None:
        assert Carrier(FRESH).trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"

    @pytest.mark.parametrize(("flags", "kept"), [("01", True), ("03", True), ("00", False), ("02", False)])
    def test_is_none_where_nobody_keeps_the_trace(self, flags: str, kept: bool) -> None:
        assert (Carrier(FRESH[:-2] + flags).trace_id is not None) == kept

    def test_is_none_where_the_text_is_no_traceparent(self) -> None:
        assert Carrier("garbage").trace_id is None
        assert Carrier("a-b-c-d").trace_id is None
