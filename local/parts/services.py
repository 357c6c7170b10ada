"""Waybill's own parts, started as everywhere else: one entry point each, settings from the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from local import cache
from local.parts import postgres
from local.parts.part import Part, Task
from local.parts.telemetry import COLLECTOR


def without_proxy() -> dict[str, str]:
    """The environment by which HTTP clients ask loopback directly, also where a proxy is set."""
    others = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    direct = ",".join(filter(None, ("127.0.0.1", "localhost", others)))
    return {"NO_PROXY": direct, "no_proxy": direct}


def settings(
    *, database_url: str, kafka_bootstrap: str, otlp_endpoint: str, artefacts: Path, temporary: Path
) -> dict[str, str]:
    """The environment that both services and the `waybill` command share. `database_url` is its owner's."""
    return {
        "WAYBILL_DATABASE_URL": database_url,
        "WAYBILL_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "WAYBILL_ARTEFACT_URL": artefacts.as_uri(),
        "TMPDIR": str(temporary),  # what killed workers leave stays in the run directory
        "MPLCONFIGDIR": str(cache.root() / "matplotlib"),  # it keeps a font cache, for kinds that draw
        "WAYBILL_LOG_FORMAT": "console",
        **without_proxy(),
        "PYTHONDONTWRITEBYTECODE": "",  # off: a service starts faster the second time
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_endpoint,
        # Sooner than by default, in milliseconds: a trace is looked at as soon as it is made.
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "OTEL_BLRP_SCHEDULE_DELAY": "500",
        "OTEL_METRIC_EXPORT_INTERVAL": "5000",
    }


def with_role(settings: Mapping[str, str], role: str) -> dict[str, str]:
    """The same with a role of the database that may do less than its owner."""
    return {**settings, "WAYBILL_DATABASE_URL": postgres.as_role(settings["WAYBILL_DATABASE_URL"], role)}


def preparations(scripts: Path, settings: Mapping[str, str]) -> list[Task]:
    """The database's schema, with the rights of the services' roles, and the topics."""
    waybill = str(scripts / "waybill")
    roles = {
        "WAYBILL_DATABASE_API_ROLE": postgres.API_ROLE,
        "WAYBILL_DATABASE_WORKER_ROLE": postgres.WORKER_ROLE,
    }
    return [
        Task(
            name="migrate",
            command=(waybill, "migrate"),
            needs=("postgres",),
            environment={**settings, **roles},
        ),
        Task(name="topics", command=(waybill, "topics"), needs=("kafka",), environment=settings),
    ]


def producer_api(
    scripts: Path, settings: Mapping[str, str], port: int, health_port: int, telemetry: str = COLLECTOR
) -> Part:
    """`telemetry` is the part that receives spans and metrics."""
    return Part(
        name="producer-api",
        command=(str(scripts / "producer-api"),),
        health=f"http://127.0.0.1:{port}/readyz",
        port=port,
        needs=("migrate", "topics", telemetry),
        environment={
            "WAYBILL_LISTEN": f"127.0.0.1:{port}",
            "WAYBILL_HEALTH_LISTEN": f"127.0.0.1:{health_port}",
            **settings,
        },
        stop_seconds=30,
    )


def report_worker(
    scripts: Path,
    settings: Mapping[str, str],
    port: int,
    name: str = "report-worker",
    telemetry: str = COLLECTOR,
) -> Part:
    return Part(
        name=name,
        command=(str(scripts / "report-worker"),),
        health=f"http://127.0.0.1:{port}/readyz",
        port=port,
        needs=("migrate", "topics", telemetry),
        environment={**settings, "WAYBILL_HEALTH_LISTEN": f"127.0.0.1:{port}"},
        stop_seconds=30,  # above WAYBILL_DRAIN_SECONDS: running reports may go on for so long
    )
