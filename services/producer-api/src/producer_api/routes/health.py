"""Whether this process lives, and whether it can take reports."""

from apiflask import APIBlueprint
from flask import Response, jsonify

from producer_api.services import Services
from waybill.errors import WaybillError


def blueprint(services: Services) -> APIBlueprint:
    routes = APIBlueprint("health", __name__, enable_openapi=False)

    @routes.get("/healthz")
    def alive() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @routes.get("/readyz")
    def ready() -> tuple[Response, int]:
        """Whether reports can be taken, and which part is missing.

        Without the database there is no taking a report: 503. Without Kafka there is, they wait in the
        outbox: so it is named, and the answer stays 200.
        """
        database = _database(services)
        kafka = "ok" if services.hub.connected else "away: reports are taken, and wait in the outbox"
        parts = {"database": database, "kafka": kafka}
        missing = [name for name, state in parts.items() if state != "ok"]
        status = "unavailable" if "database" in missing else "degraded" if missing else "ok"
        answer = jsonify(status=status, missing=missing, parts=parts)
        return answer, 503 if status == "unavailable" or services.hub.draining else 200

    return routes


def _database(services: Services) -> str:
    try:
        services.check_database()
    except WaybillError as error:
        return str(error)
    return "ok"
