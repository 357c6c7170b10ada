"""The Flask application."""

from apiflask import APIFlask
from flask import Flask, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import UnsupportedMediaType

from producer_api import description, problems
from producer_api.problems import Problem
from producer_api.routes import article, dead_letters, health, kinds, outcome, reports
from producer_api.services import Services


def create_app(services: Services) -> Flask:
    """Every route over `services`, which the caller starts and stops."""
    app = APIFlask(
        __name__,
        title="Waybill",
        version="1",
        docs_ui="elements",
        docs_path=None,
        spec_path="/api/v1/openapi.json",
    )
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        DESCRIPTION="Reports that take minutes, behind an API that answers in milliseconds.",
        MAX_CONTENT_LENGTH=services.max_body_bytes,
        VALIDATION_ERROR_STATUS_CODE=422,
        HTTP_ERROR_SCHEMA=problems.schema(),
        VALIDATION_ERROR_SCHEMA=problems.schema(),
        AUTO_404_RESPONSE=False,
    )
    app.json = provider = DefaultJSONProvider(app)
    provider.sort_keys = False  # fields stand in the order in which they read well
    problems.register(app)
    description.register(app)
    app.before_request(_refuse_other_bodies)
    for routes in (reports, outcome, dead_letters, kinds, article, health):
        app.register_blueprint(routes.blueprint(services))
    return app


def _refuse_other_bodies() -> None:
    body = request.get_data(cache=True) if request.method == "POST" else b""
    if body and not request.is_json:
        raise UnsupportedMediaType(
            f"The body's Content-Type is {request.mimetype or 'missing'}; it must be application/json."
        )
    if body.strip() == b"null":  # else it would pass for an empty object
        raise Problem("wrong-request", "The body is null; it must be an object.")
