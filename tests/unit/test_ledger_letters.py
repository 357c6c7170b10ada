"""Dead letters."""

from dataclasses import replace
from datetime import UTC, datetime

from tests.unit.test_domain_lifecycle import REPORT
from waybill.domain import Failure, FailureType, Origin
from waybill.ledger.letters import report_letter


def test_a_reports_letter_bears_the_time_at_which_the_database_ended_it() -> None:
    """And not that of this host, whose clock may be another."""
    ended_at = datetime(2001, 2, 3, tzinfo=UTC)
    report = replace(REPORT, updated_at=ended_at)

    letter = report_letter(report, Failure(FailureType.TIMED_OUT, "too long"), Origin("report", 0, 1), None)

    assert letter.at == ended_at
