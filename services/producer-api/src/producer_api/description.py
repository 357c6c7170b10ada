"""The OpenAPI description: what the routes do not say of themselves, which is mostly how they refuse."""

from collections.abc import Mapping
from typing import Any

from apiflask import APIFlask

from producer_api import problems
from producer_api.resources import BASE

_REPORT = f"{BASE}/{{report_id}}"

_REFUSALS: Mapping[tuple[str, str], tuple[int, ...]] = {
    ("post", BASE): (400, 409, 413, 415, 422),
    ("get", _REPORT): (404,),
    ("get", f"{_REPORT}/events"): (404, 422),
    ("get", f"{_REPORT}/artefact"): (404, 409),
    ("post", f"{_REPORT}:cancel"): (404, 409, 413, 415),
    ("post", f"{_REPORT}:retry"): (404, 409, 413, 415),
    ("post", "/api/v1/dead-letters:redrive"): (400, 413, 415, 422),
}
"""By operation: the problems that it answers with, besides those of every operation."""

_ALWAYS = (500, 503)

_HEADERS: Mapping[tuple[str, str], tuple[tuple[str, str, dict[str, Any]], ...]] = {
    ("post", BASE): (
        (
            "Idempotency-Key",
            "The client's name for this request: the same one again gets the same report. Kept for a day.",
            {"type": "string", "pattern": r'^("[ !#-\[\]-~]{1,255}"|[!#-\[\]-~]{1,255})$'},
        ),
    ),
    ("get", f"{_REPORT}/events"): (
        (
            "Last-Event-ID",
            "The id of the last event that was seen: the stream goes on after it.",
            {"type": "string", "pattern": "^[0-9]{1,9}$"},
        ),
    ),
}
"""By operation: the headers that it reads, each with its description and schema."""

_BODIES: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("get", f"{_REPORT}/events"): {"text/event-stream": {"schema": {"type": "string"}}},
    ("get", f"{_REPORT}/artefact"): {"*/*": {"schema": {"type": "string", "format": "binary"}}},
}
"""By operation: what it answers with 200, where that is not JSON."""

_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def register(app: APIFlask) -> None:
    """Completes the description of `app`, after whatever else works on it."""
    before = app.spec_callback

    @app.spec_processor
    def complete(spec: dict[str, Any] | str) -> dict[str, Any] | str:
        spec = before(spec) if before else spec
        return spec if isinstance(spec, str) else _completed(spec)


def _completed(spec: dict[str, Any]) -> dict[str, Any]:
    spec["components"]["schemas"]["Problem"] = problems.schema()
    spec["components"]["schemas"].pop("ValidationError", None)
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            _complete(operation, (method, path))
    return spec


def _complete(operation: dict[str, Any], which: tuple[str, str]) -> None:
    answers = operation["responses"]
    for status in {*_REFUSALS.get(which, ()), *_ALWAYS, *_documented_refusals(answers)}:
        answers[str(status)] = {
            "description": _titles(status),
            "content": {problems.MEDIA_TYPE: {"schema": _PROBLEM}},
        }
    if which in _BODIES:
        answers["200"]["content"] = dict(_BODIES[which])
    if which == ("get", f"{_REPORT}/events"):
        answers["204"] = {"description": "The report has ended, and every event was seen."}
    operation["responses"] = dict(sorted(answers.items()))
    for name, description, schema in _HEADERS.get(which, ()):
        operation.setdefault("parameters", []).append(
            {"name": name, "in": "header", "description": description, "schema": schema}
        )


def _documented_refusals(answers: Mapping[str, Any]) -> list[int]:
    return [int(status) for status in answers if status >= "400"]


def _titles(status: int) -> str:
    """Every sort of problem with this status."""
    return "; ".join(title for number, title in problems.TYPES.values() if number == status)
