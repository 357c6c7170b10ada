"""OpenTelemetry's SDK in a process that was not started by `opentelemetry-instrument`: a slot's.

It is imported where it is used: its import reads `OTEL_PROPAGATORS`, which a launch checks first.
"""

from importlib.metadata import version

from opentelemetry import trace


def start_sdk() -> None:
    """Sets it up as the `OTEL_*` variables say, once for each process. It instruments nothing."""
    from opentelemetry.distro import OpenTelemetryConfigurator, OpenTelemetryDistro

    OpenTelemetryDistro().configure()
    configurator = OpenTelemetryConfigurator()  # type: ignore[no-untyped-call]
    configurator.configure(auto_instrumentation_version=version("opentelemetry-distro"))  # type: ignore[no-untyped-call]
    # With the first one, the SDK adds a filter to Python's warnings: not in the middle of a job.
    trace.get_tracer(__name__)


def sdk_is_started() -> bool:
    """Whether this process sends out spans."""
    from opentelemetry.sdk.trace import TracerProvider

    return isinstance(trace.get_tracer_provider(), TracerProvider)
