"""The trace of a report: carried by hand from a request to a command to an attempt.

The SDK is set up by opentelemetry-distro from `OTEL_*` variables; this package only makes spans.
"""

from waybill.tracing.attributes import message_attributes
from waybill.tracing.context import context_of, current_carrier, span_carrier, valid_carrier
from waybill.tracing.environment import tracing_defaults
from waybill.tracing.lost import end_lost_attempt
from waybill.tracing.spans import fail_span, flush, interrupt_span, tracer

__all__ = [
    "context_of",
    "current_carrier",
    "end_lost_attempt",
    "fail_span",
    "flush",
    "interrupt_span",
    "message_attributes",
    "span_carrier",
    "tracer",
    "tracing_defaults",
    "valid_carrier",
]
