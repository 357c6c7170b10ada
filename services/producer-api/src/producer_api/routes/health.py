"""The probes, on the API's own address too; `waybill.health` answers them whatever clients do here."""

from apiflask import APIBlueprint
from flask import Response, jsonify

from producer_api.access import Permission, requires
from producer_api.readiness import Readiness
from waybill.health import Health


def blueprint(readiness: Readiness) -> APIBlueprint:
    routes = APIBlueprint("health", __name__, enable_openapi=False)

    @routes.get("/healthz")
    @requires(Permission.NONE)
    def alive() -> tuple[Response, int]:
        return _answer(readiness.alive())

    @routes.get("/readyz")
    @requires(Permission.NONE)
    def ready() -> tuple[Response, int]:
        return _answer(readiness.ready())

    return routes


def _answer(health: Health) -> tuple[Response, int]:
    return jsonify(health.document()), health.http_status
