"""The application that gunicorn serves. Imported in its worker processes only, after the fork."""

from opentelemetry.instrumentation.propagators import (
    TraceResponsePropagator,
    set_global_response_propagator,
)

from producer_api.app import create_app
from producer_api.services import build_services
from producer_api.settings import ApiSettings
from waybill.settings import load
from waybill.telemetry import read_callers

_settings = load(ApiSettings)
read_callers(_settings.caller_trace)
set_global_response_propagator(TraceResponsePropagator())  # type: ignore[no-untyped-call]
services = build_services(_settings)
app = create_app(services)
