"""All of the pages' routes."""

from typing import Final

from apiflask import APIBlueprint

from producer_api.services import Services
from producer_api.web import plain_names, words
from producer_api.web.assets import register_assets
from producer_api.web.forms import refuse_unstorable_fields
from producer_api.web.rendering import NAME, offer_to_templates
from producer_api.web.routes import (
    dead_letters,
    kinds,
    new_report,
    operations,
    overview,
    report,
    reports,
    saved_views,
    waterfall,
)

_PAGES: Final = (
    overview,
    reports,
    operations,
    saved_views,
    new_report,
    report,
    waterfall,
    dead_letters,
    kinds,
)


def blueprint(services: Services) -> APIBlueprint:
    """Each module of `routes` registers one page and what its forms send."""
    routes = APIBlueprint(NAME, __name__, template_folder="templates", enable_openapi=False)
    routes.before_request(refuse_unstorable_fields)
    words.register(routes)
    plain_names.register(routes)
    offer_to_templates(routes)
    register_assets(routes)
    for page in _PAGES:
        page.register(routes, services)
    return routes
