"""When reports may begin and end."""

from waybill.domain import Estimate, Report, estimate, may_be_estimated
from waybill.ledger.transactions import Transactions
from waybill.store.statements import estimates


class Estimates:
    """Each method is one transaction, and raises `StoreUnavailable`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def of(self, report: Report) -> Estimate | None:
        """None where there is none to be had; see `waybill.domain.estimate`. Asks the database only where the
        report has not ended."""
        if not may_be_estimated(report):
            return None
        with self._transactions.reading() as connection:
            known = estimates.circumstances(connection, report)
        return estimate(report, known) if known else None
