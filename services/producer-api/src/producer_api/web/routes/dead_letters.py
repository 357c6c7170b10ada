"""What could not be done."""

from apiflask import APIBlueprint
from flask import Response

from producer_api.access import Permission, requires
from producer_api.services import Services
from producer_api.web.rendering import page


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/dead-letters")
    @requires(Permission.READ_DEAD_LETTERS)
    def dead_letters() -> Response:
        return page("dead_letters.html")
