"""How reports go, in figures: each from a bounded number of rows, by the index that lists have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.sql.selectable import LateralFromClause

from waybill.domain import Scope, Status
from waybill.store.statements._rows import ago, newest_first
from waybill.store.statements._wanted import all_kinds, given_values, of_scope
from waybill.store.statements.live_workers import LiveWorkers, live_workers
from waybill.store.tables import reports


@dataclass(frozen=True)
class StatusCount:
    """How many reports of a kind have a status, up to the limit; the oldest of them."""

    kind: str
    status: Status
    number: int
    oldest: datetime


@dataclass(frozen=True)
class EndedHour:
    """Reports of a kind that were requested within one hour, and have ended. `hours_ago`: 0 for the last."""

    kind: str
    hours_ago: int
    done: int
    failed: int
    cancelled: int = 0


@dataclass(frozen=True)
class Durations:
    """Of the newest reports of a kind that are done, in seconds: how long they ran, and waited before."""

    kind: str
    number: int
    median: float
    p95: float
    median_wait: float


@dataclass(frozen=True)
class FailureCount:
    """How many of the newest reports that failed did so with this type; the newest message."""

    kind: str
    type: str
    number: int
    message: str
    newest: datetime


@dataclass(frozen=True)
class Capacity:
    """Workers that are there now, and reports that run, of everybody; of these, up to the limit."""

    workers: LiveWorkers
    running: int


def counts(
    connection: Connection, scope: Scope, statuses: Sequence[Status], limit: int, kind: str | None = None
) -> list[StatusCount]:
    """At most `limit` of each kind and status are counted; of this kind only, where one is given."""
    return [
        StatusCount(row.kind, Status(row.status), row.number, row.oldest)
        for row in connection.execute(_counts(scope, tuple(statuses), limit, kind))
    ]


def kinds_with_reports(connection: Connection, scope: Scope) -> list[str]:
    return list(connection.scalars(_kinds_with_reports(scope)))


def ended_hours(connection: Connection, scope: Scope, hours: int, limit: int) -> list[EndedHour]:
    """Of the newest `limit` of each kind and status within these hours."""
    return [
        EndedHour(row.kind, max(0, int(row.hours_ago)), row.done, row.failed, row.cancelled)
        for row in connection.execute(_ended_hours(scope, hours, limit))
    ]


def durations(connection: Connection, scope: Scope, limit: int) -> list[Durations]:
    """Of the newest `limit` of each kind that are done."""
    return [
        Durations(row.kind, row.number, row.median, row.p95, row.median_wait)
        for row in connection.execute(_durations(scope, limit))
    ]


def failures(connection: Connection, scope: Scope, limit: int, within: timedelta) -> list[FailureCount]:
    """The most frequent first."""
    return [
        FailureCount(row.kind, row.type, row.number, row.messages[0] or "", row.newest)
        for row in connection.execute(_failures(scope, limit, within))
    ]


def capacity(connection: Connection, limit: int) -> Capacity:
    return Capacity(live_workers(connection), connection.scalar(_running(limit)) or 0)


# --- statements ---------------------------------------------------------------------------------------

SCOPES: Final = 256
"""The statements of the latest ones are kept: to build one takes longer than to run it."""


@lru_cache(SCOPES)
def _counts(scope: Scope, statuses: tuple[Status, ...], limit: int, kind: str | None) -> Select[Any]:
    kinds: FromClause = _kinds(scope) if kind is None else given_values("kind", [kind])
    given = given_values("status", statuses)
    found = (
        select(reports.c.created_at)
        .where(reports.c.kind == kinds.c.kind, reports.c.status == given.c.status, *of_scope(scope))
        .order_by(reports.c.created_at)
        .limit(limit)
        .lateral("found")
    )
    number, oldest = func.count().label("number"), func.min(found.c.created_at).label("oldest")
    return (
        select(kinds.c.kind, given.c.status, number, oldest)
        .select_from(kinds.join(given, true()).join(found, true()))
        .group_by(kinds.c.kind, given.c.status)
    )


@lru_cache(SCOPES)
def _kinds_with_reports(scope: Scope) -> Select[Any]:
    return select(_kinds(scope).c.kind)


@lru_cache(SCOPES)
def _ended_hours(scope: Scope, hours: int, limit: int) -> Select[Any]:
    ended = (Status.DONE, Status.FAIL, Status.CANCELLED)
    every, kinds, found = _newest(scope, ended, limit, timedelta(hours=hours))
    age = func.extract("epoch", func.statement_timestamp() - found.c.created_at)
    hour = func.floor(age / 3600).label("hours_ago")
    return (
        select(
            kinds.c.kind,
            hour,
            func.count().filter(found.c.status == Status.DONE).label("done"),
            func.count().filter(found.c.status == Status.FAIL).label("failed"),
            func.count().filter(found.c.status == Status.CANCELLED).label("cancelled"),
        )
        .select_from(every)
        .group_by(kinds.c.kind, hour)
    )


@lru_cache(SCOPES)
def _durations(scope: Scope, limit: int) -> Select[Any]:
    every, kinds, found = _newest(scope, (Status.DONE,), limit)
    ran = _seconds(found.c.finished_at - found.c.started_at)
    waited = _seconds(found.c.started_at - found.c.created_at)
    return (
        select(
            kinds.c.kind,
            func.count().label("number"),
            func.percentile_cont(0.5).within_group(ran).label("median"),
            func.percentile_cont(0.95).within_group(ran).label("p95"),
            func.percentile_cont(0.5).within_group(waited).label("median_wait"),
        )
        .select_from(every)
        .where(found.c.started_at.is_not(None))
        .group_by(kinds.c.kind)
    )


@lru_cache(SCOPES)
def _failures(scope: Scope, limit: int, within: timedelta) -> Select[Any]:
    every, kinds, found = _newest(scope, (Status.FAIL,), limit, within)
    of = func.coalesce(found.c.failure.op("->>")("type"), "")
    message = func.array_agg(
        literal_column("found.failure ->> 'message' ORDER BY found.created_at DESC", Text)
    )
    number = func.count().label("number")
    return (
        select(
            kinds.c.kind,
            of.label("type"),
            number,
            message.label("messages"),
            func.max(found.c.created_at).label("newest"),
        )
        .select_from(every)
        .group_by(kinds.c.kind, of)
        .order_by(number.desc())
        .limit(10)
    )


@lru_cache(1)
def _running(limit: int) -> Select[Any]:
    running = (
        select(literal(1)).where(reports.c.status == literal_column(f"'{Status.PROCESSING}'")).limit(limit)
    )
    return select(func.count()).select_from(running.subquery())


# --- parts --------------------------------------------------------------------------------------------


def _kinds(scope: Scope) -> FromClause:
    return all_kinds(of_scope(scope)).subquery("kinds")


def _newest(
    scope: Scope, statuses: Sequence[Status], limit: int, within: timedelta | None = None
) -> tuple[FromClause, FromClause, LateralFromClause]:
    """What to select from, every kind, and the newest of each kind and status, `limit` at most."""
    kinds, given = _kinds(scope), given_values("status", statuses)
    columns = (reports.c[name] for name in ("status", "created_at", "started_at", "finished_at", "failure"))
    of_each = (
        select(*columns)
        .where(reports.c.kind == kinds.c.kind, reports.c.status == given.c.status, *of_scope(scope))
        .order_by(*newest_first(reports))
        .limit(limit)
    )
    if within is not None:
        of_each = of_each.where(reports.c.created_at > ago(within))
    found = of_each.lateral("found")
    return kinds.join(given, true()).join(found, true()), kinds, found


def _seconds(interval: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.greatest(func.extract("epoch", interval), 0)
