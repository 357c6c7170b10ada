"""Reports: request, list, show, cancel, retry and delete them."""

from apiflask import APIBlueprint
from flask import Response, request

from producer_api.access import Permission, current_identity, requires
from producer_api.changing import cancel_report, retry_report
from producer_api.description import RequestHeader, problem_responses, request_headers
from producer_api.finding import ReportQuery, filter_of
from producer_api.lookup import find_report
from producer_api.problems import Problem
from producer_api.requesting import request_report
from producer_api.resources import (
    BASE,
    ReportPage,
    ReportRequest,
    ReportResource,
    RetryRequest,
    ShownReport,
    report_resource,
    shown_report,
)
from producer_api.webhooks import RequestedWebhooks
from waybill.domain import Report
from waybill.kinds import Registry
from waybill.ledger import DeadLetters, Deleting, Estimates, KindLimits, Ledger

_IDEMPOTENCY_KEY = RequestHeader(
    "Idempotency-Key",
    "The client's name for this request: the same one again gets the same report. Kept for a day.",
    r'^("[ !#-\[\]-~]{1,255}"|[!#-\[\]-~]{1,255})$',
)


def blueprint(
    ledger: Ledger,
    dead_letters: DeadLetters,
    kinds: Registry,
    limits: KindLimits,
    webhooks: RequestedWebhooks,
    deleting: Deleting,
    estimates: Estimates,
) -> APIBlueprint:
    routes = APIBlueprint("reports", __name__, tag="Reports")

    def resource(report: Report) -> ReportResource:
        paused, delivery = limits.is_paused(report), webhooks.state(report)
        return report_resource(report, kind_paused=paused, delivery=delivery)

    @routes.post(BASE)
    @routes.input(ReportRequest, arg_name="wanted")
    @routes.output(ReportResource, status_code=202)
    @routes.doc(
        responses=problem_responses(
            "malformed-body",
            "cross-site",
            "no-such-report",
            "request-in-flight",
            "body-too-large",
            "wrong-media-type",
            "key-reused",
            "wrong-request",
            "unknown-kind",
            "unavailable-kind",
            "over-limit",
        ),
        extensions=request_headers(_IDEMPOTENCY_KEY),
    )
    @requires(Permission.REQUEST)
    def request_one(wanted: ReportRequest) -> Response:
        """Request a report. It is kept before this answers; the work begins afterwards."""
        key = request.headers.get(_IDEMPOTENCY_KEY.name)
        return request_report(ledger, kinds, limits, webhooks, wanted, key)

    @routes.get(BASE)
    @routes.input(ReportQuery, location="query", arg_name="query")
    @routes.output(ReportPage)
    @routes.doc(responses=problem_responses("wrong-request"))
    @requires(Permission.READ)
    def list_some(query: ReportQuery) -> ReportPage:
        """The reports, newest first."""
        page = ledger.page(filter_of(query))
        paused, deliveries = limits.paused(page.reports), webhooks.states(page.reports)
        return ReportPage(
            reports=[
                report_resource(report, kind_paused=report.id in paused, delivery=deliveries.get(report.id))
                for report in page.reports
            ],
            next_cursor=str(page.last) if page.more else None,
            searched=page.searched,
        )

    @routes.get(f"{BASE}/<report_id>")
    @routes.output(ShownReport)
    @routes.doc(responses=problem_responses("no-such-report"))
    @requires(Permission.READ)
    def show(report_id: str) -> ShownReport:
        """One report as it is now, and when it may begin and end."""
        report = find_report(ledger, report_id)
        return shown_report(resource(report), estimates.of(report))

    @routes.delete(f"{BASE}/<report_id>")
    @routes.output(ReportResource)
    @routes.doc(responses=problem_responses("cross-site", "no-such-report", "not-ended"))
    @requires(Permission.DELETE)
    def delete(report_id: str) -> ReportResource:
        """Delete a report that has ended, with its files, its logs and its events. Answers what it was."""
        report = find_report(ledger, report_id, Permission.DELETE)
        was = resource(report)
        if not deleting.delete(report, current_identity().actor):
            raise Problem(
                "not-ended",
                "The report has not ended: cancel it, or wait until it has ended, and delete it then.",
                report_id=str(report.id),
            )
        return was

    @routes.post(f"{BASE}/<string:report_id>:cancel")
    @routes.output(ReportResource, status_code=202)
    @routes.doc(
        responses=problem_responses(
            "cross-site", "no-such-report", "already-ended", "body-too-large", "wrong-media-type"
        )
    )
    @requires(Permission.CHANGE)
    def cancel(report_id: str) -> ReportResource:
        """Cancel a report: at once while it waits, within a second or a few while it runs."""
        return resource(cancel_report(ledger, report_id))

    @routes.post(f"{BASE}/<string:report_id>:retry")
    @routes.input(RetryRequest, arg_name="wanted")
    @routes.output(ReportResource, status_code=202)
    @routes.doc(
        responses=problem_responses(
            "cross-site",
            "malformed-body",
            "no-such-report",
            "not-redrivable",
            "body-too-large",
            "wrong-media-type",
            "wrong-request",
        )
    )
    @requires(Permission.CHANGE)
    def retry(report_id: str, wanted: RetryRequest) -> ReportResource:
        """Restart a report that failed or was cancelled, in its trace. Steps whose results are stored do not
        run again."""
        return resource(retry_report(ledger, dead_letters, report_id, from_start=wanted.from_start))

    return routes
