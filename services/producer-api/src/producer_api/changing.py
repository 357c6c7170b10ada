"""What a client changes of a report: it is cancelled, or tried again."""

from producer_api.access import Permission, current_identity
from producer_api.lookup import find_report
from producer_api.problems import Problem
from waybill.domain import TERMINAL, Report, Status
from waybill.ledger import DeadLetters, Ledger, NotRedrivable


def cancel_report(ledger: Ledger, report_id: str) -> Report:
    """At once where it waits; else its worker is asked to. Raises `Problem` where there is none that the
    current request's client may change, or it has ended otherwise."""
    report = find_report(ledger, report_id, Permission.CHANGE)
    cancelled = ledger.cancel(report.id, current_identity().actor)
    if cancelled is not None:
        return cancelled
    current = find_report(ledger, report_id, Permission.CHANGE)
    if current.status in TERMINAL and current.status is not Status.CANCELLED:
        raise Problem(
            "already-ended",
            f"The report has ended with status {current.status} and cannot be cancelled.",
            report_id=str(current.id),
        )
    return current  # cancelled, or a cancellation is already requested


def retry_report(ledger: Ledger, dead_letters: DeadLetters, report_id: str, *, from_start: bool) -> Report:
    """Raises `Problem` where there is none that the current request's client may change, or it did not fail
    and was not cancelled."""
    report = find_report(ledger, report_id, Permission.CHANGE)
    actor = current_identity().actor
    try:
        return dead_letters.redrive(report.id, actor=actor, from_start=from_start)
    except NotRedrivable as error:
        raise Problem("not-redrivable", str(error), report_id=str(report.id)) from None
