"""What is done to all reports that fit a filter: asked before, and how far it is."""

from datetime import UTC, datetime

from apiflask import APIBlueprint
from flask import Response, request, url_for

from producer_api.access import Permission, requires
from producer_api.finding import ReportQuery
from producer_api.operating import find_operation, start_operation
from producer_api.operation_resources import OperationFilter, OperationRequest, wanted_of
from producer_api.problems import Problem
from producer_api.services import Services
from producer_api.web.forms import sent_form
from producer_api.web.operation_words import VERBS, filter_in_words, heading, reports_in_words
from producer_api.web.rendering import page, see_other
from producer_api.web.report_list import look
from waybill.domain import OperationAction
from waybill.ledger import Count


def register(routes: APIBlueprint, services: Services) -> None:
    @routes.get("/reports/all")
    @requires(Permission.CHANGE)
    def ask_about_all() -> Response:
        """How many reports fit the address's filter, and whether to act on them."""
        looked = look(request.args)
        meant = _meant(looked.checked())
        action = _action(request.args.get("action"))
        counted = services.operations.count(wanted_of(OperationRequest(action=action, filter=meant)))
        return _question(action, meant, counted, url_for(".reports", **looked.filter))

    @routes.post("/operations")
    @requires(Permission.CHANGE)
    def start_operation_on_all() -> Response:
        """Asks again where more reports fit than were counted."""
        form = sent_form()
        action = _action(form.get("action"))
        try:
            meant = OperationFilter.model_validate_json(form.get("filter", ""))
            expected = int(form.get("expected", ""))
        except ValueError:
            raise Problem("wrong-request", "filter: go back to the list, and ask again.") from None
        wanted = wanted_of(OperationRequest(action=action, filter=meant))
        counted = services.operations.count(wanted)
        if counted.matched > expected:
            return _question(action, meant, counted, url_for(".reports"), is_asked_again=True)
        operation = start_operation(services.operations, services.operation_runner, wanted, counted)
        return see_other(url_for(".operation", operation_id=operation.id))

    @routes.get("/operations/<operation_id>")
    @requires(Permission.READ)
    def operation(operation_id: str) -> Response:
        found = find_operation(services.operations, operation_id)
        return page("operation.html", operation=found, heading=heading(found))


def _action(given: str | None) -> OperationAction:
    try:
        return OperationAction(given or "")
    except ValueError:
        raise Problem("wrong-request", f"action: must be one of {', '.join(OperationAction)}.") from None


def _meant(query: ReportQuery) -> OperationFilter:
    """The reports that were requested until now: none that come later are counted, nor meant. An empty one
    stays so, and is refused."""
    fields = query.model_dump(mode="json", exclude_defaults=True, exclude={"limit", "cursor"})
    if fields:
        now = datetime.now(UTC)
        fields["created_before"] = min(query.created_before or now, now).isoformat()
    return OperationFilter.model_validate(fields)


def _question(
    action: OperationAction,
    meant: OperationFilter,
    counted: Count,
    address: str,
    *,
    is_asked_again: bool = False,
) -> Response:
    """`address`: of the list that shows them."""
    return page(
        "operation_confirm.html",
        422 if is_asked_again else 200,
        action=action,
        verb=VERBS[action],
        meant=meant.model_dump_json(exclude_defaults=True),
        words=list(filter_in_words(meant, action)),
        counted=counted,
        reports=reports_in_words(counted.matched, more=counted.more),
        is_asked_again=is_asked_again,
        address=address,
    )
