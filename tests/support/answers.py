"""What the API and Jaeger answer, written by hand."""

import json
from collections.abc import Iterable
from typing import Any

REPORT_ID = "019ab000-0000-7000-8000-000000000001"
TRACE_ID = "8a69b07b598a20e07034771234207074"
START = 1_795_457_049_672_498
"""Microseconds: when every trace here begins."""


def report(status: str = "processing", version: int = 2, **fields: Any) -> dict[str, Any]:
    """A report as the API answers it."""
    return {
        "id": REPORT_ID,
        "kind": "dowork",
        "parameters": {},
        "status": status,
        "version": version,
        "attempt": 1,
        "progress": None,
        "error": None,
        "artefact": None,
        "trace_id": TRACE_ID,
        "created_at": "2026-11-23T12:00:00.123456Z",
        "updated_at": "2026-11-23T12:00:01Z",
        "started_at": None,
        "finished_at": None,
        **fields,
    }


def event(version: int, status: str = "processing", step: dict[str, Any] | None = None, **fields: Any) -> str:
    """One server-sent event of the status stream."""
    kind = "step" if step else "status"
    data = {
        "schema_version": 1,
        "report_id": REPORT_ID,
        "kind": "dowork",
        "version": version,
        "type": kind,
        "at": "2026-11-23T12:00:00Z",
        "status": status,
        "attempt": 1,
        "step": step,
        "created_at": "2026-11-23T12:00:00Z",
        **fields,
    }
    return f"id: {version}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"


def span(
    identity: str,
    name: str,
    start_ms: float,
    duration_ms: float,
    parent: str | None = None,
    *,
    service: str = "report-worker",
    kind: str = "internal",
    reference: str = "CHILD_OF",
    error: str | None = None,
    **tags: Any,
) -> dict[str, Any]:
    """A span as Jaeger's query API writes it; `error` is its status description."""
    found = {"span.kind": kind, **{key.replace("__", "."): value for key, value in tags.items()}}
    if error is not None:
        found |= {"error": True, "otel.status_code": "ERROR", "otel.status_description": error}
    return {
        "traceID": TRACE_ID,
        "spanID": identity,
        "operationName": name,
        "references": [{"refType": reference, "traceID": TRACE_ID, "spanID": parent}] if parent else [],
        "startTime": START + round(start_ms * 1000),
        "duration": round(duration_ms * 1000),
        "tags": [{"key": key, "type": "string", "value": value} for key, value in found.items()],
        "logs": [],
        "processID": service,
        "warnings": None,
    }


def jaeger(spans: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Jaeger's answer with one trace."""
    found = list(spans)
    processes = {one["processID"]: {"serviceName": one["processID"], "tags": []} for one in found}
    trace = {"traceID": TRACE_ID, "spans": found, "processes": processes, "warnings": None}
    return {"data": [trace], "total": 0, "limit": 0, "offset": 0, "errors": None}


def spine(*, queue_ms: float | None = 20.0) -> list[dict[str, Any]]:
    """From the request to `handle_report`, 1 s in all: 10 ms of HTTP, 20 ms in Kafka, then the attempt."""
    queue: dict[str, Any] = {} if queue_ms is None else {"report__queue_time_ms": queue_ms}
    api = {"service": "producer-api"}
    return [
        span("a1", "POST /api/v1/reports", 0, 10, kind="server", **api),
        span("a2", "report_request", 2, 7, "a1", **api),
        span("a3", "report_producer", 5, 15, "a2", kind="producer", **api),
        span("c1", "report_consumer", 40, 960, "a3", kind="consumer", **queue),
        span("h1", "handle_report", 50, 940, "c1"),
    ]


def steps(names: Iterable[str], failing: str | None = None, parent: str = "h1") -> list[dict[str, Any]]:
    """One step after the other, 90 ms each, from 50 ms on."""
    return [
        span(
            f"s{number}",
            name,
            50 + 90 * number,
            90,
            parent,
            error="Something wrong!" if name == failing else None,
        )
        for number, name in enumerate(names)
    ]


DOWORK_STEPS = tuple(f"doWork:{number}" for number in range(10))


def dowork() -> list[dict[str, Any]]:
    """The spans of the article's job, as they should be."""
    return [*spine(), *steps(DOWORK_STEPS, failing="doWork:5")]
