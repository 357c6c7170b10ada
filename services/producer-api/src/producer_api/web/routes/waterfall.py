"""Where a report's time went: a part of its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from apiflask import APIBlueprint

from producer_api.services import Services
from producer_api.waterfall import NoSpans
from producer_api.web.waterfall_view import WaterfallView, view_of
from waybill.domain import LogRecord, Report
from waybill.logs import escaped

_LINES: Final = 8

SOURCES: Final = {
    None: "Times from Jaeger; waits and attempts from the database",
    NoSpans.NOT_SET: "Times from the database: no Jaeger is known here (WAYBILL_JAEGER_URL)",
    NoSpans.NOT_ENDED: "Times from the database: Jaeger gets spans only as they end",
    NoSpans.AWAY: "Times from the database: Jaeger does not answer",
    NoSpans.NOT_WHOLE: "Times from the database: Jaeger has not got all spans yet",
}


@dataclass(frozen=True)
class ShownWaterfall:
    """`lines`: the last that the failed step has printed or logged. `jaeger_page`: of its trace."""

    view: WaterfallView
    source: str
    lines: Sequence[str]
    jaeger_page: str | None


def register(routes: APIBlueprint, services: Services) -> None:
    """Templates get `waterfall_of(report)`, which may block for two seconds on Jaeger."""

    def waterfall_of(report: Report) -> ShownWaterfall:
        view = view_of(services.waterfalls.known(report), datetime.now(UTC))
        trace_id = report.carrier.trace_id if report.carrier else None
        address = services.jaeger_public_url
        return ShownWaterfall(
            view,
            SOURCES[view.no_spans],
            _last_lines(services, report, view.failed_step),
            f"{address}/trace/{trace_id}" if address and trace_id else None,
        )

    @routes.app_context_processor
    def offered() -> dict[str, Any]:
        return {"waterfall_of": waterfall_of}


def _last_lines(services: Services, report: Report, step: str | None) -> list[str]:
    if step is None:
        return []
    records, _ = services.report_logs.newest(report.id, _LINES, step)
    return [_text(record) for record in records]


def _text(record: LogRecord) -> str:
    return (
        f"{record.dropped} lines are missing" if record.dropped else escaped(record.text, may_have_lines=True)
    )
