"""How reports go, in figures, for people who look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from waybill.domain import KindLimit, Scope, Status
from waybill.ledger.transactions import Transactions
from waybill.store import Capacity, Durations, EndedHour, EndedReport, FailureCount, StatusCount
from waybill.store.statements import kind_history, kind_limits, overview

MOST_COUNTED: Final = 1_000
HOURS: Final = 24
_NEWEST: Final = 200
"""Of which the durations are."""
_UNDER_WAY: Final = (Status.INIT, Status.PROCESSING)


@dataclass(frozen=True)
class Figures:
    """Of what a scope has. A count of `MOST_COUNTED` is that, or more."""

    counts: Sequence[StatusCount]
    hours: Sequence[EndedHour]
    durations: Sequence[Durations]
    failures: Sequence[FailureCount]
    capacity: Capacity


@dataclass(frozen=True)
class KindsNow:
    """The limits of kinds that have one or are paused; what waits and runs of each kind, and how long those
    took that are done."""

    limits: Mapping[str, KindLimit]
    under_way: Sequence[StatusCount] = ()
    durations: Sequence[Durations] = ()


@dataclass(frozen=True)
class KindNow:
    """The limit of one kind, what waits and runs of it, and its newest reports that have ended."""

    limit: KindLimit
    under_way: Sequence[StatusCount] = ()
    ended: Sequence[EndedReport] = ()


class Overview:
    """Each method is one transaction, and raises `StoreUnavailable`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def figures(self, scope: Scope) -> Figures:
        """Reads at most some thousand rows of each kind, by an index."""
        with self._transactions.reading() as connection:
            return Figures(
                overview.counts(connection, scope, list(Status), MOST_COUNTED),
                overview.ended_hours(connection, scope, HOURS, MOST_COUNTED),
                overview.durations(connection, scope, _NEWEST),
                overview.failures(connection, scope, MOST_COUNTED, timedelta(hours=HOURS)),
                overview.capacity(connection, MOST_COUNTED),
            )

    def of_kinds(self, scope: Scope | None) -> KindsNow:
        """Of the reports in this scope; of none where there is no scope."""
        with self._transactions.reading() as connection:
            limits = {one.kind: one for one in kind_limits.all_of(connection)}
            if scope is None:
                return KindsNow(limits)
            under_way = overview.counts(connection, scope, _UNDER_WAY, MOST_COUNTED)
            return KindsNow(limits, under_way, overview.durations(connection, scope, _NEWEST))

    def of_kind(self, kind: str, scope: Scope | None) -> KindNow:
        """As `of_kinds`, of one."""
        with self._transactions.reading() as connection:
            limit = kind_limits.one_of(connection, kind)
            if scope is None:
                return KindNow(limit)
            under_way = overview.counts(connection, scope, _UNDER_WAY, MOST_COUNTED, kind)
            return KindNow(limit, under_way, kind_history.newest_ended(connection, scope, kind, _NEWEST))
