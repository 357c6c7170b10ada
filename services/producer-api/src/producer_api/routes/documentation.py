"""The page that explains the API."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from producer_api.access import Authenticator, Permission, recognise, requires
from producer_api.documentation import reference_of
from producer_api.web.rendering import page as html_page


def blueprint(
    describe: Callable[[], Mapping[str, Any]], authenticators: Sequence[Authenticator]
) -> APIBlueprint:
    """`describe`: the OpenAPI description for the current request."""
    routes = APIBlueprint("documentation", __name__, enable_openapi=False)

    @routes.get("/api/v1/docs")
    @requires(Permission.NONE)
    def page() -> Response:
        recognise(request, authenticators)  # for the navigation: the page itself is for everybody
        return html_page("reference.html", reference=reference_of(describe(), request.url_root.rstrip("/")))

    return routes
