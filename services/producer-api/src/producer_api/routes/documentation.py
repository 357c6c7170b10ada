"""The page that documents the API, of what this process has: nothing is loaded from elsewhere."""

from apiflask import APIBlueprint
from flask import Response

from producer_api import documentation
from producer_api.access import Permission, requires
from producer_api.problems import Problem

_PAGE = "/api/v1/docs"


def blueprint() -> APIBlueprint:
    routes = APIBlueprint("documentation", __name__)

    @routes.get(_PAGE)
    @routes.doc(hide=True)
    @requires(Permission.NONE)
    def page() -> Response:
        return _answer(documentation.PAGE)

    @routes.get(f"{_PAGE}/<name>")
    @routes.doc(hide=True)
    @requires(Permission.NONE)
    def part(name: str) -> Response:
        try:
            return _answer(name)
        except KeyError:
            raise Problem("not-found", "The documentation has no such file.") from None

    return routes


def _answer(name: str) -> Response:
    return documentation.asset(name).response(documentation.POLICY)
