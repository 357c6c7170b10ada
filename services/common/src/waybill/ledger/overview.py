"""How reports go, in figures, for people who look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from waybill.domain import KindLimit, Scope, Status
from waybill.ledger.transactions import Transactions
from waybill.store import (
    Capacity,
    Durations,
    EndedHour,
    EndedReport,
    FailureCount,
    LiveWorkers,
    StatusCount,
)
from waybill.store.statements import kind_history, kind_limits, overview
from waybill.store.statements.live_workers import live_workers

MOST_COUNTED: Final = 1_000
HOURS: Final = 24
MOST_TIMED: Final = 200
"""Of a kind's reports that are done: of the newest of them are the durations."""
_UNDER_WAY: Final = (Status.INIT, Status.PROCESSING)


@dataclass(frozen=True)
class Figures:
    """Of what a scope has. A count of `MOST_COUNTED` is that, or more. `kinds`: those of which there are
    reports, however old; `under_way`: what waits and runs; `hours` are the last `HOURS`, and `failures` of
    these; `durations` are of the newest `MOST_TIMED`. `limits`: of kinds that have one or are paused."""

    kinds: Sequence[str]
    under_way: Sequence[StatusCount]
    hours: Sequence[EndedHour]
    durations: Sequence[Durations]
    failures: Sequence[FailureCount]
    capacity: Capacity
    limits: Mapping[str, KindLimit]


@dataclass(frozen=True)
class KindsNow:
    """The limits of kinds that have one or are paused, and the workers that are there; what waits and runs of
    each kind, and how long those took that are done."""

    limits: Mapping[str, KindLimit]
    workers: LiveWorkers
    under_way: Sequence[StatusCount] = ()
    durations: Sequence[Durations] = ()


@dataclass(frozen=True)
class KindNow:
    """The limit of one kind, and the workers that are there; what waits and runs of it, and its newest
    reports that have ended."""

    limit: KindLimit
    workers: LiveWorkers
    under_way: Sequence[StatusCount] = ()
    ended: Sequence[EndedReport] = ()


@dataclass(frozen=True)
class WaitingNow:
    """What decides whether reports can begin: the limits of kinds that have one or are paused, and the
    workers that are there."""

    limits: Mapping[str, KindLimit] = field(default_factory=dict)
    workers: LiveWorkers = LiveWorkers(0, 0)  # noqa: RUF009 - frozen


class Overview:
    """Each method is one transaction, and raises `StoreUnavailable`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def figures(self, scope: Scope) -> Figures:
        """Reads at most some thousand rows of each kind, by an index."""
        with self._transactions.reading() as connection:
            return Figures(
                overview.kinds_with_reports(connection, scope),
                overview.counts(connection, scope, _UNDER_WAY, MOST_COUNTED),
                overview.ended_hours(connection, scope, HOURS, MOST_COUNTED),
                overview.durations(connection, scope, MOST_TIMED),
                overview.failures(connection, scope, MOST_COUNTED, timedelta(hours=HOURS)),
                overview.capacity(connection, MOST_COUNTED),
                kind_limits.all_of(connection),
            )

    def for_waiting(self) -> WaitingNow:
        """What decides for the reports of everybody."""
        with self._transactions.reading() as connection:
            return WaitingNow(kind_limits.all_of(connection), live_workers(connection))

    def of_kinds(self, scope: Scope | None) -> KindsNow:
        """Of the reports in this scope; of none where there is no scope."""
        with self._transactions.reading() as connection:
            limits, workers = kind_limits.all_of(connection), live_workers(connection)
            if scope is None:
                return KindsNow(limits, workers)
            under_way = overview.counts(connection, scope, _UNDER_WAY, MOST_COUNTED)
            return KindsNow(limits, workers, under_way, overview.durations(connection, scope, MOST_TIMED))

    def of_kind(self, kind: str, scope: Scope | None) -> KindNow:
        """As `of_kinds`, of one."""
        with self._transactions.reading() as connection:
            limit, workers = kind_limits.one_of(connection, kind), live_workers(connection)
            if scope is None:
                return KindNow(limit, workers)
            under_way = overview.counts(connection, scope, _UNDER_WAY, MOST_COUNTED, kind)
            ended = kind_history.newest_ended(connection, scope, kind, MOST_TIMED)
            return KindNow(limit, workers, under_way, ended)
