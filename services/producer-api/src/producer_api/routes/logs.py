"""A report's logs: what its jobs have printed and logged."""

from collections.abc import Iterable

from apiflask import APIBlueprint
from flask import Response, request

from producer_api.access import Permission, requires
from producer_api.description import problem_responses
from producer_api.examples import LOG
from producer_api.log_resources import LogPage, LogQuery, log_position, log_record_resource
from producer_api.lookup import find_report
from producer_api.resources import BASE
from waybill.domain import LogRecord
from waybill.ledger import Ledger, ReportLogs
from waybill.logs import escaped
from waybill.store import WantedLog

_JSON, _TEXT = "application/json", "text/plain"
_INDENT = "\n    "


def blueprint(ledger: Ledger, report_logs: ReportLogs) -> APIBlueprint:
    routes = APIBlueprint("logs", __name__, tag="Reports")

    @routes.get(f"{BASE}/<report_id>/logs")
    @routes.input(LogQuery, location="query", arg_name="query")
    @routes.output(LogPage)
    @routes.doc(
        responses={
            200: {
                "description": "Successful response",
                "content": {
                    _JSON: {"schema": {"$ref": "#/components/schemas/LogPage"}},
                    _TEXT: {"schema": {"type": "string"}, "example": LOG},
                },
            },
            **problem_responses("no-such-report", "wrong-request"),
        }
    )
    @requires(Permission.READ)
    def logs(report_id: str, query: LogQuery) -> LogPage | Response:
        """What the report's jobs have printed and logged, in the order in which it came.

        As JSON; or as text, by `format=text` or by `Accept: text/plain`. It is there within a second or two.
        Of very much, the first and the last lines are kept; a record with `dropped` stands for the others.
        """
        report = find_report(ledger, report_id)
        wanted = WantedLog(report.id, log_position(query.after), query.attempt)
        found, more = report_logs.page(wanted, query.step, query.limit)
        following = str(found[-1].position) if more else None
        if _wants_text(query):
            return _text(found, following)
        return LogPage(
            records=[log_record_resource(record) for record in found],
            next=following,
            dropped=sum(record.dropped for record in found),
        )

    return routes


def _wants_text(query: LogQuery) -> bool:
    if query.format is not None:
        return query.format == "text"
    return request.accept_mimetypes.best_match([_JSON, _TEXT], default=_JSON) == _TEXT


def _text(records: Iterable[LogRecord], following: str | None) -> Response:
    """A terminal obeys none of it, and what continues a record is indented."""
    lines = (f"{_line(record)}\n" for record in records)
    headers = {"X-Content-Type-Options": "nosniff", "Vary": "Accept"}
    if following is not None:
        headers["Waybill-Next"] = following
    return Response("".join(lines), content_type=f"{_TEXT}; charset=utf-8", headers=headers)


def _line(record: LogRecord) -> str:
    place = escaped(record.step, may_have_lines=False) if record.step else "-"
    source = f"{record.level} {record.logger}" if record.level else record.stream or "-"
    text = escaped(record.text, may_have_lines=True).replace("\n", _INDENT)
    return f"{record.at} {record.position} [{place}] {escaped(source, may_have_lines=False)}: {text}"
