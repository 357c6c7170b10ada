"""A request that repeats an earlier report: what it does not say is as it was then."""

from dataclasses import replace
from typing import Any

from flask import json, request

from producer_api.lookup import find_report
from producer_api.problems import FieldError, Problem
from producer_api.resources import ReportRequest
from waybill.domain import Report
from waybill.kinds import Kind
from waybill.ledger import Ledger

_MAX_PARAMETERS = 1000


def repeated_report(ledger: Ledger, wanted: ReportRequest) -> Report | None:
    """The report that is to be repeated; None where the request is for a new one. Raises `Problem` where the
    request has neither, where there is none that the client may read, or it is of another kind."""
    if wanted.rerun_of is None:
        if wanted.kind is None:
            raise _wrong("kind", "is needed, or rerun_of, the report that is repeated")
        return None
    try:
        earlier = find_report(ledger, str(wanted.rerun_of))
    except Problem as problem:
        error = FieldError(field="rerun_of", message=problem.detail)
        raise replace(problem, errors=[error]) from None
    if wanted.kind not in (None, earlier.kind):
        raise _wrong("kind", f"must be {earlier.kind}, that of the report, or be left out")
    return earlier


def as_before(earlier: Report, wanted: ReportRequest, kind: Kind, first_priority: int) -> ReportRequest:
    """The request with what it leaves out from `earlier`. Its parameters go over the earlier ones, and one
    that is null is left out. Raises `Problem` where they are too large together.

    What was allowed then may not be now: the time limit is at most the kind's, the priority at least
    `first_priority`.
    """
    given = {name: getattr(wanted, name) for name in wanted.model_fields_set}
    seconds = earlier.timeout.total_seconds() if earlier.timeout else None
    before: dict[str, Any] = {
        "kind": earlier.kind,
        "outputs": list(earlier.outputs) if earlier.outputs else None,
        "tags": list(earlier.tags or ()),
        "priority": max(earlier.priority, first_priority),
        "timeout_seconds": None if seconds is None else min(seconds, kind.timeout.total_seconds()),
    }
    removed = {name for name, value in wanted.parameters.items() if value is None}
    merged = {**earlier.parameters, **wanted.parameters}
    left = {name: value for name, value in merged.items() if name not in removed}
    _check_size(left)
    return wanted.model_copy(update={**before, **given, "kind": earlier.kind, "parameters": left})


def _check_size(parameters: dict[str, Any]) -> None:
    """As of a request that has all of them."""
    most = request.max_content_length
    is_large = most is not None and len(json.dumps(parameters)) > most
    if is_large or len(parameters) > _MAX_PARAMETERS:
        raise _wrong("parameters", "are more than a request may have, together with those of the report")


def _wrong(field: str, message: str) -> Problem:
    return Problem("wrong-request", f"{field}: {message}.", [FieldError(field=field, message=message)])
