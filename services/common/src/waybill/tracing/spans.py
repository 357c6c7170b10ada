"""Spans that fail, and spans that must get out before the process ends."""

from opentelemetry import trace
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import Span, StatusCode, Tracer

SCOPE = "waybill"
"""The instrumentation scope of every span that is ours."""


def tracer() -> Tracer:
    """Ours; asked for anew each time, so that it follows the provider of this process."""
    return trace.get_tracer(SCOPE)


def fail_span(span: Span, error_type: str, message: str) -> None:
    """Marks a span as failed; it records no exception, so that one exception stands in a trace once."""
    span.set_attribute(ERROR_TYPE, error_type)
    span.set_status(StatusCode.ERROR, message)


def interrupt_span(span: Span) -> None:
    """Marks a span whose work was stopped from outside; unmarked, it would look like a success."""
    fail_span(span, "interrupted", "The worker was stopped.")


def flush() -> None:
    """Sends out every ended span; may block for the exporter's time-out, and never raises."""
    provider = trace.get_tracer_provider()
    force_flush = getattr(provider, "force_flush", None)
    if force_flush is not None:
        force_flush()
