"""Reports: request one, look at it, cancel it, try it again."""

from collections.abc import Mapping

from apiflask import APIBlueprint
from flask import request

from producer_api.lookup import find_report
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
from waybill.domain import TERMINAL, Report, Status
from waybill.ledger import NotRedrivable
from waybill.store import ReportFilter


def blueprint(services: Services) -> APIBlueprint:
    routes = APIBlueprint("reports", __name__, tag="Reports")

    @routes.post(BASE)
    @routes.input(ReportRequest, arg_name="wanted")
    @routes.output(ReportResource, status_code=202)
    def request_one(wanted: ReportRequest) -> tuple[ReportResource, int, Mapping[str, str]]:
        """Request a report. It is kept before this answers; the work begins afterwards."""
        return request_report(services, wanted, request.headers.get("Idempotency-Key"))

    @routes.get(BASE)
    @routes.input(ReportQuery, location="query", arg_name="query")
    @routes.output(ReportPage)
    def list_some(query: ReportQuery) -> ReportPage:
        """The reports, newest first."""
        wanted = ReportFilter(query.status, query.kind, query.cursor, query.limit + 1)
        page = services.ledger.page(wanted)
        shown = page[: query.limit]
        return ReportPage(
            reports=[report_resource(report) for report in shown],
            next_cursor=str(shown[-1].id) if len(page) > query.limit else None,
        )

    @routes.get(f"{BASE}/<report_id>")
    @routes.output(ReportResource)
    def show(report_id: str) -> ReportResource:
        """One report as it is now."""
        return report_resource(find_report(services, report_id))

    @routes.post(f"{BASE}/<string:report_id>:cancel")
    @routes.output(ReportResource, status_code=202)
    def cancel(report_id: str) -> ReportResource:
        """Cancel a report: at once while it waits, within a second or a few while it runs."""
        return report_resource(_cancel(services, find_report(services, report_id)))

    @routes.post(f"{BASE}/<string:report_id>:retry")
    @routes.output(ReportResource, status_code=202)
    def retry(report_id: str) -> ReportResource:
        """Begin a report that failed or was cancelled anew, in its trace."""
        report = find_report(services, report_id)
        try:
            return report_resource(services.dead_letters.redrive(report.id))
        except NotRedrivable as error:
            raise Problem("not-redrivable", str(error), report_id=str(report.id)) from None

    return routes


def _cancel(services: Services, report: Report) -> Report:
    cancelled = services.ledger.cancel(report.id)
    if cancelled is not None:
        return cancelled
    now = find_report(services, str(report.id))
    if now.status in TERMINAL and now.status is not Status.CANCELLED:
        raise Problem("already-ended", f"The report has ended as {now.status}.", report_id=str(now.id))
    return now  # asked for already: the same answer again
