"""Finds the report that an address names."""

from uuid import UUID

from producer_api.problems import Problem
from producer_api.services import Services
from waybill.domain import Report


def find_report(services: Services, report_id: str) -> Report:
    """Raises `Problem` where there is none."""
    try:
        report = services.ledger.get(UUID(report_id))
    except ValueError:
        raise Problem("no-such-report", f"{report_id[:100]!r} is not the id of a report.") from None
    if report is None:
        raise Problem("no-such-report", f"No report has the id {report_id}.")
    return report
