"""The spans of an attempt whose worker has died before it could end them."""

import time
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.trace import Link, SpanKind
from opentelemetry.util.types import AttributeValue

from waybill.domain import AttemptTrace, Carrier
from waybill.tracing.attributes import PROCESS, QUEUE_TIME, message_attributes
from waybill.tracing.context import context_of
from waybill.tracing.ids import span_ids
from waybill.tracing.spans import fail_span, tracer

LOST = "worker_lost"


def end_lost_attempt(known: AttemptTrace, report_id: str, attempt: int) -> None:
    """Sends out report_consumer and handle_report in the dead worker's stead, with the ids that its steps
    name as their parents: so the trace has no hole, and shows the loss."""
    consumer = message_attributes(
        PROCESS,
        known.origin.topic,
        client_id="",
        report_id=report_id,
        key=report_id,
        partition=known.origin.partition,
        offset=known.origin.offset,
    )
    report: Mapping[str, AttributeValue] = {"report.id": report_id, "report.attempt": attempt}
    _end(
        "report_consumer",
        known.report_consumer,
        known.parent,
        known.report_consumer_start,
        SpanKind.CONSUMER,
        {**consumer, "report.id": report_id, QUEUE_TIME: known.queue_time_ms},
    )
    _end(
        "handle_report",
        known.handle_report,
        known.report_consumer,
        known.handle_report_start,
        SpanKind.INTERNAL,
        report,
    )


def _end(
    name: str,
    own: Carrier,
    parent: Carrier | None,
    start: int,
    kind: SpanKind,
    attributes: Mapping[str, AttributeValue],
) -> None:
    own_context = trace.get_current_span(context_of(own)).get_span_context()
    parent_context = context_of(parent)
    producer = trace.get_current_span(parent_context).get_span_context()
    if not own_context.is_valid:
        return
    with span_ids(own_context.trace_id, own_context.span_id):
        span = tracer().start_span(
            name,
            context=parent_context,
            kind=kind,
            attributes=attributes,
            links=[Link(producer)] if kind is SpanKind.CONSUMER and producer.is_valid else [],
            start_time=start,
        )
    fail_span(span, LOST, "The worker died, or was cut off past its lease.")
    span.end(time.time_ns())
