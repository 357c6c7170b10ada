"""Answers every error as `application/problem+json` (RFC 9457), with the id of its trace."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apiflask import APIFlask, HTTPError
from flask import Response, current_app, json, request
from gunicorn.http.errors import ParseException
from opentelemetry import trace
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from producer_api.error_messages import pydantic_messages
from producer_api.permissions import Permission, requires
from waybill.artefacts import ArtefactMissing
from waybill.domain import Level, LimitName, Reached
from waybill.errors import RetryableError
from waybill.ledger import LimitReached
from waybill.telemetry import count_refused, kept_trace_id, record_error, refusal_span

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """What is wrong with one field of the request."""

    field: str = Field(description="Its path, as parameters.month.")
    message: str


def field_errors(error: ValidationError, *above: str, given: Any = None) -> list[FieldError]:
    """`above`: the path of what was read. `given`: that itself, if it is at hand."""
    return [
        FieldError(field=".".join(map(str, (*above, *path))), message=message)
        for path, message in pydantic_messages(error, given)
    ]


class ProblemModel(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="A stable address that names the sort of problem and explains it.")
    title: str
    status: int
    detail: str
    trace_id: str | None = None
    report_id: str | None = None
    page: str | None = Field(default=None, description="The report, for people in a browser.")
    errors: list[FieldError] | None = None
    limit: LimitName | None = Field(default=None, description="The limit that leaves no room.")
    level: Level | None = Field(default=None, description="Whose limit it is: your own, or your tenant's.")
    max: int | None = Field(default=None, description="What that limit is.")


def schema() -> dict[str, Any]:
    """The JSON Schema of problem details, without references, for the OpenAPI description."""
    json_schema = ProblemModel.model_json_schema()
    definitions = json_schema.pop("$defs")
    properties = json_schema["properties"]
    properties["errors"]["anyOf"][0]["items"] = definitions["FieldError"]
    for name, definition in (("limit", "LimitName"), ("level", "Level")):
        properties[name]["anyOf"][0] = definitions[definition]
    return json_schema


TYPES: Mapping[str, tuple[int, str]] = {
    "malformed-request": (400, "The request is not well-formed HTTP"),
    "malformed-body": (400, "The body is not JSON"),
    "sign-in-failed": (400, "You are not signed in"),
    "unauthenticated": (401, "This needs a credential that is valid"),
    "not-allowed": (403, "The credential does not give the right to this"),
    "cross-site": (403, "Another site's page must not do this"),
    "not-found": (404, "There is nothing at this address"),
    "no-such-key": (404, "There is no such key"),
    "no-such-limits": (404, "There are no such limits"),
    "no-such-kind": (404, "There is no such kind of report"),
    "no-such-artefact": (404, "The report has no such artefact"),
    "no-such-operation": (404, "There is no such operation"),
    "no-such-parameters": (404, "There is no such set of parameters"),
    "no-such-report": (404, "There is no such report"),
    "method-not-allowed": (405, "This address does not take this method"),
    "request-timeout": (408, "The request was too slow"),
    "request-in-flight": (409, "The same request is under way"),
    "too-many-match": (409, "More reports match than were expected"),
    "not-ended": (409, "The report has not ended"),
    "already-ended": (409, "The report has ended"),
    "not-redrivable": (409, "This cannot be tried again"),
    "artefact-not-ready": (409, "The artefact is not ready"),
    "no-artefact": (404, "The report has no artefact"),
    "precondition-failed": (412, "The file is not the one that was meant"),
    "body-too-large": (413, "The body is too large"),
    "address-too-long": (414, "The address is too long"),
    "wrong-media-type": (415, "The body must be application/json"),
    "wrong-encoding": (415, "The body must not be compressed"),
    "range-not-satisfiable": (416, "The file has no such range"),
    "expectation-failed": (417, "The expectation cannot be met"),
    "unknown-host": (421, "This is not a name of this service"),
    "key-reused": (422, "The Idempotency-Key was used for another request"),
    "wrong-request": (422, "The request is wrong"),
    "unknown-kind": (422, "There is no such kind of report"),
    "unavailable-kind": (422, "This kind of report cannot be used here"),
    "over-limit": (429, "A limit has been reached"),
    "header-too-large": (431, "The header is too large"),
    "internal-error": (500, "Something went wrong here"),
    "unsupported-transfer-coding": (501, "This transfer coding is not supported"),
    "unavailable": (503, "The service is temporarily unavailable"),
    "unsupported-http-version": (505, "This version of HTTP is not supported"),
}
"""Every type of problem: its HTTP status and title."""

_BY_STATUS = {400: "malformed-body", 404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}
_BY_STATUS |= {415: "wrong-media-type", 422: "wrong-request", 503: "unavailable"}


@dataclass
class Problem(Exception):  # noqa: N818 - the name is RFC 9457's
    """Raised by a route, and answered as problem details. `kind` is a key of `TYPES`."""

    kind: str
    detail: str
    errors: list[FieldError] | None = None
    report_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    reached: Reached | None = None

    @property
    def status(self) -> int:
        return TYPES[self.kind][0]

    def model(self, trace_id: str | None, *, root: str = "", status: int | None = None) -> ProblemModel:
        """`root`: the path before every address of this service."""
        return ProblemModel(
            type=f"{root}/problems/{self.kind}",
            title=TYPES[self.kind][1],
            status=status or self.status,
            detail=self.detail,
            trace_id=trace_id,
            report_id=self.report_id,
            page=f"{root}/reports/{self.report_id}" if self.report_id else None,
            errors=self.errors,
            limit=self.reached and self.reached.name,
            level=self.reached and self.reached.level,
            max=self.reached and self.reached.max,
        )

    def response(self, status: int | None = None) -> Response:
        """The answer to the current request."""
        model = self.model(_trace_id(), root=request.script_root, status=status)
        body = json.dumps(model.model_dump(exclude_none=True))
        return Response(body, model.status, dict(self.headers), mimetype=MEDIA_TYPE)


def register(app: APIFlask) -> None:
    """Answers every error of `app` as a problem."""
    # First: it registers a handler for HTTPException, which ours below replaces.
    app.error_processor(_validation_error)
    app.register_error_handler(Problem, lambda problem: problem.response())
    app.register_error_handler(RetryableError, _unavailable)
    app.register_error_handler(LimitReached, _over_limit)
    app.register_error_handler(ArtefactMissing, _removed)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(ParseException, _not_http)
    app.register_error_handler(Exception, _unexpected)

    @app.get("/problems/<kind>")
    @app.doc(hide=True)
    @requires(Permission.NONE)
    def explain(kind: str) -> Any:
        """What the `type` of a problem means."""
        if kind not in TYPES:
            raise Problem("not-found", f"There is no problem type {kind}.")
        status, title = TYPES[kind]
        return {"type": f"{request.script_root}/problems/{kind}", "status": status, "title": title}


def _validation_error(error: HTTPError) -> Response:
    """What APIFlask could not read, of a body or a query, by a model."""
    kind = _BY_STATUS.get(error.status_code, "wrong-request")
    cause = error.__cause__
    errors = field_errors(cause) if isinstance(cause, ValidationError) else []
    detail = "; ".join(f"{item.field}: {item.message}" for item in errors) or str(error.message)
    return Problem(kind, detail, errors or None).response(error.status_code)


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    kind = _BY_STATUS.get(status, "internal-error" if status >= 500 else "wrong-request")
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return Problem(kind, _in_plain_words(error), headers=headers).response(status)


def _in_plain_words(error: HTTPException) -> str:
    """What the router says of an address is meant for those who write one by hand."""
    if isinstance(error, MethodNotAllowed):
        methods = ", ".join(sorted(error.valid_methods or ()))
        return f"This address does not take {request.method}, only {methods}."
    if isinstance(error, NotFound) and error.description == NotFound.description:
        return "Check that the address is complete, and spelt as it was given."
    return error.description or error.name


def _unavailable(error: RetryableError) -> Response:
    return Problem("unavailable", str(error), headers={"Retry-After": "2"}).response()


def _over_limit(error: LimitReached) -> Response:
    reached = error.reached
    count_refused(reached.name)
    seconds = max(1, math.ceil(reached.retry_after))
    return Problem(
        "over-limit", str(error), headers={"Retry-After": str(seconds)}, reached=reached
    ).response()


def _removed(error: ArtefactMissing) -> Response:
    return Problem("no-artefact", str(error)).response()


def _too_deep(_: RecursionError) -> Response:
    return Problem("malformed-body", "The body's JSON is nested too deeply.").response()


def _not_http(error: ParseException) -> Response:
    """gunicorn answers malformed HTTP itself, except in a chunked body, which is read here."""
    return Problem("malformed-body", f"The body cannot be read: {error}").response()


def _unexpected(error: Exception) -> Response:
    current_app.logger.exception("request failed: unexpected error; answered 500", exc_info=error)
    record_error(trace.get_current_span(), error)
    return Problem("internal-error", "The error is in the service's log.").response()


def _trace_id() -> str | None:
    """The id of the current trace, if it is kept.

    A status stream is not traced: an error that it answers with gets a span of its own.
    """
    current = trace.get_current_span()
    if current.get_span_context().is_valid:
        return kept_trace_id(current)
    with refusal_span() as span:
        return kept_trace_id(span)
