"""The call that the article describes."""

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.exceptions import MethodNotAllowed

from producer_api.access import Permission, requires
from producer_api.description import problem_responses
from producer_api.pages import CHANGES_BY_GET
from producer_api.requesting import request_report
from producer_api.resources import ReportRequest, ReportResource
from producer_api.webhooks import RequestedWebhooks
from waybill.kinds import Registry
from waybill.ledger import KindLimits, Ledger


def blueprint(
    ledger: Ledger, kinds: Registry, limits: KindLimits, webhooks: RequestedWebhooks
) -> APIBlueprint:
    routes = APIBlueprint("article", __name__, tag="Reports")

    @routes.get(CHANGES_BY_GET)
    @routes.output(ReportResource, status_code=202)
    @routes.doc(responses=problem_responses("cross-site", "over-limit"))
    @requires(Permission.REQUEST)
    def request_dowork() -> Response:
        """Request a `dowork` report, as in the article that Waybill started from."""
        if request.method == "HEAD":  # Flask routes HEAD to every GET handler; it must not request a report
            raise MethodNotAllowed(valid_methods=["GET"])
        return request_report(ledger, kinds, limits, webhooks, ReportRequest(kind="dowork"))

    return routes
