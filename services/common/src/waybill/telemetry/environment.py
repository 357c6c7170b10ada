"""The `OTEL_*` variables of our services."""

from collections.abc import Mapping
from importlib.metadata import entry_points

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_PROPAGATORS
from opentelemetry.sdk.environment_variables import (
    OTEL_CONFIG_FILE,
    OTEL_RESOURCE_ATTRIBUTES,
    OTEL_SERVICE_NAME,
)

from waybill.errors import WaybillError

# Anchored, because the expressions are searched for in the whole URL, query included; there may be a path
# prefix. A span round a status stream would say nothing: it ends when the stream begins.
_NOT_TRACED = (
    r"^[a-z]+://[^?]+/(healthz|readyz)(\?|$)",
    r"^[a-z]+://[^?]+/api/v1/reports/[^/?]+/events(\?|$)",
)


_CREDENTIALS = (
    *("authorization", "proxy-authorization", "x-api-key", "cookie", "set-cookie"),
    "location",
)
"""Headers whose values no span shows, also where spans are to show headers. The address of a redirect
to an object store is signed."""


_EDGE = "producer-api"
"""The service that serves HTTP by Flask. Where both are installed together, another would load Flask for its
instrumentation alone: 7 MiB."""


_AUTHORITIES = tuple(
    f"OTEL_EXPORTER_OTLP_{signal}CERTIFICATE" for signal in ("", "TRACES_", "METRICS_", "LOGS_")
)
_IN_THEIR_PLACE = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""The library by which the exporters send takes the file of these variables in place of the one that they are
given, and so trusts others."""


class WrongTelemetry(WaybillError):  # noqa: N818 - the name is the sentence
    """The `OTEL_*` variables ask for what there is not; the message names the variable."""


def tracing_environment(
    service: str, environment: Mapping[str, str], *, sends_logs: bool = False
) -> Mapping[str, str]:
    """The environment to start a service in: its own, with our defaults where it says nothing. `sends_logs`:
    it emits log records.

    An empty variable says nothing, as OpenTelemetry's specification has it. Raises `WrongTelemetry`.
    """
    said = {name: value for name, value in environment.items() if value.strip() or not _is_telemetrys(name)}
    if OTEL_CONFIG_FILE in said:
        raise WrongTelemetry(
            f"{OTEL_CONFIG_FILE}: Waybill sets OpenTelemetry up from the other OTEL_* variables; a "
            "configuration file would switch off what it needs, such as the ids of recovered spans. "
            "Unset it, and set variables instead."
        )
    if any(said.get(name) for name in _AUTHORITIES):
        said = {name: value for name, value in said.items() if name not in _IN_THEIR_PLACE}
    defaults = dict(_defaults(service))
    if sends_logs:
        defaults |= {OTEL_LOGS_EXPORTER: "otlp", "OTEL_BLRP_MAX_QUEUE_SIZE": "8192"}
    if _names_a_service(said.get(OTEL_RESOURCE_ATTRIBUTES, "")):
        del defaults[OTEL_SERVICE_NAME]  # it would win over the resource attributes
    chosen = {**defaults, **said}
    return {**chosen, OTEL_PROPAGATORS: _propagators(chosen[OTEL_PROPAGATORS])}


def _is_telemetrys(name: str) -> bool:
    return name.startswith("OTEL_")


def _names_a_service(resource_attributes: str) -> bool:
    pairs = (pair.partition("=") for pair in resource_attributes.split(","))
    return any(key.strip() == "service.name" and value.strip() for key, _, value in pairs)


def _propagators(listed: str) -> str:
    """Each once. OpenTelemetry itself would use a repeated one twice, and stop at an empty one."""
    names = dict.fromkeys(name.strip() for name in listed.split(",") if name.strip())
    known = {"none", *entry_points(group="opentelemetry_propagator").names}
    if unknown := [name for name in names if name not in known and name.lower() != "none"]:
        raise WrongTelemetry(
            f"{OTEL_PROPAGATORS}: {', '.join(unknown)}: no installed package has a propagator of this name; "
            f"there are {', '.join(sorted(known))}."
        )
    return ",".join(names)


def _defaults(service: str) -> Mapping[str, str]:
    uninstrumented = {} if service == _EDGE else {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask"}
    return uninstrumented | {
        OTEL_SERVICE_NAME: service,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        # with the collector down, each export at exit costs this, in seconds
        "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
        "OTEL_BSP_MAX_QUEUE_SIZE": "8192",
        OTEL_PROPAGATORS: "tracecontext",
        "OTEL_PYTHON_ID_GENERATOR": "waybill",
        "OTEL_METRICS_EXPORTER": "otlp",
        OTEL_LOGS_EXPORTER: "none",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
        "OTEL_PYTHON_FLASK_EXCLUDED_URLS": ",".join(_NOT_TRACED),
        "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": ",".join(_CREDENTIALS),
    }
