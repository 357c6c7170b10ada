"""A report's part of its trace, as Jaeger's query API has it."""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from opentelemetry.semconv._incubating.attributes import messaging_attributes
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE
from pydantic import BaseModel

from producer_api.waterfall.model import SpanResource, SpanStatus, cut
from waybill.domain import Report
from waybill.telemetry import names

_SPAN_ID = re.compile("[0-9a-f]{16}")
_SHOWN: Final = frozenset(
    {
        *(names.REPORT_ID, names.REPORT_KIND, names.REPORT_ATTEMPT, names.REPORT_STATUS, names.QUEUE_TIME),
        *(ERROR_TYPE, HTTP_ROUTE, HTTP_RESPONSE_STATUS_CODE),
        messaging_attributes.MESSAGING_DESTINATION_NAME,
        messaging_attributes.MESSAGING_DESTINATION_PARTITION_ID,
        messaging_attributes.MESSAGING_KAFKA_OFFSET,
    }
)


class _Tag(BaseModel):
    key: str
    value: Any


class _Reference(BaseModel):
    refType: str  # noqa: N815 - Jaeger's
    traceID: str  # noqa: N815
    spanID: str  # noqa: N815


class _Span(BaseModel):
    traceID: str  # noqa: N815
    spanID: str  # noqa: N815
    operationName: str  # noqa: N815
    references: list[_Reference] | None = None
    startTime: int  # noqa: N815 - microseconds since 1970
    duration: int
    tags: list[_Tag] | None = None
    processID: str  # noqa: N815

    @property
    def attributes(self) -> dict[str, Any]:
        return {tag.key: tag.value for tag in self.tags or ()}

    @property
    def parent(self) -> str | None:
        """A reference to a span outside of the trace is a link."""
        own = [one for one in self.references or () if one.traceID == self.traceID]
        own.sort(key=lambda one: one.refType != "CHILD_OF")
        return own[0].spanID if own else None


class _Process(BaseModel):
    serviceName: str  # noqa: N815


class _Trace(BaseModel):
    spans: list[_Span]
    processes: dict[str, _Process]


class _Answer(BaseModel):
    data: list[_Trace]


def spans_of(report: Report, content: bytes) -> list[SpanResource]:
    """What has come of the report's own span, and that of its request, in the order of their starts. Raises
    `ValueError` and `OverflowError` for what is no trace.

    A trace may have the spans of other reports, and of its caller: they are not this client's to see.
    """
    answer = _Answer.model_validate_json(content)
    if len(answer.data) != 1 or report.carrier is None:
        return []
    (trace,) = answer.data
    spans = {span.spanID: span for span in trace.spans if _SPAN_ID.fullmatch(span.spanID)}
    first = spans.get(report.carrier.traceparent.split("-")[2])
    if first is None:
        return []
    chosen = _below(first, spans.values(), str(report.id))
    request = spans.get(first.parent or "")
    if request and request.operationName == names.REQUEST_ROUTE and request.spanID not in chosen:
        chosen = {request.spanID: request, **chosen}
    found = [_resource(span, trace.processes, chosen) for span in chosen.values()]
    return sorted(found, key=lambda span: span.start)


def is_whole(report: Report, spans: Collection[SpanResource]) -> bool:
    """Whether the last attempt and its steps have arrived, or there was none. Steps come from a process of
    their own, and may be later."""
    if report.attempt == 0:
        return bool(spans)
    attempts = [
        span.id
        for span in spans
        if span.name == names.HANDLE_REPORT and span.attributes.get(names.REPORT_ATTEMPT) == report.attempt
    ]
    steps = sum(span.parent in attempts for span in spans)
    return bool(attempts) and steps >= (report.progress.done if report.progress else 0)


def _below(first: _Span, spans: Iterable[_Span], report_id: str) -> dict[str, _Span]:
    """The span and what is below it, without what is another report's."""
    children: dict[str | None, list[_Span]] = {}
    for span in spans:
        children.setdefault(span.parent, []).append(span)
    found: dict[str, _Span] = {}
    waiting = [first]
    while waiting:
        span = waiting.pop()
        if span.spanID in found or span.attributes.get(names.REPORT_ID, report_id) != report_id:
            continue
        found[span.spanID] = span
        waiting += children.get(span.spanID, ())
    return found


def _resource(span: _Span, processes: Mapping[str, _Process], chosen: Mapping[str, _Span]) -> SpanResource:
    attributes = span.attributes
    failed = attributes.get("error") is True or attributes.get("otel.status_code") == "ERROR"
    error = attributes.get("otel.status_description") or attributes.get(ERROR_TYPE) or "failed"
    process = processes.get(span.processID)
    return SpanResource(
        id=span.spanID,
        parent=span.parent if span.parent in chosen else None,
        name=cut(span.operationName),
        service=cut(process.serviceName) if process else "",
        kind=cut(str(attributes.get("span.kind", "internal"))),
        start=datetime.fromtimestamp(span.startTime / 1e6, UTC),
        duration_ms=span.duration / 1000,
        status=SpanStatus.ERROR if failed else SpanStatus.OK,
        error=cut(str(error)) if failed else None,
        attributes={name: _shown(value) for name, value in attributes.items() if name in _SHOWN},
        running=False,
    )


def _shown(value: Any) -> str | int | float | bool:
    is_number = isinstance(value, bool | int | float) and math.isfinite(value)
    return value if is_number else cut(str(value))
