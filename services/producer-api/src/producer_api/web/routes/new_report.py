"""A form that requests a report."""

from apiflask import APIBlueprint
from flask import Response

from producer_api.access import Permission, requires
from producer_api.services import Services
from producer_api.web.rendering import page


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/reports/new")
    @requires(Permission.REQUEST)
    def new_report() -> Response:
        return page("new_report.html")
