"""Jaeger's JSON becomes a tree, whatever arrived and however clocks disagree."""

import json
from typing import Any

import pytest

from tests.support.answers import DOWORK_STEPS, START, TRACE_ID, dowork, jaeger, span, spine
from tests.support.http_server import serving
from waybill_client import JaegerClient, SpanKind, Trace, UnexpectedAnswerError, read_trace


def read(*spans: dict[str, object]) -> Trace:
    trace = read_trace(jaeger(spans))
    assert trace is not None
    return trace


def test_a_whole_trace_is_one_tree() -> None:
    trace = read(*dowork())

    [root] = trace.roots
    names = [node.span.name for node in root.walk()]
    assert names[:3] == ["POST /api/v1/reports", "report_request", "report_producer"]
    assert names[3:] == ["report_consumer", "handle_report", *DOWORK_STEPS]
    assert (trace.id, trace.start, trace.duration) == (TRACE_ID, START, 1_000_000)
    assert trace.services == ("producer-api", "report-worker")
    assert trace.orphans == ()
    assert root.span.kind is SpanKind.SERVER


def test_a_parent_that_is_also_linked_is_the_parent() -> None:
    """Jaeger has one reference for both, and calls it FOLLOWS_FROM unless the link says otherwise."""
    consumer = span("c1", "report_consumer", 40, 960, "a3", kind="consumer", reference="FOLLOWS_FROM")
    [root] = read(*[consumer if one["spanID"] == "c1" else one for one in spine()]).roots

    assert [node.span.name for node in root.walk()][-2:] == ["report_consumer", "handle_report"]


def test_a_parent_comes_before_a_link() -> None:
    link, parent = span("x", "", 0, 1, "a", reference="FOLLOWS_FROM"), span("x", "", 0, 1, "b")
    both = {**link, "references": link["references"] + parent["references"]}

    assert read(both).spans[0].parent_id == "b"


def test_a_link_to_another_trace_is_no_parent() -> None:
    other = span("x", "", 0, 1, "a", reference="FOLLOWS_FROM")
    other["references"][0]["traceID"] = "0" * 31 + "1"

    assert read(other).spans[0].parent_id is None


def test_children_are_in_the_order_they_began() -> None:
    [root] = read(*reversed(dowork())).roots

    assert [node.span.name for node in root.walk()][-10:] == list(DOWORK_STEPS)


def test_only_the_failing_step_fails_first() -> None:
    spans = dowork()
    spans[4] = span("h1", "handle_report", 50, 940, "c1", error="")
    trace = read(*spans)

    nodes = [node for root in trace.roots for node in root.walk()]
    assert [node.span.name for node in nodes if node.span.failed] == ["handle_report", "doWork:5"]
    assert [node.span.name for node in nodes if node.fails_first] == ["doWork:5"]
    assert [step.error for step in trace.steps if step.failed] == ["Something wrong!"]


@pytest.mark.parametrize(
    ("tags", "exception", "reason"),
    [
        ({"otel.status_description": "broke", "error.type": "x"}, True, "broke"),
        ({"error.type": "x"}, True, "OSError: no disk"),
        ({"error.type": "interrupted"}, False, "interrupted"),
        ({}, False, "failed"),
    ],
)
def test_the_reason_is_the_best_that_is_known(tags: dict[str, str], exception: bool, reason: str) -> None:
    failed = span("x", "step", 0, 1)
    failed["tags"] += [
        {"key": key, "value": value} for key, value in {"otel.status_code": "ERROR", **tags}.items()
    ]
    fields = {"event": "exception", "exception.type": "OSError", "exception.message": "no disk"}
    if exception:
        failed["logs"] = [
            {"timestamp": START, "fields": [{"key": key, "value": value} for key, value in fields.items()]}
        ]

    assert read(failed).spans[0].error == reason


def test_the_time_in_kafka_is_what_was_recorded() -> None:
    [queue] = read(*spine(queue_ms=17.5)).queue_times

    assert (queue.duration, queue.recorded) == (17_500, True)
    assert (queue.start, queue.end) == (START + 22_500, START + 40_000)


def test_the_time_in_kafka_is_the_gap_where_nothing_was_recorded() -> None:
    [queue] = read(*spine(queue_ms=None)).queue_times

    assert (queue.duration, queue.recorded) == (20_000, False)
    assert (queue.start, queue.end) == (START + 20_000, START + 40_000)


def test_a_consumer_that_overtook_its_producer_tells_nothing_of_kafka() -> None:
    """The broker's acknowledgement came late, and nothing was recorded."""
    early = span("c1", "report_consumer", 15, 100, "a3", kind="consumer")

    assert read(*spine()[:3], early).queue_times == ()


def test_the_recorded_time_does_not_reach_into_the_producer() -> None:
    [queue] = read(*spine(queue_ms=33.0)).queue_times

    assert (queue.start, queue.duration) == (START + 20_000, 33_000)


def test_a_consumer_before_its_producer_still_has_its_time_in_kafka() -> None:
    """Clock skew: the worker's clock is behind."""
    spans = [
        *spine()[:3],
        span("c1", "report_consumer", -500, 100, "a3", kind="consumer", report__queue_time_ms=8),
    ]
    trace = read(*spans)

    [queue] = trace.queue_times
    assert (queue.start, queue.end, queue.duration) == (START - 508_000, START - 500_000, 8_000)
    assert trace.start == START - 508_000
    assert [node.span.name for node in trace.roots[0].walk()][-1] == "report_consumer"


def test_a_span_without_its_parent_is_an_orphan() -> None:
    trace = read(*(one for one in dowork() if one["operationName"] != "handle_report"))

    assert [orphan.name for orphan in trace.orphans] == list(DOWORK_STEPS)
    assert [root.span.name for root in trace.roots] == ["POST /api/v1/reports"]


def test_a_retry_has_its_own_time_in_kafka() -> None:
    again = span("c2", "report_consumer", 1500, 100, "a3", kind="consumer", report__queue_time_ms=300)
    trace = read(*dowork(), again)

    assert [(queue.consumer.id, queue.duration) for queue in trace.queue_times] == [
        ("c1", 20_000),
        ("c2", 300_000),
    ]
    assert trace.queue_times[1].start == START + 1_200_000


def test_a_span_that_was_stored_twice_is_there_once() -> None:
    trace = read(*dowork(), *dowork())

    assert len(trace.spans) == 15


def test_the_steps_of_a_running_attempt_are_known_without_their_parent() -> None:
    trace = read(*dowork()[:3], *dowork()[5:8])

    assert [step.name for step in trace.steps] == ["doWork:0", "doWork:1", "doWork:2"]


def test_shares_count_time_once() -> None:
    shares = read(*dowork(), span("t", "doWork:x", 50, 90, "h1")).shares

    # publishing goes on from 5 to 20 ms, then 20 ms in Kafka, then 10 steps of 90 ms; 10 to 5 overlap HTTP
    assert shares.http == pytest.approx(0.010)
    assert shares.kafka == pytest.approx(0.035)
    assert shares.steps == pytest.approx(0.900)
    assert shares.other == pytest.approx(1 - 0.040 - 0.900)


def test_nothing_is_no_trace() -> None:
    assert read_trace({"data": None}) is None
    assert read_trace({"data": []}) is None


NOT_A_TRACE = {
    "no object": [1],
    "no processes": {"data": [{"traceID": "a", "processes": None, "spans": []}]},
    "a list of processes": {"data": [{"traceID": "a", "processes": ["b"], "spans": []}]},
    "a trace without a name": {"data": [{"traceID": 7, "processes": {}, "spans": []}]},
    "a service without a name": {
        "data": [{"traceID": "a", "processes": {"p": {"serviceName": 7}}, "spans": []}]
    },
    "a span that is a text": {"data": [{"traceID": "a", "processes": {}, "spans": ["b"]}]},
    "a name that is none": jaeger([{**span("a1", "x", 0, 1), "operationName": ["x"]}]),
    "an infinite start": jaeger([{**span("a1", "x", 0, 1), "startTime": float("inf")}]),
    "a start that no clock has": jaeger([{**span("a1", "x", 0, 1), "startTime": 10**400}]),
    "a start after the year 9999": jaeger([{**span("a1", "x", 0, 1), "startTime": 10**18}]),
    "a duration below nothing": jaeger([{**span("a1", "x", 0, 1), "duration": -1}]),
    "a circle": jaeger([span("a1", "x", 0, 1, "a2"), span("a2", "x", 0, 1, "a1")]),
    "a very deep one": jaeger(
        [span("a0", "x", 0, 1), *(span(f"a{level + 1}", "x", 0, 1, f"a{level}") for level in range(1500))]
    ),
}


@pytest.mark.parametrize("answer", NOT_A_TRACE.values(), ids=NOT_A_TRACE)
def test_what_is_no_trace_raises_what_it_says(answer: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, OverflowError)):
        read_trace(answer)


@pytest.mark.parametrize("answer", [*NOT_A_TRACE.values(), json.loads("[" * 300 + "]" * 300)])
def test_the_client_says_that_it_does_not_understand_it(answer: Any) -> None:
    with serving() as server, JaegerClient(server.url) as client:
        server.routes[f"GET /api/traces/{TRACE_ID}"] = lambda request: request.json(answer)

        with pytest.raises(UnexpectedAnswerError, match="a trace that is not understood"):
            client.trace(TRACE_ID)


def test_a_trace_may_be_deep() -> None:
    spans = [span("a0", "x", 0, 1), *(span(f"a{level + 1}", "x", 0, 1, f"a{level}") for level in range(150))]

    [root] = read(*spans).roots

    assert len(list(root.walk())) == 151


@pytest.mark.parametrize("recorded", ["soon", [1], None, float("nan"), float("inf"), -1, 1e300])
def test_a_queue_time_that_is_none_is_not_recorded(recorded: Any) -> None:
    spans = [
        *spine()[:3],
        span("c1", "report_consumer", 40, 1, "a3", kind="consumer", report__queue_time_ms=recorded),
    ]

    [queue] = read(*spans).queue_times

    assert not queue.recorded
