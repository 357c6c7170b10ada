"""Reads the spans of a report."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from producer_api.waterfall.jaeger import Jaeger
from producer_api.waterfall.model import MAX_SPANS, NoSpans, SpanResource, TraceResource, TraceSource
from producer_api.waterfall.stored import stored_spans
from waybill.domain import Report
from waybill.ledger import Ledger

_MAX_EVENTS = 2 * MAX_SPANS
_USUAL_SECONDS: Final = 60.0
_MOST_USUAL: Final = 200
"""Kinds whose usual times are kept."""


@dataclass(frozen=True)
class KnownSpans:
    """All that is known of a report's time. `traced`: Jaeger's spans, or why there are none. `usual`: how
    long each step of its kind usually takes, in milliseconds."""

    stored: Sequence[SpanResource]
    traced: Sequence[SpanResource] | NoSpans
    truncated: bool
    usual: Mapping[str, float]


class Waterfalls:
    """`jaeger`: where traces are kept."""

    def __init__(self, ledger: Ledger, jaeger: Jaeger, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._jaeger = jaeger
        self._clock = clock
        self._usual: dict[tuple[str, str], tuple[float, Mapping[str, float]]] = {}

    def of(self, report: Report) -> TraceResource:
        """From Jaeger where the report has ended and all of it has arrived there: of what still runs, Jaeger
        knows nothing. May block on Jaeger for two seconds, and on the database."""
        traced = self._jaeger.ask(report)
        if not isinstance(traced, NoSpans):
            return _resource(report, TraceSource.JAEGER, traced, cut_off=False)
        spans, cut_off = self._stored(report)
        return _resource(report, TraceSource.DATABASE, spans, cut_off=cut_off)

    def known(self, report: Report) -> KnownSpans:
        """From both. May block as `of`."""
        spans, cut_off = self._stored(report)
        return KnownSpans(spans, self._jaeger.ask(report), cut_off, self._usual_of(report))

    def _stored(self, report: Report) -> tuple[list[SpanResource], bool]:
        events = self._ledger.events_after(report.id, 0, _MAX_EVENTS + 1)
        return stored_spans(report, events[:_MAX_EVENTS]), len(events) > _MAX_EVENTS

    def _usual_of(self, report: Report) -> Mapping[str, float]:
        key = report.kind, report.owner.tenant
        until, usual = self._usual.get(key, (0.0, {}))
        if self._clock() >= until:
            usual = self._ledger.usual_step_times(*key)
            while len(self._usual) >= _MOST_USUAL and key not in self._usual:
                self._usual.pop(next(iter(self._usual)), None)
            self._usual[key] = self._clock() + _USUAL_SECONDS, usual
        return usual


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
