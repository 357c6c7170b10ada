"""Lists of reports, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    FromClause,
    Select,
    Subquery,
    Text,
    cast,
    func,
    null,
    or_,
    select,
    true,
)

from waybill.domain import Status, time_in
from waybill.store.statements._rows import behind, newest_first, report_of
from waybill.store.statements._wanted import (
    ReportFilter,
    ReportPage,
    all_kinds,
    behind_place,
    given_values,
    in_time,
    of_scope,
)
from waybill.store.statements.searching import AS_INDEXED, search
from waybill.store.tables import reports

_LISTED = (
    *(column for column in reports.c if column.name not in ("attempt_trace", "source", "lease_owner")),
    null().label("attempt_trace"),
)
_MAX_PAGE_BYTES = 2 * 1024 * 1024


def page(connection: Connection, wanted: ReportFilter) -> ReportPage:
    """A page of reports, without what belongs to their attempts. It ends early where parameters are large:
    of what is answered, they alone have no other bound."""
    return _searched(connection, wanted) if wanted.searches else _newest(connection, wanted)


@dataclass(frozen=True)
class FoundIds:
    """Of the reports that fit, newest first; `place` is that of the last that was looked at, behind which
    there may be `more`."""

    ids: Sequence[UUID]
    place: tuple[datetime, UUID] | None
    more: bool


def found_ids(connection: Connection, wanted: ReportFilter) -> FoundIds:
    """The ids of those of a `page`, however large it is, and where it ends."""
    if wanted.searches:
        found = search(connection, wanted)
        return FoundIds(list(found.places), _place(connection, found.last), found.more)
    connection.exec_driver_sql(AS_INDEXED)
    newest = _newest_ids(wanted)
    ids: list[UUID] = list(connection.scalars(select(newest.c.id).order_by(*newest_first(newest))))
    shown = ids[: wanted.limit]
    return FoundIds(shown, _place(connection, shown[-1] if shown else None), len(ids) > len(shown))


def _place(connection: Connection, report_id: UUID | None) -> tuple[datetime, UUID] | None:
    if report_id is None:
        return None
    time = connection.scalar(select(reports.c.created_at).where(reports.c.id == report_id))
    return (time or time_in(report_id), report_id)


def _newest(connection: Connection, wanted: ReportFilter) -> ReportPage:
    newest = _newest_ids(wanted)
    rows = connection.execute(
        _page_of(select(*_LISTED).join(newest, newest.c.id == reports.c.id), wanted.limit)
    ).all()
    found = [report_of(row) for row in rows]
    return ReportPage(found, bool(rows) and rows[0].found > len(rows), found[-1].id if found else None)


def _searched(connection: Connection, wanted: ReportFilter) -> ReportPage:
    found = search(connection, wanted)
    ids = list(found.places)
    rows = connection.execute(_page_of(select(*_LISTED).where(reports.c.id.in_(ids)), wanted.limit)).all()
    shown = [report_of(row) for row in rows]
    if len(rows) < len(ids) and shown:
        return ReportPage(shown, more=True, last=shown[-1].id, searched=found.places[shown[-1].id])
    return ReportPage(shown, found.more, found.last, found.searched)


def _page_of(listed: Select[Any], limit: int) -> Select[Any]:
    """Those of `listed` that fit on a page, in order; `found` is the number of all."""
    found: FromClause = listed.subquery()
    size = func.octet_length(cast(found.c.parameters, Text))
    order = newest_first(found)
    placed = select(
        found,
        func.row_number().over(order_by=order).label("place"),
        func.sum(size).over(order_by=order).label("bytes_up_to_it"),
        func.count().over().label("found"),
    ).subquery()
    fits = or_(placed.c.place == 1, placed.c.bytes_up_to_it <= _MAX_PAGE_BYTES)
    return select(placed).where(fits, placed.c.place <= limit).order_by(placed.c.place)


def _newest_ids(wanted: ReportFilter) -> Subquery:
    """The ids of the reports of a page, and of one more. As many are read of each kind and each status, from
    the one index that all lists share, and the newest of these are taken: an index for each sort of list
    would be written at each change of a report."""
    theirs = of_scope(wanted.scope)
    kinds: FromClause = given_values("kind", wanted.kinds) if wanted.kinds else all_kinds(theirs).subquery()
    statuses = given_values("status", wanted.statuses or list(Status))
    of_each = select(reports.c.id, reports.c.created_at).where(
        reports.c.kind == kinds.c.kind,
        reports.c.status == statuses.c.status,
        *theirs,
        *in_time(wanted),
        *behind_place(wanted),
    )
    if wanted.before:
        of_each = of_each.where(behind(reports, wanted.before, wanted.scope))
    first = of_each.order_by(*newest_first(reports)).limit(wanted.limit + 1).lateral("first")
    every = select(first.c.id, first.c.created_at).select_from(
        kinds.join(statuses, true()).join(first, true())
    )
    return every.order_by(*newest_first(first)).limit(wanted.limit + 1).subquery()
