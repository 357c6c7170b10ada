"""Jaeger and the OpenTelemetry Collector, one binary with two configurations; and the trace buffer."""

from pathlib import Path

from local.parts.part import Part
from local.paths import CHECKOUT
from local.ports import Ports

_CONFIGURATION = CHECKOUT / "otel-collector"
_USUAL_API = "http://127.0.0.1:8080/"
JAEGER = "jaeger"
COLLECTOR = "collector"
TRACE_BUFFER = "trace-buffer"


def jaeger(binary: Path, directory: Path, ports: Ports) -> Part:
    """`directory` gets the configuration of its pages, which link to reports."""
    pages = directory / "ui.json"
    links = (_CONFIGURATION / "jaeger-ui.json").read_text()
    pages.write_text(links.replace(_USUAL_API, f"http://127.0.0.1:{ports['api']}/"))
    return Part(
        name=JAEGER,
        command=(
            *(str(binary), "--config", str(_CONFIGURATION / "jaeger.yaml")),
            *("--set", f"extensions.jaeger_query.ui.config_file={pages}"),
        ),
        health=f"http://127.0.0.1:{ports['jaeger-health']}/status",
        port=ports["jaeger"],
        environment={
            "JAEGER_HOST": "127.0.0.1",
            "JAEGER_QUERY_PORT": str(ports["jaeger"]),
            "JAEGER_QUERY_GRPC_PORT": str(ports["jaeger-grpc"]),
            "JAEGER_OTLP_PORT": str(ports["jaeger-otlp"]),
            "JAEGER_HEALTH_PORT": str(ports["jaeger-health"]),
        },
    )


def collector(binary: Path, ports: Ports) -> Part:
    return Part(
        name=COLLECTOR,
        command=(str(binary), "--config", str(_CONFIGURATION / "config.yaml")),
        health=f"http://127.0.0.1:{ports['collector-health']}/status",
        port=ports["otlp-http"],
        # It starts without Jaeger too; this is for the order of stopping.
        needs=(JAEGER,),
        environment={
            "COLLECTOR_HOST": "127.0.0.1",
            "COLLECTOR_OTLP_GRPC_PORT": str(ports["otlp-grpc"]),
            "COLLECTOR_OTLP_HTTP_PORT": str(ports["otlp-http"]),
            "COLLECTOR_HEALTH_PORT": str(ports["collector-health"]),
            "COLLECTOR_METRICS_PORT": str(ports["collector-span-metrics"]),
            "COLLECTOR_TELEMETRY_PORT": str(ports["collector-telemetry"]),
            "JAEGER_OTLP_ENDPOINT": f"127.0.0.1:{ports['jaeger-otlp']}",
        },
    )


def trace_buffer(python: Path, directory: Path, ports: Ports) -> Part:
    """Receives what the collector would, and forwards it to the collector once that answers."""
    port = ports[TRACE_BUFFER]
    return Part(
        name=TRACE_BUFFER,
        command=(
            *(str(python), "-m", "local.trace_buffer"),
            *("--port", str(port)),
            *("--file", str(directory / "received.sqlite")),
            *("--forward-to", f"http://127.0.0.1:{ports['otlp-http']}"),
        ),
        health=f"http://127.0.0.1:{port}/waiting",
        port=port,
        environment={"PYTHONPATH": str(CHECKOUT)},
    )
