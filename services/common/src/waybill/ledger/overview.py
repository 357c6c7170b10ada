"""How reports go, in figures, for people who look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from waybill.domain import Scope, Status
from waybill.ledger.transactions import Transactions
from waybill.store import Capacity, Durations, EndedHour, FailureCount, StatusCount
from waybill.store.statements import overview

MOST_COUNTED: Final = 1_000
HOURS: Final = 24
_NEWEST: Final = 200
"""Of which the durations are."""


@dataclass(frozen=True)
class Figures:
    """Of what a scope has. A count of `MOST_COUNTED` is that, or more."""

    counts: Sequence[StatusCount]
    hours: Sequence[EndedHour]
    durations: Sequence[Durations]
    failures: Sequence[FailureCount]
    capacity: Capacity


class Overview:
    """Each method is one transaction, and raises `StoreUnavailable`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def figures(self, scope: Scope) -> Figures:
        """Reads at most some thousand rows of each kind, by an index."""
        with self._transactions.reading() as connection:
            overview.without_jit(connection)
            return Figures(
                overview.counts(connection, scope, list(Status), MOST_COUNTED),
                overview.ended_hours(connection, scope, HOURS, MOST_COUNTED),
                overview.durations(connection, scope, _NEWEST),
                overview.failures(connection, scope, MOST_COUNTED, timedelta(hours=HOURS)),
                overview.capacity(connection, MOST_COUNTED),
            )

    def of_kinds(self, scope: Scope) -> tuple[Sequence[StatusCount], Sequence[Durations]]:
        """What waits and runs of each kind, and how long those took that are done."""
        with self._transactions.reading() as connection:
            overview.without_jit(connection)
            under_way = overview.counts(connection, scope, [Status.INIT, Status.PROCESSING], MOST_COUNTED)
            return under_way, overview.durations(connection, scope, _NEWEST)
