"""The list of reports, and what is done with several of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apiflask import APIBlueprint
from flask import Response, request, url_for

from producer_api.access import Permission, permitted_scope, requires
from producer_api.changing import cancel_report, retry_report
from producer_api.finding import filter_of
from producer_api.problems import Problem
from producer_api.services import Services
from producer_api.web.asking import ask, is_confirmed
from producer_api.web.forms import sent_form
from producer_api.web.operation_words import GONE, VERBS, offered, reports_in_words
from producer_api.web.rendering import may, page, see_other
from producer_api.web.report_list import (
    STATUSES,
    TIMES,
    WITHIN,
    Looked,
    is_as_sent,
    look,
    report_id_in,
    without_within,
)
from producer_api.web.report_words import Wait, in_short, kind_title, wait_of
from producer_api.web.view_list import views_of
from waybill.domain import OperationAction, Report
from waybill.store import ReportPage

_MOST_CHOSEN: Final = 200
_NOTES: Final = {
    OperationAction.CANCEL: "Those that wait end at once, those that run within a few seconds. Those that "
    "have ended stay as they are.",
    OperationAction.RETRY: "Those that failed or were cancelled start again, in their traces. Steps whose "
    "results are stored do not run again.",
}
_ACTIONS: Final = {str(one): VERBS[one] for one in _NOTES}


@dataclass(frozen=True)
class Done:
    """What came of one of those that were chosen."""

    report_id: str
    refused: str | None = None


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/reports")
    @requires(Permission.READ)
    def reports() -> Response:
        sought = (request.args.get("q") or "").strip()
        if found := report_id_in(sought):
            return see_other(url_for(".report", report_id=found))
        looked = look(request.args)
        if not is_as_sent(looked, request.args):
            return see_other(url_for(".reports", **without_within(looked.fields)))
        wanted = filter_of(looked.query) if looked.query else None
        shown = services.ledger.page(wanted) if wanted else ReportPage([], more=False)
        return page(
            "reports.html",
            422 if looked.errors else 200,
            looked=looked,
            reports=shown.reports,
            searched=shown.searched,
            older=_older(looked, shown),
            is_first="cursor" not in looked.fields,
            statuses=STATUSES,
            within={name: words.capitalize() for name, (words, _) in WITHIN.items()},
            times=TIMES,
            untimed=looked.untimed,
            kinds=sorted({kind.name: kind.title for kind in services.kinds}.items()),
            sees_others=permitted_scope(Permission.READ).owner is None,
            title=lambda report: kind_title(services.kinds, report.kind),
            in_short=in_short,
            waits=_waits(services),
            most_chosen=_MOST_CHOSEN,
            offered=_offered(looked),
            views=views_of(services.saved_views, looked.filter),
        )

    @routes.post("/reports/actions")
    @requires(Permission.CHANGE)
    def act_on_reports() -> Response:
        """Asks before it acts, unless a script has asked; then says what came of each."""
        form = sent_form()
        action, ids = form.get("action", ""), list(dict.fromkeys(form.getlist("id")))
        if action not in _ACTIONS:
            raise Problem("wrong-request", f"action: must be one of {', '.join(_ACTIONS)}.")
        if not ids:
            raise Problem("wrong-request", "Nothing is chosen: go back, and choose reports.")
        if len(ids) > _MOST_CHOSEN:
            raise Problem("wrong-request", f"id: at most {_MOST_CHOSEN} reports at once.")
        if not is_confirmed(form):
            return ask(
                f"{_ACTIONS[action]} {reports_in_words(len(ids))}?",
                [_NOTES[OperationAction(action)]],
                f"{_ACTIONS[action]} {len(ids)}",
                url_for(".reports"),
                is_danger=action == OperationAction.CANCEL,
            )
        done = [_act(services, action, one) for one in ids]
        worked = sum(1 for one in done if one.refused is None)
        return page("reports_done.html", gone=GONE[OperationAction(action)], done=done, worked=worked)


def _offered(looked: Looked) -> list[tuple[str, str]]:
    """What may be done to all that fit: each verb, and where it is asked about."""
    if looked.query is None or not looked.is_filtered:
        return []
    return [
        (verb, url_for(".ask_about_all", action=action, **looked.filter))
        for action, verb in offered(looked.query.status, may)
    ]


def _older(looked: Looked, shown: ReportPage) -> str | None:
    if not shown.more or shown.last is None:
        return None
    return url_for(".reports", **looked.filter, cursor=str(shown.last))


def _waits(services: Services) -> Callable[[Report], Wait | None]:
    """How a report is said to wait."""
    now, kafka_answers = services.overview.for_waiting(), services.readiness.kafka_answers
    return lambda report: wait_of(report, now, kafka_answers=kafka_answers)


def _act(services: Services, action: str, report_id: str) -> Done:
    try:
        if action == "cancel":
            cancel_report(services.ledger, report_id)
        else:
            retry_report(services.ledger, services.dead_letters, report_id, from_start=False)
    except Problem as problem:
        return Done(report_id, problem.detail)
    return Done(report_id)
