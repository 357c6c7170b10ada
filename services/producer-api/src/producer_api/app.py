"""The Flask application."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote

from apiflask import APIBlueprint, APIFlask
from flask import Flask, Request

from producer_api import access, description, guards, places, problems
from producer_api.addressing import Addressing
from producer_api.downloads import Downloads
from producer_api.exact_json import ExactJSONProvider
from producer_api.routes import (
    api_keys,
    artefact_files,
    artefacts,
    article,
    audit,
    dead_letters,
    documentation,
    health,
    kinds,
    limits,
    login,
    logs,
    operations,
    outcome,
    parameter_sets,
    reports,
    trace,
)
from producer_api.services import Services
from producer_api.web import blueprint as web_blueprint
from producer_api.web import register_refusals

_MAY_HAVE_NO_BODY = frozenset({"reports.retry"})
"""Of these routes, a request without a body is one with the defaults: all were, before there was a body."""


class _Request(Request):
    @cached_property
    def url(self) -> str:
        """As it is sent; werkzeug decodes it for people. The instrumentation asks for it at each request."""
        query = self.query_string.decode("latin-1")
        return f"{self.scheme}://{self.host}{quote(self.script_root + self.path)}{query and '?'}{query}"

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Called where a body is no JSON, as one that is empty."""
        if self.endpoint in _MAY_HAVE_NO_BODY and not self.get_data():
            return {}
        return super().on_json_loading_failed(e)


class _Api(APIFlask):
    request_class = _Request

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Flask asks for each function that it calls whether it is a coroutine: none is."""
        return func


def create_app(services: Services) -> Flask:
    """Has every route. The caller starts and stops `services`."""
    app = _Api(
        __name__,
        title="Waybill",
        version="1",
        docs_ui="elements",
        docs_path=None,
        static_folder=None,  # type: ignore[arg-type] # as Flask has it
        spec_path=None,
    )
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        DESCRIPTION="Reports that take minutes, behind an API that answers in milliseconds.",
        MAX_CONTENT_LENGTH=services.max_body_bytes,
        VALIDATION_ERROR_STATUS_CODE=422,
        AUTO_VALIDATION_ERROR_RESPONSE=False,  # the routes declare their problems
        AUTO_404_RESPONSE=False,
    )
    app.json = provider = ExactJSONProvider(app)
    provider.sort_keys = False  # keep the order in which the models declare their fields
    problems.register(app)
    describe = description.register(app, services.authenticators)
    guards.register(app, services.hosts, access.register(app, services.authenticators))
    places.register(app, services.places)
    register_refusals(app, services.browsers, services.authenticators)
    for blueprint in _blueprints(services, describe):
        app.register_blueprint(blueprint)
    # Flask's own way to add middleware; the instrumentation's is inside of it, and sees what proxies say.
    # Pages do not count: below a prefix like /api/v1, the API would not be found.
    ours = (rule.rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("web."))
    first_segments = {address.split("/")[1] for address in ours}
    app.wsgi_app = Addressing(app.wsgi_app, services.proxies, first_segments)  # type: ignore[method-assign]
    return app


def _blueprints(services: Services, describe: Callable[[], Mapping[str, Any]]) -> Iterator[APIBlueprint]:
    """In the order of the description's tags. Each gets the parts that its handlers use."""
    ledger = services.ledger
    downloads = Downloads(ledger, services.artefacts, services.places, services.downloads)
    yield reports.blueprint(
        ledger,
        services.dead_letters,
        services.kinds,
        services.kind_limits,
        services.webhooks,
        services.deleting,
        services.estimates,
    )
    yield operations.blueprint(services.operations, services.operation_runner)
    yield artefacts.blueprint(downloads)
    yield outcome.blueprint(
        ledger,
        services.hub,
        services.places,
        services.stream_limits,
        services.stream,
        services.report_logs,
        services.log_hub,
    )
    yield artefact_files.blueprint(downloads, services.previews)
    yield trace.blueprint(ledger, services.waterfalls)
    yield logs.blueprint(ledger, services.report_logs)
    yield dead_letters.blueprint(services.dead_letters)
    yield kinds.blueprint(services.kinds, services.kind_limits, services.overview)
    yield parameter_sets.blueprint(services.kinds, services.parameter_sets, ledger, services.choice_lists)
    yield api_keys.blueprint(services.api_keys)
    yield limits.blueprint(services.limits)
    yield audit.blueprint(ledger)
    yield article.blueprint(ledger, services.kinds, services.kind_limits, services.webhooks)
    yield login.blueprint(services.browsers)
    yield documentation.blueprint(describe, services.authenticators)
    yield web_blueprint(services)
    yield health.blueprint(services.readiness)
