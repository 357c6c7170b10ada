"""One report."""

from apiflask import APIBlueprint
from flask import Response

from producer_api.access import Permission, requires
from producer_api.lookup import find_report
from producer_api.services import Services
from producer_api.web.rendering import page


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/reports/<report_id>")
    @requires(Permission.READ)
    def report(report_id: str) -> Response:
        return page("report.html", report=find_report(services.ledger, report_id))
