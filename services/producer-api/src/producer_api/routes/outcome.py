"""What becomes of a report, live: its events."""

from collections.abc import Callable, Iterable
from functools import partial

from apiflask import APIBlueprint
from flask import Response, request

from producer_api.access import Permission, current_identity, requires
from producer_api.description import RequestHeader, problem_responses, request_headers
from producer_api.examples import EVENT
from producer_api.log_hub import LogHub
from producer_api.log_resources import StreamQuery, log_position
from producer_api.lookup import find_report
from producer_api.places import Places
from producer_api.policies import StreamPolicy
from producer_api.problems import Problem
from producer_api.resources import BASE
from producer_api.serving import is_gone
from producer_api.status_hub import StatusHub
from producer_api.stream import EventStream, retry_after
from producer_api.stream_limits import StreamLimits
from waybill.domain import TERMINAL
from waybill.ledger import Ledger, ReportLogs
from waybill.store import StoreUnavailable

_LAST_EVENT_ID = RequestHeader(
    "Last-Event-ID",
    "The id of the last event that was seen: the stream goes on after it.",
    "^[0-9]{1,9}$",
)


def blueprint(
    ledger: Ledger,
    hub: StatusHub,
    places: Places,
    limits: StreamLimits,
    policy: StreamPolicy,
    report_logs: ReportLogs,
    log_hub: LogHub,
) -> APIBlueprint:
    routes = APIBlueprint("outcome", __name__, tag="Reports")

    @routes.get(f"{BASE}/<report_id>/events")
    @routes.input(StreamQuery, location="query", arg_name="query")
    @routes.doc(
        responses={
            200: {
                "description": "Successful response",
                "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EVENT}},
            },
            204: "The report has ended, and every event was seen.",
            **problem_responses("no-such-report", "wrong-request", "over-limit"),
        },
        extensions=request_headers(_LAST_EVENT_ID),
    )
    @requires(Permission.READ)
    def events(report_id: str, query: StreamQuery) -> Response:
        """The report's status and steps as server-sent events, from `Last-Event-ID` on.

        With `logs=true` also what its jobs print and log, as events `log` without an id.

        The stream ends after a terminal status; 204 says that there is nothing after it. While the database
        is away, or this process has all the streams that it can have, it ends at once, and says when to come
        back. 429 where the client, or its tenant, has as many as it may.
        """
        last_seen, after = _last_seen(), log_position(query.logs_after)
        try:
            report = find_report(ledger, report_id)
            is_seen = report.status in TERMINAL and last_seen >= report.version
            if is_seen and not (query.logs and report_logs.has_more(report.id, after)):
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
            partial(log_hub.subscribe, report.id, after) if query.logs else None,
        )
        response = _event_stream(stream)
        response.call_on_close(places.release)
        response.call_on_close(end)
        return response

    return routes


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
