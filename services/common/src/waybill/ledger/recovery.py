"""What keeps reports moving when processes die or Kafka loses messages. Any process may do it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from waybill.domain import AttemptTrace, Report, RetryPolicy, lifecycle
from waybill.ledger.transactions import Transactions
from waybill.store import Backlog, StoreUnavailable
from waybill.store.statements import dispatch, kind_limits, outbox, reports
from waybill.store.statements.dispatch import Dispatched

log = structlog.get_logger(__name__)

_BATCH = 100
_AGAIN_SECONDS = 60.0
"""Until a report is looked at again that could not be recovered."""


@dataclass(frozen=True)
class Recovered:
    """A report as its lost attempt left it, and as it is now."""

    lost: Report
    now: Report

    @property
    def spans(self) -> AttemptTrace | None:
        """The spans that the lost attempt did not end. The row may still have those of an attempt before it,
        which were ended then."""
        stored = self.lost.attempt_trace
        return stored if stored and stored.attempt in (None, self.lost.attempt) else None


class Recovery:
    """Each method does one batch, skips rows that others hold, and may be called again at once while it
    returns something. Raises `StoreUnavailable`."""

    def __init__(
        self, transactions: Transactions, retry: RetryPolicy, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._transactions = transactions
        self._retry = retry
        self._clock = clock
        self._left_until: dict[UUID, float] = {}
        """The reports that could not be recovered."""

    def is_due(self, grace: timedelta) -> bool:
        """Whether `recover_lost` or `requeue_due` may find something: a look that costs less than theirs."""
        with self._transactions.reading() as connection:
            return reports.any_expired(connection, grace) or dispatch.any_due(connection)

    def recover_lost(self, grace: timedelta) -> list[Recovered]:
        """Returns reports whose lease ran out more than `grace` ago to `init`, with a new command. One with
        which too many workers were lost, or that is to be cancelled, ends instead.

        One whose row cannot be changed, as after an edit by hand, keeps none of the others: it is logged, and
        left for a minute."""
        with self._transactions.reading() as connection:
            expired = reports.expired(connection, grace, _BATCH, self._left())
        try:
            return self._recover(grace, expired)
        except StoreUnavailable:
            raise
        except Exception:
            return [one for report_id in expired for one in self._recover_alone(grace, report_id)]

    def _recover(self, grace: timedelta, expired: Sequence[UUID]) -> list[Recovered]:
        if not expired:
            return []
        with self._transactions.changes() as changes:
            return [
                Recovered(lost, changes.take_back(lost, lifecycle.after_loss(lost, self._retry)))
                for lost in reports.lock_expired(changes.connection, grace, expired)
            ]

    def _recover_alone(self, grace: timedelta, report_id: UUID) -> list[Recovered]:
        try:
            return self._recover(grace, [report_id])
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("lost attempt not recovered: its row cannot be changed", report_id=str(report_id))
            self._left_until[report_id] = self._clock() + _AGAIN_SECONDS
            return []

    def _left(self) -> list[UUID]:
        now = self._clock()
        self._left_until = {one: until for one, until in self._left_until.items() if until > now}
        return list(self._left_until)

    def requeue_due(self) -> list[Dispatched]:
        """Gives reports a command: those that wait for room, as far as there is any, with retries whose time
        has come; and those whose command was lost."""
        with self._transactions.changes() as changes:
            kind_limits.keep(changes.connection)
            dispatch.join_retries(changes.connection, _BATCH)
            return [*changes.repeat_lost(_BATCH), *changes.dispatch_idle(_BATCH)]

    def waiting(self) -> int:
        """How many reports wait for room or for a claim; at most 100,000 are counted."""
        with self._transactions.reading() as connection:
            return dispatch.count(connection)

    def backlog(self) -> Backlog:
        """What waits to be published, for the metrics."""
        with self._transactions.reading() as connection:
            return outbox.backlog(connection)
