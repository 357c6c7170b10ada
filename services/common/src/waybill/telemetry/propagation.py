"""Carriers to contexts and back."""

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from waybill.domain import Carrier

# W3C trace context alone, whatever OTEL_PROPAGATORS says: a caller's baggage has no place in Kafka.
_propagator = TraceContextTextMapPropagator()


def context_of(carrier: Carrier | None) -> Context:
    """The context to be a child in; an empty one, for a new trace, where the carrier is none or invalid."""
    return _propagator.extract(carrier.as_dict() if carrier else {}, context=Context())


def valid_carrier(carrier: Carrier | None) -> Carrier | None:
    """The carrier itself; None where it is none or invalid."""
    return carrier if trace.get_current_span(context_of(carrier)).get_span_context().is_valid else None


def span_carrier(span: Span) -> Carrier | None:
    """The carrier for children of `span`; None where there is no tracing."""
    fields: dict[str, str] = {}
    _propagator.inject(fields, context=trace.set_span_in_context(span, Context()))
    return Carrier.from_mapping(fields)


def current_carrier() -> Carrier | None:
    """The carrier for children of the current span."""
    return span_carrier(trace.get_current_span())
