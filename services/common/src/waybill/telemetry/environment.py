"""The `OTEL_*` variables of our services."""

from collections.abc import Mapping

# Anchored, because the expressions are searched for in the whole URL, query included; there may be a path
# prefix. A span round a status stream would say nothing: it ends when the stream begins.
_NOT_TRACED = (
    r"^[a-z]+://[^?]+/(healthz|readyz)(\?|$)",
    r"^[a-z]+://[^?]+/api/v1/reports/[^/?]+/events(\?|$)",
)


def tracing_defaults(service: str) -> Mapping[str, str]:
    """What a service adds to its environment where it says nothing else."""
    return {
        "OTEL_SERVICE_NAME": service,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        # with the collector down, each export at exit costs this, in seconds
        "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
        "OTEL_BSP_MAX_QUEUE_SIZE": "8192",
        "OTEL_PROPAGATORS": "tracecontext",
        "OTEL_PYTHON_ID_GENERATOR": "waybill",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
        "OTEL_PYTHON_FLASK_EXCLUDED_URLS": ",".join(_NOT_TRACED),
    }
