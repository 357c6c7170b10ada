"""The kinds of report."""

from apiflask import APIBlueprint
from flask import Response

from producer_api.access import Permission, requires
from producer_api.services import Services
from producer_api.web.rendering import page


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/kinds")
    @requires(Permission.READ_KINDS)
    def kinds() -> Response:
        return page("kinds.html")
