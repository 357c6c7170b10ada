# ruff: noqa: T201 - a test says what it does by printing
"""Requests a report, follows it to its end, and checks that its trace crosses Kafka.

Reads WAYBILL_API_URL, JAEGER_URL, and, where the API asks for credentials, WAYBILL_TOKEN; WAYBILL_CA_FILE
names the authority of an API with HTTPS. With an empty JAEGER_URL it leaves the trace out, and says so.
"""

import os
import sys
from pathlib import Path

from waybill_client import ExpectedTrace, JaegerClient, ProblemError, Report, Trace, WaybillClient

PARAMETERS = {"steps": 3, "failing_step": None}
REMEDIES = {
    401: "Name the Secret of a valid token in test.tokenSecret of the chart's values.",
    403: "The token in the Secret of test.tokenSecret must be a requester's.",
}
"""What to do where the API lets the request in no further, by the status of its answer."""
EDGE = ("report_producer of producer-api", "report_consumer of report-worker")


def finished_report() -> tuple[Report, list[str]]:
    """The report, and its steps' names; prints each status and step as the stream of events tells it."""
    steps = []
    token = os.environ.get("WAYBILL_TOKEN", "").strip() or None  # from a file: with the end of its line
    authority = os.environ.get("WAYBILL_CA_FILE")
    ca_file = Path(authority) if authority else None
    with WaybillClient(os.environ["WAYBILL_API_URL"], token=token, ca_file=ca_file) as api:
        report = api.request("dowork", PARAMETERS)
        print(f"Requested {report.id}, whose trace is {report.trace_id}.")
        for event in api.follow(report.id):
            print(f"  {event.status:<11}", f"{event.step.name} {event.step.status}" if event.step else "")
            if event.step and event.step.status != "running":
                steps.append(event.step.name)
        return api.show(report.id), steps


def edges(trace: Trace) -> set[tuple[str | None, str]]:
    """Who called whom."""
    names = {span.id: f"{span.name} of {span.service}" for span in trace.spans}
    return {(names.get(span.parent_id or ""), names[span.id]) for span in trace.spans}


def main() -> None:
    try:
        report, steps = finished_report()
    except ProblemError as error:
        sys.exit(f"{error} {REMEDIES.get(error.status, '')}".rstrip())
    if report.status != "done":
        sys.exit(f"The report ended as {report.status}: {report.error}")
    jaeger_url = os.environ["JAEGER_URL"]
    if not jaeger_url or not report.trace_id:
        print("It is done. No address of Jaeger's API is known here, so its trace is not checked.")
        return
    with JaegerClient(jaeger_url) as jaeger:
        trace = jaeger.wait_for(report.trace_id, ExpectedTrace(names=("handle_report", *steps)), timeout=60)
    if EDGE not in edges(trace):
        sys.exit(f"The trace lacks {EDGE}. It has {sorted(map(str, edges(trace)))}.")
    print(f"It is done, and its {len(trace.spans)} spans lead through Kafka: {' → '.join(EDGE)}.")


main()
