"""A caller's trace is continued or linked, whatever the format in which it says so."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.support.carriers import ForeignSpan
from tests.support.kafka import Topics
from tests.support.reports import QUICK, QUICK_SPANS, ended
from tests.support.traces import Traces
from waybill_client import WaybillClient

ROOT = "POST /api/v1/reports"


def post(http: httpx.Client, headers: Mapping[str, str] | list[tuple[str, str]]) -> dict[str, Any]:
    answer = http.post("/api/v1/reports", json={"kind": "dowork", "parameters": QUICK}, headers=headers)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    report: dict[str, Any] = answer.json()
    return report


class TestContinued:
    @pytest.mark.parametrize("form", ["{}", '"{}"', '" {} "'])
    def test_a_traceparent_is_read_also_where_it_is_quoted(
        self, http: httpx.Client, client: WaybillClient, traces: Traces, form: str
    ) -> None:
        caller = ForeignSpan()

        asked = post(http, {"traceparent": form.format(caller.traceparent)})

        assert asked["trace_id"] == caller.trace_id
        ended(client, asked["id"])
        assert len(traces.of_caller(caller, ROOT, *QUICK_SPANS).spans) == 7

    def test_two_tracestates_reach_kafka_as_one_with_every_member(
        self, http: httpx.Client, client: WaybillClient, topics: Topics
    ) -> None:
        members = [f"vendor{number}={'v' * 91}" for number in range(7)]
        assert len(",".join(members)) == 699

        asked = post(
            http,
            [
                ("traceparent", ForeignSpan().traceparent),
                ("tracestate", ",".join(members)),
                ("tracestate", "other=1"),
            ],
        )

        ended(client, asked["id"])
        (command,) = topics.records_of("report", asked["id"])
        (header,) = command.header("tracestate")
        assert header is not None
        assert header.decode().split(",") == [*members, "other=1"]

    def test_an_unsampled_caller_is_promised_no_trace(
        self, http: httpx.Client, client: WaybillClient, traces: Traces
    ) -> None:
        caller = ForeignSpan()
        unsampled = {"traceparent": caller.traceparent[:-2] + "00"}

        asked = post(http, unsampled)
        refused = http.post("/api/v1/reports", json={"kind": "none"}, headers=unsampled).json()

        report = ended(client, asked["id"])
        assert (asked["trace_id"], report.trace_id, str(report.status)) == (None, None, "done")
        assert "trace_id" not in refused
        assert {event.trace_id for event in client.follow(report.id)} == {None}
        traces.whole(ended(client, post(http, {})["id"]).trace_id)  # by then the other would be there
        assert not traces.now(caller.trace_id).spans


@pytest.fixture(scope="module")
def every_propagator(stack: Stack) -> Iterator[None]:
    names = "tracecontext,baggage,b3,b3multi,jaeger,xray,ottrace"
    stack.restart("producer-api", OTEL_PROPAGATORS=names)
    yield
    stack.restart("producer-api", OTEL_PROPAGATORS="")


@pytest.mark.usefixtures("every_propagator")
@pytest.mark.parametrize("form", ["b3", "b3multi", "jaeger", "xray", "ottrace"])
def test_every_format_that_the_specification_names_is_read_and_kafka_has_w3cs(
    http: httpx.Client, client: WaybillClient, topics: Topics, form: str
) -> None:
    caller = ForeignSpan()
    trace, span = caller.trace_id, caller.id
    headers = {
        "b3": {"b3": f"{trace}-{span}-1"},
        "b3multi": {"X-B3-TraceId": trace, "X-B3-SpanId": span, "X-B3-Sampled": "1"},
        "jaeger": {"uber-trace-id": f"{trace}:{span}:0:1"},
        "xray": {"X-Amzn-Trace-Id": f"Root=1-{trace[:8]}-{trace[8:]};Parent={span};Sampled=1"},
        "ottrace": {"ot-tracer-traceid": trace, "ot-tracer-spanid": span, "ot-tracer-sampled": "true"},
    }[form]

    asked = post(http, headers)

    assert asked["trace_id"] == trace
    ended(client, asked["id"])
    (command,) = topics.records_of("report", asked["id"])
    assert {name for name, _ in command.headers} <= {"traceparent", "tracestate"}
    (header,) = command.header("traceparent")
    assert header is not None
    assert header.decode().split("-")[1] == trace


@pytest.fixture(scope="module")
def linking(stack: Stack) -> Iterator[None]:
    stack.restart("producer-api", WAYBILL_CALLER_TRACE="link")
    yield
    stack.restart("producer-api", WAYBILL_CALLER_TRACE="")


@pytest.mark.usefixtures("linking")
@pytest.mark.parametrize("flags", ["01", "00"])
def test_a_request_may_begin_a_trace_with_a_link_to_its_caller(
    http: httpx.Client, client: WaybillClient, traces: Traces, flags: str
) -> None:
    caller = ForeignSpan()

    asked = post(http, {"traceparent": caller.traceparent[:-2] + flags})

    assert asked["trace_id"] not in (None, caller.trace_id)
    ended(client, asked["id"])
    trace = traces.whole(asked["trace_id"], *QUICK_SPANS)
    assert trace[ROOT].parent_id is None
    assert trace[ROOT].links == ((caller.trace_id, caller.id),)
    assert not traces.now(caller.trace_id).spans
