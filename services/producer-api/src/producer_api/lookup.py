"""Finds the report or the kind that a client names."""

from uuid import UUID

from producer_api.access import Permission, permitted_scope
from producer_api.problems import Problem
from waybill.domain import Report
from waybill.kinds import Kind, Registry, UnavailableKind, UnknownKind
from waybill.ledger import Ledger


def find_report(ledger: Ledger, report_id: str, permission: Permission = Permission.READ) -> Report:
    """Raises `Problem` if there is no such report, or it is none for which the current request has the
    permission: that it exists is not for everybody to know."""
    try:
        report = ledger.get(UUID(report_id))
    except ValueError:
        raise Problem("no-such-report", f"{report_id[:100]!r} is not a report id, which is a UUID.") from None
    if report is None or not permitted_scope(permission).covers(report.owner):
        raise Problem("no-such-report", f"No report has the id {report_id}.")
    return report


def find_kind(kinds: Registry, name: str) -> Kind:
    """Raises `Problem` where there is none of this name to use here, with the reason."""
    try:
        return kinds[name]
    except (UnknownKind, UnavailableKind) as error:
        raise Problem("no-such-kind", str(error)) from None
