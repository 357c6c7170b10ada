"""What jobs print and log, as log records of OpenTelemetry, in the trace and the span of their steps.

They are sent where the SDK has an exporter for them. Emitting one never blocks: where the queue is full,
because the collector is away, it is dropped.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber, get_logger
from opentelemetry.context import Context
from opentelemetry.semconv._incubating.attributes.log_attributes import LOG_IOSTREAM
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from waybill.telemetry import names

_SEVERITIES: Final = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}


def emit_job_record(
    report_id: UUID, attempt: int, record: Mapping[str, Any], span: tuple[str, str] | None
) -> None:
    """`record` as it is stored; `span`: the trace id and the span id of its step, in hex."""
    level, stream = record.get("level"), record.get("stream")
    attributes = {
        names.REPORT_ID: str(report_id),
        names.REPORT_ATTEMPT: attempt,
        names.REPORT_STEP: record.get("step"),
        names.LOG_LOGGER: record.get("logger"),
        LOG_IOSTREAM: stream if level is None else None,
    }
    number = _SEVERITIES.get(level or "")
    get_logger(names.SCOPE).emit(
        timestamp=round(datetime.fromisoformat(record["at"]).timestamp() * 1e9),
        context=_context(span),
        severity_number=number,
        severity_text=None if level is None else level.upper(),
        body=record["text"],
        attributes={name: value for name, value in attributes.items() if value is not None},
    )


def _context(span: tuple[str, str] | None) -> Context:
    """Of no span where there is none: not of what is current here."""
    if span is None:
        return Context()
    trace_id, span_id = (int(part, 16) for part in span)
    found = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return trace.set_span_in_context(NonRecordingSpan(found), Context())
