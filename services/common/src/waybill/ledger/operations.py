"""One action on many reports: accepted at once, and done a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from waybill.domain import (
    TERMINAL,
    Operation,
    OperationAction,
    Owner,
    Report,
    Scope,
    new_report_id,
)
from waybill.errors import RetryableError, WaybillError
from waybill.ledger.changes import Changes
from waybill.ledger.deleting import Deleting
from waybill.ledger.operation_page import Doing
from waybill.ledger.transactions import Transactions
from waybill.store import ReportFilter
from waybill.store.statements import listing, operations, reports
from waybill.store.statements.operations import NewOperation, StoredOperation, Target

log = structlog.get_logger(__name__)

MAX_COUNTED: Final = 10_000
"""Reports that are counted before an operation begins."""
MAX_RUNNING: Final = 10
"""Operations of one owner that run at once."""
_PAGE: Final = 200
_PAGE_OF_FILES: Final = 50
_MOST_PENDING: Final = 1000
"""Reports that other transactions held, and that are done when all have been found."""
_KEPT: Final = timedelta(days=30)


class TooManyOperations(WaybillError):  # noqa: N818 - the name is the sentence
    """The owner has as many that run as it may."""


@dataclass(frozen=True)
class Wanted:
    """What is to be done to which reports: those of `filter`, or the `ids`, of those in `scope`."""

    action: OperationAction
    scope: Scope
    filter: ReportFilter | None = None
    ids: Sequence[UUID] = ()


@dataclass(frozen=True)
class Count:
    """How many reports fit, of those that one search reads; `more`: there may be more."""

    matched: int
    more: bool


class Operations:
    """Each method but `work` is one transaction, and raises `StoreUnavailable`."""

    def __init__(self, transactions: Transactions, deleting: Deleting) -> None:
        self._transactions = transactions
        self._deleting = deleting

    def count(self, wanted: Wanted) -> Count:
        """Of reports by their ids, those that there are in the scope."""
        with self._transactions.reading() as connection:
            if wanted.filter is None:
                return Count(len(operations.targets(connection, wanted.ids, wanted.scope)), more=False)
            found = listing.found_ids(connection, replace(wanted.filter, limit=MAX_COUNTED))
            return Count(len(found.ids), found.more)

    def start(self, wanted: Wanted, counted: Count, owner: Owner, credential: str) -> Operation:
        """Keeps it; it is worked on from then on. It is about reports that were requested before. Raises
        `TooManyOperations`."""
        with self._transactions.reading() as connection:
            if operations.running(connection, owner) >= MAX_RUNNING:
                raise TooManyOperations(
                    f"{MAX_RUNNING} operations of yours are running: wait until one of them is done."
                )
            operations.remove_old(connection, _KEPT)
            meant, now = wanted.filter, operations.now(connection)
            if meant:
                meant = replace(meant, until=min(meant.until, now) if meant.until else now)
            new = NewOperation(
                new_report_id(),
                wanted.action,
                owner,
                credential,
                wanted.scope,
                meant,
                wanted.ids,
                counted.matched,
                counted.more,
            )
            return operations.put(connection, new)

    def get(self, operation_id: UUID) -> Operation | None:
        with self._transactions.reading() as connection:
            return operations.get(connection, operation_id)

    def work(self) -> bool:
        """One page of the operation that has waited for longest, in one transaction with how far it is then;
        the files of reports that are deleted go before. False where none runs, or another process is at it.
        Raises `StoreUnavailable`."""
        with self._transactions.reading() as connection:
            seen = operations.next_one(connection)
        if seen is None:
            return False
        try:
            return self._do_page(seen)
        except RetryableError:
            raise
        except Exception:
            log.exception("operation ended by an error", operation_id=str(seen.operation.id))
            with self._transactions.reading() as connection:
                operations.fail(connection, seen.operation.id, "The error is in the service's log.")
        return True

    # --- a page

    def _do_page(self, seen: StoredOperation) -> bool:
        page = self._choose(seen)
        deletes = seen.operation.action is OperationAction.DELETE
        ended = [one for one in page.targets.values() if one.status in TERMINAL]
        kept = self._deleting.remove_files(ended) if deletes else {}
        with self._transactions.changes() as changes:
            if not operations.lock(changes.connection, seen):
                return False
            locked = _locked(changes, page)
            doing = Doing(changes, seen, page.targets, kept)
            for report_id in page.ids:
                doing.do(report_id, locked.get(report_id))
            doing.delete()
            operations.advance(changes.connection, doing.after(page.seen))
        return True

    def _choose(self, seen: StoredOperation) -> "_Page":
        """The reports of the next page, and how far the operation is once they have been found."""
        size = _PAGE_OF_FILES if seen.operation.action is OperationAction.DELETE else _PAGE
        scope = seen.operation.scope
        with self._transactions.reading() as connection:
            if seen.wanted is None or seen.all_found or len(seen.pending) >= _MOST_PENDING:
                ids, rest = seen.pending[:size], seen.pending[size:]
                found = replace(seen, pending=rest)
            else:
                listed = listing.found_ids(connection, replace(seen.wanted, limit=size))
                ids, found = listed.ids, operations.found(seen, listed.place, listed.more)
            return _Page(ids, operations.targets(connection, ids, scope), found)


@dataclass(frozen=True)
class _Page:
    ids: Sequence[UUID]
    targets: Mapping[UUID, Target]
    seen: StoredOperation


def _locked(changes: Changes, page: _Page) -> dict[UUID, Report]:
    """Without waiting, so that this transaction keeps none from what it waits for itself. Where another holds
    all of them, it waits for the first, and has no other."""
    locked = operations.lock_free(changes.connection, page.targets)
    if not locked and page.targets:
        first = reports.lock(changes.connection, next(iter(page.targets)))
        return {first.id: first} if first else {}
    return locked
