"""Where a report's time went: a part of its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from apiflask import APIBlueprint
from flask import request

from producer_api.services import Services
from producer_api.waterfall import Jaeger, NoSpans
from producer_api.web.waterfall_view import WaterfallView, view_of
from waybill.domain import LogRecord, Report
from waybill.logs import escaped

_LINES: Final = 8

SOURCES: Final = {
    None: "Times from Jaeger; waits and attempts from the database",
    NoSpans.NOT_SET: "Times from the database: no Jaeger is known here (WAYBILL_JAEGER_URL)",
    NoSpans.NOT_ENDED: "Times from the database: Jaeger gets spans only as they end",
    NoSpans.AWAY: "Times from the database: Jaeger does not answer",
    NoSpans.NOT_READ: "Times from the database: what Jaeger has is too long, or not understood",
    NoSpans.NOT_WHOLE: "Times from the database: Jaeger has not got all spans yet",
}


@dataclass(frozen=True)
class ShownWaterfall:
    """`lines`: the last that the failed step has printed or logged. `jaeger_page`: of its trace; None where
    there is none, for which `no_page` is the reason."""

    view: WaterfallView
    source: str
    lines: Sequence[str]
    jaeger_page: str | None
    no_page: str | None


def register(routes: APIBlueprint, services: Services) -> None:
    """Templates get `waterfall_of(report)`, which may block for three seconds on Jaeger. `?attempt=` is the
    number of the one that is shown alone."""

    def waterfall_of(report: Report) -> ShownWaterfall:
        view = view_of(services.waterfalls.known(report), datetime.now(UTC), request.args.get("attempt"))
        trace_id = report.carrier.trace_id if report.carrier else None
        no_page = why_no_page(services.jaeger_public_url, services.jaeger, trace_id)
        return ShownWaterfall(
            view,
            SOURCES[view.no_spans],
            _last_lines(services, report, view.failed_step),
            None if no_page else f"{services.jaeger_public_url}/trace/{trace_id}",
            no_page,
        )

    @routes.app_context_processor
    def offered() -> dict[str, Any]:
        return {"waterfall_of": waterfall_of}


def why_no_page(public_url: str, jaeger: Jaeger, trace_id: str | None) -> str | None:
    """Why a trace has no page in Jaeger; None where it may have one. May block for a second."""
    if trace_id is None:
        return "this report's trace is not kept"
    if not public_url:
        return "its pages have no address here (WAYBILL_JAEGER_PUBLIC_URL)"
    if jaeger.lacks_pages():
        return "it was built without its pages"
    return None if jaeger.answered else "it does not answer"


def _last_lines(services: Services, report: Report, step: str | None) -> list[str]:
    if step is None:
        return []
    records, _ = services.report_logs.newest(report.id, _LINES, step)
    return [_text(record) for record in records]


def _text(record: LogRecord) -> str:
    return (
        f"{record.dropped} lines are missing" if record.dropped else escaped(record.text, may_have_lines=True)
    )
