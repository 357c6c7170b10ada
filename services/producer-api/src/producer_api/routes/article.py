"""The article's call."""

from collections.abc import Mapping

from apiflask import APIBlueprint
from flask import request
from werkzeug.exceptions import MethodNotAllowed

from producer_api.requesting import request_report
from producer_api.resources import ReportRequest, ReportResource
from producer_api.services import Services


def blueprint(services: Services) -> APIBlueprint:
    routes = APIBlueprint("article", __name__, tag="Reports")

    @routes.get("/api/report")
    @routes.output(ReportResource, status_code=202)
    def request_dowork() -> tuple[ReportResource, int, Mapping[str, str]]:
        """Request a `dowork` report, as in the article that Waybill started from."""
        if request.method == "HEAD":  # comes with every GET, and asks for nothing
            raise MethodNotAllowed(valid_methods=["GET"])
        return request_report(services, ReportRequest(kind="dowork"))

    return routes
