"""Reads the spans of a report."""

from producer_api.waterfall.jaeger import Jaeger
from producer_api.waterfall.model import MAX_SPANS, SpanResource, TraceResource, TraceSource
from producer_api.waterfall.stored import stored_spans
from waybill.domain import TERMINAL, Report
from waybill.ledger import Ledger

_MAX_EVENTS = 2 * MAX_SPANS


class Waterfalls:
    """`jaeger`: where traces are kept; None where that is not known."""

    def __init__(self, ledger: Ledger, jaeger: Jaeger | None) -> None:
        self._ledger = ledger
        self._jaeger = jaeger

    def of(self, report: Report) -> TraceResource:
        """From Jaeger where the report has ended and all of it has arrived there: of what still runs, Jaeger
        knows nothing. May block on Jaeger for two seconds, and on the database."""
        traced = self._jaeger.spans(report) if self._jaeger and report.status in TERMINAL else None
        if traced is not None:
            return _resource(report, TraceSource.JAEGER, traced, cut_off=False)
        events = self._ledger.events_after(report.id, 0, _MAX_EVENTS + 1)
        spans = stored_spans(report, events[:_MAX_EVENTS])
        return _resource(report, TraceSource.DATABASE, spans, cut_off=len(events) > _MAX_EVENTS)


def _resource(
    report: Report, source: TraceSource, spans: list[SpanResource], *, cut_off: bool
) -> TraceResource:
    return TraceResource(
        report_id=report.id,
        trace_id=report.carrier.trace_id if report.carrier else None,
        source=source,
        truncated=cut_off or len(spans) > MAX_SPANS,
        spans=spans[:MAX_SPANS],
    )
