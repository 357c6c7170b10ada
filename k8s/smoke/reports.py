"""Reports as a client outside of the cluster sees them, through port-forwards."""

import time
from collections.abc import Callable
from itertools import pairwise

from k8s.smoke.cluster import Failed
from waybill.telemetry.names import QUEUE_TIME, REPORT_CONSUMER, REPORT_PRODUCER, SPINE
from waybill_client import ExpectedTrace, JaegerClient, Report, Trace, WaybillClient

_WATERFALL_SECONDS = 60
"""Longer than the API leaves a Jaeger alone that has not answered."""


def whole_report(api: WaybillClient, jaeger: JaegerClient, kind: str, expected: str) -> str:
    """Requests a report, follows its events to the end, and asserts its whole trace. Returns it in words."""
    report = api.request(kind)
    steps = [
        event.step.name for event in api.follow(report.id) if event.step and event.step.status != "running"
    ]
    ended = api.show(report.id)
    if ended.status != expected:
        raise Failed(f"{kind} ended as {ended.status}, not {expected}: {ended.error}")
    trace = _whole_trace(jaeger, ended, steps)
    in_kafka = _waterfall_of(api, ended, trace)
    artefact = f"an artefact of {ended.artefact.size} bytes" if ended.artefact else "no artefact"
    spans = f"{len(trace.spans)} spans, {in_kafka:.0f} ms in Kafka"
    return f"{kind} {ended.status} with {len(steps)} steps, {spans}, and {artefact}"


def survives(api: WaybillClient, kill_a_worker: Callable[[], None]) -> str:
    """A report whose worker is killed in the middle ends well all the same."""
    report = api.request("dowork", {"steps": 12, "max_step_ms": 1500, "failing_step": None})
    killed = False
    for event in api.follow(report.id):
        if not killed and event.step and event.step.status == "done":
            kill_a_worker()
            killed = True
    ended = api.show(report.id)
    if not killed or ended.status != "done" or ended.attempt < 2:
        raise Failed(f"The report ended as {ended.status} in attempt {ended.attempt}: {ended.error}")
    return f"done in attempt {ended.attempt}"


def _whole_trace(jaeger: JaegerClient, report: Report, steps: list[str]) -> Trace:
    if report.trace_id is None:
        raise Failed(f"Report {report.id} has no trace.")
    trace = jaeger.wait_for(report.trace_id, ExpectedTrace(names=(*SPINE, *steps)), timeout=60)
    by_name = {span.name: span for span in trace.spans}
    for parent, child in pairwise(SPINE):
        if by_name[child].parent_id != by_name[parent].id:
            raise Failed(f"{child} is not a child of {parent} in trace {trace.id}.")
    if sorted(span.name for span in trace.steps) != sorted(steps):
        raise Failed(f"The steps of trace {trace.id} are not those of its events.")
    if len(trace.spans) != len(SPINE) + len(steps):
        raise Failed(f"Trace {trace.id} has spans that it should not have: {sorted(by_name)}")
    return trace


def _waterfall_of(api: WaybillClient, report: Report, trace: Trace) -> float:
    """Asserts that the API, in its pod, has the same spans from Jaeger, that which ends the time in Kafka
    among them. Returns the milliseconds there."""
    deadline = time.monotonic() + _WATERFALL_SECONDS
    while (waterfall := api.waterfall(report.id)).source != "jaeger":
        if time.monotonic() > deadline:
            raise Failed(f"Jaeger has the trace of report {report.id}, and the API does not get it there.")
        time.sleep(0.5)
    spans = {span.id: span for span in waterfall.spans}
    if spans.keys() != {span.id for span in trace.spans}:
        raise Failed(f"Of trace {trace.id}, the API has {sorted(span.name for span in spans.values())}.")
    (received,) = (span for span in spans.values() if span.name == REPORT_CONSUMER)
    sent = spans.get(received.parent or "")
    if sent is None or sent.name != REPORT_PRODUCER or QUEUE_TIME not in received.attributes:
        raise Failed(f"Of trace {trace.id}, the API does not have the time in Kafka: {received}")
    return float(received.attributes[QUEUE_TIME])
