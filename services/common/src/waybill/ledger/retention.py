"""What keeps the tables small: removes what has been kept long enough. Any process may do it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from waybill.artefacts import ArtefactStore, ArtefactStoreUnavailable
from waybill.domain import RetentionPolicy
from waybill.ledger.transactions import Transactions
from waybill.store.statements import audit, dead_letters, idempotency, reports, step_results


@dataclass(frozen=True)
class Removed:
    """Of how many reports something was removed, and when the last one ended that was looked at; None where
    that was the last of all. `error`: why its files could not be removed."""

    removed: int
    until: datetime | None
    error: ArtefactStoreUnavailable | None = None


class Retention:
    """Each method does one batch, and may be called again at once while it removes something. Raises
    `StoreUnavailable`."""

    def __init__(self, transactions: Transactions, policy: RetentionPolicy) -> None:
        self._transactions = transactions
        self._policy = policy

    def remove_expired(self) -> int:
        """Removes idempotency keys and dead letters that have been kept long enough; how many."""
        policy = self._policy
        with self._transactions.reading() as connection:
            removed = idempotency.remove_old(connection, policy.idempotency_keys, policy.batch)
            return removed + dead_letters.remove_old(connection, policy.dead_letters, policy.batch)

    def remove_audit(self) -> int:
        """Removes entries of the audit that have been kept long enough; how many."""
        with self._transactions.reading() as connection:
            return audit.remove_old(connection, self._policy.audit, self._policy.batch)

    def remove_reports(self, artefacts: ArtefactStore, after: datetime | None = None) -> Removed:
        """Removes reports that have been kept long enough, with their events and artefacts: those that ended
        first of all that ended later than `after`. The batch ends at files that cannot be removed.

        The files go first, while no row is locked: where a process dies in between, the next round finds the
        report again.
        """
        policy, error = self._policy, None
        with self._transactions.reading() as connection:
            old = reports.old(connection, policy.reports, after, policy.batch)
        without_files = []
        until = old[-1].finished_at if len(old) == policy.batch else None
        for one in old:
            try:
                artefacts.remove_all(one.tenant, one.id, one.attempt)
            except ArtefactStoreUnavailable as unavailable:
                until, error = one.finished_at, unavailable
                break
            without_files.append(one.id)
        return Removed(self._remove(without_files), until, error)

    def remove_step_results(self, artefacts: ArtefactStore, after: datetime | None = None) -> Removed:
        """Removes what steps have stored, of reports that are done: as `remove_reports`, of those that were
        done later than `after`."""
        error = None
        with self._transactions.reading() as connection:
            done = step_results.ended(connection, after, self._policy.batch)
        without_files = []
        is_full = sum(one.rows for one in done) == self._policy.batch
        until = done[-1].done_at if is_full else None
        for one in done:
            try:
                artefacts.remove_of_steps(one.tenant, one.id)
            except ArtefactStoreUnavailable as unavailable:
                until, error = one.done_at, unavailable
                break
            without_files.append(one.id)
        if without_files:
            with self._transactions.reading() as connection:
                step_results.remove(connection, without_files)
        return Removed(len(without_files), until, error)

    def _remove(self, report_ids: list[UUID]) -> int:
        if not report_ids:
            return 0
        with self._transactions.changes() as changes:
            still_old = reports.lock_old(changes.connection, self._policy.reports, report_ids)
            if still_old:
                changes.remove(still_old)
        return len(still_old)
