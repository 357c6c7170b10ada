"""A report's spans: by its events, and of a trace that may be anything."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from producer_api.waterfall import Jaeger, NoSpans, SpanResource
from producer_api.waterfall.stored import stored_spans
from tests.support.answers import jaeger, span
from tests.support.http_server import Server, serving
from tests.unit.test_status_stream import REPORT
from waybill.domain import (
    AttemptTrace,
    Carrier,
    Failure,
    Origin,
    Progress,
    Report,
    Status,
    StepChange,
    StepStatus,
)
from waybill.messages import WaitedModel, status_event, step_event
from waybill.store import StoredEvent

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIRST, TRACE = "00f067aa0ba902b7", "4bf92f3577b34da6a3ce929d0e0e4736"
OURS = replace(
    REPORT, status=Status.DONE, attempt=1, created_at=START, carrier=Carrier(f"00-{TRACE}-{FIRST}-01", None)
)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(
    seconds: float, status: Status, attempt: int, step: StepChange | None = None, **more: Any
) -> StoredEvent:
    report = replace(OURS, status=status, attempt=attempt, updated_at=at(seconds), **more)
    found = step_event(report, step) if step else status_event(report)
    return StoredEvent(1, found.type, found.model_dump(mode="json"))


def drawn(spans: list[SpanResource]) -> list[tuple[str, str | None, float, float | None, str | None]]:
    """Name, the parent's name, start in seconds, duration in seconds, error."""
    names_of = {span.id: span.name for span in spans}
    return [
        (
            span.name,
            names_of.get(span.parent or ""),
            (span.start - START).total_seconds(),
            None if span.duration_ms is None else span.duration_ms / 1000,
            span.error,
        )
        for span in spans
    ]


FAILED = Failure("error", "No ink.")
EVENTS = [
    event(0, Status.INIT, 0),
    event(4, Status.PROCESSING, 1),
    event(4, Status.PROCESSING, 1, StepChange("load", StepStatus.RUNNING)),
    event(5, Status.PROCESSING, 1, StepChange("load", StepStatus.FAILED, 1000, "No ink.")),
    event(5, Status.INIT, 1, failure=FAILED, not_before=at(7)),
    event(8, Status.PROCESSING, 2),
    event(8, Status.PROCESSING, 2, StepChange("load", StepStatus.RUNNING)),
    event(9, Status.PROCESSING, 2, StepChange("load", StepStatus.DONE, 1000)),
    event(9, Status.PROCESSING, 2, StepChange("render", StepStatus.RUNNING)),
]


def test_the_spans_of_events() -> None:
    spans = stored_spans(OURS, [*EVENTS, event(10, Status.DONE, 2)])

    assert drawn(spans) == [
        ("report", None, 0, 10, None),
        ("waiting", "report", 0, 4, None),
        ("handle_report", "report", 4, 1, "No ink."),
        ("load", "handle_report", 4, 1, "No ink."),
        ("waiting for a retry", "report", 5, 3, None),
        ("handle_report", "report", 8, 2, None),
        ("load", "handle_report", 8, 1, None),
        ("render", "handle_report", 9, 1, None),
    ]
    assert [span.attributes.get("report.attempt") for span in spans if span.name == "handle_report"] == [1, 2]
    assert not [span for span in spans if span.running]
    assert len({span.id for span in spans}) == len(spans)


def test_steps_that_follow_each_other_do_not_overlap() -> None:
    """A step's duration is its slot's, its end is when the worker has heard of it."""
    done, runs = StepStatus.DONE, StepStatus.RUNNING
    events = [
        event(0, Status.PROCESSING, 1),
        event(0, Status.PROCESSING, 1, StepChange("first", runs)),
        event(1, Status.PROCESSING, 1, StepChange("first", done, 1000)),
        event(1.004, Status.PROCESSING, 1, StepChange("second", runs)),
        event(1.5, Status.PROCESSING, 1, StepChange("second", done, 530)),
        event(1.5, Status.PROCESSING, 1, StepChange("third", runs)),
        event(1.5, Status.PROCESSING, 1, StepChange("beside", runs)),
        event(3, Status.PROCESSING, 1, StepChange("beside", done, 1500)),
        event(3, Status.PROCESSING, 1, StepChange("third", done, 1500)),
    ]

    spans = drawn(stored_spans(OURS, events))

    assert {name: (start, took) for name, of, start, took, _ in spans if of == "handle_report"} == {
        "first": (0, 1),
        "second": (1, 0.53),
        "third": (1.53, 1.5),
        "beside": (1.53, 1.5),
    }


def test_what_runs_has_no_end() -> None:
    assert [name for name, _, _, took, _ in drawn(stored_spans(OURS, EVENTS)) if took is None] == [
        "report",
        "handle_report",
        "render",
    ]
    waiting = stored_spans(OURS, EVENTS[:1])
    assert [(span.name, span.running) for span in waiting] == [("report", True), ("waiting", True)]


def test_a_report_that_is_cancelled_and_restarted() -> None:
    ended = [event(0, Status.INIT, 0), event(1, Status.CANCELLED, 0)]

    assert drawn(stored_spans(OURS, ended)) == [
        ("report", None, 0, 1, "cancelled"),
        ("waiting", "report", 0, 1, None),
    ]
    again = stored_spans(OURS, [*ended, event(5, Status.INIT, 0)])
    assert [(span.name, span.running, span.error) for span in again] == [
        ("report", True, None),
        ("waiting", False, None),
        ("waiting", True, None),
    ]


def test_a_cancellation_that_is_asked_for_begins_no_attempt() -> None:
    asked = event(9, Status.PROCESSING, 2, cancel_requested=True)

    assert drawn(stored_spans(OURS, [*EVENTS, asked])) == drawn(stored_spans(OURS, EVENTS))


def test_the_wait_is_divided_where_the_worker_says_when_the_command_was_published() -> None:
    received = int(at(3.9).timestamp() * 1e9)
    carrier = Carrier(f"00-{TRACE}-{FIRST}-01", None)
    known = AttemptTrace(Origin("report", 0, 1), None, carrier, received, carrier, received, 2900, attempt=1)

    spans = stored_spans(replace(OURS, attempt_trace=known), EVENTS[:2])

    assert drawn(spans)[1:4] == [
        ("waiting", "report", 0, 4, None),
        ("waiting to be published", "waiting", 0, 1, None),
        ("waiting in Kafka", "waiting", 1, 3, None),
    ]


WAITED = WaitedModel(commanded_at=at(1), published_at=at(1.5), read_at=at(2))


def claimed(waited: WaitedModel) -> list[Any]:
    report = replace(OURS, status=Status.PROCESSING, attempt=1, updated_at=at(4))
    found = status_event(report, waited=waited)
    claim = StoredEvent(2, found.type, found.model_dump(mode="json"))
    return drawn(stored_spans(OURS, [event(0, Status.INIT, 0), claim]))[2:-1]


def test_a_claim_says_what_its_report_has_waited_for() -> None:
    assert claimed(WAITED) == [
        ("waiting for a slot", "waiting", 0, 1, None),
        ("waiting to be published", "waiting", 1, 0.5, None),
        ("waiting in Kafka", "waiting", 1.5, 0.5, None),
        ("waiting for a slot", "waiting", 2, 2, None),
    ]


def test_no_clock_leads_out_of_the_wait() -> None:
    """Those of the worker and of Kafka may be wrong; and another command may have been claimed."""
    assert claimed(WaitedModel(commanded_at=at(3), published_at=at(-9), read_at=at(99))) == [
        ("waiting for a slot", "waiting", 0, 3, None),
        ("waiting in Kafka", "waiting", 3, 1, None),
    ]
    assert claimed(WaitedModel(commanded_at=at(1))) == []


def test_a_lost_worker_is_told_from_a_failure() -> None:
    lost = status_event(replace(OURS, status=Status.INIT, attempt=2, updated_at=at(30)), worker_lost=True)
    spans = stored_spans(OURS, [*EVENTS, StoredEvent(9, lost.type, lost.model_dump(mode="json"))])

    assert drawn(spans)[-4:-1] == [
        ("handle_report", "report", 8, 22, "worker lost"),
        ("load", "handle_report", 8, 1, None),
        ("render", "handle_report", 9, 21, "worker lost"),
    ]
    (attempt,) = [one for one in spans if one.error == "worker lost" and one.name == "handle_report"]
    assert attempt.attributes["report.last_sign"] == at(9).isoformat()


# --- from Jaeger


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


def asked(server: Server, answer: Any, report: Report = OURS) -> list[SpanResource] | NoSpans:
    server.routes[f"GET /api/traces/{TRACE}"] = (
        answer if callable(answer) else lambda request: request.json(answer)
    )
    return Jaeger(server.url).ask(report)


def trace(*more: dict[str, Any]) -> dict[str, Any]:
    mine = {"report__id": str(OURS.id)}
    return in_trace(
        span("00000000000000a0", "a caller's", 0, 100, service="shop"),
        span("00000000000000a1", "POST /api/v1/reports", 1, 5, "00000000000000a0", kind="server"),
        span(FIRST, "report_request", 2, 3, "00000000000000a1", **mine),
        span("00000000000000a2", "report_producer", 3, 1, FIRST, kind="producer"),
        span("00000000000000a3", "report_consumer", 10, 50, "00000000000000a2", kind="consumer"),
        span("00000000000000a4", "handle_report", 11, 40, "00000000000000a3", report__attempt=1, **mine),
        span("00000000000000a5", "step", 12, 4, "00000000000000a4", error="No ink.", secret="x"),
        *more,
    )


def in_trace(*spans: dict[str, Any]) -> dict[str, Any]:
    text = jaeger(list(spans))
    for one in text["data"][0]["spans"]:
        one["traceID"] = TRACE
        for reference in one["references"]:
            reference["traceID"] = TRACE
    return text


def test_of_a_trace_only_what_is_the_reports(server: Server) -> None:
    """A caller chooses the trace: it may be one that has what others have requested."""
    other = [
        span("00000000000000b1", "report_request", 2, 3, "00000000000000a0", report__id="another"),
        span("00000000000000b2", "handle_report", 2, 3, "00000000000000a3", report__id="another"),
        span("00000000000000b3", "its step", 2, 3, "00000000000000b2"),
    ]
    found = asked(server, trace(*other))

    assert not isinstance(found, NoSpans)
    assert [one.name for one in found] == [
        *("POST /api/v1/reports", "report_request", "report_producer"),
        *("report_consumer", "handle_report", "step"),
    ]
    assert [one.parent for one in found][:2] == [None, "00000000000000a1"]
    step = found[-1]
    assert (step.status, step.error, step.duration_ms) == ("error", "No ink.", 4)
    assert step.attributes == {}
    assert found[-2].attributes == {"report.attempt": 1, "report.id": str(OURS.id)}


def test_a_trace_that_is_not_whole(server: Server) -> None:
    whole = trace()
    spans = whole["data"][0]["spans"]
    cut = {**whole, "data": [{**whole["data"][0], "spans": spans[:5]}]}

    assert asked(server, cut) is NoSpans.NOT_WHOLE
    assert asked(server, trace(), replace(OURS, attempt=2)) is NoSpans.NOT_WHOLE
    assert asked(server, trace(), replace(OURS, progress=Progress("step", 2, 2))) is NoSpans.NOT_WHOLE
    assert isinstance(asked(server, cut, replace(OURS, attempt=0)), list)
    assert asked(server, {"data": []}) is NoSpans.NOT_WHOLE
    assert asked(server, trace(), replace(OURS, carrier=None)) is NoSpans.NOT_WHOLE
    assert (
        asked(server, trace(), replace(OURS, carrier=Carrier(f"00-{TRACE}-{FIRST}-00", None)))
        is NoSpans.NOT_WHOLE
    )


CIRCLE = [
    span("00000000000000c1", "x", 1, 1, "00000000000000c2"),
    span("00000000000000c2", "y", 1, 1, "00000000000000c1"),
]


@pytest.mark.parametrize(
    "answer",
    [
        *([], {}, {"data": None}, {"data": [{}]}, {"data": [{"spans": [{}], "processes": {}}]}),
        in_trace(span(FIRST, "x", 1e18, 1)),
        in_trace(span(FIRST, "x", -1e18, 1)),
        lambda request: request.bytes(b"<html>", "text/html"),
        lambda request: request.bytes(b"[" * 100_000, "application/json"),
        lambda request: request.bytes(b" " * 6_000_000, "application/json"),
    ],
)
def test_what_is_no_trace_is_not_read(server: Server, answer: Any) -> None:
    assert asked(server, answer) is NoSpans.NOT_READ


def test_nothing_is_below_spans_that_are_below_each_other(server: Server) -> None:
    assert asked(server, in_trace(*CIRCLE)) is NoSpans.NOT_WHOLE


def test_a_circle_is_gone_round_once(server: Server) -> None:
    first = span(FIRST, "x", 1, 1, "00000000000000c1")
    round_it = [span("00000000000000c1", "y", 1, 1, FIRST)]

    assert len(asked(server, in_trace(first, *round_it), replace(OURS, attempt=0))) == 2
