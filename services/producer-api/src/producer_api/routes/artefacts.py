"""A report's artefact."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from producer_api.access import Permission, requires
from producer_api.addressing import path_of
from producer_api.description import RequestHeader, problem_responses, request_headers
from producer_api.downloads import Downloads, artefact_response
from producer_api.lookup import find_report
from producer_api.problems import Problem
from producer_api.resources import BASE, DownloadQuery
from waybill.domain import TERMINAL, Report

_TAGS = r'^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$'
_DATE = "^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$"

CONDITIONS = (
    RequestHeader("Range", "Bytes of the file. Several ranges are answered with the whole.", "^bytes=.+$"),
    RequestHeader("If-Range", "The tag or date of the file that the range is of.", r"^[ -~]+$"),
    RequestHeader("If-Match", "The file must have one of these tags.", _TAGS),
    RequestHeader("If-None-Match", "The file must have none of these tags.", _TAGS),
    RequestHeader("If-Modified-Since", "Or 304.", _DATE),
    RequestHeader("If-Unmodified-Since", "Or 412.", _DATE),
)
"""Of each route that answers with a file."""

FILE_PROBLEMS = (
    *("no-such-report", "no-artefact", "artefact-not-ready"),
    *("wrong-request", "precondition-failed", "range-not-satisfiable"),
)


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


_KNOWN = {
    "ETag": _header("The SHA-256 of the file, in quotes."),
    "Cache-Control": _header("What caches may do with it."),
}
_HEADERS = {
    **_KNOWN,
    "Last-Modified": _header("When its report ended."),
    "Accept-Ranges": _header("`bytes`."),
    "Content-Disposition": _header("`inline` or `attachment`, with the file's name."),
    "Content-Security-Policy": _header("As a page it runs no script and loads nothing."),
    "X-Content-Type-Options": _header("`nosniff`."),
}
_FILE = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
FILE_RESPONSES: dict[int | str, Any] = {
    200: {"description": "The file.", "headers": _HEADERS, "content": _FILE},
    206: {
        "description": "A range of the file.",
        "headers": {**_HEADERS, "Content-Range": _header("Which bytes, and of how many.")},
        "content": _FILE,
    },
    304: {"description": "The client has this file.", "headers": _KNOWN},
    307: {
        "description": "The file is at another address, which holds for a short time and for anyone.",
        "headers": {
            "Location": _header("A signed address of the object store. Send it no credential."),
            "Cache-Control": _header("`no-store`."),
            "Referrer-Policy": _header("`no-referrer`."),
        },
    },
    **problem_responses(*FILE_PROBLEMS),
}
FILE_RESPONSES[416]["headers"] = {"Content-Range": _header("`bytes */`, and how many bytes it has.")}
"""Of each route that answers with a file, for `@routes.doc(responses=…)`."""


def blueprint(downloads: Downloads) -> APIBlueprint:
    routes = APIBlueprint("artefacts", __name__, tag="Reports")

    @routes.get(f"{BASE}/<report_id>/artefact")
    @routes.input(DownloadQuery, location="query", arg_name="query")
    @routes.doc(responses=FILE_RESPONSES, extensions=request_headers(*CONDITIONS))
    @requires(Permission.READ)
    def artefact(report_id: str, query: DownloadQuery) -> Response:
        """The file that the report produced, or the address of the object store where it is.

        HEAD answers with the same headers. 503 while this process writes as many long answers as it can, and
        while the store does not answer.
        """
        report = find_report(downloads.ledger, report_id)
        if report.artefact is None:
            raise no_artefact(report)
        return artefact_response(downloads, report, report.artefact, query.shown)

    return routes


def no_artefact(report: Report) -> Problem:
    """Why there is none, or not yet."""
    if report.status in TERMINAL:
        return Problem(
            "no-artefact",
            f"The report ended with status {report.status} and has no artefact.",
            report_id=str(report.id),
        )
    events = path_of(f"{BASE}/{report.id}/events")
    return Problem(
        "artefact-not-ready",
        f"The report has status {report.status}; follow {events} until it is done.",
        report_id=str(report.id),
        headers={"Retry-After": "2"},
    )
