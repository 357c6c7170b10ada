"""The overview: how Waybill is doing."""

from apiflask import APIBlueprint
from flask import Response

from producer_api.access import Permission, requires
from producer_api.services import Services
from producer_api.web.rendering import page


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/")
    @requires(Permission.READ)
    def overview() -> Response:
        return page("overview.html")
