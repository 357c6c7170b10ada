"""An operation on many reports, in words."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from producer_api.operation_resources import PERMISSIONS, OperationFilter
from producer_api.permissions import Permission
from producer_api.web.words import at, status_word
from waybill.domain import Operation, OperationAction, OperationState, Status, possible

VERBS: Final[Mapping[OperationAction, str]] = {
    OperationAction.CANCEL: "Cancel",
    OperationAction.RETRY: "Retry",
    OperationAction.DELETE: "Delete",
}
_GOING: Final = {
    OperationAction.CANCEL: "Cancelling",
    OperationAction.RETRY: "Retrying",
    OperationAction.DELETE: "Deleting",
}
GONE: Final = {
    OperationAction.CANCEL: "cancelled",
    OperationAction.RETRY: "retried",
    OperationAction.DELETE: "deleted",
}


def offered(
    statuses: Collection[Status], may: Callable[[Permission], bool]
) -> Iterator[tuple[OperationAction, str]]:
    """What the client may do to reports in these statuses, or in any; each with its verb."""
    for action, verb in VERBS.items():
        try:
            possible(action, statuses)
        except ValueError:
            continue
        if may(PERMISSIONS[action]):
            yield action, verb


def filter_in_words(meant: OperationFilter, action: OperationAction) -> Iterator[str]:
    """Each part of it. `action` says which statuses are meant where it says nothing of them."""
    yield " or ".join(status_word(one).lower() for one in possible(action, meant.status or ()))
    if meant.kind:
        yield f"kind {' or '.join(meant.kind)}"
    if meant.owner:
        yield f"owner {meant.owner}"
    if meant.tag:
        yield f"tag {meant.tag}"
    for name, text in meant.parameter.items():
        yield f"{name}={text}"
    if meant.error:
        yield f"error has \N{LEFT DOUBLE QUOTATION MARK}{meant.error}\N{RIGHT DOUBLE QUOTATION MARK}"
    if meant.created_after:
        yield f"requested since {at(meant.created_after)}"
    if meant.created_before:
        yield f"requested before {at(meant.created_before)}"


def reports_in_words(number: int, *, more: bool = False) -> str:
    """As `1 report`, `1,204 reports`, or `10,000 or more reports`."""
    if more:
        return f"{number:,} or more reports"
    return f"{number:,} {'report' if number == 1 else 'reports'}"


def heading(operation: Operation) -> str:
    """As `Cancelling 1,204 reports`, or `1,200 of 1,204 reports cancelled`."""
    if operation.state is OperationState.RUNNING:
        return (
            f"{_GOING[operation.action]} {reports_in_words(operation.matched, more=operation.matched_more)}"
        )
    if operation.done == operation.handled:
        return f"{reports_in_words(operation.done)} {GONE[operation.action]}"
    return f"{operation.done:,} of {operation.handled:,} reports {GONE[operation.action]}"
