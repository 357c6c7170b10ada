"""The liveness and readiness probes."""

from collections.abc import Callable

from apiflask import APIBlueprint
from flask import Response, jsonify

from producer_api.status_hub import StatusHub
from waybill.errors import WaybillError


def blueprint(check_database: Callable[[], None], hub: StatusHub) -> APIBlueprint:
    """`check_database` raises a `WaybillError` if the database cannot be used."""
    routes = APIBlueprint("health", __name__, enable_openapi=False)

    @routes.get("/healthz")
    def alive() -> dict[str, str]:
        """The process responds."""
        return {"status": "ok"}

    @routes.get("/readyz")
    def ready() -> tuple[Response, int]:
        """Whether the process can accept reports, and which parts are down.

        503 without the database, and while the process drains. 200 without Kafka, since accepted reports wait
        in the outbox; Kafka is then listed as missing.
        """
        database = _database(check_database)
        kafka = "ok" if hub.connected else "unavailable: reports are accepted and wait in the outbox"
        parts = {"database": database, "kafka": kafka}
        missing = [name for name, state in parts.items() if state != "ok"]
        status = "unavailable" if "database" in missing else "degraded" if missing else "ok"
        answer = jsonify(status=status, missing=missing, parts=parts)
        return answer, 503 if status == "unavailable" or hub.draining else 200

    return routes


def _database(check: Callable[[], None]) -> str:
    try:
        check()
    except WaybillError as error:
        return str(error)
    return "ok"
