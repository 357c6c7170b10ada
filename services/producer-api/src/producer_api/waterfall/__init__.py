"""Where a report's time went, as spans: from Jaeger once the report has ended, else from the database."""

from producer_api.waterfall.jaeger import Jaeger
from producer_api.waterfall.model import NoSpans, SpanResource, SpanStatus, TraceResource, TraceSource
from producer_api.waterfall.reading import KnownSpans, Waterfalls

__all__ = [
    "Jaeger",
    "KnownSpans",
    "NoSpans",
    "SpanResource",
    "SpanStatus",
    "TraceResource",
    "TraceSource",
    "Waterfalls",
]
