"""Spans that a test sends to the collector itself, as anything that reaches it could."""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import httpx

_BATCH = 500


def send_spans(otlp_endpoint: str, service: str, names: Iterator[str], instance: str = "") -> int:
    """One ended span for each of `names`, over HTTP, from process `instance` of a service.

    Returns how many were accepted.
    """
    accepted = 0
    with httpx.Client(base_url=otlp_endpoint, trust_env=False, timeout=30) as collector:
        while batch := list(islice(names, _BATCH)):
            answer = collector.post(
                "/v1/traces",
                json=_export(
                    {"service.name": service, "service.instance.id": instance},
                    [_span(name) for name in batch],
                ),
            )
            accepted += len(batch) if answer.is_success else 0
    return accepted


def send_trace(otlp_endpoint: str, service: str, spans: Sequence[dict[str, Any]]) -> None:
    """These, as OTLP's JSON has them."""
    body = _export({"service.name": service}, spans)
    httpx.post(f"{otlp_endpoint}/v1/traces", json=body, trust_env=False, timeout=30).raise_for_status()


def _export(process: Mapping[str, str], spans: Sequence[dict[str, Any]]) -> dict[str, Any]:
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in process.items()]
    scope_spans = [{"scope": {"name": "test"}, "spans": list(spans)}]
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": scope_spans}]}


def _span(name: str) -> dict[str, Any]:
    now = str(time.time_ns())
    return {
        "traceId": secrets.token_hex(16),
        "spanId": secrets.token_hex(8),
        "name": name,
        "kind": 2,
        "startTimeUnixNano": now,
        "endTimeUnixNano": now,
    }
