"""What a form of a new report has besides the parameters, and the request that it makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from producer_api.problems import FieldError, Problem, field_errors
from producer_api.resources import ReportRequest
from waybill.domain import NORMAL_PRIORITY, Report
from waybill.kinds import Kind


@dataclass(frozen=True)
class Filled:
    """What the form shows besides the parameters."""

    outputs: Sequence[str] = ()
    tags: str = ""
    priority: str = str(NORMAL_PRIORITY)
    timeout_seconds: str = ""


def as_repeated(report: Report) -> Filled:
    seconds = report.timeout.total_seconds() if report.timeout else None
    return Filled(
        report.outputs or (),
        ", ".join(report.tags or ()),
        str(report.priority),
        "" if seconds is None else f"{seconds:g}",
    )


def wanted_report(
    kind: Kind, parameters: Mapping[str, Any], filled: Filled, repeated: Report | None
) -> ReportRequest:
    """Raises `Problem`."""
    fields: dict[str, Any] = {
        "kind": kind.name,
        "parameters": parameters,
        "tags": [tag.strip() for tag in filled.tags.split(",") if tag.strip()],
        "rerun_of": str(repeated.id) if repeated else None,
    }
    if filled.outputs:
        fields["outputs"] = list(filled.outputs)
    errors: list[FieldError] = []
    for name, text in (("priority", filled.priority), ("timeout_seconds", filled.timeout_seconds)):
        try:
            if text.strip():
                fields[name] = int(text)
        except ValueError:
            errors.append(FieldError(field=name, message="must be a whole number"))
    try:
        wanted = ReportRequest.model_validate(fields)
    except ValidationError as error:
        errors += field_errors(error)
    refuse(errors)
    return wanted


def refuse(errors: list[FieldError]) -> None:
    if errors:
        raise Problem("wrong-request", "Some fields are wrong.", errors)
