"""The span of a try to call a webhook."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_RESEND_COUNT,
    HTTP_RESPONSE_STATUS_CODE,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.types import AttributeValue

from waybill.domain import Carrier, DueDelivery, TryOutcome
from waybill.telemetry import names
from waybill.telemetry.propagation import context_of, span_carrier
from waybill.telemetry.spans import fail_span, tracer


@contextmanager
def webhook_span(due: DueDelivery, host: str, port: int) -> Iterator[Span]:
    """webhook_delivery, a child of the request's span. Of the URL it has host and port alone: a path may be
    as secret as a query."""
    attributes: dict[str, AttributeValue] = {
        names.REPORT_ID: str(due.report.id),
        names.REPORT_STATUS: due.report.status,
        HTTP_REQUEST_METHOD: "POST",
        SERVER_ADDRESS: host,
        SERVER_PORT: port,
    }
    if due.attempt > 1:
        attributes[HTTP_REQUEST_RESEND_COUNT] = due.attempt - 1
    span = tracer().start_span(
        names.WEBHOOK_DELIVERY,
        context=context_of(due.report.carrier),
        kind=SpanKind.CLIENT,
        attributes=attributes,
    )
    try:
        yield span
    finally:
        span.end()


def describe_try(span: Span, outcome: TryOutcome) -> None:
    """On webhook_delivery: what has become of it."""
    if outcome.status is not None:
        span.set_attribute(HTTP_RESPONSE_STATUS_CODE, outcome.status)
    if outcome.error is not None:
        fail_span(span, str(outcome.status or "no_answer"), outcome.error)


def receiver_carrier(span: Span) -> Carrier | None:
    """For the receiver, whose spans may be children of it: without `tracestate`, which is not for others."""
    carrier = span_carrier(span)
    return Carrier(carrier.traceparent) if carrier else None
