"""The spans of an attempt whose worker died before it could end them."""

import time
from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.trace import Span

from waybill.domain import AttemptTrace, Carrier, FailureType
from waybill.telemetry.ids import span_ids
from waybill.telemetry.propagation import context_of
from waybill.telemetry.spans import consumer_span, describe_attempt, fail_span, handle_span


def end_lost_attempt(spans: AttemptTrace, report_id: str, kind: str, attempt: int) -> None:
    """Sends out report_consumer and handle_report in the dead worker's place, with the ids that its steps
    name as their parents: so the trace has no hole, and shows the loss."""

    def consumer() -> Span:
        return consumer_span(
            spans.parent,
            spans.origin.topic,
            client_id=spans.client_id,
            bootstrap_servers=spans.bootstrap_servers,
            group=spans.group,
            key=report_id,
            partition=spans.origin.partition,
            offset=spans.origin.offset,
            queue_time_ms=spans.queue_time_ms,
            start_time=spans.report_consumer_start,
            report_id=report_id,
        )

    def handle() -> Span:
        parent = context_of(spans.report_consumer)
        span = handle_span(parent, report_id, start_time=spans.handle_report_start)
        describe_attempt(span, kind, attempt)
        return span

    _end(consumer, spans.report_consumer)
    _end(handle, spans.handle_report)


def _end(start: Callable[[], Span], own: Carrier) -> None:
    """A span with the ids of `own`, started and ended; none where those are not valid."""
    ids = trace.get_current_span(context_of(own)).get_span_context()
    if not ids.is_valid:
        return
    with span_ids(ids.trace_id, ids.span_id):
        span = start()
    fail_span(span, FailureType.LOST, "The worker died, or was cut off past its lease.")
    span.end(time.time_ns())
