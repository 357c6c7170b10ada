"""The first rows of artefacts, as JSON. They are no part of a report's life: nothing is published."""

from collections.abc import Mapping
from uuid import UUID

from waybill.domain import Report
from waybill.ledger.transactions import Transactions
from waybill.store.statements import artefact_previews


class ArtefactPreviews:
    """Each method is one transaction, and raises `StoreUnavailable`. They go with their report."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def keep(self, report_id: UUID, attempt: int, previews: Mapping[str, str]) -> None:
        """By the names of their files: those of an attempt, instead of what others have left."""
        with self._transactions.reading() as connection:
            artefact_previews.put(connection, report_id, attempt, previews)

    def get(self, report: Report, filename: str) -> str | None:
        """That of one of the report's files."""
        with self._transactions.reading() as connection:
            return artefact_previews.get(connection, report.id, report.attempt, filename)

    def names(self, report: Report) -> set[str]:
        """Which of the report's files have one."""
        with self._transactions.reading() as connection:
            return artefact_previews.names(connection, report.id, report.attempt)
