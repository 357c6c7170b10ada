"""Finds the report that a URL names."""

from uuid import UUID

from producer_api.problems import Problem
from waybill.domain import Report
from waybill.ledger import Ledger


def find_report(ledger: Ledger, report_id: str) -> Report:
    """Raises `Problem` if there is no such report."""
    try:
        report = ledger.get(UUID(report_id))
    except ValueError:
        raise Problem("no-such-report", f"{report_id[:100]!r} is not a report id, which is a UUID.") from None
    if report is None:
        raise Problem("no-such-report", f"No report has the id {report_id}.")
    return report
