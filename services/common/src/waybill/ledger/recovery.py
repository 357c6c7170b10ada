"""What keeps reports moving when processes die or Kafka loses messages. Any process may do it."""

from dataclasses import dataclass
from datetime import timedelta

from waybill.domain import AttemptTrace, Report, RetryPolicy, lifecycle
from waybill.ledger.transactions import Transactions
from waybill.store import Backlog
from waybill.store.statements import dispatch, outbox, reports
from waybill.store.statements.dispatch import Dispatched

_BATCH = 100


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

    def __init__(self, transactions: Transactions, retry: RetryPolicy) -> None:
        self._transactions = transactions
        self._retry = retry

    def is_due(self, grace: timedelta) -> bool:
        """Whether `recover_lost` or `requeue_due` may find something: a look that costs less than theirs."""
        with self._transactions.reading() as connection:
            return reports.any_expired(connection, grace) or dispatch.any_due(connection)

    def recover_lost(self, grace: timedelta) -> list[Recovered]:
        """Returns reports whose lease ran out more than `grace` ago to `init`, with a new command. One with
        which too many workers were lost, or that is to be cancelled, ends instead."""
        with self._transactions.changes() as changes:
            return [
                Recovered(lost, changes.take_back(lost, lifecycle.after_loss(lost, self._retry)))
                for lost in reports.lock_expired(changes.connection, grace, _BATCH)
            ]

    def requeue_due(self) -> list[Dispatched]:
        """Gives reports a command: those that wait for room, as far as there is any, with retries whose time
        has come; and those whose command was lost."""
        with self._transactions.changes() as changes:
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
