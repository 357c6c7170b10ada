"""Rows to the domain's objects and back."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Row, Table, func, literal, select, tuple_

from waybill.domain import (
    AttemptTrace,
    Carrier,
    Failure,
    Origin,
    Owner,
    Progress,
    Report,
    Scope,
    Status,
    time_in,
)
from waybill.store.statements import artefacts
from waybill.store.tables import reports

_FOR_KIND_FROM_YEAR = 9000


def from_now(duration: timedelta) -> ColumnElement[Any]:
    """The database's time after `duration`."""
    return func.clock_timestamp() + literal(duration)


def ago(duration: timedelta) -> ColumnElement[Any]:
    """The database's time before `duration`, when the statement began: a time that moves on in the middle of
    a statement is no condition of an index."""
    return func.statement_timestamp() - literal(duration)


def newest_first(table: FromClause) -> tuple[ColumnElement[Any], ...]:
    """By the database's time: ids have that of the host that made them, whose clock may be wrong."""
    return table.c.created_at.desc(), table.c.id.desc()


def behind(table: Table, cursor: UUID, scope: Scope) -> ColumnElement[bool]:
    """Those behind the row `cursor` in this order; of one that was removed, or is of another, the time in its
    id counts."""
    rows = table.alias()
    time = select(rows.c.created_at).where(rows.c.id == cursor, *in_scope(rows, scope)).scalar_subquery()
    place = tuple_(func.coalesce(time, literal(time_in(cursor), table.c.created_at.type)), literal(cursor))
    return tuple_(table.c.created_at, table.c.id) < place


def in_scope(table: FromClause, scope: Scope) -> list[ColumnElement[bool]]:
    """Conditions: the rows of those whom `scope` means."""
    found = []
    if scope.tenant is not None:
        found.append(table.c.tenant == scope.tenant)
    if scope.owner is not None:
        found.append(table.c.owner == scope.owner)
    return found


def carrier_from(traceparent: str | None, tracestate: str | None) -> Carrier | None:
    return Carrier(traceparent, tracestate) if traceparent else None


def carrier_of(row: Row[Any]) -> Carrier | None:
    return carrier_from(row.traceparent, row.tracestate)


def carrier_columns(carrier: Carrier | None) -> dict[str, str | None]:
    return {
        "traceparent": carrier.traceparent if carrier else None,
        "tracestate": carrier.tracestate if carrier else None,
    }


REPORT_COLUMNS = tuple(column.name for column in reports.c)


def report_of(row: Row[Any]) -> Report:
    """A row of `reports`."""
    return report_from(cast("Mapping[str, Any]", row._mapping))


def report_from(columns: Mapping[str, Any]) -> Report:
    """By the names of the columns, each field of `Report` is the one of its name, but for those that
    `_CONVERTED` names."""
    plain = {name: columns[name] for name in _PLAIN}
    return Report(**plain, **{name: convert(columns) for name, convert in _CONVERTED.items()})


def _attempt_trace(stored: dict[str, Any] | None) -> AttemptTrace | None:
    if stored is None:
        return None
    parent = stored["parent"]
    return AttemptTrace(
        origin=Origin(**stored["origin"]),
        parent=Carrier(**parent) if parent else None,
        report_consumer=Carrier(**stored["report_consumer"]),
        report_consumer_start=stored["report_consumer_start"],
        queue_time_ms=stored.get("queue_time_ms", 0),
        handle_report=Carrier(**stored["handle_report"]),
        handle_report_start=stored["handle_report_start"],
        attempt=stored.get("attempt"),
        client_id=stored.get("client_id", ""),
        group=stored.get("group", ""),
        bootstrap_servers=stored.get("bootstrap_servers", ""),
        published_at=stored.get("published_at", 0),
        read_at=stored.get("read_at", 0),
    )


def _awaits_kind(row: Mapping[str, Any]) -> bool:
    not_before: datetime | None = row["not_before"]
    return not_before is not None and not_before.year >= _FOR_KIND_FROM_YEAR


_CONVERTED: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "status": lambda row: Status(row["status"]),
    "progress": lambda row: Progress(**row["progress"]) if row["progress"] else None,
    "failure": lambda row: Failure(**row["failure"]) if row["failure"] else None,
    "artefact": lambda row: next(iter(artefacts.stored(row)), None),
    "artefacts": artefacts.stored,
    "carrier": lambda row: carrier_from(row["traceparent"], row["tracestate"]),
    "cancel_requested": lambda row: row["cancel_requested_at"] is not None,
    "timeout": lambda row: (
        None if row["timeout_seconds"] is None else timedelta(seconds=row["timeout_seconds"])
    ),
    "attempt_trace": lambda row: _attempt_trace(row["attempt_trace"]),
    "owner": lambda row: Owner(row["tenant"], row["owner"]),
    # of one that waits for its kind, `not_before` is no time: see `AWAITS_KIND`
    "not_before": lambda row: None if _awaits_kind(row) else row["not_before"],
    "has_step_results": lambda row: row.get("has_step_results", False),
    "awaits_kind": lambda row: row["status"] == Status.INIT and _awaits_kind(row),
}
_PLAIN = tuple(field.name for field in fields(Report) if field.name not in _CONVERTED)
