"""Reports: request one, look at it, follow it, fetch what it produced."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request
from waybill.domain import TERMINAL, Report
from waybill.store import ReportFilter

from producer_api.problems import Problem
from producer_api.requesting import request_report
from producer_api.resources import (
    BASE,
    ReportPage,
    ReportQuery,
    ReportRequest,
    ReportResource,
    report_resource,
)
from producer_api.services import Services
from producer_api.stream import EventStream

_ARTEFACT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""A report is a page of somebody's data: it runs no script and fetches nothing."""


def blueprint(services: Services) -> APIBlueprint:
    routes = APIBlueprint("reports", __name__, tag="Reports")

    def found(report_id: str) -> Report:
        report = services.ledger.get(_uuid(report_id))
        if report is None:
            raise Problem("no-such-report", f"No report has the id {report_id}.")
        return report

    @routes.post(BASE)
    @routes.input(ReportRequest, arg_name="wanted")
    @routes.output(ReportResource, status_code=202)
    def request_one(wanted: ReportRequest) -> tuple[ReportResource, int, Mapping[str, str]]:
        """Request a report. It is kept before this answers; the work begins afterwards."""
        return request_report(services, wanted.kind, wanted.parameters)

    @routes.get(BASE)
    @routes.input(ReportQuery, location="query", arg_name="query")
    @routes.output(ReportPage)
    def list_some(query: ReportQuery) -> ReportPage:
        """The reports, newest first."""
        wanted = ReportFilter(query.status, query.kind, query.cursor, query.limit + 1)
        page = services.ledger.page(wanted)
        more = len(page) > query.limit
        shown = page[: query.limit]
        return ReportPage(
            reports=[report_resource(report) for report in shown],
            next_cursor=str(shown[-1].id) if more else None,
        )

    @routes.get(f"{BASE}/<report_id>")
    @routes.output(ReportResource)
    def show(report_id: str) -> ReportResource:
        """One report as it is now."""
        return report_resource(found(report_id))

    @routes.get(f"{BASE}/<report_id>/artefact")
    def artefact(report_id: str) -> Response:
        """The file that the report produced."""
        report = found(report_id)
        if report.artefact is None:
            raise _no_artefact(report)
        return Response(
            services.artefacts.open(report.artefact),
            mimetype=report.artefact.media_type,
            headers={
                "Content-Length": str(report.artefact.size),
                "Content-Disposition": f'inline; filename="{report.artefact.filename}"',
                "ETag": f'"{report.artefact.sha256}"',
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": _ARTEFACT_POLICY,
            },
        )

    @routes.get(f"{BASE}/<report_id>/events")
    def events(report_id: str) -> Response:
        """The report's status and steps as server-sent events, from `Last-Event-ID` on.

        The stream ends after a terminal status; 204 says that there is nothing after it.
        """
        last_seen = _last_seen()
        report = found(report_id)
        if report.status in TERMINAL and last_seen >= report.version:
            return Response(status=204)
        stream = EventStream(
            report.id, last_seen, services.hub, services.ledger.events_after, services.stream
        )
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return Response(iter(stream), mimetype="text/event-stream", headers=headers)

    return routes


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem("no-such-report", f"{text[:100]!r} is not the id of a report.") from None


def _last_seen() -> int:
    """The version in `Last-Event-ID`, or, for clients that cannot set headers, in the query."""
    given: Any = request.headers.get("Last-Event-ID") or request.args.get("last_event_id") or "0"
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Problem("wrong-request", "Last-Event-ID must be the id of an event: a whole number.")
    return int(given)


def _no_artefact(report: Report) -> Problem:
    if report.status in TERMINAL:
        return Problem(
            "no-artefact", f"The report ended as {report.status} without a file.", report_id=str(report.id)
        )
    return Problem(
        "artefact-not-ready",
        f"The report is at {report.status}; follow {BASE}/{report.id}/events.",
        report_id=str(report.id),
        headers={"Retry-After": "2"},
    )
