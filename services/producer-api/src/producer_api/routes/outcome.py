"""A report's events and its artefact."""

from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import quote

from apiflask import APIBlueprint
from apiflask.schemas import FileSchema
from flask import Response, request

from producer_api.access import Permission, current_identity, requires
from producer_api.addressing import path_of
from producer_api.description import RequestHeader, problem_responses, request_headers
from producer_api.lookup import find_report
from producer_api.places import Places, no_place
from producer_api.policies import StreamPolicy
from producer_api.problems import Problem
from producer_api.resources import BASE
from producer_api.serving import is_gone
from producer_api.status_hub import StatusHub
from producer_api.stream import EventStream, retry_after
from producer_api.stream_limits import StreamLimits
from waybill.artefacts import ArtefactStore
from waybill.domain import TERMINAL, Report, StoredArtefact
from waybill.ledger import Ledger
from waybill.store import StoreUnavailable

_ARTEFACT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""An artefact may hold untrusted data: as a page it runs no script and loads nothing."""

_LAST_EVENT_ID = RequestHeader(
    "Last-Event-ID",
    "The id of the last event that was seen: the stream goes on after it.",
    "^[0-9]{1,9}$",
)


def blueprint(
    ledger: Ledger,
    artefacts: ArtefactStore,
    hub: StatusHub,
    places: Places,
    limits: StreamLimits,
    policy: StreamPolicy,
) -> APIBlueprint:
    routes = APIBlueprint("outcome", __name__, tag="Reports")

    @routes.get(f"{BASE}/<report_id>/artefact")
    @routes.output(FileSchema(type="string", format="binary"), content_type="*/*")
    @routes.doc(responses=problem_responses("no-such-report", "no-artefact", "artefact-not-ready"))
    @requires(Permission.READ)
    def artefact(report_id: str) -> Response:
        """The file that the report produced, or the first of several.

        503 while this process writes as many long answers as it can.
        """
        report = find_report(ledger, report_id)
        if report.artefact is None:
            raise no_artefact(report)
        return artefact_response(report, report.artefact, ledger, artefacts, places)

    @routes.get(f"{BASE}/<report_id>/events")
    @routes.doc(
        responses={
            200: {
                "description": "Successful response",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            204: "The report has ended, and every event was seen.",
            **problem_responses("no-such-report", "wrong-request", "over-limit"),
        },
        extensions=request_headers(_LAST_EVENT_ID),
    )
    @requires(Permission.READ)
    def events(report_id: str) -> Response:
        """The report's status and steps as server-sent events, from `Last-Event-ID` on.

        The stream ends after a terminal status; 204 says that there is nothing after it. While the database
        is away, or this process has all the streams that it can have, it ends at once, and says when to come
        back. 429 where the client, or its tenant, has as many as it may.
        """
        last_seen = _last_seen()
        try:
            report = find_report(ledger, report_id)
            if report.status in TERMINAL and last_seen >= report.version:
                return Response(status=204)
            end = limits.open(current_identity().owner)
        except StoreUnavailable:  # a browser reconnects after the end of a stream, not after a 503
            return _event_stream([retry_after(policy)])
        if not places.take():
            end()
            return _event_stream([retry_after(policy)])
        stream = EventStream(
            report,
            min(last_seen, report.version),  # after a higher version, the stream would skip events
            hub,
            ledger.events_after,
            policy,
            _client_is_gone(),
            current_identity().is_valid,
        )
        response = _event_stream(stream)
        response.call_on_close(places.release)
        response.call_on_close(end)
        return response

    return routes


def artefact_response(
    report: Report, artefact: StoredArtefact, ledger: Ledger, artefacts: ArtefactStore, places: Places
) -> Response:
    """One of the report's artefacts, for the current request."""
    if not places.take():
        raise no_place()
    try:
        content = artefacts.open(artefact)
        actor = current_identity().actor
        if actor and request.method == "GET":
            ledger.note_download(report, actor)
    except BaseException:
        places.release()
        raise
    response = Response(
        content,
        content_type=artefact.media_type,
        headers={
            "Content-Length": str(artefact.size),
            "ETag": f'"{artefact.sha256}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": _ARTEFACT_POLICY,
        },
    )
    response.call_on_close(places.release)
    response.headers.set("Content-Disposition", "inline", **_filename_parameter(artefact.filename))
    return response


def _event_stream(lines: Iterable[str]) -> Response:
    headers = {"Cache-Control": "private, no-cache", "X-Accel-Buffering": "no"}
    return Response(iter(lines), mimetype="text/event-stream", headers=headers)


def _client_is_gone() -> Callable[[], bool]:
    """Whether the current request's client has closed the connection."""
    connection = request.environ.get("gunicorn.socket")
    return partial(is_gone, connection) if connection is not None else lambda: False


def _last_seen() -> int:
    """The version in `Last-Event-ID`, or in the query for clients that cannot set headers."""
    value = request.headers.get(_LAST_EVENT_ID.name) or request.args.get("last_event_id") or "0"
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Problem(
            "wrong-request", "Last-Event-ID: must be the id of an event, a whole number of at most 9 digits."
        )
    return int(value)


def _filename_parameter(filename: str) -> dict[str, str]:
    """The parameter of Content-Disposition, in the form of RFC 6266 if the name is not ASCII."""
    return {"filename": filename} if filename.isascii() else {"filename*": f"UTF-8''{quote(filename)}"}


def no_artefact(report: Report) -> Problem:
    """There is none, or there is none yet."""
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
