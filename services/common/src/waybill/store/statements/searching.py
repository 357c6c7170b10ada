"""Searches for reports by what no index leads to: a bounded number of the newest is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Label,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB

from waybill.domain import Status, time_in
from waybill.store.statements._rows import in_scope, newest_first
from waybill.store.statements._wanted import (
    ParameterValue,
    ReportFilter,
    all_kinds,
    behind_place,
    in_time,
    of_scope,
)
from waybill.store.tables import reports

MAX_SEARCHED: Final = 10_000
"""Reports that one search reads, besides those of the same time as the last of them."""

AS_INDEXED = "; ".join(
    [
        "SET LOCAL max_parallel_workers_per_gather = 0",
        *(f"SET LOCAL enable_{what} = off" for what in ("seqscan", "bitmapscan", "sort")),
    ]
)
"""Where most of a table is of one kind and status, reading and sorting all of it looks cheaper to the planner
than reading the newest."""
_WITH_ERRORS = (Status.INIT, Status.FAIL, Status.CANCELLED)
"""In the others an attempt runs, or none has failed."""


@dataclass(frozen=True)
class Found:
    """The reports that fit, newest first, each with its place among the `searched`; and whether there may be
    more, behind `last`."""

    places: Mapping[UUID, int]
    searched: int
    last: UUID | None
    more: bool


def search(connection: Connection, wanted: ReportFilter) -> Found:
    """Reads the newest of each kind and status, from the index that lists share, in their common order: each
    is a branch of its own, so that PostgreSQL merges them and reads no more than it needs."""
    connection.exec_driver_sql(AS_INDEXED)
    candidates = _candidates(connection, wanted)
    if candidates is None:
        return Found({}, 0, None, more=False)
    rows = connection.execute(_those_that_fit(candidates, wanted.limit)).all()
    total = rows[0].total if rows else 0
    fitting = {row.id: row.place for row in rows if row.fits}
    if len(fitting) > wanted.limit:
        shown = dict(list(fitting.items())[: wanted.limit])
        last, searched = list(shown.items())[-1]
        return Found(shown, searched, last, more=True)
    return Found(fitting, total, rows[-1].id if rows else None, more=total >= MAX_SEARCHED)


def _those_that_fit(candidates: Select[Any], limit: int) -> Select[Any]:
    """The first that fit, and one more; and the last candidate, where these are all."""
    newest = candidates.cte("newest").prefix_with("MATERIALIZED", dialect="postgresql")
    placed = select(
        newest.c.id,
        newest.c.fits,
        func.row_number().over(order_by=newest_first(newest)).label("place"),
        func.count().over().label("total"),
    ).subquery()
    is_last = placed.c.place == placed.c.total
    return select(placed).where(or_(placed.c.fits, is_last)).order_by(placed.c.place).limit(limit + 1)


def _candidates(connection: Connection, wanted: ReportFilter) -> Select[Any] | None:
    """The newest, and whether each fits; None where there are none."""
    theirs = of_scope(wanted.scope)
    kinds = sorted(set(wanted.kinds)) or list(connection.scalars(all_kinds(theirs)))
    statuses = [
        status
        for status in Status
        if status in (wanted.statuses or Status) and (wanted.error is None or status in _WITH_ERRORS)
    ]
    conditions = [*theirs, *in_time(wanted), *_behind(connection, wanted), *behind_place(wanted)]
    fits = _fits(wanted)
    branches = [
        select(reports.c.id, reports.c.created_at, fits)
        .where(reports.c.kind == kind, reports.c.status == status, *conditions)
        .order_by(reports.c.created_at.desc())
        for kind in kinds
        for status in statuses
    ]
    if not branches:
        return None
    every = union_all(*branches).subquery("every")
    return select(every).order_by(every.c.created_at.desc()).fetch(MAX_SEARCHED, with_ties=True)


def _behind(connection: Connection, wanted: ReportFilter) -> list[ColumnElement[bool]]:
    """As `behind` has it, with the cursor's time looked up once for all branches."""
    if wanted.before is None:
        return []
    where = (reports.c.id == wanted.before, *in_scope(reports, wanted.scope))
    time: datetime = connection.scalar(select(reports.c.created_at).where(*where)) or time_in(wanted.before)
    place = tuple_(literal(time, reports.c.created_at.type), literal(wanted.before))
    return [tuple_(reports.c.created_at, reports.c.id) < place]


def _fits(wanted: ReportFilter) -> Label[bool]:
    found = [_has(name, value) for name, value in wanted.parameters.items()]
    if wanted.owner is not None:
        found.append(reports.c.owner == wanted.owner)
    if wanted.tag is not None:
        found.append(reports.c.tags.contains([wanted.tag]))
    if wanted.error is not None:
        found.append(reports.c.failure["message"].astext.icontains(wanted.error, autoescape=True))
    return func.coalesce(and_(*found), False).label("fits")


def _has(name: str, value: ParameterValue) -> ColumnElement[bool]:
    parameter = reports.c.parameters[name]
    is_text: ColumnElement[bool] = parameter.astext == value.text
    if value.json is None:
        return is_text
    return or_(is_text, parameter == cast(literal(value.json, Text), JSONB))
