"""Deletes reports that have ended, with their files, before they are old enough for retention."""

from collections.abc import Collection, Sequence
from uuid import UUID

from waybill.artefacts import ArtefactStore, ArtefactStoreUnavailable
from waybill.domain import TERMINAL, Action, Actor, Report
from waybill.ledger.changes import Changes
from waybill.ledger.transactions import Transactions
from waybill.store.statements import reports, step_results
from waybill.store.statements.operations import Target

_KEPT = "Its files cannot be removed now: try again later."


class Deleting:
    """As retention: the files go first, while no row is locked, and then the rows of those that were not
    restarted meanwhile. One that was deleted in part, as when a process dies in between, is deleted again."""

    def __init__(self, transactions: Transactions, artefacts: ArtefactStore) -> None:
        self._transactions = transactions
        self._artefacts = artefacts

    def delete(self, report: Report, actor: Actor | None = None) -> bool:
        """False where it has not ended, or runs again. Raises `ArtefactStoreUnavailable`."""
        target = Target(report.id, report.owner, report.status, report.attempt)
        if report.status not in TERMINAL:
            return False
        self._forget_results([report.id])
        self._remove_files(target)
        with self._transactions.changes() as changes:
            current = reports.lock(changes.connection, report.id)
            if current is None:
                return True
            if not is_as_found(current, target):
                return False
            changes.remove([report.id])
            audit_deletion(changes, current, actor)
        return True

    def remove_files(self, targets: Collection[Target]) -> dict[UUID, str]:
        """Of reports that have ended. Answers which files could not be removed, and why."""
        failed: dict[UUID, str] = {}
        self._forget_results([one.id for one in targets])
        for one in targets:
            try:
                self._remove_files(one)
            except ArtefactStoreUnavailable:
                failed[one.id] = _KEPT
        return failed

    def _remove_files(self, target: Target) -> None:
        self._artefacts.remove_all(target.owner.tenant, target.id, target.attempt)

    def _forget_results(self, report_ids: Sequence[UUID]) -> None:
        """So that an attempt which begins all the same finds none whose file is gone."""
        if report_ids:
            with self._transactions.reading() as connection:
                step_results.remove(connection, report_ids)


def is_as_found(report: Report, target: Target) -> bool:
    """Whether its last attempt is the one whose files were removed."""
    return report.status in TERMINAL and report.attempt == target.attempt


def audit_deletion(changes: Changes, report: Report, actor: Actor | None) -> None:
    changes.audit(report.audit_event(actor, Action.DELETE))
