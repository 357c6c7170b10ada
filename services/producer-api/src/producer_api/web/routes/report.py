"""One report: what became of it, its files and logs, and what can be done with it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response, request, url_for

from producer_api.access import Permission, permitted_scope, requires
from producer_api.changing import cancel_report, retry_report
from producer_api.downloads import Downloads, artefact_response, note_download
from producer_api.log_resources import log_record_resource
from producer_api.lookup import find_report
from producer_api.policies import DownloadPolicy
from producer_api.problems import Problem
from producer_api.requesting import accept_request
from producer_api.resources import ReportRequest, report_resource
from producer_api.routes.artefact_files import named_artefact
from producer_api.services import Services
from producer_api.web.asking import ask, is_confirmed
from producer_api.web.forms import sent_form
from producer_api.web.previews import Look, Preview, look_of, preview_of
from producer_api.web.rendering import may, page, see_other
from producer_api.web.report_history import RUNNING, History, ShownStep, history_of
from producer_api.web.report_words import MARKS, Wait, in_short, kind_title, silent_of, value_text, wait_of
from producer_api.web.shell_commands import as_curl, as_waybill
from waybill.artefacts import ArtefactMissing, ArtefactStoreUnavailable
from waybill.domain import TERMINAL, Report, Status, StepStatus
from waybill.errors import WaybillError
from waybill.file_headers import Disposition
from waybill.ledger import WaitingNow
from waybill.logs import escaped
from waybill.store import AuditFilter

_MOST_CHANGES: Final = 1000
_MOST_SHOWN: Final = 200
"""Of changes in their table, and of steps."""
_MOST_LINES: Final = 500
_LAST_LINES: Final = timedelta(seconds=4)
"""After a report's end, the last lines of its logs may come for this time."""
_MOST_AUDITED: Final = 50
_WHILE_IT_RUNS: Final = ("steps", "waterfall", "files", "logs", "history")
_NOT_DONE: Final = ("waterfall", "steps", "logs", "files", "history")
_PARTS: Final = {
    Status.INIT: _WHILE_IT_RUNS,
    Status.PROCESSING: _WHILE_IT_RUNS,
    Status.DONE: ("files", "waterfall", "steps", "logs", "history"),
    Status.FAIL: _NOT_DONE,
    Status.CANCELLED: _NOT_DONE,
}
"""Of the page, what is looked for first comes first."""
_OPENED: Final = (Look.PAGE, Look.PDF, Look.IMAGE)
"""Files that a browser shows as they are, in a page of their own too."""
_STREAMS: Final = ("stdout", "stderr", "log")
_PDF_POLICY: Final = (
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
)
"""A browser's viewer of PDF does not work in a sandbox; it keeps what a file may do to itself."""


def register(routes: APIBlueprint, services: Services) -> None:
    policy = DownloadPolicy(redirect=False)
    downloads = Downloads(services.ledger, services.artefacts, services.places, policy)

    @routes.get("/reports/<report_id>")
    @requires(Permission.READ)
    def report(report_id: str) -> Response:
        found = find_report(services.ledger, report_id)
        return page("report.html", **_content(services, found))

    @routes.get("/reports/<report_id>/files/<filename>")
    @requires(Permission.READ)
    def report_file(report_id: str, filename: str) -> Response:
        """For the page's own frames and images, which load nothing of another address, and alone: so it comes
        from here, wherever it is kept."""
        found = find_report(services.ledger, report_id)
        artefact = named_artefact(found, filename)
        response = artefact_response(downloads, found, artefact, Disposition.INLINE)
        if look_of(artefact.media_type) is Look.PDF and "Content-Security-Policy" in response.headers:
            response.headers["Content-Security-Policy"] = _PDF_POLICY
        return response

    @routes.post("/reports/<report_id>/cancel")
    @requires(Permission.CHANGE)
    def cancel(report_id: str) -> Response:
        if not is_confirmed(sent_form()):
            found = find_report(services.ledger, report_id, Permission.CHANGE)
            if found.status not in TERMINAL:
                return _ask_to_cancel(services, found)
        return _see(cancel_report(services.ledger, report_id))

    @routes.post("/reports/<report_id>/retry")
    @requires(Permission.CHANGE)
    def retry(report_id: str) -> Response:
        from_start = "from_start" in sent_form()
        return _see(retry_report(services.ledger, services.dead_letters, report_id, from_start=from_start))

    @routes.post("/reports/<report_id>/rerun")
    @requires(Permission.REQUEST)
    def rerun(report_id: str) -> Response:
        """The same once more, as another report."""
        sent_form()
        earlier = find_report(services.ledger, report_id)
        wanted = ReportRequest(rerun_of=earlier.id)
        return _see(accept_request(services.ledger, services.kinds, services.webhooks, wanted))


def _ask_to_cancel(services: Services, report: Report) -> Response:
    short = in_short(report.parameters)
    title = kind_title(services.kinds, report.kind) + (f" ({short})" if short else "")
    notes = [title, "If it waits it ends at once, if it runs within a few seconds."]
    leave = url_for(".report", report_id=report.id)
    return ask("Cancel this report?", notes, "Cancel it", leave, is_danger=True)


def _see(report: Report) -> Response:
    return see_other(url_for("web.report", report_id=report.id))


def _content(services: Services, report: Report) -> dict[str, Any]:
    """What the page shows, all of it bounded."""
    wait, silent = _wait(services, report), silent_of(report, services.ledger.silence(report))
    first = max(0, report.version - _MOST_CHANGES)
    history = history_of(services.ledger.events_after(report.id, first, _MOST_CHANGES))
    steps = _with_those_to_come(services, report, history)
    step, stream = request.args.get("step") or None, request.args.get("stream") or None
    lines, more = services.report_logs.newest(report.id, _MOST_LINES, step, stream)
    address = request.url_root.rstrip("/")
    preview, trouble = _preview(services, report)
    return {
        "report": report,
        "resource": report_resource(
            report, kind_paused=bool(wait and wait.paused_at), delivery=services.webhooks.state(report)
        ),
        "parts": _PARTS[report.status],
        "title": kind_title(services.kinds, report.kind),
        "kind_is_known": any(one.name == report.kind for one in services.kinds),
        "short": in_short(report.parameters),
        "mark": MARKS[report.status],
        "has_ended": report.status in TERMINAL,
        "logs_may_come": bool(report.finished_at and datetime.now(UTC) - report.finished_at < _LAST_LINES),
        "wait": wait,
        "silent": silent,
        "estimate": None if silent or (wait and wait.is_stuck) else services.estimates.of(report),
        "steps": _around_the_one_that_runs(steps),
        "steps_left_out": max(0, len(steps) - _MOST_SHOWN),
        "attempts": list(reversed(history.attempts))[:_MOST_SHOWN],
        "changes": list(reversed(history.changes))[:_MOST_SHOWN],
        "changes_left_out": history.left_out + max(0, len(history.changes) - _MOST_SHOWN),
        "parameters": [(name, value_text(value), value) for name, value in report.parameters.items()],
        "opened": {one.filename for one in report.artefacts if look_of(one.media_type) in _OPENED},
        "preview": preview,
        "preview_trouble": trouble,
        "lines": [(log_record_resource(one), escaped(one.text, may_have_lines=True)) for one in lines],
        "has_more_lines": more,
        "most_lines": _MOST_LINES,
        "step": step,
        "stream": stream,
        "streams": _STREAMS,
        "audit": _audit(services, report),
        "link": f"{address}/reports/{report.id}",
        "curl": as_curl(report, address, with_token=bool(services.authenticators)),
        "command": as_waybill(report, address),
    }


def _wait(services: Services, report: Report) -> Wait | None:
    now = services.overview.for_waiting() if report.status is Status.INIT else WaitingNow()
    return wait_of(report, now, kafka_answers=services.readiness.kafka_answers)


def _around_the_one_that_runs(steps: Sequence[ShownStep]) -> Sequence[ShownStep]:
    """As many as are shown; of more, those before and after what runs, or failed, or the first."""
    states = [one.state for one in steps]
    at = next((states.index(state) for state in (RUNNING, StepStatus.FAILED) if state in states), 0)
    first = min(max(0, at - _MOST_SHOWN // 2), max(0, len(steps) - _MOST_SHOWN))
    return steps[first : first + _MOST_SHOWN]


def _with_those_to_come(services: Services, report: Report, history: History) -> list[ShownStep]:
    """The steps of the last attempt; and those that its kind, as it is now, says will follow."""
    shown = list(history.steps)
    if report.status in TERMINAL:
        return shown
    try:
        kind = services.kinds[report.kind]
        source = kind.defined_by
        if (source.digest if source else None) != report.definition:
            return shown
        outputs = kind.wanted_outputs(report.outputs)
        names = kind.step_names(kind.read_parameters(report.parameters), outputs)
    except (WaybillError, ValueError):  # the kind is gone, or has other parameters by now
        return shown
    if report.status is Status.INIT:
        shown = []
    known = {step.name for step in shown}
    return shown + [ShownStep(name, "waiting") for name in names if name not in known]


def _preview(services: Services, report: Report) -> tuple[Preview | None, str | None]:
    """Of the file that the address names, else of the first; and why there is none."""
    if not report.artefacts:
        return None, None
    name = request.args.get("file")
    artefact = named_artefact(report, name) if name else report.artefacts[0]
    try:
        rows = services.previews.get(report, artefact.filename)
        with services.places.held():
            preview = preview_of(services.artefacts, artefact, rows)
    except (ArtefactMissing, ArtefactStoreUnavailable) as error:
        return Preview(artefact, Look.NONE), str(error)
    except Problem as problem:
        return Preview(artefact, Look.NONE), problem.detail
    if preview.text:
        note_download(services.ledger, report)
    return preview, None


def _audit(services: Services, report: Report) -> list[Any] | None:
    """Who did what to it, newest first; None for those who may not know."""
    if not may(Permission.READ_AUDIT):
        return None
    scope = permitted_scope(Permission.READ_AUDIT)
    if not scope.covers(report.owner):
        return None
    return services.ledger.audit(AuditFilter(report_id=report.id, limit=_MOST_AUDITED, scope=scope))
