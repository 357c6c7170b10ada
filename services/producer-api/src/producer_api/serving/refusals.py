"""Answers what is no request for the application: too slow, too large, or not HTTP. As a problem, too; as a
page where a browser has sent it for one."""

import re
from html import escape
from http import HTTPStatus

from gunicorn.http import errors as http

from producer_api.pages import FOR_CLIENTS
from producer_api.problems import MEDIA_TYPE, Problem
from producer_api.serving.errors import ArrivalError
from waybill.bare_http import bare_response
from waybill.telemetry import kept_trace_id, refusal_span

_KINDS: tuple[tuple[type[Exception], str, str], ...] = (
    (http.LimitRequestLine, "address-too-long", "The request line must have at most 8190 bytes."),
    (
        http.LimitRequestHeaders,
        "header-too-large",
        "A header field must have at most 8190 bytes, and a request at most 100 fields.",
    ),
    (http.InvalidHTTPVersion, "unsupported-http-version", "The request must be HTTP/1.0 or HTTP/1.1."),
    (
        http.UnsupportedTransferCoding,
        "unsupported-transfer-coding",
        "Transfer-Encoding: must be chunked, or be left out.",
    ),
    (http.ExpectationFailed, "expectation-failed", "Expect: must be 100-continue, or be left out."),
    (http.InvalidRequestMethod, "malformed-request", "The request's method is malformed."),
    (http.InvalidRequestLine, "malformed-request", "The request line is malformed."),
    (http.InvalidHeaderName, "malformed-request", "The name of a header field is malformed."),
    (http.ObsoleteFolding, "malformed-request", "A header field must not be folded over lines."),
    (http.InvalidHeader, "malformed-request", "A header field is malformed, or stands more than once."),
    (http.ParseException, "malformed-request", "The request is not HTTP."),
)
"""The first that fits; fixed sentences, since the request may hold a secret."""

_ADDRESS = re.compile(rb"(?:GET|POST) ([^ ?]*)")
_WANTS_PAGE = re.compile(rb"^accept:[^\r\n]*\btext/html\b", re.IGNORECASE | re.MULTILINE)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title} · Waybill</title></head>
<body><main><h1>{title}</h1><p>{detail}{advice}</p>
<p><a href="{prefix}/">Overview</a></p></main></body></html>
"""
_TOO_LONG = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_URI_TOO_LONG)
_ADVICE = " Go back, and shorten it: what you have typed is still there."
BEGINNING = 16 * 1024
"""Bytes of a request in which its client says what it wants, as a rule."""

HTTPS_ALONE = Problem("malformed-request", "This address answers by HTTPS alone: call it as https://…")
"""What is answered to a request without TLS, where there is a certificate."""


def refusal(error: Exception) -> Problem:
    """What is answered for `error`; `internal-error` where it is none of the client's."""
    if isinstance(error, ArrivalError):
        return Problem(error.kind, str(error))
    for of_gunicorn, kind, detail in _KINDS:
        if isinstance(error, of_gunicorn):
            return Problem(kind, detail)
    return Problem("internal-error", "The error is in the service's log.")


def is_for_page(beginning: bytes) -> bool:
    """Whether a request that begins so is of a browser that shows the answer."""
    line, _, fields = beginning.partition(b"\r\n\r\n")[0].partition(b"\r\n")
    found = _ADDRESS.match(line)
    if found is None or any(part.encode() in found[1] for part in FOR_CLIENTS):
        return False
    return _WANTS_PAGE.search(fields) is not None


def response(problem: Problem, prefix: str, *, as_page: bool = False) -> bytes:
    """The whole HTTP response; the connection ends with it. `prefix`: the path before every address."""
    with refusal_span() as span:
        model = problem.model(kept_trace_id(span), root=prefix)
    status = HTTPStatus(model.status)
    if as_page:
        text = _PAGE.format(
            title=escape(model.title),
            detail=escape(model.detail),
            advice=_ADVICE if status in _TOO_LONG else "",
            prefix=escape(prefix),
        )
        return bare_response(status, "text/html; charset=utf-8", text.encode())
    return bare_response(status, MEDIA_TYPE, model.model_dump_json(exclude_none=True).encode())
