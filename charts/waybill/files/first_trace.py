"""Requests a report, follows it to its end, and checks that its trace crosses Kafka.

Reads WAYBILL_API_URL and JAEGER_URL; with an empty JAEGER_URL it leaves the trace out, and says so.
Needs nothing but Python, so that `helm test` can run it in any of the images.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

API = os.environ["WAYBILL_API_URL"]
JAEGER = os.environ["JAEGER_URL"]
EDGE = ("producer-api", "report_producer", "report-worker", "report_consumer")


def answer(url, body=None):
    """The JSON of a GET, or of a POST where there is a body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def follow(report):
    """Prints each status and step as the stream of events tells it, until the stream ends."""
    with urllib.request.urlopen(API + report["links"]["events"], timeout=120) as stream:
        for line in stream:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "data":
                event = json.loads(value)
                step = event.get("step") or {}
                print(f"  {event['status']:<11} {step.get('name', '')} {step.get('status', '')}")


def edges(trace):
    """Who called whom: (service, span, service, span) of each parent and child."""
    spans = {span["spanID"]: span for span in trace["spans"]}

    def named(span):
        return trace["processes"][span["processID"]]["serviceName"], span["operationName"]

    return {
        (*named(spans[reference["spanID"]]), *named(span))
        for span in spans.values()
        for reference in span["references"]
        if reference["refType"] == "CHILD_OF" and reference["spanID"] in spans
    }


def find_edge(trace_id):
    """Spans arrive in Jaeger a little after their report ends: asks for up to a minute."""
    found = set()
    for _ in range(60):
        try:
            found = edges(answer(f"{JAEGER}/api/traces/{trace_id}")["data"][0])
        except (urllib.error.URLError, IndexError) as error:
            print(f"  not yet in Jaeger ({error})")
        if EDGE in found:
            return
        time.sleep(1)
    sys.exit(f"The trace {trace_id} lacks {EDGE}. It has: {sorted(found)}")


def main():
    report = answer(f"{API}/api/v1/reports", {"kind": "dowork", "parameters": {"failing_step": None}})
    print(f"Requested {report['id']}, trace {report['trace_id']}")
    follow(report)
    report = answer(API + report["links"]["self"])
    if report["status"] != "done":
        sys.exit(f"The report ended as {report['status']}: {report['error']}")
    print("The report is done.")
    if not JAEGER:
        print("There is no address of Jaeger's API here: the trace is not checked.")
        return
    find_edge(report["trace_id"])
    print("The trace goes from producer-api through Kafka to report-worker.")


main()
