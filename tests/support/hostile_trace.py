"""Spans of a report, as anything that reaches the collector could send them, whose texts would be more than
text on a page that shows them as they are."""

import time
from typing import Any, Final

import httpx

from tests.support.hostile_store import Trace
from tests.support.hostile_texts import hostile
from tests.support.otlp import send_trace
from waybill.telemetry import names

_ATTEMPT, _STEP = "a" * 16, "b" * 16
_FAILED: Final = {"code": 2, "message": hostile("span.error")}


def send(otlp_endpoint: str, trace: Trace) -> None:
    """The report's request, its attempt and a step that failed."""
    shown = {"http.route": hostile("span.attribute"), "error.type": hostile("span.attribute")}
    spans = [
        _span(trace, trace.root, "", hostile("span.name"), shown),
        _span(trace, _ATTEMPT, trace.root, names.HANDLE_REPORT, {names.REPORT_ATTEMPT: 1, **shown}),
        _span(trace, _STEP, _ATTEMPT, hostile("span.name"), shown, _FAILED),
    ]
    send_trace(otlp_endpoint, hostile("span.service"), spans)


def is_kept(jaeger_url: str, trace: Trace) -> bool:
    answer = httpx.get(f"{jaeger_url}/api/traces/{trace.id}", trust_env=False, timeout=30)
    return answer.is_success and len(answer.json()["data"][0]["spans"]) == 3


def _span(
    trace: Trace,
    span_id: str,
    parent: str,
    name: str,
    attributes: dict[str, Any],
    status: dict[str, Any] | None = None,
) -> dict[str, Any]:
    now = time.time_ns()
    return {
        "traceId": trace.id,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": name,
        "kind": 1,
        "startTimeUnixNano": str(now - 10**9),
        "endTimeUnixNano": str(now),
        "status": status or {},
        "attributes": [
            {"key": key, "value": {"intValue": str(one)} if isinstance(one, int) else {"stringValue": one}}
            for key, one in attributes.items()
        ],
    }
