"""Takes a request for a report."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from waybill.domain import NewReport, new_report_id
from waybill.kinds import Kind, UnknownKind
from waybill.tracing import current_carrier, tracer

from producer_api.problems import FieldError, Problem
from producer_api.resources import ReportResource, report_resource
from producer_api.services import Services

_RETRY_AFTER_SECONDS = "2"


def request_report(
    services: Services, kind_name: str, parameters: Mapping[str, Any]
) -> tuple[ReportResource, int, Mapping[str, str]]:
    """Keeps the report and answers 202 with where it will be. It waits for the database, not for Kafka.

    Raises `Problem` where the kind or its parameters are wrong; then nothing is kept.
    """
    kind = _kind(services, kind_name)
    checked = _checked(kind, parameters)
    with tracer().start_as_current_span("report_request", attributes={"report.kind": kind.name}) as span:
        report_id = new_report_id()
        span.set_attribute("report.id", str(report_id))
        report = services.ledger.accept(NewReport(report_id, kind.name, checked, current_carrier()))
    resource = report_resource(report)
    return resource, 202, {"Location": resource.links.self, "Retry-After": _RETRY_AFTER_SECONDS}


def _kind(services: Services, name: str) -> Kind:
    try:
        return services.kinds[name]
    except UnknownKind as error:
        raise Problem("unknown-kind", str(error)) from None


def _checked(kind: Kind, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with the kind's defaults filled in, as JSON that the database takes."""
    try:
        checked = kind.parameters.model_validate(parameters).model_dump(mode="json", by_alias=True)
    except ValidationError as error:
        errors = [
            FieldError(field=".".join(map(str, ("parameters", *item["loc"]))), message=item["msg"])
            for item in error.errors(include_url=False, include_input=False)
        ]
        detail = "; ".join(f"{one.field}: {one.message}" for one in errors)
        raise Problem("wrong-request", detail, errors) from None
    _refuse_unstorable(checked)
    return checked


def _refuse_unstorable(value: Any) -> None:
    """PostgreSQL's JSON takes neither U+0000 nor half a surrogate pair."""
    if isinstance(value, str) and ("\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)):
        raise Problem("wrong-request", "parameters: text must not hold U+0000 or an unpaired surrogate.")
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_unstorable(key)
            _refuse_unstorable(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unstorable(inner)
