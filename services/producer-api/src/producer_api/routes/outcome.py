"""What becomes of a report: its events while it runs, and the file it produces."""

from collections.abc import Iterable
from urllib.parse import quote

from apiflask import APIBlueprint
from flask import Response, request

from producer_api.lookup import find_report
from producer_api.problems import Problem
from producer_api.resources import BASE
from producer_api.services import Services
from producer_api.stream import EventStream, retry_after
from waybill.domain import TERMINAL, Report
from waybill.store import StoreUnavailable

_ARTEFACT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""A report is a page of somebody's data: it runs no script and fetches nothing."""


def blueprint(services: Services) -> APIBlueprint:
    routes = APIBlueprint("outcome", __name__, tag="Reports")

    @routes.get(f"{BASE}/<report_id>/artefact")
    def artefact(report_id: str) -> Response:
        """The file that the report produced."""
        report = find_report(services, report_id)
        if report.artefact is None:
            raise _no_artefact(report)
        response = Response(
            services.artefacts.open(report.artefact),
            content_type=report.artefact.media_type,
            headers={
                "Content-Length": str(report.artefact.size),
                "ETag": f'"{report.artefact.sha256}"',
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": _ARTEFACT_POLICY,
            },
        )
        response.headers.set("Content-Disposition", "inline", **_named(report.artefact.filename))
        return response

    @routes.get(f"{BASE}/<report_id>/events")
    def events(report_id: str) -> Response:
        """The report's status and steps as server-sent events, from `Last-Event-ID` on.

        The stream ends after a terminal status; 204 says that there is nothing after it. While the database
        is away, or this process has all the streams that it can have, it ends at once, and says when to come
        back.
        """
        last_seen = _last_seen()
        try:
            report = find_report(services, report_id)
        except StoreUnavailable:  # at a 503 a browser gives up; at the end of a stream it comes back
            return _event_stream([retry_after(services.stream)])
        if report.status in TERMINAL and last_seen >= report.version:
            return Response(status=204)
        if services.hub.streams >= services.stream.most:
            return _event_stream([retry_after(services.stream)])
        stream = EventStream(
            report.id,
            min(last_seen, report.version),  # whoever claims to have seen more would wait for it for ever
            services.hub,
            services.ledger.events_after,
            services.stream,
        )
        return _event_stream(stream)

    return routes


def _event_stream(lines: Iterable[str]) -> Response:
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Response(iter(lines), mimetype="text/event-stream", headers=headers)


def _last_seen() -> int:
    """The version in `Last-Event-ID`, or, for clients that cannot set headers, in the query."""
    given = request.headers.get("Last-Event-ID") or request.args.get("last_event_id") or "0"
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Problem("wrong-request", "Last-Event-ID must be the id of an event: a whole number.")
    return int(given)


def _named(filename: str) -> dict[str, str]:
    """As RFC 6266 has it: a header is ASCII."""
    return {"filename": filename} if filename.isascii() else {"filename*": f"UTF-8''{quote(filename)}"}


def _no_artefact(report: Report) -> Problem:
    if report.status in TERMINAL:
        return Problem(
            "no-artefact", f"The report ended as {report.status} without a file.", report_id=str(report.id)
        )
    return Problem(
        "artefact-not-ready",
        f"The report is at {report.status}; follow {BASE}/{report.id}/events.",
        report_id=str(report.id),
        headers={"Retry-After": "2"},
    )
